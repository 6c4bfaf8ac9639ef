//! What the observers have in common: a line per notice, with the time at which it arrived.

use std::fmt::Display;

/// The links that the bench changes, by the numbers and names that it gives them.
pub const NEAR: u32 = 100;
pub const EXTRA: u32 = 300;

/// CLOCK_MONOTONIC, in nanoseconds.
pub fn now() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Everything is known, changes may come.
pub fn ready() {
    println!("ready");
}

pub fn tell(at: i64, what: impl Display) {
    println!("{at} {what}");
}
