//! Properties of a session: the documented keys, and the application's own (R-PROP-1 … R-PROP-5).

use alloc::string::String;

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(untagged))]
#[non_exhaustive]
pub enum PropertyValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

/// The access point in use while the session is open, else empty. Read only.
pub const ACTIVE_CONFIGURATION: &str = "ActiveConfiguration";
/// What an open session on a user choice resolved to, else empty. Read only.
pub const USER_CHOICE_CONFIGURATION: &str = "UserChoiceConfiguration";
/// Whether a user choice is opened without asking.
pub const CONNECT_IN_BACKGROUND: &str = "ConnectInBackground";
/// Milliseconds after which the session closes by itself.
pub const AUTO_CLOSE_SESSION_TIMEOUT: &str = "AutoCloseSessionTimeout";
