//! A command of the user's that decides a trial: `--check`.
//!
//! It runs beside everything else, in a process group of its own, and never outlives the trial.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use netsession_core::{Identifier, Interface};
use rustix::process::{Pid, Signal, kill_process_group};

/// A check that runs. Dropping it kills it, with all that it started in its group.
pub(crate) struct Check(Child);

/// What is to be checked.
pub(crate) struct Subject<'a> {
    /// What the session was made on.
    pub(crate) configuration: &'a Identifier,
    /// The member on trial.
    pub(crate) candidate: &'a Identifier,
    /// Its interface.
    pub(crate) interface: Option<&'a Interface>,
    /// What it lacks, for people.
    pub(crate) lacks: &'a str,
}

impl Check {
    /// Starts a shell command that finds in its environment what it is to check. It is not bound to the candidate:
    /// it has to bind its own sockets.
    ///
    /// # Errors
    /// The shell cannot be started.
    pub(crate) fn start(command: &str, subject: &Subject<'_>) -> io::Result<Self> {
        let name = subject.interface.map_or("", |interface| interface.name.as_str());
        let index = subject.interface.map(|interface| interface.index.to_string()).unwrap_or_default();
        let addresses = subject.interface.iter().flat_map(|interface| &interface.addresses);
        let addresses: Vec<String> = addresses.map(|address| address.address.to_string()).collect();
        // Standard input is for answers, and standard output may be JSON.
        let output = io::stderr().as_fd().try_clone_to_owned()?;
        let child = Command::new("sh")
            .args(["-c", command])
            .env("NETSESSION_CONFIGURATION", subject.configuration.as_str())
            .env("NETSESSION_CANDIDATE", subject.candidate.as_str())
            .env("NETSESSION_INTERFACE", name)
            .env("NETSESSION_INTERFACE_INDEX", index)
            .env("NETSESSION_ADDRESSES", addresses.join(" "))
            .env("NETSESSION_LACKS", subject.lacks)
            .stdin(Stdio::null())
            .stdout(output)
            .process_group(0)
            .spawn()?;
        Ok(Self(child))
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
                // Not reaped yet, so the number is still the group's.
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.0.wait();
        }
    }
}
