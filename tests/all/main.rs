//! All integration tests.

#[cfg(test)]
mod style;
