//! The `netsession` program.
fn main() {}
