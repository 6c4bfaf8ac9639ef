//! What is too long for the ordinary test run: `cargo run -p netsession-tests --release -- --help`.

mod commands;

use std::process::ExitCode;

use clap::Parser;

/// Long runs of the tests of netsession.
#[derive(Debug, Parser)]
#[command(name = "netsession-tests", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
