//! What the tests share.

pub mod checks;
pub mod soak;
