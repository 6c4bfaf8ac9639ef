//! Events in words for people.

use std::time::Instant;

use netsession_core::{
    Cause, ConfigurationState, Event, Interface, Manager, SessionId, SessionState, SessionView, UsagePolicies,
};

use super::output::{BAD, BUSY, FAINT, GOOD, styled};
use super::table::printable;

/// What a session's state means, coloured.
pub(crate) fn session_state(state: SessionState) -> String {
    let style = match state {
        SessionState::Connected => GOOD,
        SessionState::Connecting | SessionState::Closing | SessionState::Roaming => BUSY,
        SessionState::Invalid | SessionState::NotAvailable => BAD,
        SessionState::Disconnected => FAINT,
    };
    styled(style, words(state.word()))
}

/// How a configuration's state looks.
pub(crate) const fn state_style(state: ConfigurationState) -> anstyle::Style {
    match state {
        ConfigurationState::Active => GOOD,
        ConfigurationState::Discovered => BUSY,
        ConfigurationState::Defined | ConfigurationState::Undefined => FAINT,
    }
}

/// How long ago that was, in seconds to the microsecond.
pub(crate) fn since(began: Instant) -> String {
    let time = began.elapsed();
    format!("{:>7}.{:06}", time.as_secs(), time.subsec_micros())
}

/// An event in words: the session that it is about, what happened, and where.
pub(crate) fn told(manager: &Manager, told: &Event) -> String {
    let session = told.session().and_then(|session| manager.session(session));
    let subject = session.map(|session| format!("session on {} ", printable(session.configuration())));
    let whereabouts = if let Event::Opened { session } = told {
        interface_of(manager, *session)
    } else if let Event::ConfigurationAdded { id } | Event::ConfigurationChanged { id, .. } = told {
        let interface = manager.configuration(id).and_then(|view| view.interface().cloned());
        interface.as_ref().map(self::interface).unwrap_or_default()
    } else {
        String::new()
    };
    subject.unwrap_or_default() + &event(told) + &whereabouts
}

/// An event in words, without the session that it is about.
pub(crate) fn event(event: &Event) -> String {
    match event {
        Event::StateChanged { state, .. } => format!("is {}", session_state(*state)),
        Event::Opened { .. } => styled(GOOD, "opened: the link may be used"),
        Event::Closed { .. } => "closed".to_owned(),
        Event::Error { error, cause: why, reason, .. } => {
            let reason =
                reason.as_deref().map(|reason| format!(" ({})", printable(reason))).unwrap_or_default();
            styled(BAD, format_args!("error {}: {}{reason}", words(error.word()), cause(*why)))
        }
        Event::PreferredConfigurationChanged { id, kind, seamless, .. } => {
            let how = if *seamless { ", seamless" } else { "" };
            format!("is offered {} ({kind}{how})", printable(id))
        }
        Event::OfferWithdrawn { id, .. } => format!("is no longer offered {}", printable(id)),
        Event::NewConfigurationActivated { id, decision_due: true, .. } => {
            format!("can try {}, which is up: accept or reject it", printable(id))
        }
        Event::NewConfigurationActivated { id, decision_due: false, .. } => {
            format!("moves to {}, which is up", printable(id))
        }
        Event::UsagePoliciesChanged { policies, .. } => format!("policies: {}", policy_words(*policies)),
        Event::ConfigurationAdded { id } => format!("{} was added", printable(id)),
        Event::ConfigurationRemoved { id } => format!("{} was removed", printable(id)),
        Event::ConfigurationChanged { id, state, changed } => {
            let changed: Vec<String> = changed.words().map(words).collect();
            let state = styled(state_style(*state), state);
            format!("{} is {state} (changed: {})", printable(id), changed.join(", "))
        }
        Event::OnlineStateChanged { online: true } => styled(GOOD, "online"),
        Event::OnlineStateChanged { online: false } => styled(BAD, "offline"),
        Event::UpdateCompleted { token } => format!("update {token} is complete"),
    }
}

/// Why, in words.
const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::NotPossible => "this link cannot be started here; starting one needs CAP_NET_ADMIN",
        Cause::DeviceTaken => "its device carries another access point",
        Cause::ConfigurationUnavailable => "it is not in reach",
        Cause::Removed => "it was removed, or never was",
        Cause::Refused => "the system refused",
        Cause::Cancelled => "it was cancelled",
        Cause::Failed => "the link could not be started",
        Cause::TimedOut => "the link did not come up in time",
        Cause::LinkLost => "the link was lost",
        Cause::StoppedByOther => "another session stopped the link",
        Cause::CannotStop => "this link cannot be stopped here; stopping one needs CAP_NET_ADMIN",
        Cause::StopRefused => "the system refused to stop the link",
        Cause::StopTimedOut => "the link did not go down in time",
        Cause::RoamingFailed => "moving to another access point failed; the session lives on",
    }
}

/// An interface and its addresses.
pub(crate) fn interface(interface: &Interface) -> String {
    let addresses: String = interface.addresses.iter().map(|address| format!(" {address}")).collect();
    format!(" on {}{addresses}", printable(&interface.name))
}

/// The interface that a session uses, and its addresses.
pub(crate) fn interface_of(manager: &Manager, session: SessionId) -> String {
    let session = manager.session(session);
    session.as_ref().and_then(SessionView::interface).map(interface).unwrap_or_default()
}

fn policy_words(policies: UsagePolicies) -> String {
    if policies.is_empty() {
        return "none".to_owned();
    }
    policies.words().map(words).collect::<Vec<_>>().join(", ")
}

/// A word of the trace as people write it.
pub(crate) fn words(word: &str) -> String {
    word.replace('_', " ")
}
