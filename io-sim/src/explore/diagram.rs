//! State diagrams as the real machine walks them: every edge of a search, seen from one session, grouped by
//! the states that it joins.
//!
//! An edge says what caused it and, after a stroke, what the session is told and the platform asked for. A
//! session that is neither open nor opening follows the link and is told nothing but its state.

use std::collections::{BTreeMap, BTreeSet};

use netsession_core::{
    Add, Cause, Effect, Event, Identifier, Input, LinkState, OfferKind, Outcome, RoamingMode, SessionError,
    SessionId, SessionState, SessionView, WakeReason,
};

use super::{Action, Alphabet, Command, Edge, Moves, Request, SmallWorld, State, Taken};

/// No diagram needs as many states as this.
const LIMIT: usize = 200_000;

/// The states of something, and what leads from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagram {
    /// What it shows, in one line.
    pub title: &'static str,
    /// Its states.
    pub nodes: Vec<Node>,
    /// At most one for each pair of states, in the order of the nodes.
    pub arrows: Vec<Arrow>,
}

/// A state in a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Node {
    /// What it is called; unique in its diagram.
    pub name: &'static str,
    /// What it looks like.
    pub shape: Shape,
    /// Where it stands well, by column and row.
    pub place: (u8, u8),
}

/// What a state looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "who draws has to draw each")]
pub enum Shape {
    /// A state.
    State,
    /// Where all begins.
    Start,
    /// Where all ends.
    End,
    /// Stands for all other states.
    Every,
}

/// What leads from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrow {
    /// The place of the state before, among the nodes.
    pub from: usize,
    /// The place of the state after.
    pub to: usize,
    /// What leads there, sorted.
    pub labels: Vec<String>,
}

/// Cause by cause, every way in which it is answered.
type Causes = BTreeMap<String, BTreeSet<Vec<String>>>;
type Arrows = BTreeMap<(usize, usize), Causes>;

impl Diagram {
    /// The states of a session on one access point that another session uses, too.
    #[must_use]
    pub fn session() -> Self {
        let nodes = [
            ("Disconnected", Shape::State, (0, 0)),
            ("Connecting", Shape::State, (2, 0)),
            ("Connected", Shape::State, (2, 2)),
            ("Closing", Shape::State, (0, 2)),
            ("NotAvailable", Shape::State, (1, 1)),
            ("Invalid", Shape::State, (3, 2)),
            ("every state", Shape::Every, (3, 0)),
        ];
        let mut arrows = Arrows::new();
        walk(&session_world(), |edge| note_states(edge, &mut arrows));
        Self::draw("The states of a session on an access point", &nodes, arrows)
    }

    /// The steps of roaming of an open session on a service network of two members, whose application is asked.
    #[must_use]
    pub fn roaming() -> Self {
        let nodes = [
            ("Idle", Shape::Start, (0, 0)),
            ("Settled", Shape::State, (0, 1)),
            ("Offered", Shape::State, (1, 0)),
            ("Offered as rescue", Shape::State, (1, 2)),
            ("Migrating", Shape::State, (2, 1)),
            ("Trial", Shape::State, (3, 0)),
            ("Ended", Shape::End, (3, 2)),
        ];
        let mut arrows = Arrows::new();
        walk(&roaming_world(), |edge| note_steps(edge, &mut arrows));
        Self::draw("The steps of roaming, with the application asked", &nodes, arrows)
    }

    fn draw(title: &'static str, nodes: &[(&'static str, Shape, (u8, u8))], arrows: Arrows) -> Self {
        let nodes: Vec<Node> =
            nodes.iter().map(|&(name, shape, place)| Node { name, shape, place }).collect();
        let arrows = with_every_state(&nodes, arrows);
        let arrow = |((from, to), causes)| Arrow { from, to, labels: labels(&causes) };
        Self { title, nodes, arrows: arrows.into_iter().map(arrow).collect() }
    }
}

/// The world of [`Diagram::session`]: links that move step by step, so that only what happens is drawn.
#[must_use]
pub fn session_world() -> SmallWorld {
    let mut world = SmallWorld::new([Add::access_point("eth0")], ["eth0", "eth0"]);
    let levels = LinkState::ALL.iter().copied().filter(|&level| level != LinkState::Undefined);
    let [ours, other] = [1, 2].map(SessionId::unresolved);
    world.alphabet = Alphabet {
        levels: levels.collect(),
        moves: Moves::Steps,
        outcomes: vec![Outcome::Ok, Outcome::Failed],
        removal: true,
        inputs: vec![
            Input::Open { session: ours },
            Input::Close { session: ours },
            Input::Stop { session: ours },
            Input::Stop { session: other },
        ],
        ..Alphabet::empty()
    };
    // Not together with the deadline of an open().
    world.config.stop_timeout *= 3;
    world
}

/// The world of [`Diagram::roaming`]: a member that is preferred, and a second one. Both are started and stopped
/// at will, and the application has limited time to answer.
#[must_use]
pub fn roaming_world() -> SmallWorld {
    let members = ["best", "second"];
    let network = Add::service_network("wan", members);
    let all = members.map(Add::access_point).into_iter().chain([network]);
    let mut world = SmallWorld::new(all, ["wan"]).roaming([RoamingMode::Application]);
    world.config.answer_within = Some(world.config.rescue_answer_within);
    world.alphabet = Alphabet {
        commands: Command::ALL.to_vec(),
        levels: vec![LinkState::Defined, LinkState::Discovered, LinkState::Active],
        // An answer ok is no news.
        outcomes: vec![Outcome::Failed],
        ..Alphabet::empty()
    };
    world
}

fn walk(world: &SmallWorld, mut note: impl FnMut(&Edge<'_>)) {
    let found = world.explore(LIMIT, |edge| {
        note(edge);
        Ok::<(), core::convert::Infallible>(())
    });
    debug_assert!(found.is_ok_and(|found| found.is_complete), "a diagram's world is small");
}

/// What this session is told, in order.
fn told(taken: &Taken, session: SessionId) -> impl Iterator<Item = &Event> {
    taken.events().filter(move |event| event.session() == Some(session))
}

// The states of a session.

fn node_of(state: SessionState) -> usize {
    match state {
        SessionState::Disconnected => 0,
        SessionState::Connecting | SessionState::Roaming => 1,
        SessionState::Connected => 2,
        SessionState::Closing => 3,
        SessionState::NotAvailable => 4,
        SessionState::Invalid => 5,
    }
}

/// One input may lead through several states: each is an arrow, with what is told after it. What is told
/// before the first belongs to the first.
fn note_states(edge: &Edge<'_>, arrows: &mut Arrows) {
    let Some(before) = edge.from.session(0) else { return };
    let mut at = node_of(before.state());
    let mut ways: Vec<(usize, usize, Vec<String>)> = Vec::new();
    let mut words = Vec::new();
    for event in told(edge.taken, before.id()) {
        if let Event::StateChanged { state, .. } = event {
            let next = node_of(*state);
            ways.push((at, next, core::mem::take(&mut words)));
            at = next;
        } else if let Some(word) = word_of(event) {
            match ways.last_mut() {
                Some((_, _, words)) => words.push(word),
                None => words.push(word),
            }
        }
    }
    if !words.is_empty() {
        ways.push((at, at, words));
    }
    for (place, (from, to, words)) in ways.into_iter().enumerate() {
        let cause = if place == 0 { link_cause(edge) } else { "still wanted".to_owned() };
        note(arrows, (from, to), cause, words);
    }
}

/// What happened, to a session on the only link that there is.
fn link_cause(edge: &Edge<'_>) -> String {
    use LinkState::{Active, Closing, Connecting, Defined, Discovered, Undefined};
    let action = &edge.step.action;
    let Action::Level(id, level, _) = action else {
        let cause = common_cause(edge.from, action);
        let of_other = cause.strip_suffix(" 2").map(|command| format!("another session's {command}"));
        return of_other.or_else(|| Some(cause.strip_suffix(" 1")?.to_owned())).unwrap_or(cause);
    };
    let was = edge.from.link(id).map_or(Undefined, |(level, _)| level);
    let cause = match level {
        Active => "link up",
        Connecting => "link coming up",
        Closing => "link going down",
        Discovered if was == Active => "link lost",
        Discovered if was < Discovered => "in reach",
        Discovered => "link down",
        Defined | Undefined => "out of reach",
    };
    cause.to_owned()
}

// The steps of roaming.

const IDLE: usize = 0;
const SETTLED: usize = 1;
const OFFERED: usize = 2;
const RESCUE: usize = 3;
const MIGRATING: usize = 4;
const TRIAL: usize = 5;
const ENDED: usize = 6;

fn step_of(session: &SessionView<'_>) -> usize {
    if !session.is_open() {
        return IDLE;
    }
    match (session.offer(), session.candidate()) {
        (Some(offer), _) => match offer.kind {
            OfferKind::Upgrade => OFFERED,
            OfferKind::Rescue => RESCUE,
        },
        (None, Some(_)) => TRIAL,
        // Nothing is restored or waited for in that world.
        (None, None) if session.state() == SessionState::Roaming => MIGRATING,
        (None, None) => SETTLED,
    }
}

fn note_steps(edge: &Edge<'_>, arrows: &mut Arrows) {
    let (Some(before), Some(after)) = (edge.from.session(0), edge.to.session(0)) else { return };
    let (from, to) = (step_of(&before), step_of(&after));
    let roles = Roles::of(&before, &after);
    let news = told(edge.taken, before.id()).filter(|event| !is_failed_stop(event));
    let mut words: Vec<String> = news.filter_map(word_of).collect();
    // A session that waits for its first link is not open yet: that is the other diagram. So is what becomes
    // of requests to stop.
    if from == to && (words.is_empty() || from == IDLE) || is_end_of_stop(&edge.step.action) {
        return;
    }
    if from != IDLE {
        let mut requests: Vec<String> =
            edge.taken.effects().filter_map(|effect| roles.request(effect)).collect();
        requests.sort_unstable();
        words.extend(requests);
    }
    let to = if to == IDLE { ENDED } else { to };
    let cause = match (&edge.step.action, from) {
        // The deadlines of requests may be due at the same time.
        (Action::Pass, MIGRATING) => "not up in time".to_owned(),
        (Action::Pass, OFFERED | RESCUE | TRIAL) => "no answer in time".to_owned(),
        (Action::Pass, _) => "time".to_owned(),
        _ => roles.cause(edge),
    };
    note(arrows, (from, to), cause, words);
}

const fn is_failed_stop(event: &Event) -> bool {
    matches!(event, Event::Error { cause: Cause::StopRefused | Cause::StopTimedOut, .. })
}

fn is_end_of_stop(action: &Action) -> bool {
    matches!(action, Action::Answer(Request::Stop(_) | Request::Cancel(_), _))
}

/// Who is called A, the one in use, and B, the other one.
struct Roles {
    a: Option<Identifier>,
}

impl Roles {
    fn of(before: &SessionView<'_>, after: &SessionView<'_>) -> Self {
        let a = before.active_configuration().or(after.active_configuration());
        Self { a: a.cloned() }
    }

    fn letter(&self, id: &Identifier) -> &'static str {
        if self.a.as_ref() == Some(id) { "A" } else { "B" }
    }

    fn request(&self, effect: &Effect) -> Option<String> {
        match effect {
            Effect::Start { id, .. } => Some(format!("start {}", self.letter(id))),
            Effect::Stop { id, .. } => Some(format!("stop {}", self.letter(id))),
            Effect::Cancel { .. }
            | Effect::Resolve { .. }
            | Effect::Update { .. }
            | Effect::ReadCounters { .. }
            | Effect::Watch { .. }
            | Effect::Unwatch { .. } => None,
        }
    }

    fn cause(&self, edge: &Edge<'_>) -> String {
        use LinkState::{Active, Closing, Connecting, Defined, Discovered, Undefined};
        let action = &edge.step.action;
        if let Action::Command(command, _) = action {
            return command.word().to_owned();
        }
        if let Action::MigrateTo(_, member) = action {
            return format!("migrate_to {}", self.letter(member));
        }
        let Action::Level(id, level, _) = action else { return common_cause(edge.from, action) };
        let was_up = edge.from.link(id).is_some_and(|(level, _)| level == Active);
        let what = match level {
            Active => "up",
            Discovered | Connecting | Closing | Defined | Undefined if was_up => "lost",
            Discovered | Connecting | Closing => "in reach",
            Defined | Undefined => "out of reach",
        };
        format!("{} {what}", self.letter(id))
    }
}

// Words for both.

/// Of several deadlines at once, or errors in a row, each is said once.
fn note(arrows: &mut Arrows, ends: (usize, usize), cause: String, mut words: Vec<String>) {
    let mut seen = BTreeSet::new();
    words.retain(|word| seen.insert(word.clone()));
    arrows.entry(ends).or_default().entry(cause).or_default().insert(words);
}

fn common_cause(from: &State, action: &Action) -> String {
    let cause = if let Action::Answer(request, _) = action {
        match request {
            Request::Start(_) => "start failed",
            Request::Stop(_) => "stop failed",
            Request::Cancel(_) => "start given up",
            Request::CancelResolve | Request::Resolve(_) | Request::Update => "answer",
        }
    } else if let Action::Pass = action {
        match from.wake().map(|wake| wake.why) {
            Some(WakeReason::ConnectTimeout) => "not up in time",
            Some(WakeReason::StopTimeout) => "not down in time",
            why => why.map_or("time", WakeReason::word),
        }
    } else if let Action::Remove(_) = action {
        "removed"
    } else {
        return action.to_string();
    };
    cause.to_owned()
}

/// The documented name of what a session is told; its state is told by the arrow.
fn word_of(event: &Event) -> Option<String> {
    let word = match event {
        Event::Opened { .. } => "Opened",
        Event::Closed { .. } => "Closed",
        Event::PreferredConfigurationChanged { .. } => "PreferredConfigurationChanged",
        Event::OfferWithdrawn { .. } => "OfferWithdrawn",
        Event::NewConfigurationActivated { .. } => "NewConfigurationActivated",
        Event::Error { error, .. } => match error {
            SessionError::Unknown => "UnknownError",
            SessionError::SessionAborted => "SessionAborted",
            SessionError::Roaming => "RoamingError",
            SessionError::OperationNotSupported => "OperationNotSupported",
            SessionError::InvalidConfiguration => "InvalidConfiguration",
        },
        Event::StateChanged { .. }
        | Event::UsagePoliciesChanged { .. }
        | Event::ConfigurationAdded { .. }
        | Event::ConfigurationRemoved { .. }
        | Event::ConfigurationChanged { .. }
        | Event::OnlineStateChanged { .. }
        | Event::UpdateCompleted { .. } => return None,
    };
    Some(word.to_owned())
}

/// Where something leads to one state from all others, it is drawn once.
fn with_every_state(nodes: &[Node], mut arrows: Arrows) -> Arrows {
    let Some(every) = nodes.iter().position(|node| node.shape == Shape::Every) else { return arrows };
    let others = |to: usize| (0..nodes.len()).filter(move |&from| from != to && from != every);
    for to in 0..nodes.len() {
        let causes: BTreeSet<String> = arrows
            .range(..)
            .filter(|((_, end), _)| *end == to)
            .flat_map(|(_, causes)| causes.keys().cloned())
            .collect();
        for cause in causes {
            let has = |from: usize| arrows.get(&(from, to)).is_some_and(|causes| causes.contains_key(&cause));
            if to == every || !others(to).all(has) {
                continue;
            }
            for from in others(to) {
                let ways = arrows.get_mut(&(from, to)).and_then(|causes| causes.remove(&cause));
                let all = arrows.entry((every, to)).or_default().entry(cause.clone()).or_default();
                all.extend(ways.into_iter().flatten());
            }
        }
    }
    arrows.retain(|_, causes| !causes.is_empty());
    arrows
}

/// One line for each answer, with all that is answered so.
fn labels(causes: &Causes) -> Vec<String> {
    let mut by_answer: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (cause, ways) in causes {
        by_answer.entry(answer(ways)).or_default().push(cause);
    }
    let line = |(answer, causes): (String, Vec<&str>)| {
        let causes = causes.join(", ");
        if answer.is_empty() { causes } else { format!("{causes} / {answer}") }
    };
    by_answer.into_iter().map(line).collect()
}

/// All ways in which something is answered, but for those that are part of another: a session that only watches
/// is told less.
fn answer(ways: &BTreeSet<Vec<String>>) -> String {
    let is_part = |way: &Vec<String>, of: &Vec<String>| {
        way.len() < of.len() && way.iter().all(|word| of.contains(word))
    };
    let whole = ways.iter().filter(|way| !ways.iter().any(|other| is_part(way, other)));
    whole.map(|way| way.join(", ")).collect::<Vec<_>>().join(" or ")
}
