//! A state of a small world: the machine, the levels of its links, and what the platform owes it. And how a
//! step leads from one to the next.
//!
//! All but the machine follows from the machine's canonical bytes: the platform is believed, and owes what
//! the machine awaits.

use core::time::Duration;
use std::collections::BTreeMap;

use netsession_core::{
    Accepted, Add, ConfigurationType, Effect, Event, Identifier, Input, Instant, Interface, LinkState,
    Manager, Observation, OperationId, Output, Refused, SessionId, SessionView, SnapshotEntry, Wake,
};

use super::{Action, Command, Request, SmallWorld, Snapshots, Step, When};
use crate::Record;

/// Later than all deadlines, whatever the constants.
const BEYOND: Duration = Duration::from_secs(24 * 60 * 60);
/// The number of no request.
const NEVER_ASKED: OperationId = OperationId(u64::MAX);
/// What the number of a replaced interface is raised by.
const REPLACED: u32 = 100;

/// A state of a small world, drained and at rest until the next step.
#[derive(Clone, Debug)]
pub struct State {
    manager: Manager,
    wake: Option<Wake>,
    sessions: Vec<SessionId>,
    owed: BTreeMap<Request, OperationId>,
    /// The last request that is not waited for any more.
    over: Option<OperationId>,
    /// Level and interface of each link that there is, by identifier.
    links: BTreeMap<Identifier, (LinkState, u32)>,
}

/// A step that was taken.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "what goes in and what comes out")]
pub struct Taken {
    /// When.
    pub at: Instant,
    /// What the machine was told.
    pub input: Input,
    /// What it answered.
    pub result: Result<Accepted, Refused>,
    /// What it said, without the last `Idle`.
    pub outputs: Vec<Output>,
    /// The state after it.
    pub state: State,
}

impl Taken {
    /// What was said to applications.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Event(event) => Some(event),
            Output::Effect(_) | Output::Idle { .. } => None,
        })
    }

    /// What the platform was asked for.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.outputs.iter().filter_map(|output| match output {
            Output::Effect(effect) => Some(effect),
            Output::Event(_) | Output::Idle { .. } => None,
        })
    }
}

impl State {
    /// The machine.
    #[must_use]
    pub const fn manager(&self) -> &Manager {
        &self.manager
    }

    /// The session at this place, counted from 0 in the order in which those were made that there are.
    #[must_use]
    pub fn session(&self, place: usize) -> Option<SessionView<'_>> {
        self.manager.session(*self.sessions.get(place)?)
    }

    /// The handles of the sessions, by their place.
    #[must_use]
    pub fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }

    /// The next deadline.
    #[must_use]
    pub const fn wake(&self) -> Option<Wake> {
        self.wake
    }

    /// What the platform has not answered and the machine still waits for.
    pub fn owed(&self) -> impl Iterator<Item = &Request> {
        self.owed.keys()
    }

    /// The level of a link, and the number of its interface; `None` while it is removed.
    #[must_use]
    pub fn link(&self, id: &str) -> Option<(LinkState, u32)> {
        self.links.get(id).copied()
    }

    fn place_of(&self, session: SessionId) -> Option<usize> {
        self.sessions.iter().position(|&it| it == session)
    }

    fn say(&mut self, at: Instant, input: Input) -> (Result<Accepted, Refused>, Vec<Output>) {
        let result = self.manager.handle_input(at, input);
        if let Ok(Accepted::Session(session)) = result {
            self.sessions.push(session);
        }
        let mut outputs = Vec::new();
        loop {
            match self.manager.poll_output() {
                Output::Effect(effect) => {
                    self.owe(&effect);
                    outputs.push(Output::Effect(effect));
                }
                Output::Event(event) => outputs.push(Output::Event(event)),
                Output::Idle { wake } => {
                    self.wake = wake;
                    break;
                }
            }
        }
        let Self { manager, over, .. } = self;
        self.owed.retain(|_, &mut op| {
            let is_awaited = manager.awaits(op);
            if !is_awaited {
                *over = (*over).max(Some(op));
            }
            is_awaited
        });
        (result, outputs)
    }

    fn owe(&mut self, effect: &Effect) {
        let (request, op) = match effect {
            Effect::Start { op, id } => (Request::Start(id.clone()), op),
            Effect::Stop { op, id } => (Request::Stop(id.clone()), op),
            Effect::Cancel { op, cancelled } => {
                let started = self.owed.iter().find_map(|(request, op)| {
                    if let Request::Start(id) = request {
                        (op == cancelled).then(|| id.clone())
                    } else {
                        None
                    }
                });
                (started.map_or(Request::CancelResolve, Request::Cancel), op)
            }
            Effect::Resolve { op, session, among: _ } => {
                let Some(place) = self.place_of(*session) else { return };
                (Request::Resolve(place), op)
            }
            Effect::Update { op } => (Request::Update, op),
            Effect::ReadCounters { .. } | Effect::Watch { .. } | Effect::Unwatch { .. } => return,
        };
        self.owed.insert(request, *op);
    }

    /// A session is gone: those after it move up.
    fn forget(&mut self, place: usize) {
        self.sessions.remove(place);
        let moved_up = |(mut request, op)| {
            if let Request::Resolve(at) = &mut request
                && *at > place
            {
                *at -= 1;
            }
            (request, op)
        };
        self.owed = core::mem::take(&mut self.owed).into_iter().map(moved_up).collect();
    }
}

impl SmallWorld {
    /// The state in which the search begins: everything is there, the first population is over.
    ///
    /// # Panics
    /// If the machine refuses a configuration.
    #[must_use]
    pub fn start(&self) -> State {
        self.begin().0
    }

    /// The first state, and what was said to build it.
    pub(super) fn begin(&self) -> (State, Vec<(Instant, Record)>) {
        let mut state = State {
            manager: Manager::new(),
            wake: None,
            sessions: Vec::new(),
            owed: BTreeMap::new(),
            over: None,
            links: BTreeMap::new(),
        };
        let mut records = Vec::new();
        let mut say = |state: &mut State, input: Input| {
            records.push((Instant::ZERO, Record::Input(input.clone())));
            let (result, outputs) = state.say(Instant::ZERO, input);
            assert!(result.is_ok(), "the world cannot be built: {result:?}");
            records.extend(said(Instant::ZERO, result, outputs, state.wake));
        };
        say(&mut state, Input::Config(self.config.clone()));
        for add in &self.configurations {
            say(&mut state, Input::Add(self.with_interface(add)));
        }
        for (on, mode) in &self.sessions {
            say(&mut state, Input::Session { on: on.clone() });
            if let Some(&session) = state.sessions.last() {
                say(&mut state, Input::Roaming { session, mode: *mode });
            }
        }
        state.links = self.links().map(|add| (add.id.clone(), (add.link, self.index_of(&add.id)))).collect();
        (state, records)
    }

    fn index_of(&self, id: &Identifier) -> u32 {
        let place = self.links().position(|add| add.id == *id).unwrap_or(0);
        u32::try_from(place).unwrap_or(0) + 1
    }

    fn with_interface(&self, add: &Add) -> Add {
        let mut add = add.clone();
        if add.kind == ConfigurationType::AccessPoint {
            add.interface = Some(Interface::new(self.index_of(&add.id), add.id.as_str()));
        }
        add
    }

    /// Everything that may happen in this state, always in the same order.
    #[must_use]
    pub fn steps(&self, state: &State) -> Vec<Step> {
        let alphabet = &self.alphabet;
        let mut actions = Vec::new();
        self.commands(state, &mut actions);
        self.answers(state, &mut actions);
        self.levels(state, &mut actions);
        self.comings_and_goings(state, &mut actions);
        if alphabet.updates && !state.owed.contains_key(&Request::Update) {
            actions.push(Action::Update);
        }
        let inputs = alphabet.inputs.iter().map(|input| Action::Say(Box::new(input.clone())));
        actions.extend(inputs.filter(|action| self.input(state, action).is_some()));
        let at = |when: When| move |action: Action| Step { when, action };
        let mut steps = Vec::new();
        if state.wake.is_some() {
            steps.push(at(When::Deadline)(Action::Pass));
            if alphabet.at_deadlines {
                steps.extend(actions.iter().cloned().map(at(When::Deadline)));
            }
            if alphabet.beyond_deadlines {
                steps.push(at(When::Beyond)(Action::Pass));
            }
        }
        steps.extend(actions.into_iter().map(at(When::Now)));
        steps
    }

    fn commands(&self, state: &State, actions: &mut Vec<Action>) {
        for place in 0..state.sessions.len() {
            for &command in &self.alphabet.commands {
                if command == Command::MigrateTo {
                    actions.extend(
                        self.members_of(state, place)
                            .into_iter()
                            .map(|member| Action::MigrateTo(place, member)),
                    );
                } else {
                    actions.push(Action::Command(command, place));
                }
            }
            let session = state.session(place);
            let (mode, policy) =
                session.map(|session| (session.roaming_mode(), session.reopen_policy())).unzip();
            let modes = self.alphabet.modes.iter().filter(|&&it| Some(it) != mode);
            actions.extend(modes.map(|&mode| Action::Roaming(place, mode)));
            let policies = self.alphabet.reopen_policies.iter().filter(|&&it| Some(it) != policy);
            actions.extend(policies.map(|&policy| Action::Reopen(place, policy)));
            if self.alphabet.drops {
                actions.push(Action::Drop(place));
            }
        }
    }

    /// The members of what this session is made on; of an access point itself.
    fn members_of(&self, state: &State, place: usize) -> Vec<Identifier> {
        let Some(session) = state.session(place) else { return Vec::new() };
        let on = session.configuration();
        let members = self.configurations.iter().find(|add| add.id == *on);
        members.and_then(|add| add.settings.members.clone()).unwrap_or_else(|| vec![on.clone()])
    }

    fn answers(&self, state: &State, actions: &mut Vec<Action>) {
        for request in state.owed.keys() {
            if let Request::Resolve(place) = request {
                let others =
                    self.configurations.iter().filter(|add| add.kind != ConfigurationType::UserChoice);
                let choices = others.map(|add| Some(add.id.clone())).chain([None]);
                actions.extend(choices.map(|choice| Action::Resolve(*place, choice)));
            } else {
                let outcomes = self.alphabet.outcomes.iter();
                actions.extend(outcomes.map(|&outcome| Action::Answer(request.clone(), outcome)));
            }
        }
        if self.alphabet.stale_answers {
            actions.push(Action::StaleAnswer);
            actions.extend(self.alphabet.outcomes.iter().copied().map(Action::LateAnswer));
        }
    }

    fn levels(&self, state: &State, actions: &mut Vec<Action>) {
        for (id, &(level, index)) in &state.links {
            let own = self.index_of(id);
            let next = self.alphabet.levels.iter().copied();
            let next = next.filter(|&next| next != level && self.alphabet.moves.allows(level, next));
            actions.extend(next.map(|next| Action::Level(id.clone(), next, own)));
            if self.alphabet.replaced_links && level == LinkState::Active {
                let other = if index == own { own + REPLACED } else { own };
                actions.push(Action::Level(id.clone(), level, other));
            }
        }
        match self.alphabet.snapshots {
            Snapshots::No => {}
            Snapshots::Believed => {
                let links = state.links.iter().map(|(id, &(level, index))| (id.clone(), level, index));
                actions.push(Action::Snapshot(links.collect()));
            }
            Snapshots::All => actions.extend(self.snapshots().into_iter().map(Action::Snapshot)),
        }
    }

    /// Every combination of levels, and of absence where configurations go.
    fn snapshots(&self) -> Vec<Vec<(Identifier, LinkState, u32)>> {
        let mut all = vec![Vec::new()];
        for add in self.links() {
            let index = self.index_of(&add.id);
            let levels = self.alphabet.levels.iter().map(|&level| Some((add.id.clone(), level, index)));
            let choices: Vec<_> = levels.chain(self.alphabet.removal.then_some(None)).collect();
            let with = |so_far: &Vec<_>| {
                let so_far = so_far.clone();
                choices
                    .iter()
                    .map(move |choice| so_far.iter().chain(choice).cloned().collect())
                    .collect::<Vec<Vec<_>>>()
            };
            all = all.iter().flat_map(with).collect();
        }
        all
    }

    fn comings_and_goings(&self, state: &State, actions: &mut Vec<Action>) {
        if self.alphabet.removal {
            actions.extend(self.configurations.iter().map(|add| {
                let is_there = state.manager.configuration(&add.id).is_some();
                if is_there { Action::Remove(add.id.clone()) } else { Action::Add(add.id.clone()) }
            }));
        }
        if self.alphabet.drops && state.sessions.len() < self.sessions.len() {
            let mut missing: Vec<&Identifier> = self.sessions.iter().map(|(on, _)| on).collect();
            for session in state.manager.sessions() {
                if let Some(at) = missing.iter().position(|on| *on == session.configuration()) {
                    missing.remove(at);
                }
            }
            missing.dedup();
            actions.extend(missing.into_iter().cloned().map(Action::Make));
        }
    }

    /// Takes a step. `None` if it makes no sense in this state.
    #[must_use]
    pub fn take(&self, state: &State, step: &Step) -> Option<Taken> {
        let input = self.input(state, &step.action)?;
        let at = match step.when {
            When::Now => state.manager.now(),
            When::Deadline => state.wake?.at,
            When::Beyond => state.wake?.at + BEYOND,
        };
        let mut state = state.clone();
        self.note_links(&mut state, &step.action);
        let (result, outputs) = state.say(at, input.clone());
        if let Action::Drop(place) = step.action {
            state.forget(place);
        }
        Some(Taken { at, input, result, outputs, state })
    }

    fn note_links(&self, state: &mut State, action: &Action) {
        match action {
            Action::Level(id, level, index) => {
                state.links.insert(id.clone(), (*level, *index));
            }
            Action::Snapshot(links) => {
                state.links = links.iter().map(|(id, level, index)| (id.clone(), (*level, *index))).collect();
            }
            Action::Remove(id) => {
                state.links.remove(id);
            }
            Action::Add(id) => {
                if let Some(add) = self.links().find(|add| add.id == *id) {
                    state.links.insert(id.clone(), (add.link, self.index_of(id)));
                }
            }
            Action::Command(..)
            | Action::MigrateTo(..)
            | Action::Roaming(..)
            | Action::Reopen(..)
            | Action::Drop(_)
            | Action::Make(_)
            | Action::Answer(..)
            | Action::Resolve(..)
            | Action::StaleAnswer
            | Action::LateAnswer(_)
            | Action::Update
            | Action::Say(_)
            | Action::Pass => {}
        }
    }

    fn input(&self, state: &State, action: &Action) -> Option<Input> {
        let session = |place: usize| state.sessions.get(place).copied();
        Some(match action {
            Action::Command(command, place) => command_input(*command, session(*place)?)?,
            Action::MigrateTo(place, member) => {
                Input::MigrateTo { session: session(*place)?, member: member.clone() }
            }
            Action::Roaming(place, mode) => Input::Roaming { session: session(*place)?, mode: *mode },
            Action::Reopen(place, policy) => Input::Reopen { session: session(*place)?, policy: *policy },
            Action::Drop(place) => Input::Drop { session: session(*place)? },
            Action::Make(on) => Input::Session { on: on.clone() },
            Action::Level(id, level, index) => Input::Observed(observation(id, *level, *index)),
            Action::Snapshot(links) => Input::Snapshot(
                links.iter().map(|(id, level, index)| self.entry(state, id, *level, *index)).collect(),
            ),
            Action::Remove(id) => Input::Remove { id: id.clone() },
            Action::Add(id) => {
                Input::Add(self.with_interface(self.configurations.iter().find(|add| add.id == *id)?))
            }
            Action::Answer(request, result) => {
                Input::Completed { op: *state.owed.get(request)?, result: *result, reason: None }
            }
            Action::Resolve(place, choice) => {
                let op = *state.owed.get(&Request::Resolve(*place))?;
                Input::Resolved { op, choice: choice.clone() }
            }
            Action::StaleAnswer => {
                Input::Completed { op: NEVER_ASKED, result: netsession_core::Outcome::Failed, reason: None }
            }
            Action::LateAnswer(result) => {
                Input::Completed { op: state.over.unwrap_or(NEVER_ASKED), result: *result, reason: None }
            }
            Action::Update => Input::Update {},
            Action::Say(input) => {
                let mut input = (**input).clone();
                if let Some(named) = input.session_mut() {
                    let place = usize::try_from(named.number()).ok()?.checked_sub(1)?;
                    *named = session(place)?;
                }
                input
            }
            Action::Pass => Input::Tick {},
        })
    }

    /// One link of a snapshot; of a link that is not known, with what `add` would say.
    fn entry(&self, state: &State, id: &Identifier, level: LinkState, index: u32) -> SnapshotEntry {
        let mut entry = SnapshotEntry::new(observation(id, level, index));
        if let Some(add) = self.links().find(|add| add.id == *id && !state.links.contains_key(id)) {
            entry.settings = add.settings.clone();
        }
        entry
    }
}

/// What the machine answered and said, as a trace has it.
pub(super) fn said(
    at: Instant,
    result: Result<Accepted, Refused>,
    outputs: Vec<Output>,
    wake: Option<Wake>,
) -> impl Iterator<Item = (Instant, Record)> {
    let outputs = outputs.into_iter().chain([Output::Idle { wake }]).map(Record::Output);
    [Record::Result(result)].into_iter().chain(outputs).map(move |record| (at, record))
}

fn observation(id: &Identifier, level: LinkState, index: u32) -> Observation {
    Observation::new(id.clone(), level).with_interface(Interface::new(index, id.as_str()))
}

fn command_input(command: Command, session: SessionId) -> Option<Input> {
    Some(match command {
        Command::Open => Input::Open { session },
        Command::Close => Input::Close { session },
        Command::Stop => Input::Stop { session },
        Command::Migrate => Input::Migrate { session },
        Command::Ignore => Input::Ignore { session },
        Command::Accept => Input::Accept { session },
        Command::Reject => Input::Reject { session },
        // Names a member: a step of its own.
        Command::MigrateTo => return None,
    })
}
