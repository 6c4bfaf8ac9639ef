//! What the tests share.

pub mod checks;
pub mod compare;
pub mod model;
pub mod search;
pub mod soak;
