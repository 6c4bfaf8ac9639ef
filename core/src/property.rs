//! Properties of a session: the documented keys, and the application's own (R-PROP-1 … R-PROP-5).

use alloc::string::{String, ToString};

use crate::session::Session;
use crate::{ConfigurationType, Manager, Refused, SessionId};

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum PropertyValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
}

// Written out: an untagged derive would say of a wrong value neither what it is nor what was expected.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PropertyValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = PropertyValue;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("true, false, a whole number of 64 bits, or text")
            }

            fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<PropertyValue, E> {
                Ok(PropertyValue::Bool(value))
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<PropertyValue, E> {
                Ok(PropertyValue::Integer(value))
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<PropertyValue, E> {
                let too_large = |_| E::invalid_value(serde::de::Unexpected::Unsigned(value), &self);
                i64::try_from(value).map(PropertyValue::Integer).map_err(too_large)
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<PropertyValue, E> {
                Ok(PropertyValue::Text(value.into()))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

/// The access point in use while the session is open, else empty. Read only.
pub const ACTIVE_CONFIGURATION: &str = "ActiveConfiguration";
/// What an open session on a user choice resolved to, else empty. Read only.
pub const USER_CHOICE_CONFIGURATION: &str = "UserChoiceConfiguration";
/// Whether a user choice is opened without asking.
pub const CONNECT_IN_BACKGROUND: &str = "ConnectInBackground";
/// Milliseconds after which the session closes by itself.
pub const AUTO_CLOSE_SESSION_TIMEOUT: &str = "AutoCloseSessionTimeout";

/// Properties of its own that one session may keep, and how large they may be, in bytes.
const KEYS: usize = 64;
const KEY_LENGTH: usize = 256;
const TEXT_LENGTH: usize = 4_096;

impl Manager {
    pub(crate) fn set_property(
        &mut self,
        id: SessionId,
        key: String,
        value: Option<PropertyValue>,
    ) -> Result<(), Refused> {
        let session = self.session_mut(id).ok_or(Refused::UnknownSession(id))?;
        if session.is_null {
            return Ok(());
        }
        if let ACTIVE_CONFIGURATION | USER_CHOICE_CONFIGURATION | AUTO_CLOSE_SESSION_TIMEOUT = key.as_str() {
            return Err(Refused::ReadOnly(key));
        }
        let Some(value) = value else {
            session.properties.remove(&key);
            return Ok(());
        };
        if key == CONNECT_IN_BACKGROUND && !matches!(value, PropertyValue::Bool(_)) {
            return Err(Refused::WrongValue { key, wants: "true or false" });
        }
        if key.len() > KEY_LENGTH {
            return Err(Refused::TooMany("a property's key has at most 256 bytes"));
        }
        if matches!(&value, PropertyValue::Text(text) if text.len() > TEXT_LENGTH) {
            return Err(Refused::TooMany("a property's text has at most 4096 bytes"));
        }
        let is_new = !session.properties.contains_key(&key) && key != CONNECT_IN_BACKGROUND;
        let own = session.properties.keys().filter(|key| *key != CONNECT_IN_BACKGROUND).count();
        if is_new && own >= KEYS {
            return Err(Refused::TooMany("a session keeps at most 64 properties of its own"));
        }
        session.properties.insert(key, value);
        Ok(())
    }

    pub(crate) fn property(&self, session: &Session, key: &str) -> Option<PropertyValue> {
        if session.is_null {
            return None;
        }
        match key {
            ACTIVE_CONFIGURATION => {
                let active = session.in_use().and_then(|id| self.configuration_ref(id));
                Some(PropertyValue::Text(active.map(|it| it.identifier.to_string()).unwrap_or_default()))
            }
            USER_CHOICE_CONFIGURATION => {
                let on = session.on.and_then(|id| self.configuration_ref(id))?;
                (on.kind() == ConfigurationType::UserChoice).then(|| PropertyValue::Text(String::new()))
            }
            _ => session.properties.get(key).cloned(),
        }
    }
}
