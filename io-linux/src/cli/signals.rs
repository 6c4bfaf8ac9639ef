//! Signals as something to wait for: each one that arrives becomes two bytes in a pipe.
//!
//! No thread, and nothing happens in a handler but one `write`. What was ignored when the program started
//! stays so: a hangup (`nohup`), and for a program in the background of a script the keys of the terminal,
//! though not what a process sends to just this one. Only SIGCHLD is always heard: it tells of the end of
//! a command.
#![allow(unsafe_code)] // The only way to see who sent a signal is a handler of one's own.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

pub(crate) use rustix::process::Signal;

/// Signals that end the program, or the command that it runs.
pub(crate) const ENDING: &[Signal] = &[Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT];

/// A signal that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// Its number.
    pub(crate) number: i32,
    /// Whether the kernel sent it: a key on the terminal, which the whole foreground group got, or
    /// a change of its size. Otherwise another process did, to this one.
    pub(crate) by_kernel: bool,
}

impl Arrived {
    /// Whether it is that signal.
    pub(crate) fn is(self, signal: Signal) -> bool {
        self.number == signal.as_raw()
    }

    /// Whether it asks the program to end.
    pub(crate) fn ends(self) -> bool {
        ENDING.iter().any(|signal| self.is(*signal))
    }
}

/// Where signals arrive.
pub(crate) struct Signals {
    read: UnixStream,
}

impl Signals {
    /// Catches these signals from now on, for as long as the program runs.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn catch(signals: &[Signal]) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        let ignored = ignored_signals();
        // Its command inherits what is ignored, and nothing that is caught.
        let runs_a_command = signals.contains(&Signal::CHILD);
        for signal in signals {
            let number = signal.as_raw();
            let was_ignored = ignored >> number.saturating_sub(1) & 1 == 1 && *signal != Signal::CHILD;
            if was_ignored && (runs_a_command || *signal == Signal::HUP) {
                continue;
            }
            let (write, byte) = (write.try_clone()?, u8::try_from(number).unwrap_or(0));
            // SAFETY: the action makes one `write` system call and touches no lock and no memory of others.
            unsafe {
                signal_hook_registry::register_sigaction(number, move |info| {
                    let by_kernel = info.si_code > 0;
                    if !(was_ignored && by_kernel) {
                        // A full pipe means that plenty are waiting.
                        let _ = rustix::io::write(&write, &[byte, u8::from(by_kernel)]);
                    }
                })?;
            }
        }
        Ok(Self { read })
    }

    /// The next signal that arrived and was not looked at.
    pub(crate) fn next(&self) -> Option<Arrived> {
        let mut bytes = [0; 2];
        (&self.read).read_exact(&mut bytes).ok()?;
        let [number, by_kernel] = bytes;
        Some(Arrived { number: i32::from(number), by_kernel: by_kernel == 1 })
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.read.as_fd()
    }
}

/// The signals that whoever started the program wanted ignored, as bits; none if the kernel does not say.
fn ignored_signals() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
