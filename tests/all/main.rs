//! All integration tests.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod style;
#[cfg(test)]
mod transcripts;
