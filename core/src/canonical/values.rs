//! How single values are written: so that none is the beginning of another, and numbers as places.

use core::time::Duration;

use super::Writer;
use crate::{ConfigurationId, Instant, OperationId, SessionId};

impl Writer<'_> {
    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    /// Seven bits a byte, the lowest first; small numbers are short.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    pub(super) fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.length(values.len());
        for value in values {
            write(self, value);
        }
    }

    pub(super) fn span(&mut self, span: Duration) {
        self.number(span.as_secs());
        self.number(u64::from(span.subsec_nanos()));
    }

    pub(super) fn due(&mut self, at: Instant) {
        self.span(at.saturating_since(self.now));
    }

    pub(super) fn past(&mut self, at: Instant) {
        self.span(self.now.saturating_since(at));
    }

    pub(super) fn place_of(&self, id: ConfigurationId) -> Option<usize> {
        self.configurations.binary_search(&id).ok()
    }

    /// Places count from 1; what is gone is 0.
    pub(super) fn configuration_id(&mut self, id: ConfigurationId) {
        self.length(self.place_of(id).map_or(0, |place| place + 1));
    }

    pub(super) fn session_id(&mut self, id: SessionId) {
        self.length(self.sessions.binary_search(&id).map_or(0, |place| place + 1));
    }

    pub(super) fn operation_id(&mut self, id: OperationId) {
        let place = self.operations.iter().position(|&(op, _)| op == id);
        self.length(place.map_or(0, |place| place + 1));
    }
}
