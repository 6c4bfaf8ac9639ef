//! Properties of a session: the documented keys, and the application's own (R-PROP-1 … R-PROP-5).

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::session::Session;
use crate::timers::{SessionTimer, Timer};
use crate::{Manager, Refused, SessionId};

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
        if let ACTIVE_CONFIGURATION | USER_CHOICE_CONFIGURATION = key.as_str() {
            return Err(Refused::ReadOnly(key));
        }
        if key == AUTO_CLOSE_SESSION_TIMEOUT {
            return self.set_auto_close(id, value);
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

    /// Whether the session's link is one of a driver that polls and cannot stop it (R-PROP-4).
    fn can_auto_close(&self, session: &Session) -> bool {
        let on = session.in_use().or(session.target()).and_then(|on| self.access_point(on));
        on.is_some_and(|ap| ap.polls && !ap.can_start_and_stop())
    }

    fn set_auto_close(&mut self, id: SessionId, value: Option<PropertyValue>) -> Result<(), Refused> {
        let key = || AUTO_CLOSE_SESSION_TIMEOUT.to_string();
        let session = self.session_ref(id).ok_or(Refused::UnknownSession(id))?;
        if !self.can_auto_close(session) {
            return Err(Refused::ReadOnly(key()));
        }
        let after_ms = match value {
            None => None,
            Some(PropertyValue::Integer(after_ms)) => u64::try_from(after_ms).ok(),
            Some(PropertyValue::Bool(_) | PropertyValue::Text(_)) => {
                return Err(Refused::WrongValue { key: key(), wants: "a whole number of milliseconds" });
            }
        };
        if let Some(session) = self.session_mut(id) {
            session.auto_close = after_ms.map(Duration::from_millis);
        }
        self.arm_auto_close(id);
        Ok(())
    }

    /// The time runs while the session is open, from now.
    pub(crate) fn arm_auto_close(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        let after = session.auto_close.filter(|_| session.is_open() && self.can_auto_close(session));
        self.timers.set(Timer::Session(id, SessionTimer::AutoClose), after.map(|after| self.now + after));
    }

    /// What was said is void once the property does not exist any more.
    pub(crate) fn settle_auto_close(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        if session.auto_close.is_some() && !self.can_auto_close(session) {
            self.timers.set(Timer::Session(id, SessionTimer::AutoClose), None);
            if let Some(session) = self.session_mut(id) {
                session.auto_close = None;
            }
        }
    }

    /// Its time is over.
    pub(crate) fn auto_close(&mut self, id: SessionId) {
        let Some(session) = self.session_ref(id) else { return };
        if self.can_auto_close(session) {
            if let Some(session) = self.session_mut(id) {
                session.auto_close = None;
            }
            self.close_session(id);
        }
    }

    pub(crate) fn property(&self, session: &Session, key: &str) -> Option<PropertyValue> {
        if session.is_null {
            return None;
        }
        match key {
            ACTIVE_CONFIGURATION => {
                let active = session.open().map(|open| open.identifier.to_string());
                Some(PropertyValue::Text(active.unwrap_or_default()))
            }
            USER_CHOICE_CONFIGURATION => self.is_user_choice(session.on?).then(|| {
                let chosen = session.resolved.filter(|_| session.is_open());
                let chosen = chosen.and_then(|chosen| self.configuration_ref(chosen));
                let chosen = chosen.map(|chosen| chosen.identifier.to_string());
                PropertyValue::Text(chosen.unwrap_or_default())
            }),
            AUTO_CLOSE_SESSION_TIMEOUT => self.can_auto_close(session).then(|| {
                let after_ms = session.auto_close.and_then(|after| i64::try_from(after.as_millis()).ok());
                PropertyValue::Integer(after_ms.unwrap_or(-1))
            }),
            _ => session.properties.get(key).cloned(),
        }
    }
}
