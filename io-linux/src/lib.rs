//! Sessions on the network interfaces of a Linux machine.

pub mod replay;
pub mod trace;
