//! What was walked, as open sessions see it: which input came in which step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use netsession_core::{
    ConfigurationType, Event, Fate, Identifier, LinkState, Outcome, RoamingMode, RoamingStep, SessionView,
    Standing, WakeReason,
};
use netsession_io_sim::explore::{Action, Command, Edge, Request, When};

use super::rows;

/// Which access point something is about, as a session sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// The one in use.
    A,
    /// The one that it may move to.
    B,
    /// Another one.
    Other,
}

/// What happens, as an open session sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    Command(Command),
    MigrateTo(Role),
    Mode(RoamingMode),
    Reopen,
    Drop,
    /// Another session is told something; of a stop, what it uses itself.
    OfOther(Command),
    StopByOther(Option<Role>),
    Level(Role, LinkState),
    Replaced(Role),
    /// An answer, and whether it is `ok`: the words of a failure differ in the error that is told (R-OPEN-9).
    Started(Role, bool),
    Stopped(Role, bool),
    Cancelled(Role, bool),
    Removed(Role),
    NetworkRemoved,
    Added,
    Snapshot,
    StaleAnswer,
    Session,
    Update,
    Answered,
    Said,
    Time(Option<WakeReason>),
}

/// An edge as an open session sees it.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) before: Standing<'a>,
    /// `None`: it ended.
    pub(super) after: Option<Standing<'a>>,
    pub(super) a: &'a Identifier,
    pub(super) a_after: Option<&'a Identifier>,
    pub(super) cause: Cause,
    pub(super) edge: &'a Edge<'a>,
    pub(super) session: SessionView<'a>,
}

impl Sight<'_> {
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        let session = self.session.id();
        self.edge.taken.events().filter(move |event| event.session() == Some(session))
    }
}

/// Pairs of step and input, and rows, with how often each was taken.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pairs: BTreeMap<(RoamingStep, Fate, RoamingMode), BTreeMap<Cause, u64>>,
    rows: BTreeMap<&'static str, u64>,
}

impl Marks {
    /// Counts an edge.
    pub fn note(&mut self, edge: &Edge<'_>) {
        for place in 0..edge.from.sessions().len() {
            let Some(session) = edge.from.session(place) else { continue };
            let (Some(before), Some(a)) = (session.standing(), session.active_configuration()) else {
                continue;
            };
            let later = edge.to.manager().session(session.id());
            let sight = Sight {
                before,
                after: later.and_then(|later| later.standing()),
                a,
                a_after: later.and_then(|later| later.active_configuration()),
                cause: cause_of(edge, place, a, before.to),
                edge,
                session,
            };
            let key = (before.step, before.fate, before.mode);
            *self.pairs.entry(key).or_default().entry(sight.cause).or_default() += 1;
            for row in rows::taken(&sight) {
                *self.rows.entry(row).or_default() += 1;
            }
        }
    }

    /// Adds what was walked elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (key, causes) in &other.pairs {
            let all = self.pairs.entry(*key).or_default();
            for (cause, count) in causes {
                *all.entry(*cause).or_default() += count;
            }
        }
        for (row, count) in &other.rows {
            *self.rows.entry(row).or_default() += count;
        }
    }

    /// The rows that were never taken.
    #[must_use]
    pub fn missing_rows(&self) -> Vec<&'static str> {
        rows::all().filter(|row| !self.rows.contains_key(row)).collect()
    }

    /// Every step with every input that some step saw, if that pair was never taken.
    #[must_use]
    pub fn missing_pairs(&self) -> Vec<String> {
        let causes: BTreeSet<Cause> = self.pairs.values().flat_map(|causes| causes.keys().copied()).collect();
        let steps: BTreeSet<(RoamingStep, bool)> =
            self.pairs.keys().map(|&(step, fate, _)| (step, fate == Fate::Victim)).collect();
        let taken = |step, is_victim, cause| {
            self.pairs.iter().any(|(&(it, fate, _), causes)| {
                it == step && (fate == Fate::Victim) == is_victim && causes.contains_key(cause)
            })
        };
        let mut missing = Vec::new();
        for &(step, is_victim) in &steps {
            for cause in &causes {
                if is_possible(step, is_victim, *cause) && !taken(step, is_victim, cause) {
                    let victim = if is_victim { " as a victim" } else { "" };
                    missing.push(format!("{step:?}{victim}: {cause:?}"));
                }
            }
        }
        missing
    }
}

/// Whether this may come in this step at all. Deadlines count where they are those of this step: another session's
/// are no input to this one.
fn is_possible(step: RoamingStep, is_victim: bool, cause: Cause) -> bool {
    use RoamingStep::{Migrating, OfferedRescue, OfferedUpgrade, Restoring, Settled, Trial, Waiting};
    let has_b = matches!(step, OfferedUpgrade | OfferedRescue | Migrating | Trial);
    let is_asked = matches!(step, OfferedUpgrade | OfferedRescue | Trial);
    match cause {
        // What is used is up, and nothing is under way on it that would have to be answered; a victim's is being stopped.
        Cause::Started(Role::A, _) => !matches!(step, Settled | OfferedUpgrade),
        Cause::Stopped(Role::A, _) => is_victim || !matches!(step, Settled | OfferedUpgrade),
        Cause::Cancelled(Role::A, _) => !is_victim,
        // What is on trial is up, too.
        Cause::Started(Role::B, _) | Cause::Stopped(Role::B, _) if step == Trial => false,
        // Who is asked has that mode already.
        Cause::Mode(RoamingMode::Application) => !is_asked,
        // What others use is not taken down for one (R-DEV-1), so none is restored that another one has.
        Cause::StopByOther(Some(Role::A)) => step != Restoring,
        // What is up is on trial, or used.
        Cause::Replaced(Role::B) => has_b && step != Migrating,
        Cause::Level(Role::B, _)
        | Cause::MigrateTo(Role::B)
        | Cause::Started(Role::B, _)
        | Cause::Stopped(Role::B, _)
        | Cause::Cancelled(Role::B, _)
        | Cause::Removed(Role::B)
        | Cause::StopByOther(Some(Role::B)) => has_b,
        Cause::Time(Some(WakeReason::Answer)) => is_asked,
        Cause::Time(Some(WakeReason::ConnectTimeout)) => matches!(step, Migrating | Restoring),
        Cause::Time(Some(WakeReason::HoldOff)) => !is_victim && matches!(step, Settled | OfferedUpgrade),
        Cause::Time(Some(WakeReason::RescueGrace)) => step == Waiting,
        Cause::Time(Some(WakeReason::UpdateTimeout)) => false,
        Cause::Time(_)
        | Cause::Command(_)
        | Cause::MigrateTo(_)
        | Cause::Mode(_)
        | Cause::Reopen
        | Cause::Drop
        | Cause::OfOther(_)
        | Cause::StopByOther(_)
        | Cause::Level(..)
        | Cause::Replaced(_)
        | Cause::Started(..)
        | Cause::Stopped(..)
        | Cause::Cancelled(..)
        | Cause::Removed(_)
        | Cause::NetworkRemoved
        | Cause::Added
        | Cause::Snapshot
        | Cause::StaleAnswer
        | Cause::Session
        | Cause::Update
        | Cause::Answered
        | Cause::Said => true,
    }
}

fn cause_of(edge: &Edge<'_>, place: usize, a: &Identifier, b: Option<&Identifier>) -> Cause {
    let role = |id: &Identifier| {
        if id == a {
            Role::A
        } else if b == Some(id) {
            Role::B
        } else {
            Role::Other
        }
    };
    match &edge.step.action {
        Action::Command(command, of) if *of == place => Cause::Command(*command),
        Action::Command(Command::Stop, of) => {
            let other = edge.from.session(*of);
            Cause::StopByOther(other.and_then(|other| other.active_configuration()).map(role))
        }
        Action::Command(command, _) => Cause::OfOther(*command),
        Action::MigrateTo(of, member) if *of == place => Cause::MigrateTo(role(member)),
        Action::MigrateTo(..) => Cause::OfOther(Command::MigrateTo),
        Action::Roaming(of, mode) if *of == place => Cause::Mode(*mode),
        Action::Drop(of) if *of == place => Cause::Drop,
        Action::Reopen(of, _) if *of == place => Cause::Reopen,
        Action::Roaming(..) | Action::Reopen(..) | Action::Drop(_) | Action::Make(_) => Cause::Session,
        Action::Level(id, level, _) => {
            let was = edge.from.link(id).map(|(level, _)| level);
            if was == Some(*level) { Cause::Replaced(role(id)) } else { Cause::Level(role(id), *level) }
        }
        Action::Snapshot(_) => Cause::Snapshot,
        Action::Remove(id) => {
            let kind = edge.from.manager().configuration(id).map(|view| view.kind());
            if kind == Some(ConfigurationType::AccessPoint) {
                Cause::Removed(role(id))
            } else {
                Cause::NetworkRemoved
            }
        }
        Action::Add(_) => Cause::Added,
        Action::Answer(request, outcome) => match request {
            Request::Start(id) => Cause::Started(role(id), *outcome == Outcome::Ok),
            Request::Stop(id) => Cause::Stopped(role(id), *outcome == Outcome::Ok),
            Request::Cancel(id) => Cause::Cancelled(role(id), *outcome == Outcome::Ok),
            Request::CancelResolve | Request::Resolve(_) | Request::Update => Cause::Answered,
        },
        Action::Resolve(..) => Cause::Answered,
        Action::StaleAnswer | Action::LateAnswer(_) => Cause::StaleAnswer,
        Action::Update => Cause::Update,
        Action::Say(_) => Cause::Said,
        Action::Pass => match edge.step.when {
            When::Beyond => Cause::Time(None),
            When::Now | When::Deadline => Cause::Time(edge.from.wake().map(|wake| wake.why)),
        },
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in rows::all() {
            writeln!(f, "{row}: {}", self.rows.get(row).copied().unwrap_or(0))?;
        }
        let pairs: usize = self.pairs.values().map(BTreeMap::len).sum();
        let taken: u64 = self.pairs.values().flat_map(BTreeMap::values).sum();
        writeln!(f, "{pairs} pairs of step and input, taken {taken} times")
    }
}
