//! The words of the trace, for any serde format.
//!
//! [`Input`](crate::Input) reads and writes as the trace has it; [`Event`](crate::Event) and
//! [`Effect`] write so. What a `query` asks is a [`Query`], and [`answer`] gives the [`View`]
//! that is its answer. Lines, and the time that stands in each, are left to whoever has a format: times
//! have decimals, and a format that knows floats only would bend them.
//!
//! What is written is short: a field that was not named is not written. What was written reads back equal,
//! except that spans are cut to whole milliseconds. What is read may have no field that is not known.

mod configuration;
#[cfg(test)]
mod tests;
mod view;

use serde::ser::{Serialize, SerializeMap, Serializer};

pub(crate) use configuration::Record;
pub use view::{ManagerView, Query, Subject, View, answer};

use crate::{Effect, Identifier, SessionId};

/// `{"op": 1, "start": "eth0"}`: the number of the request, where it is answered, and what to do.
impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(op) = self.op() {
            map.serialize_entry("op", &op)?;
        }
        match self {
            Self::Start { id, .. } => map.serialize_entry("start", id),
            Self::Stop { id, .. } => map.serialize_entry("stop", id),
            Self::Cancel { cancelled, .. } => map.serialize_entry("cancel", cancelled),
            Self::Resolve { session, among, .. } => {
                map.serialize_entry("resolve", &Question { session: *session, among })
            }
            Self::Update { .. } => map.serialize_entry("update", &Nothing {}),
            Self::ReadCounters { id } => map.serialize_entry("read_counters", id),
            Self::Watch { id } => map.serialize_entry("watch", id),
            Self::Unwatch { id } => map.serialize_entry("unwatch", id),
        }?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Question<'a> {
    session: SessionId,
    among: &'a [Identifier],
}

#[derive(serde::Serialize)]
struct Nothing {}

/// Spans as whole milliseconds; one that is too long for that is the longest.
pub(crate) mod millis {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// The same where `null` stands for none.
pub(crate) mod nullable_millis {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => super::millis::serialize(span, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}
