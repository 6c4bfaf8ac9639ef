//! Sessions on the network interfaces of a Linux machine.

pub mod explain;
pub mod replay;
pub mod trace;
