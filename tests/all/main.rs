//! All integration tests.

#[cfg(test)]
mod canonical;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod corners;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod embedding;
#[cfg(test)]
mod explore;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod kernel;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod model;
#[cfg(test)]
mod program;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod roaming;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod soak;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod style;
#[cfg(test)]
mod transcripts;
#[cfg(test)]
mod values;
#[cfg(test)]
mod vocabulary;
