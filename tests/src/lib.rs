//! What the tests share.

pub mod checks;
pub mod compare;
pub mod fuzz;
pub mod model;
pub mod search;
pub mod soak;
