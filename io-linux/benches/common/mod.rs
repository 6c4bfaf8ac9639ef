//! What all benches of links need.

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::time::{ClockId, clock_gettime};

pub(crate) type Fallible<T> = Result<T, Box<dyn Error>>;

/// CLOCK_MONOTONIC, in nanoseconds, as all sides have it.
pub(crate) fn now() -> i64 {
    let at = clock_gettime(ClockId::Monotonic);
    at.tv_sec * 1_000_000_000 + at.tv_nsec
}

/// Has `ip` do these things, which are no part of what is measured.
pub(crate) fn ip(commands: &str) -> Fallible<()> {
    let mut ip = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    ip.stdin.take().ok_or("no input")?.write_all(commands.as_bytes())?;
    ip.wait()?.success().then_some(()).ok_or_else(|| "ip could not do it".into())
}
