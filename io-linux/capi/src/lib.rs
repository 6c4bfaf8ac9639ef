//! The library for C: `libnetsession`, with the header `include/netsession.h`, which is written from this crate.
//!
//! Handles are numbers that are never used twice, in the clothes of pointers, and are looked up in a table of the
//! calling thread. So a handle that was freed, was made by another thread, or never was one is an error code like
//! any other mistake. What cannot be checked is only whether a pointer to memory leads to such memory.
//!
//! | module | room for |
//! |---|---|
//! | `border` | everything `unsafe`: texts and memory of the caller; and the wall that no panic gets over |
//! | `result` | the codes that functions return, and the words of the last error |
//! | `table` | which handles there are in this thread |
//! | `words` | the enums of the contract, as C has them |
//! | `builder`, `driver`, `session`, `event` | the functions |
#![allow(clippy::exhaustive_enums, reason = "C has no word for an enum that may grow")]

pub mod border;
pub mod builder;
pub mod driver;
pub mod event;
pub mod result;
pub mod session;
mod table;
pub mod words;

#[cfg(test)]
mod tests;
