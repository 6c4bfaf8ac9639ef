//! The enums of the contract, as C has them: with the same numbers.

use netsession_core as core;

use crate::result::Failure;

/// What a session is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionState {
    /// Its configuration is gone or never was.
    Invalid = 0,
    /// Its configuration is known but not in reach.
    NotAvailable = 1,
    /// The link is on its way up.
    Connecting = 2,
    /// The link is up. Only an open session may use it: see netsession_session_is_open().
    Connected = 3,
    /// The link is on its way down.
    Closing = 4,
    /// The link is down and could be started.
    Disconnected = 5,
    /// Between two access points of a service network.
    Roaming = 6,
}

impl From<core::SessionState> for NetsessionState {
    fn from(state: core::SessionState) -> Self {
        match state {
            core::SessionState::Invalid => Self::Invalid,
            core::SessionState::NotAvailable => Self::NotAvailable,
            core::SessionState::Connecting => Self::Connecting,
            core::SessionState::Connected => Self::Connected,
            core::SessionState::Closing => Self::Closing,
            core::SessionState::Disconnected => Self::Disconnected,
            core::SessionState::Roaming => Self::Roaming,
        }
    }
}

/// What went wrong with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionError {
    /// Anything else, deadlines included.
    Unknown = 0,
    /// The user, the system or another session ended it.
    SessionAborted = 1,
    /// Roaming failed, or the session cannot roam any further.
    Roaming = 2,
    /// The platform cannot do it, such as starting a link without CAP_NET_ADMIN.
    OperationNotSupported = 3,
    /// The configuration is gone, or not in reach.
    InvalidConfiguration = 4,
}

impl From<core::SessionError> for NetsessionError {
    fn from(error: core::SessionError) -> Self {
        match error {
            core::SessionError::Unknown => Self::Unknown,
            core::SessionError::SessionAborted => Self::SessionAborted,
            core::SessionError::Roaming => Self::Roaming,
            core::SessionError::OperationNotSupported => Self::OperationNotSupported,
            core::SessionError::InvalidConfiguration => Self::InvalidConfiguration,
        }
    }
}

/// What an error was caused by, finer than netsession_error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionCause {
    /// No capability to start the link.
    NotPossible = 0,
    /// The device carries another access point.
    DeviceTaken = 1,
    /// The configuration is not in reach.
    ConfigurationUnavailable = 2,
    /// The configuration was removed, or never was.
    Removed = 3,
    /// The platform refused.
    Refused = 4,
    /// The user cancelled.
    Cancelled = 5,
    /// The platform tried and failed.
    Failed = 6,
    /// A deadline passed.
    TimedOut = 7,
    /// The link went down.
    LinkLost = 8,
    /// Another session stopped the link.
    StoppedByOther = 9,
    /// No capability to stop the link.
    CannotStop = 10,
    /// The platform refused to stop the link.
    StopRefused = 11,
    /// The link did not go down in time.
    StopTimedOut = 12,
    /// A migration failed; the session lives on.
    RoamingFailed = 13,
}

impl From<core::Cause> for NetsessionCause {
    fn from(cause: core::Cause) -> Self {
        match cause {
            core::Cause::NotPossible => Self::NotPossible,
            core::Cause::DeviceTaken => Self::DeviceTaken,
            core::Cause::ConfigurationUnavailable => Self::ConfigurationUnavailable,
            core::Cause::Removed => Self::Removed,
            core::Cause::Refused => Self::Refused,
            core::Cause::Cancelled => Self::Cancelled,
            core::Cause::Failed => Self::Failed,
            core::Cause::TimedOut => Self::TimedOut,
            core::Cause::LinkLost => Self::LinkLost,
            core::Cause::StoppedByOther => Self::StoppedByOther,
            core::Cause::CannotStop => Self::CannotStop,
            core::Cause::StopRefused => Self::StopRefused,
            core::Cause::StopTimedOut => Self::StopTimedOut,
            core::Cause::RoamingFailed => Self::RoamingFailed,
        }
    }
}

/// How a session on a service network roams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionRoamingMode {
    /// The application is asked before and after.
    Application = 0,
    /// It roams by itself.
    Forced = 1,
    /// It does not roam.
    Suppressed = 2,
}

impl From<core::RoamingMode> for NetsessionRoamingMode {
    fn from(mode: core::RoamingMode) -> Self {
        match mode {
            core::RoamingMode::Application => Self::Application,
            core::RoamingMode::Forced => Self::Forced,
            core::RoamingMode::Suppressed => Self::Suppressed,
        }
    }
}

/// C may give any number where it means one of an enum.
pub(crate) fn roaming_mode(number: std::ffi::c_int) -> Result<core::RoamingMode, Failure> {
    let mode = core::RoamingMode::ALL.iter().find(|mode| std::ffi::c_int::from(mode.number()) == number);
    mode.copied().ok_or_else(|| Failure::invalid_value(format!("{number} is no roaming mode")))
}

/// Why a session is offered another access point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionOfferKind {
    /// A member preferred to the one in use is usable.
    Upgrade = 0,
    /// The member in use was lost.
    Rescue = 1,
}

impl From<core::OfferKind> for NetsessionOfferKind {
    fn from(kind: core::OfferKind) -> Self {
        match kind {
            core::OfferKind::Upgrade => Self::Upgrade,
            core::OfferKind::Rescue => Self::Rescue,
        }
    }
}

/// How near a configuration is to being usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionConfigurationState {
    /// Seen, but not configured.
    Undefined = 0x1,
    /// Configured, not in reach.
    Defined = 0x2,
    /// In reach: a session can be opened, if the platform can start it.
    Discovered = 0x6,
    /// Up.
    Active = 0xE,
}

impl From<core::ConfigurationState> for NetsessionConfigurationState {
    fn from(state: core::ConfigurationState) -> Self {
        match state {
            core::ConfigurationState::Undefined => Self::Undefined,
            core::ConfigurationState::Defined => Self::Defined,
            core::ConfigurationState::Discovered => Self::Discovered,
            core::ConfigurationState::Active => Self::Active,
        }
    }
}
