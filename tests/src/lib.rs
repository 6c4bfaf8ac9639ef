//! What the tests share.

pub mod checks;
pub mod search;
pub mod soak;
