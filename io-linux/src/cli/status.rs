//! How the program ends: its exit statuses, in one place, and what it says when it cannot go on.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// An exit status. The numbers follow `sysexits.h` and the shell; [`TABLE`] documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(u8);

/// The documented statuses, as every `--help` shows them.
pub(crate) const TABLE: &str = "\
Exit status:
  0         done; also when whoever read the output went away
  1         replay: the outputs differ from the recorded ones; demo, sim: the story went wrong
  2         wrong usage, or a trace that cannot be read
  69        the session could not be opened; the reason is on standard error
  71        the kernel refused what the driver needs to run
  74        the output or the trace could not be written; the rest was done
  77        demo: namespaces are not allowed here; the simulator was shown instead
  78        the configuration file is wrong, cannot be read, or does not fit this machine (config check)
  126, 127  run: CMD cannot be executed, was not found
  128+n     ended by signal n before it was done
  run otherwise ends with the exit status of CMD";

impl Status {
    /// Done.
    pub(crate) const DONE: Self = Self(0);
    /// A replay found a difference, or a demonstration did not go as it should.
    pub(crate) const DIFFERENT: Self = Self(1);
    /// The command line or a trace makes no sense.
    pub(crate) const USAGE: Self = Self(2);
    /// `EX_UNAVAILABLE`: the session could not be opened.
    pub(crate) const NOT_OPENED: Self = Self(69);
    /// `EX_OSERR`: the kernel refused what the driver needs.
    pub(crate) const SYSTEM: Self = Self(71);
    /// `EX_IOERR`: something could not be written.
    pub(crate) const NOT_WRITTEN: Self = Self(74);
    /// `EX_NOPERM`: no permission to make namespaces.
    pub(crate) const NOT_PERMITTED: Self = Self(77);
    /// `EX_CONFIG`: the configuration file is wrong, cannot be read, or does not fit this machine.
    pub(crate) const CONFIGURATION: Self = Self(78);
    /// As a shell says it: the command cannot be executed.
    pub(crate) const NOT_EXECUTABLE: Self = Self(126);
    /// As a shell says it: there is no such command.
    pub(crate) const NOT_FOUND: Self = Self(127);

    /// The status of another program, passed on.
    pub(crate) fn of_command(code: i32) -> Self {
        // A process can only end with 0 to 255.
        Self(u8::try_from(code).unwrap_or(u8::MAX))
    }

    /// Ended by a signal, as a shell says it.
    pub(crate) fn by_signal(number: i32) -> Self {
        Self(u8::try_from(number.saturating_add(128)).unwrap_or(u8::MAX))
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.0)
    }
}

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the user.
    Told {
        /// How the program ends.
        status: Status,
        /// What failed, on what, why, and what to do.
        message: String,
    },
    /// Nobody reads the output any more: no failure to tell, only an end.
    OutputClosed,
}

impl Failure {
    /// A failure with a message for the user.
    pub(crate) fn new(status: Status, message: impl fmt::Display) -> Self {
        Self::Told { status, message: message.to_string() }
    }

    /// What an error from writing the output means.
    pub(crate) fn writing(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::OutputClosed;
        }
        Self::new(Status::NOT_WRITTEN, format_args!("cannot write to standard output: {error}"))
    }
}
