//! Names of configurations: short text that is copied without allocating.
//!
//! Identifiers stand in every fact and in many outputs. Up to [`Identifier::INLINE`] bytes live in the
//! value itself, so that an event costs no allocation for the names that occur (interface names, MAC
//! addresses, bus paths); longer ones are boxed.

use alloc::boxed::Box;
use core::borrow::Borrow;
use core::fmt;
use core::ops::Deref;

/// The name by which a configuration is known: any text; the registry wants it non-empty and unique
/// (R-REG-1).
///
/// ```
/// use netsession_core::Identifier;
///
/// let id = Identifier::from("eth0");
/// assert_eq!(id, "eth0");
/// assert!(id < Identifier::from("wlan0"));
/// ```
#[derive(Clone)]
pub struct Identifier(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; Identifier::INLINE] },
    Heap(Box<str>),
}

impl Identifier {
    /// Text of up to this many bytes is kept without an allocation.
    pub const INLINE: usize = 22;

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Made from a whole `str`, so it is valid and the default is never taken.
            Repr::Inline { len, bytes } => {
                bytes.get(..usize::from(*len)).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or("")
            }
            Repr::Heap(text) => text,
        }
    }

    /// The bytes of the text, which have its order, and need not be looked at to be text again.
    fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Repr::Heap(text) => text.as_bytes(),
        }
    }
}

impl From<&str> for Identifier {
    fn from(text: &str) -> Self {
        let mut bytes = [0; Self::INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Heap(text.into())),
        }
    }
}

impl From<alloc::string::String> for Identifier {
    fn from(text: alloc::string::String) -> Self {
        Self::from(text.as_str())
    }
}

impl Default for Identifier {
    fn default() -> Self {
        Self::from("")
    }
}

impl Deref for Identifier {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Identifier {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Identifier {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Identifier {}

impl PartialEq<str> for Identifier {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Identifier {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Identifier {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identifier {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl core::hash::Hash for Identifier {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Identifier {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Identifier {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        alloc::string::String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn every_length_reads_back() {
        for len in [0, 1, 21, 22, 23, 300] {
            let text: String =
                core::iter::repeat_n('é', len / 2).chain(core::iter::repeat_n('x', len % 2)).collect();
            assert_eq!(Identifier::from(text.as_str()).as_str(), text);
        }
    }

    #[test]
    fn is_no_larger_than_a_string() {
        assert_eq!(size_of::<Identifier>(), size_of::<String>());
    }
}
