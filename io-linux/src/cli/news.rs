//! Telling a command that the session it runs in has moved: by a line on a descriptor, and by a signal.

use std::io::{self, ErrorKind, PipeWriter, Write, pipe};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Child, Command};

use netsession_core::{Identifier, Interface};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd, ioctl_fionbio};
use rustix::process::{Pid, Signal, kill_process};

use super::arguments::RunArguments;
use super::complain;
use super::status::{Failure, Status};

/// How a command is told.
pub(crate) struct News {
    signal: Option<Signal>,
    line: Option<Line>,
}

/// A pipe to the command.
struct Line {
    writer: PipeWriter,
    /// The command's end, until it has it.
    reader: Option<OwnedFd>,
    number: i32,
}

impl News {
    /// As the command line wants it. Before anything else is opened, so that the descriptor is still free.
    ///
    /// # Errors
    /// The descriptor is in use.
    pub(crate) fn prepare(arguments: &RunArguments) -> Result<Self, Failure> {
        let line = arguments.roam_fd.map(Line::prepare).transpose()?;
        Ok(Self { signal: arguments.roam_signal, line })
    }

    /// Tells the command, before it starts, where it will be told.
    pub(crate) fn announce(&self, command: &mut Command) {
        if let Some(line) = &self.line {
            command.env("NETSESSION_ROAM_FD", line.number.to_string());
        }
    }

    /// The command has started and has its end of the pipe.
    pub(crate) fn has_started(&mut self) {
        if let Some(line) = &mut self.line {
            line.reader = None;
        }
    }

    /// Tells the command where the session is now.
    pub(crate) fn tell(&mut self, child: &Child, interface: &Interface, configuration: &Identifier) {
        if let Some(line) = &mut self.line {
            let text = format!("{} {} {configuration}\n", interface.name, interface.index);
            if let Err(error) = line.writer.write_all(text.as_bytes()) {
                let why = if error.kind() == ErrorKind::WouldBlock {
                    "it does not read; a line was left out".to_owned()
                } else {
                    error.to_string()
                };
                complain(&format!("cannot tell the command on its descriptor {}: {why}", line.number));
            }
        }
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let (Some(signal), Some(pid)) = (self.signal, pid) {
            // Not reaped yet, so the number is still the command's; one that ended needs no signal.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Line {
    fn prepare(number: i32) -> Result<Self, Failure> {
        let failed = |error: io::Error| {
            Failure::new(Status::SYSTEM, format_args!("cannot make the descriptor {number}: {error}"))
        };
        let (reader, writer) = pipe().map_err(failed)?;
        let (reader, mut writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
        if writer.as_raw_fd() == number {
            writer = fcntl_dupfd_cloexec(&writer, number + 1).map_err(|error| failed(error.into()))?;
        }
        // The lowest free one from there on, so this very one if it is free.
        let reader = if reader.as_raw_fd() == number {
            reader
        } else {
            fcntl_dupfd_cloexec(&reader, number).map_err(|error| failed(error.into()))?
        };
        if reader.as_raw_fd() != number {
            let message = format!("--roam-fd {number}: this descriptor is in use already; name another");
            return Err(Failure::new(Status::USAGE, message));
        }
        // A command that does not read must not hold up everything else.
        ioctl_fionbio(&writer, true).map_err(|error| failed(error.into()))?;
        // The only process that is started from here on is the command.
        fcntl_setfd(&reader, FdFlags::empty()).map_err(|error| failed(error.into()))?;
        Ok(Self { writer: writer.into(), reader: Some(reader), number })
    }
}
