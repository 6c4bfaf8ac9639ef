#![doc = include_str!("overview.md")]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access_point;
mod arena;
#[cfg(feature = "explore")]
mod canonical;
mod choice;
mod closing;
mod command;
mod configuration;
mod device;
mod error;
mod handle;
mod identifier;
mod input;
mod interface;
mod manager;
mod opening;
mod output;
pub mod property;
mod ranking;
mod reconcile;
mod refusal;
mod registry;
mod reopening;
mod roaming;
mod session;
mod statistics;
mod time;
mod timers;
#[cfg(feature = "serde")]
pub mod trace;
mod update;
mod view;
mod vocabulary;
mod work;

#[doc = include_str!("contract.md")]
pub mod contract {}

#[cfg(feature = "explore")]
pub use canonical::{Fate, RoamingStep, Standing};
pub use error::{Accepted, Refused};
pub use handle::{ConfigurationId, OperationId, SessionId, UpdateToken};
pub use identifier::Identifier;
pub use input::{Add, Change, Config, Input, Observation, Settings, SnapshotEntry};
pub use interface::{Interface, InterfaceAddress, InvalidAddress};
pub use manager::Manager;
pub use output::{Effect, Event, Output, Wake};
pub use property::PropertyValue;
pub use ranking::{Because, Considered};
pub use time::Instant;
pub use view::{CandidateView, ConfigurationView, OfferView, SessionView};
pub use vocabulary::{
    BearerType, Capabilities, Cause, Changes, ConfigurationState, ConfigurationType, LinkState, OfferKind,
    Outcome, Purpose, ReopenPolicy, RoamingMode, SessionError, SessionState, ShutdownPolicy, UsagePolicies,
    WakeReason,
};
