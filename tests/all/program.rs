//! The program `netsession`, as people and scripts use it: built, run, and judged by what it prints and how
//! it ends.

mod bad_input;
mod browser;
mod configuration;
mod demonstration;
mod diagram;
mod help;
mod holding;
mod page;
mod roaming;
mod service;
pub(crate) mod support;
mod watching;
