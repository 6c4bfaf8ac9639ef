//! What the fuzz targets run: each a function of bytes that panics where a rule is broken.

mod link_table;
mod trace;

use crate::soak;

pub use self::link_table::link_table;
pub use self::trace::trace;

/// The manager in a random world: the bytes are the scenario (see [`soak::run`]).
///
/// # Panics
/// If a rule is broken.
#[expect(clippy::panic, reason = "how a fuzzer is told")]
pub fn manager(bytes: &[u8]) {
    if let Err(violation) = soak::run(bytes) {
        panic!("{violation}");
    }
}
