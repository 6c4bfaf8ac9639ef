//! What may happen next, in words that hold for every state with the same canonical bytes: sessions and
//! requests by their place, not by their number.

use core::fmt;

use netsession_core::{Identifier, Input, LinkState, Outcome, ReopenPolicy, RoamingMode};

/// One thing that may happen, and when. `Display` gives a few words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pair")]
pub struct Step {
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
}

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the visitors of a search look at all of them")]
pub enum When {
    /// At the time of the last input.
    Now,
    /// When the next deadline is due.
    Deadline,
    /// So late that all deadlines are due.
    Beyond,
}

/// What happens. Sessions are named by their place among those that there are, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the visitors of a search look at all of them")]
pub enum Action {
    /// A session is told something.
    Command(Command, usize),
    /// A session is moved to a member of the application's choice.
    MigrateTo(usize, Identifier),
    /// A session roams so from now on.
    Roaming(usize, RoamingMode),
    /// A session re-opens so from now on.
    Reopen(usize, ReopenPolicy),
    /// A session is dropped.
    Drop(usize),
    /// A session is made on this configuration.
    Make(Identifier),
    /// A link is at this level, on the interface of this number.
    Level(Identifier, LinkState, u32),
    /// All links are seen at once.
    Snapshot(Vec<(Identifier, LinkState, u32)>),
    /// A configuration goes.
    Remove(Identifier),
    /// A configuration comes back.
    Add(Identifier),
    /// A request is answered.
    Answer(Request, Outcome),
    /// The user answers for the session at this place.
    Resolve(usize, Option<Identifier>),
    /// An answer to nothing that was ever asked.
    StaleAnswer,
    /// An answer, after all or once more, to what was asked last of all that is not waited
    /// for any more; to nothing if there is none.
    LateAnswer(Outcome),
    /// Somebody asks for an update.
    Update,
    /// One of the world's own inputs; a session in it is named by its place, from 1.
    Say(Box<Input>),
    /// Time passes.
    Pass,
}

/// What a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the visitors of a search look at all of them")]
pub enum Command {
    /// open()
    Open,
    /// close()
    Close,
    /// stop()
    Stop,
    /// migrate()
    Migrate,
    /// ignore()
    Ignore,
    /// accept()
    Accept,
    /// reject()
    Reject,
    /// migrate_to(), each member
    MigrateTo,
}

/// What the platform was asked for and has not answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the visitors of a search look at all of them")]
pub enum Request {
    /// A link is to be started.
    Start(Identifier),
    /// A link is to be stopped.
    Stop(Identifier),
    /// A start is to be given up.
    Cancel(Identifier),
    /// The user is to be asked no longer.
    CancelResolve,
    /// The user is to choose for the session at this place.
    Resolve(usize),
    /// Configurations are to be looked for.
    Update,
}

impl Command {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Open,
        Self::Close,
        Self::Stop,
        Self::Migrate,
        Self::Ignore,
        Self::Accept,
        Self::Reject,
        Self::MigrateTo,
    ];

    /// The word of the trace.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Stop => "stop",
            Self::Migrate => "migrate",
            Self::Ignore => "ignore",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::MigrateTo => "migrate_to",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Now => {}
            When::Deadline => f.write_str("at the deadline: ")?,
            When::Beyond => f.write_str("after all deadlines: ")?,
        }
        self.action.fmt(f)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command, session) => write!(f, "{} {}", command.word(), session + 1),
            Self::MigrateTo(session, member) => write!(f, "migrate {} to {member}", session + 1),
            Self::Roaming(session, mode) => write!(f, "roaming {} {mode}", session + 1),
            Self::Reopen(session, policy) => write!(f, "reopen {} {policy}", session + 1),
            Self::Drop(session) => write!(f, "drop {}", session + 1),
            Self::Make(on) => write!(f, "session on {on}"),
            Self::Level(id, level, index) => write!(f, "{id} is {level} ({index})"),
            Self::Snapshot(links) => {
                f.write_str("snapshot")?;
                links.iter().try_for_each(|(id, level, index)| write!(f, ", {id} is {level} ({index})"))
            }
            Self::Remove(id) => write!(f, "remove {id}"),
            Self::Add(id) => write!(f, "add {id}"),
            Self::Answer(request, outcome) => write!(f, "{request}: {outcome}"),
            Self::Resolve(session, None) => write!(f, "user cancels for {}", session + 1),
            Self::Resolve(session, Some(id)) => write!(f, "user chooses {id} for {}", session + 1),
            Self::StaleAnswer => f.write_str("stale answer"),
            Self::LateAnswer(outcome) => write!(f, "late answer: {outcome}"),
            Self::Update => f.write_str("update"),
            Self::Say(input) => crate::record::write_input(f, input),
            Self::Pass => f.write_str("time"),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(id) => write!(f, "start {id}"),
            Self::Stop(id) => write!(f, "stop {id}"),
            Self::Cancel(id) => write!(f, "cancel {id}"),
            Self::CancelResolve => f.write_str("cancel the question"),
            Self::Resolve(session) => write!(f, "resolve for {}", session + 1),
            Self::Update => f.write_str("update"),
        }
    }
}
