//! Handles and numbers: opaque, never reused, safe to keep for ever.

use core::fmt;

/// A session. It names one session for ever: after the session is gone every use of it is refused as
/// [`Refused::UnknownSession`](crate::Refused::UnknownSession).
///
/// Prints as `s3v1`: slot 3, used for the second time. In a trace it is written as its
/// [`number`](Self::number); one that is read from a trace knows its number only and must be replaced by
/// the handle that the core gave ([`Input::session_mut`](crate::Input::session_mut)).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    // First, so that handles sort in the order in which sessions were made.
    pub(crate) number: u64,
    pub(crate) slot: u32,
    pub(crate) version: u32,
}

impl SessionId {
    /// 1 for the first session that a manager made, 2 for the second, and so on.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// A handle that names no session of any manager, with a number: what reading a trace yields.
    #[must_use]
    pub const fn unresolved(number: u64) -> Self {
        Self { number, slot: u32::MAX, version: u32::MAX }
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.slot == u32::MAX {
            return write!(f, "session {}", self.number);
        }
        write!(f, "s{}v{}", self.slot, self.version)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SessionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SessionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::unresolved)
    }
}

/// A configuration, from its `add` to its `remove`. A configuration that is added again under the same
/// identifier is another one (R-REG-2). Prints as `c3v1`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigurationId {
    // First, so that handles sort in insertion order.
    pub(crate) number: u64,
    pub(crate) slot: u32,
    pub(crate) version: u32,
}

impl fmt::Debug for ConfigurationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigurationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}v{}", self.slot, self.version)
    }
}

/// A number that the core gives out once, counting from 1.
macro_rules! number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// A request to the platform: what an answer refers to.
    OperationId
}

number! {
    /// A call of `update_configurations`: what its `UpdateCompleted` refers to.
    UpdateToken
}
