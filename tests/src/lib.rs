//! What the tests share.

pub mod soak;
