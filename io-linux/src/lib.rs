//! Sessions on the network interfaces of a Linux machine.

pub mod trace;
