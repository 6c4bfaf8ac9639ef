//! `reproduce`: one scenario, from a file of bytes.

use std::path::PathBuf;
use std::{fs, io};

use netsession_tests::soak;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The bytes
    file: PathBuf,
    /// Where to write the trace, for `netsession replay`
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<bool> {
    let bytes = fs::read(&arguments.file)?;
    let result = soak::run(&bytes);
    let (said, trace) = match &result {
        Ok(world) => (world.log(), soak::trace(world.records())),
        Err(violation) => (violation.to_string(), violation.trace.clone()),
    };
    println!("{said}");
    if let Some(path) = &arguments.trace {
        fs::write(path, trace)?;
    }
    if let Err(violation) = &result {
        println!("broken after {} actions: {}", violation.after, violation.what);
    }
    Ok(result.is_ok())
}
