//! The commands of the program, a module each.
//!
//! Each says on standard output what it does, and answers whether all was well; an error is what kept it
//! from finding out.

mod compare;
mod reproduce;
mod search;
mod soak;

use std::io;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Walks the named small worlds to the end, with all checks
    Search(search::Arguments),
    /// Runs random worlds under random trouble, one seed after another
    Soak(soak::Arguments),
    /// Runs one scenario from a file of bytes, as a soak or a fuzzer has written it
    Reproduce(reproduce::Arguments),
    /// Tells the core and the reference model the same, in small worlds to the end and then at random
    Compare(compare::Arguments),
}

impl Command {
    pub(crate) fn run(self) -> io::Result<bool> {
        match self {
            Self::Search(arguments) => search::run(&arguments),
            Self::Soak(arguments) => soak::run(&arguments),
            Self::Reproduce(arguments) => reproduce::run(&arguments),
            Self::Compare(arguments) => compare::run(&arguments),
        }
    }
}
