//! What was said between a world and its machine: kept for a trace, and written for people.

use core::fmt;

use netsession_core::{Accepted, Effect, Event, Input, Instant, Observation, Output, Refused, Wake};

/// One thing that was said. `Display` gives one line for people: `<` to the machine, `=` its answer,
/// `>` from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "what goes into the machine and what comes out")]
pub enum Record {
    /// To the machine.
    Input(Input),
    /// What that made, or why it was refused.
    Result(Result<Accepted, Refused>),
    /// From the machine.
    Output(Output),
}

/// A line of the log: a record at its time.
pub(crate) struct Line<'a>(pub(crate) Instant, pub(crate) &'a Record);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} {}", self.0.to_string(), self.1)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(input) => {
                f.write_str("< ")?;
                write_input(f, input)
            }
            Self::Result(Ok(Accepted::Done)) => f.write_str("= done"),
            Self::Result(Ok(Accepted::Session(session))) => write!(f, "= session {}", session.number()),
            Self::Result(Ok(Accepted::Update(token))) => write!(f, "= update {token}"),
            Self::Result(Err(refused)) => write!(f, "= refused as {}: {refused}", refused.word()),
            Self::Output(Output::Effect(effect)) => {
                f.write_str("> ")?;
                write_effect(f, effect)
            }
            Self::Output(Output::Event(event)) => {
                f.write_str("> ")?;
                write_event(f, event)
            }
            Self::Output(Output::Idle { wake: Some(Wake { at, why }) }) => {
                write!(f, "> idle until {at} ({why})")
            }
            Self::Output(Output::Idle { wake: None }) => f.write_str("> idle"),
        }
    }
}

pub(crate) fn write_input(f: &mut fmt::Formatter<'_>, input: &Input) -> fmt::Result {
    match input {
        Input::Config(_) => f.write_str("config"),
        Input::Add(add) => write!(f, "add {} {} {}", add.kind, add.id, add.link),
        Input::Change(change) => write!(f, "change {}", change.id),
        Input::Remove { id } => write!(f, "remove {id}"),
        Input::Observed(observation) => write_observation(f, observation),
        Input::Snapshot(entries) => {
            f.write_str("snapshot")?;
            entries.iter().try_for_each(|entry| {
                f.write_str(", ")?;
                write_observation(f, &entry.observation)
            })
        }
        Input::Completed { op, result, reason } => {
            write!(f, "answer {op} {result}")?;
            write_reason(f, reason.as_deref())
        }
        Input::Counters { id, received, sent } => write!(f, "counters {id} {received} {sent}"),
        Input::Policies { id, policies } => {
            write!(f, "policies {id}")?;
            policies.words().try_for_each(|word| write!(f, " {word}"))
        }
        Input::Adopt { id } => write!(f, "adopt {id}"),
        Input::Default { id } => write!(f, "default {}", id.as_deref().unwrap_or("none")),
        Input::Session { on } => write!(f, "session on {on}"),
        Input::Open { session } => write!(f, "open {}", session.number()),
        Input::Close { session } => write!(f, "close {}", session.number()),
        Input::Stop { session } => write!(f, "stop {}", session.number()),
        Input::Migrate { session } => write!(f, "migrate {}", session.number()),
        Input::Ignore { session } => write!(f, "ignore {}", session.number()),
        Input::Accept { session } => write!(f, "accept {}", session.number()),
        Input::Reject { session } => write!(f, "reject {}", session.number()),
        Input::Drop { session } => write!(f, "drop {}", session.number()),
        Input::MigrateTo { session, member } => write!(f, "migrate {} to {member}", session.number()),
        Input::Roaming { session, mode } => write!(f, "roaming {} {mode}", session.number()),
        Input::Reopen { session, policy } => write!(f, "reopen {} {policy}", session.number()),
        Input::Property { session, key, value } => {
            write!(f, "property {} {key} {value:?}", session.number())
        }
        Input::Resolved { op, choice } => {
            write!(f, "answer {op} {}", choice.as_deref().unwrap_or("cancelled"))
        }
        Input::RefreshCounters { id } => write!(f, "refresh counters {id}"),
        Input::Update {} => f.write_str("update"),
        Input::Tick {} => f.write_str("tick"),
    }
}

fn write_observation(f: &mut fmt::Formatter<'_>, observation: &Observation) -> fmt::Result {
    write!(f, "{} is {}", observation.id, observation.link)?;
    match &observation.interface {
        Some(interface) => write!(f, " on {} ({})", interface.name, interface.index),
        None => Ok(()),
    }
}

fn write_effect(f: &mut fmt::Formatter<'_>, effect: &Effect) -> fmt::Result {
    match effect {
        Effect::Start { op, id } => write!(f, "request {op}: start {id}"),
        Effect::Stop { op, id } => write!(f, "request {op}: stop {id}"),
        Effect::Cancel { op, cancelled } => write!(f, "request {op}: cancel {cancelled}"),
        Effect::Resolve { op, session, among } => {
            write!(f, "request {op}: resolve for {} among {}", session.number(), among.join(", "))
        }
        Effect::Update { op } => write!(f, "request {op}: update"),
        Effect::ReadCounters { id } => write!(f, "read counters {id}"),
        Effect::Watch { id } => write!(f, "watch {id}"),
        Effect::Unwatch { id } => write!(f, "unwatch {id}"),
    }
}

fn write_event(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    match event {
        Event::StateChanged { session, state } => write!(f, "{} is {state}", session.number()),
        Event::Opened { session } => write!(f, "{} opened", session.number()),
        Event::Closed { session } => write!(f, "{} closed", session.number()),
        Event::Error { session, error, cause, reason } => {
            write!(f, "{} error {error} ({cause})", session.number())?;
            write_reason(f, reason.as_deref())
        }
        Event::PreferredConfigurationChanged { session, id, seamless, kind } => {
            let seamless = if *seamless { ", seamless" } else { "" };
            write!(f, "{} may move to {id} ({kind}{seamless})", session.number())
        }
        Event::OfferWithdrawn { session, id } => write!(f, "{} may not move to {id}", session.number()),
        Event::NewConfigurationActivated { session, id, decision_due } => {
            let due = if *decision_due { ", decision due" } else { "" };
            write!(f, "{} has {id} up{due}", session.number())
        }
        Event::UsagePoliciesChanged { session, policies } => {
            write!(f, "{} policies", session.number())?;
            policies.words().try_for_each(|word| write!(f, " {word}"))
        }
        Event::ConfigurationAdded { id } => write!(f, "{id} added"),
        Event::ConfigurationRemoved { id } => write!(f, "{id} removed"),
        Event::ConfigurationChanged { id, state, changed } => {
            write!(f, "{id} is {state}, changed:")?;
            changed.words().try_for_each(|word| write!(f, " {word}"))
        }
        Event::OnlineStateChanged { online } => f.write_str(if *online { "online" } else { "offline" }),
        Event::UpdateCompleted { token } => write!(f, "update {token} completed"),
    }
}

fn write_reason(f: &mut fmt::Formatter<'_>, reason: Option<&str>) -> fmt::Result {
    reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
}
