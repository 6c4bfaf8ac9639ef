//! How `add`, `change` and an entry of a snapshot are written: one flat record, of which each takes the
//! fields that it knows.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Add, BearerType, Capabilities, Change, ConfigurationType, Identifier, Interface, LinkState, Observation,
    Purpose, Settings, ShutdownPolicy, SnapshotEntry,
};

/// All fields that an `add`, a `change` or an entry of a snapshot can have. `None`: not named.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Record {
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    id: Option<Identifier>,
    #[serde(rename = "type", deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    kind: Option<ConfigurationType>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    bearer: Option<BearerType>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    purpose: Option<Purpose>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    device: Option<Option<Identifier>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    shutdown: Option<ShutdownPolicy>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    capabilities: Option<Capabilities>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    connect_timeout_ms: Option<Millis>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    loss_grace_ms: Option<Millis>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    polls: Option<bool>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    counts_for_online: Option<bool>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    members: Option<Vec<Identifier>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    hold_off_ms: Option<Option<Millis>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<Option<Millis>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    answer_within_ms: Option<Option<Millis>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    link: Option<LinkState>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    interface: Option<Option<Interface>>,
    #[serde(deserialize_with = "named", skip_serializing_if = "Option::is_none")]
    seamless_group: Option<Option<Identifier>>,
}

/// Reads a field that is there. A `null` is a value, and an error where the field has no such value.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A span in whole milliseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Millis(#[serde(with = "super::millis")] Duration);

/// Why a record is not what its place in the trace asks for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Misplaced {
    #[error("missing field `{0}`")]
    Missing(&'static str),
    #[error("`type` must be access_point, service_network or user_choice to be added, not {0}")]
    NotAdded(ConfigurationType),
    #[error("field `type` cannot be changed: remove the configuration and add another")]
    TypeOfChange,
    #[error("field `{0}` is changed by `observed`, not by `change`")]
    LevelOfChange(&'static str),
    #[error("field `{0}` stands in `observed` and in a snapshot only")]
    NotOfAdd(&'static str),
    #[error("`type` must be access_point in a snapshot, not {0}")]
    NotInSnapshot(ConfigurationType),
}

impl Record {
    fn take_id(&mut self) -> Result<Identifier, Misplaced> {
        self.id.take().ok_or(Misplaced::Missing("id"))
    }

    fn into_settings(self) -> Settings {
        let nullable = |span: Option<Option<Millis>>| span.map(|span| span.map(|Millis(span)| span));
        Settings {
            name: self.name,
            bearer: self.bearer,
            purpose: self.purpose,
            device: self.device,
            shutdown: self.shutdown,
            capabilities: self.capabilities,
            connect_timeout: self.connect_timeout_ms.map(|Millis(span)| span),
            loss_grace: self.loss_grace_ms.map(|Millis(span)| span),
            polls: self.polls,
            counts_for_online: self.counts_for_online,
            members: self.members,
            hold_off: nullable(self.hold_off_ms),
            retry_after: nullable(self.retry_after_ms),
            answer_within: nullable(self.answer_within_ms),
        }
    }

    fn from_settings(id: Identifier, settings: Settings) -> Self {
        let nullable = |span: Option<Option<Duration>>| span.map(|span| span.map(Millis));
        Self {
            id: Some(id),
            name: settings.name,
            bearer: settings.bearer,
            purpose: settings.purpose,
            device: settings.device,
            shutdown: settings.shutdown,
            capabilities: settings.capabilities,
            connect_timeout_ms: settings.connect_timeout.map(Millis),
            loss_grace_ms: settings.loss_grace.map(Millis),
            polls: settings.polls,
            counts_for_online: settings.counts_for_online,
            members: settings.members,
            hold_off_ms: nullable(settings.hold_off),
            retry_after_ms: nullable(settings.retry_after),
            answer_within_ms: nullable(settings.answer_within),
            ..Self::default()
        }
    }
}

impl TryFrom<Record> for Add {
    type Error = Misplaced;

    fn try_from(mut record: Record) -> Result<Self, Misplaced> {
        let id = record.take_id()?;
        let kind = record.kind.take().ok_or(Misplaced::Missing("type"))?;
        if kind == ConfigurationType::Invalid {
            return Err(Misplaced::NotAdded(kind));
        }
        if record.seamless_group.is_some() {
            return Err(Misplaced::NotOfAdd("seamless_group"));
        }
        let mut add = Self::new(id, kind);
        add.link = record.link.unwrap_or(add.link);
        add.interface = record.interface.take().flatten();
        add.settings = record.into_settings();
        Ok(add)
    }
}

impl From<Add> for Record {
    fn from(add: Add) -> Self {
        Self {
            kind: Some(add.kind),
            link: (add.link != LinkState::Defined).then_some(add.link),
            interface: add.interface.map(Some),
            ..Self::from_settings(add.id, add.settings)
        }
    }
}

impl TryFrom<Record> for Change {
    type Error = Misplaced;

    fn try_from(mut record: Record) -> Result<Self, Misplaced> {
        let id = record.take_id()?;
        if record.kind.is_some() {
            return Err(Misplaced::TypeOfChange);
        }
        let levels = [
            (record.link.is_some(), "link"),
            (record.interface.is_some(), "interface"),
            (record.seamless_group.is_some(), "seamless_group"),
        ];
        match levels.iter().find(|(present, _)| *present) {
            Some(&(_, field)) => Err(Misplaced::LevelOfChange(field)),
            None => Ok(Self::new(id, record.into_settings())),
        }
    }
}

impl From<Change> for Record {
    fn from(change: Change) -> Self {
        Self::from_settings(change.id, change.settings)
    }
}

impl TryFrom<Record> for SnapshotEntry {
    type Error = Misplaced;

    fn try_from(mut record: Record) -> Result<Self, Misplaced> {
        let id = record.take_id()?;
        match record.kind {
            None | Some(ConfigurationType::AccessPoint) => {}
            Some(kind) => return Err(Misplaced::NotInSnapshot(kind)),
        }
        let mut observation = Observation::new(id, record.link.unwrap_or(LinkState::Defined));
        observation.interface = record.interface.take().flatten();
        observation.seamless_group = record.seamless_group.take().flatten();
        Ok(Self { observation, settings: record.into_settings() })
    }
}

impl From<SnapshotEntry> for Record {
    fn from(entry: SnapshotEntry) -> Self {
        let Observation { id, link, interface, seamless_group } = entry.observation;
        Self {
            link: Some(link),
            interface: interface.map(Some),
            seamless_group: seamless_group.map(Some),
            ..Self::from_settings(id, entry.settings)
        }
    }
}
