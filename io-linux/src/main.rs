//! The `netsession` program: what the library does, for people and for scripts.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
