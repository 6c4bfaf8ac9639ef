//! Answers to an input: what it made, or why it was refused.

use alloc::string::String;

use crate::{ConfigurationType, Identifier, SessionId, UpdateToken};

/// What an input that was not refused made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the answers of the contract")]
pub enum Accepted {
    /// Nothing that has a handle.
    Done,
    /// A session.
    Session(SessionId),
    /// A request to update the configurations.
    Update(UpdateToken),
}

/// Why an input was refused. A refused input changed nothing; time has passed all the same (R-GEN-2),
/// except for [`OutputsFull`](Self::OutputsFull), which leaves the machine untouched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The handle names no session, or one that was dropped.
    #[error("{0} is not a session of this manager, or was dropped")]
    UnknownSession(SessionId),
    /// No configuration has this identifier.
    #[error("there is no configuration {0:?}")]
    UnknownConfiguration(Identifier),
    /// The identifier is taken, or stands twice in a list.
    #[error("the identifier {0:?} is already in use, or named twice; identifiers are unique")]
    DuplicateIdentifier(Identifier),
    /// An identifier has no characters.
    #[error("an identifier cannot be empty")]
    EmptyIdentifier,
    /// The configuration is of another type than this needs.
    #[error("{id:?} is of type {found}, which this cannot be used on")]
    WrongType {
        /// The configuration.
        id: Identifier,
        /// What it is.
        found: ConfigurationType,
    },
    /// The value is not of the type that the property has.
    #[error("the property {key} takes {wants}")]
    WrongValue {
        /// The property.
        key: String,
        /// What it takes.
        wants: &'static str,
    },
    /// The property cannot be written.
    #[error("the property {0} cannot be written on this session")]
    ReadOnly(String),
    /// The member is not usable now.
    #[error("{0:?} cannot be used now")]
    NotUsable(Identifier),
    /// The session is in no step of roaming that this answers.
    #[error("the session is in no step of roaming that this answers")]
    NotRoaming,
    /// A limit would be passed.
    #[error("too many or too large: {0}")]
    TooMany(&'static str),
    /// The constants can be set by the very first input only.
    #[error("the configuration of the manager can be set by the first input only")]
    ConfigNotFirst,
    /// The outputs must be drained first. The input was not looked at; give it again.
    #[error("too many outputs are waiting; drain them and give the input again")]
    OutputsFull,
}

impl Refused {
    /// The word that the trace uses.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::UnknownSession(_) => "unknown_session",
            Self::UnknownConfiguration(_) => "unknown_configuration",
            Self::DuplicateIdentifier(_) => "duplicate_identifier",
            Self::EmptyIdentifier => "empty_identifier",
            Self::WrongType { .. } | Self::WrongValue { .. } => "wrong_type",
            Self::ReadOnly(_) => "read_only",
            Self::NotUsable(_) => "not_usable",
            Self::NotRoaming => "not_roaming",
            Self::TooMany(_) => "too_many",
            Self::ConfigNotFirst => "config_not_first",
            Self::OutputsFull => "outputs_full",
        }
    }
}
