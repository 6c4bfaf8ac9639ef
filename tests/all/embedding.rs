//! The driver inside other programs: a C program over the C library, and the examples, each run as it is.

mod built;
mod c;
mod examples;
