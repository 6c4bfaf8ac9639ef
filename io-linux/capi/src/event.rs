//! Events: what happened, as plain data.
#![allow(unsafe_code, reason = "names are exported, and nothing else here is unsafe: a test looks")]

use std::ffi::{CString, c_char};
use std::ptr::{null, without_provenance_mut};

use netsession_core::Event;

use crate::border::guarded;
use crate::driver::NetsessionDriver;
use crate::result::{Failure, NetsessionResult};
use crate::session::NetsessionSession;
use crate::table::{self, DriverEntry};
use crate::words::{
    NetsessionCause, NetsessionConfigurationState, NetsessionError, NetsessionOfferKind, NetsessionState,
};

/// What happened. In brackets: the fields of netsession_event that belong to it beside `kind` and, for the first
/// eight, `session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionEventKind {
    /// A session's state is another [state].
    StateChanged = 0,
    /// A session is open: its link may be used.
    Opened = 1,
    /// A session is no longer open, or no longer opening.
    Closed = 2,
    /// Something went wrong with a session [error, cause, reason].
    Error = 3,
    /// The application is asked whether to move [configuration, is_seamless, offer_kind]: see
    /// netsession_session_offer().
    PreferredConfigurationChanged = 4,
    /// The offer no longer stands [configuration].
    OfferWithdrawn = 5,
    /// The other access point is up [configuration, is_decision_due]; if a decision is due, see
    /// netsession_session_candidate().
    NewConfigurationActivated = 6,
    /// The policies of the link in use are others [usage_policies].
    UsagePoliciesChanged = 7,
    /// A configuration was added [configuration].
    ConfigurationAdded = 8,
    /// A configuration was removed [configuration].
    ConfigurationRemoved = 9,
    /// A configuration is not what it was [configuration, configuration_state].
    ConfigurationChanged = 10,
    /// The first link came up, or the last went down [is_online].
    OnlineStateChanged = 11,
    /// The configurations were looked for again, as somebody had asked.
    UpdateCompleted = 12,
}

/// An event. Fields that do not belong to its kind are 0, false or NULL.
#[derive(Debug)]
#[repr(C)]
pub struct NetsessionEvent {
    /// What happened.
    pub kind: NetsessionEventKind,
    /// The session that it is about, or NULL.
    pub session: *mut NetsessionSession,
    /// The new state.
    pub state: NetsessionState,
    /// What went wrong.
    pub error: NetsessionError,
    /// Why.
    pub cause: NetsessionCause,
    /// Why a session is offered another access point.
    pub offer_kind: NetsessionOfferKind,
    /// The state of the configuration.
    pub configuration_state: NetsessionConfigurationState,
    /// Bits that tell how the link should be used: 1 not for traffic that the user did not ask for.
    pub usage_policies: u32,
    /// Whether connections survive the move by themselves.
    pub is_seamless: bool,
    /// Whether the application is to accept or reject the candidate.
    pub is_decision_due: bool,
    /// Whether there is a network at all.
    pub is_online: bool,
    /// The identifier of the configuration, or NULL. It is the driver's, until the next call of
    /// netsession_driver_next_event() or netsession_driver_free() with that driver.
    pub configuration: *const c_char,
    /// The platform's words for an error, or NULL. As `configuration`.
    pub reason: *const c_char,
}

/// Takes the next event, or returns NETSESSION_RESULT_NOTHING if none waits. Never blocks. Events of sessions that were freed
/// are left out.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_next_event(
    driver: *mut NetsessionDriver,
    event: *mut NetsessionEvent,
) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(event)?;
        place.put(table::with_driver(driver, next_event)?);
        Ok(())
    })
}

fn next_event(entry: &mut DriverEntry) -> Result<NetsessionEvent, Failure> {
    loop {
        let event = entry.driver.next_event().ok_or(Failure::nothing("no event waits"))?;
        let handle = event.session().map(|session| entry.handles.get(&session).copied());
        if handle == Some(None) {
            continue;
        }
        let session = without_provenance_mut(handle.flatten().unwrap_or(0));
        return Ok(translate(event, NetsessionEvent::nothing_yet(session), &mut entry.texts));
    }
}

impl NetsessionEvent {
    const fn nothing_yet(session: *mut NetsessionSession) -> Self {
        Self {
            kind: NetsessionEventKind::StateChanged,
            session,
            state: NetsessionState::Invalid,
            error: NetsessionError::Unknown,
            cause: NetsessionCause::NotPossible,
            offer_kind: NetsessionOfferKind::Upgrade,
            configuration_state: NetsessionConfigurationState::Undefined,
            usage_policies: 0,
            is_seamless: false,
            is_decision_due: false,
            is_online: false,
            configuration: null(),
            reason: null(),
        }
    }
}

fn translate(event: Event, blank: NetsessionEvent, texts: &mut [Option<CString>; 2]) -> NetsessionEvent {
    use NetsessionEventKind as Kind;
    *texts = [None, None];
    let [configuration, words] = texts;
    let mut named = |id: &str| keep(configuration, id);
    match event {
        Event::StateChanged { state, .. } => {
            NetsessionEvent { kind: Kind::StateChanged, state: state.into(), ..blank }
        }
        Event::Opened { .. } => NetsessionEvent { kind: Kind::Opened, ..blank },
        Event::Closed { .. } => NetsessionEvent { kind: Kind::Closed, ..blank },
        Event::Error { error, cause, reason, .. } => {
            let reason = reason.map_or(null(), |reason| keep(words, &reason));
            NetsessionEvent { kind: Kind::Error, error: error.into(), cause: cause.into(), reason, ..blank }
        }
        Event::PreferredConfigurationChanged { id, seamless, kind, .. } => NetsessionEvent {
            kind: Kind::PreferredConfigurationChanged,
            configuration: named(&id),
            is_seamless: seamless,
            offer_kind: kind.into(),
            ..blank
        },
        Event::OfferWithdrawn { id, .. } => {
            NetsessionEvent { kind: Kind::OfferWithdrawn, configuration: named(&id), ..blank }
        }
        Event::NewConfigurationActivated { id, decision_due, .. } => NetsessionEvent {
            kind: Kind::NewConfigurationActivated,
            configuration: named(&id),
            is_decision_due: decision_due,
            ..blank
        },
        Event::UsagePoliciesChanged { policies, .. } => NetsessionEvent {
            kind: Kind::UsagePoliciesChanged,
            usage_policies: policies.bits().into(),
            ..blank
        },
        Event::ConfigurationAdded { id } => {
            NetsessionEvent { kind: Kind::ConfigurationAdded, configuration: named(&id), ..blank }
        }
        Event::ConfigurationRemoved { id } => {
            NetsessionEvent { kind: Kind::ConfigurationRemoved, configuration: named(&id), ..blank }
        }
        Event::ConfigurationChanged { id, state, .. } => NetsessionEvent {
            kind: Kind::ConfigurationChanged,
            configuration: named(&id),
            configuration_state: state.into(),
            ..blank
        },
        Event::OnlineStateChanged { online } => {
            NetsessionEvent { kind: Kind::OnlineStateChanged, is_online: online, ..blank }
        }
        Event::UpdateCompleted { .. } => NetsessionEvent { kind: Kind::UpdateCompleted, ..blank },
    }
}

/// A text that C can read, for as long as it stays in this place.
fn keep(place: &mut Option<CString>, text: &str) -> *const c_char {
    // What stands before a NUL has none.
    let text = CString::new(text.split('\0').next().unwrap_or_default()).unwrap_or_default();
    place.insert(text).as_ptr()
}
