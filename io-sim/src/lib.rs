//! A seeded, deterministic platform for `netsession-core`.
#![forbid(unsafe_code)]
