//! Inputs and events in plain words: whom each is about, and what it says.

use netsession_core::trace::{Query, Subject};
use netsession_core::{Config, Event, Identifier, Input, SessionId, SnapshotEntry};
use serde::Serialize;
use serde_json::{Map, Value};

/// Whom a row of the timeline is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The machine as a whole.
    Machine,
    /// The platform.
    Platform,
    /// Whoever is asked to choose.
    User,
    /// A configuration.
    Configuration(Identifier),
    /// A session, by its number.
    Session(u64),
}

impl Who {
    pub(super) fn of_query(query: &Query) -> Self {
        match query {
            Query::Session(session) | Query::Why(Subject::Session(session)) => {
                Self::Session(session.number())
            }
            Query::Configuration(id) | Query::Why(Subject::Configuration(id)) => {
                Self::Configuration(id.clone())
            }
            Query::Manager {} => Self::Machine,
        }
    }
}

/// An input.
pub(super) fn input(input: &Input) -> (Who, String) {
    let of = |id: &Identifier| Who::Configuration(id.clone());
    let command = |session: &SessionId, what: &str| (Who::Session(session.number()), what.to_owned());
    match input {
        Input::Config(config) => (Who::Machine, with("set up", ": ", &changed_facts(config))),
        Input::Add(add) => {
            let facts = facts(add, &["id", "type"]);
            let kind = plain(add.kind.word());
            (of(&add.id), with(&format!("added: {kind}"), ", ", &facts))
        }
        Input::Change(change) => (of(&change.id), with("changed", ": ", &facts(change, &["id"]))),
        Input::Remove { id } => (of(id), "removed".to_owned()),
        Input::Observed(seen) => {
            let facts = facts(seen, &["id", "link"]);
            (of(&seen.id), with(&format!("link is {}", seen.link), ", ", &facts))
        }
        Input::Snapshot(entries) => (Who::Platform, snapshot(entries)),
        Input::Completed { op, result, reason } => {
            let result = format!("request {op} answered: {}", plain(result.word()));
            (Who::Platform, with(&result, ", ", &reason.as_deref().map(escaped).unwrap_or_default()))
        }
        Input::Counters { id, received, sent } => {
            (of(id), format!("counters: {received} bytes received, {sent} sent"))
        }
        Input::Adopt { id } => (of(id), "is ours from an earlier run".to_owned()),
        Input::Policies { id, policies } => (of(id), format!("policies are {}", list(policies.words()))),
        Input::Default { id: Some(id) } => (Who::Platform, format!("its default is {}", escaped(id))),
        Input::Default { id: None } => (Who::Platform, "it has no default".to_owned()),
        Input::Session { on } => (Who::Machine, format!("make a session on {on:?}")),
        Input::Resolved { op, choice: Some(id) } => {
            (Who::User, format!("request {op} answered: {}", escaped(id)))
        }
        Input::Resolved { op, choice: None } => (Who::User, format!("request {op} answered: cancelled")),
        Input::RefreshCounters { id } => (of(id), "fresh counters are wanted".to_owned()),
        Input::Update {} => (Who::Machine, "look for configurations".to_owned()),
        Input::Tick {} => (Who::Machine, "time passes".to_owned()),
        Input::Open { session } => command(session, "open"),
        Input::Close { session } => command(session, "close"),
        Input::Stop { session } => command(session, "stop"),
        Input::Migrate { session } => command(session, "migrate"),
        Input::Ignore { session } => command(session, "ignore"),
        Input::Accept { session } => command(session, "accept"),
        Input::Reject { session } => command(session, "reject"),
        Input::Drop { session } => command(session, "drop"),
        Input::MigrateTo { session, member } => command(session, &format!("migrate to {}", escaped(member))),
        Input::Roaming { session, mode } => command(session, &format!("roaming: {mode}")),
        Input::Reopen { session, policy } => {
            command(session, &format!("open again after a loss: {}", plain(policy.word())))
        }
        Input::Property { session, key, value: Some(value) } => {
            command(session, &format!("property {}: {}", escaped(key), fact(&json(value))))
        }
        Input::Property { session, key, value: None } => {
            command(session, &format!("property {}: removed", escaped(key)))
        }
    }
}

/// How many links of a snapshot are named.
const NAMED_LINKS: usize = 6;

fn snapshot(entries: &[SnapshotEntry]) -> String {
    let links = entries.iter().take(NAMED_LINKS);
    let named: Vec<_> =
        links.map(|it| format!("{} {}", escaped(&it.observation.id), it.observation.link)).collect();
    let more = match entries.len().saturating_sub(NAMED_LINKS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    with("all links as they are now", ": ", &(named.join(", ") + &more))
}

/// An event.
pub(super) fn event(event: &Event) -> (Who, String) {
    let of = |id: &Identifier| Who::Configuration(id.clone());
    let session =
        |what: String| (event.session().map_or(Who::Machine, |session| Who::Session(session.number())), what);
    match event {
        Event::StateChanged { state, .. } => session(format!("state: {}", plain(state.word()))),
        Event::Opened { .. } => session("open".to_owned()),
        Event::Closed { .. } => session("closed".to_owned()),
        Event::Error { error, cause, reason, .. } => {
            let error = format!("error: {} ({})", plain(error.word()), plain(cause.word()));
            session(with(&error, ": ", &reason.as_deref().map(escaped).unwrap_or_default()))
        }
        Event::PreferredConfigurationChanged { id, seamless, kind, .. } => {
            let seamless = if *seamless { ", seamless" } else { "" };
            session(format!("move to {}? ({kind}{seamless})", escaped(id)))
        }
        Event::OfferWithdrawn { id, .. } => session(format!("the offer of {} no longer stands", escaped(id))),
        Event::NewConfigurationActivated { id, decision_due: true, .. } => {
            session(format!("{} is up: accept or reject?", escaped(id)))
        }
        Event::NewConfigurationActivated { id, decision_due: false, .. } => {
            session(format!("{} is up and used from now on", escaped(id)))
        }
        Event::UsagePoliciesChanged { policies, .. } => {
            session(format!("policies: {}", list(policies.words())))
        }
        Event::ConfigurationAdded { id } => (of(id), "new".to_owned()),
        Event::ConfigurationRemoved { id } => (of(id), "gone".to_owned()),
        Event::ConfigurationChanged { id, state, changed } => {
            (of(id), format!("{state} now (changed: {})", list(changed.words())))
        }
        Event::OnlineStateChanged { online: true } => (Who::Machine, "online".to_owned()),
        Event::OnlineStateChanged { online: false } => (Who::Machine, "offline".to_owned()),
        Event::UpdateCompleted { token } => (Who::Machine, format!("update {token} completed")),
    }
}

/// A word of the trace as people write it.
pub(super) fn plain(word: &str) -> String {
    word.replace('_', " ")
}

/// A name with nothing in it that would move a terminal's cursor.
pub(super) fn escaped(name: &str) -> String {
    name.escape_debug().to_string()
}

fn list(words: impl Iterator<Item = &'static str>) -> String {
    let words: Vec<_> = words.map(plain).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn with(text: &str, separator: &str, more: &str) -> String {
    if more.is_empty() { text.to_owned() } else { format!("{text}{separator}{more}") }
}

/// The fields of something that the trace writes as an object, but for some.
fn facts(thing: &impl Serialize, but: &[&str]) -> String {
    chosen_facts(thing, |key, _| !but.contains(&key))
}

/// The same without those that say that there is none.
pub(super) fn present_facts(thing: &impl Serialize, but: &[&str]) -> String {
    let empty = [Value::Null, json(&""), json(&[(); 0])];
    chosen_facts(thing, |key, value| !but.contains(&key) && !empty.contains(value))
}

/// The constants that are not the usual ones.
fn changed_facts(config: &Config) -> String {
    let usual = json(&Config::default());
    chosen_facts(config, |key, value| usual.get(key) != Some(value))
}

fn chosen_facts(thing: &impl Serialize, is_chosen: impl Fn(&str, &Value) -> bool) -> String {
    let Value::Object(fields) = json(thing) else { return String::new() };
    let chosen = fields.iter().filter(|(key, value)| is_chosen(key, value));
    let facts: Vec<_> = chosen
        .map(|(key, value)| match key.strip_suffix("_ms") {
            Some(key) if !value.is_null() => format!("{} {} ms", plain(key), fact(value)),
            Some(key) => format!("{} none", plain(key)),
            None => format!("{} {}", plain(key), fact(value)),
        })
        .collect();
    facts.join(", ")
}

fn fact(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => escaped(text),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(fact).collect::<Vec<_>>().join(" "),
        Value::Object(fields) => object(fields),
    }
}

/// An interface reads as `eth0 #2 192.0.2.7/24`; anything else as its fields.
fn object(fields: &Map<String, Value>) -> String {
    if let (Some(Value::String(name)), Some(index)) = (fields.get("name"), fields.get("index")) {
        let addresses = fields.get("addresses").map(|addresses| format!(" {}", fact(addresses)));
        return format!("{} #{index}{}", escaped(name), addresses.unwrap_or_default());
    }
    let facts: Vec<_> =
        fields.iter().map(|(key, value)| format!("{} {}", escaped(key), fact(value))).collect();
    facts.join(", ")
}

fn json(thing: &impl Serialize) -> Value {
    serde_json::to_value(thing).unwrap_or_default()
}
