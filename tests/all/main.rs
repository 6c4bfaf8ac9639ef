//! All integration tests.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod style;
