//! What holds after every input, whatever the input was: here what was said, in `standing` what stands.

use std::collections::{BTreeMap, BTreeSet};

use netsession_core::{
    Accepted, Config, Effect, Event, Identifier, Input, Instant, Output, Refused, SessionId, SessionState,
    SessionView, UpdateToken, Wake,
};
use netsession_io_sim::{Record, World};

use super::requests::Requests;
use super::session::Session;

/// A world of so many access points and sessions is looked at as a whole after every input; one of twice
/// as many after every other, and so on.
const SMALL: usize = 24;

/// What was said so far, as far as the rules look back on it.
#[derive(Debug)]
pub(super) struct Invariants {
    read: usize,
    give_up_after: u32,
    pub(super) requests: Requests,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    updates: BTreeSet<UpdateToken>,
    online: bool,
    wake: Option<Wake>,
    /// How the session stood that a command is said to.
    before: Option<(SessionId, Before)>,
    /// So many inputs came since the last look at all that stands, and whether one asks for a look now.
    unseen: usize,
    must_look: bool,
    pub(super) looks: u32,
    /// The input that is being handled.
    pub(super) input: Option<Input>,
    /// It was refused, and no deadline was due.
    must_be_silent: bool,
    pub(super) started: Vec<Identifier>,
    pub(super) stopped: Vec<Identifier>,
}

/// Which answers a session may give.
#[derive(Clone, Copy, Debug)]
struct Before {
    offer: bool,
    trial: bool,
    roams: bool,
    is_open: bool,
}

impl Invariants {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            read: 0,
            give_up_after: config.give_up_after.max(1),
            requests: Requests::new(config.stop_timeout),
            sessions: BTreeMap::new(),
            updates: BTreeSet::new(),
            online: false,
            wake: None,
            before: None,
            unseen: 0,
            must_look: true,
            looks: 0,
            input: None,
            must_be_silent: false,
            started: Vec::new(),
            stopped: Vec::new(),
        }
    }

    /// Reads what is new, then looks at what stands.
    pub(super) fn check(&mut self, world: &World) -> Result<(), String> {
        if self.read == 0 {
            self.online = world.manager().is_online();
        }
        for (at, record) in world.records().iter().skip(self.read) {
            self.read += 1;
            self.hear(*at, record).map_err(|what| format!("{what}, at {at}"))?;
        }
        let patience = (self.requests.number() + self.sessions.len()) / SMALL;
        if self.must_look || self.unseen > patience {
            self.stand(world).map_err(|what| format!("{what}, at {}", world.now()))?;
            (self.unseen, self.must_look) = (0, false);
        }
        if world.manager().is_online() != self.online {
            return Err("R-REG-6: online is not what was said".into());
        }
        Ok(())
    }

    /// Whether some application may be asked something: what was said to ask it is not answered.
    pub(super) fn has_questions(&self) -> bool {
        self.sessions.values().any(|session| session.offer.is_some() || session.trial.is_some())
    }

    /// This is about to be said.
    pub(super) fn expect(&mut self, world: &World, input: &Input) {
        let Some(id) = input.clone().session_mut().map(|id| *id) else { return };
        let before = |view: SessionView<'_>| Before {
            offer: view.offer().is_some(),
            trial: view.candidate().is_some(),
            roams: view.state() == SessionState::Roaming,
            is_open: view.is_open(),
        };
        self.before = world.manager().session(id).map(|view| (id, before(view)));
    }

    /// What holds in addition when nothing is under way: nothing that was asked for has no end.
    pub(super) fn check_ends(&self) -> Result<(), String> {
        for (id, session) in &self.sessions {
            if session.is_opening {
                return Err(format!("R-OPEN-11: an open() of {} has no end", id.number()));
            }
        }
        if let Some(token) = self.updates.first() {
            return Err(format!("R-REG-7: update {token} is never completed"));
        }
        Ok(())
    }

    fn hear(&mut self, at: Instant, record: &Record) -> Result<(), String> {
        match record {
            Record::Input(input) => {
                self.input = Some(input.clone());
                self.unseen += 1;
                // What comes and goes between two looks would be missed.
                self.must_look |= matches!(
                    input,
                    Input::Add(_)
                        | Input::Remove { .. }
                        | Input::Change(_)
                        | Input::Snapshot(_)
                        | Input::Reopen { .. }
                );
                self.started.clear();
                self.stopped.clear();
            }
            Record::Result(result) => {
                self.must_be_silent = result.is_err() && self.wake.is_none_or(|wake| wake.at > at);
                self.check_answer(result.as_ref().err())?;
                match result {
                    Ok(accepted) => self.accept(at, *accepted),
                    Err(_) => self.requests.pass(at),
                }
            }
            Record::Output(Output::Effect(_) | Output::Event(_)) if self.must_be_silent => {
                return Err(format!("R-GEN-6: a refused input was followed by {record}"));
            }
            Record::Output(Output::Effect(effect)) => {
                let was_started = matches!(effect, Effect::Stop { id, .. } if self.requests.is_started(id));
                self.requests.ask(at, effect)?;
                match effect {
                    // The end of a start that nobody wants any more.
                    Effect::Stop { .. } if was_started => {}
                    Effect::Start { id, .. } => self.started.push(id.clone()),
                    Effect::Stop { id, .. } => self.stopped.push(id.clone()),
                    Effect::Cancel { .. }
                    | Effect::Resolve { .. }
                    | Effect::Update { .. }
                    | Effect::ReadCounters { .. }
                    | Effect::Watch { .. }
                    | Effect::Unwatch { .. } => {}
                }
            }
            Record::Output(Output::Event(event)) => self.tell(at, event)?,
            Record::Output(Output::Idle { wake }) => {
                if self.must_be_silent && *wake != self.wake {
                    return Err("R-GEN-6: a refused input moved a deadline".into());
                }
                self.wake = *wake;
                self.settle(at)?;
            }
        }
        Ok(())
    }

    /// The end of an input.
    fn settle(&mut self, at: Instant) -> Result<(), String> {
        self.requests.settle(at);
        if let Some(input) = &mut self.input
            && let Some(id) = input.session_mut().map(|id| *id)
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.obeyed(input);
        }
        self.started.iter().try_for_each(|id| self.requests.check_devices(id))
    }

    /// R-ROAM-26: an answer is taken exactly in its step.
    fn check_answer(&self, refused: Option<&Refused>) -> Result<(), String> {
        let Some(input) = &self.input else { return Ok(()) };
        let Some(id) = input.clone().session_mut().map(|id| *id) else { return Ok(()) };
        let Some((_, before)) = self.before.filter(|(of, _)| *of == id) else { return Ok(()) };
        if matches!(input, Input::MigrateTo { .. }) {
            let may = before.is_open && !before.roams && !before.offer;
            if !may && !matches!(refused, Some(Refused::NotRoaming)) {
                return Err(format!("R-ROAM-27: {input:?} out of its step is answered {refused:?}"));
            }
        }
        let is_fit = if matches!(input, Input::Migrate { .. } | Input::Ignore { .. }) {
            before.offer
        } else if matches!(input, Input::Accept { .. } | Input::Reject { .. }) {
            before.trial
        } else {
            return Ok(());
        };
        match refused {
            None if is_fit => Ok(()),
            Some(Refused::NotRoaming) if !is_fit => Ok(()),
            _ => Err(format!("R-ROAM-26: {input:?} with {before:?} is answered {refused:?}")),
        }
    }

    fn accept(&mut self, at: Instant, accepted: Accepted) {
        if let Accepted::Update(token) = accepted {
            self.updates.insert(token);
        }
        let Some(mut input) = self.input.clone() else { return };
        self.requests.hear(at, &input);
        let Some(id) = input.session_mut().map(|id| *id) else { return };
        if let Input::Drop { .. } = input {
            self.sessions.remove(&id);
        } else {
            self.sessions.entry(id).or_default().obey(&input);
        }
    }

    fn tell(&mut self, at: Instant, event: &Event) -> Result<(), String> {
        match event {
            Event::UpdateCompleted { token } if !self.updates.remove(token) => {
                return Err(format!("R-REG-7: update {token} is completed twice, or was never asked for"));
            }
            Event::OnlineStateChanged { online } => {
                if *online == self.online {
                    return Err("R-REG-6: online is said twice".into());
                }
                self.online = *online;
            }
            Event::StateChanged { .. }
            | Event::Opened { .. }
            | Event::Closed { .. }
            | Event::Error { .. }
            | Event::PreferredConfigurationChanged { .. }
            | Event::OfferWithdrawn { .. }
            | Event::NewConfigurationActivated { .. }
            | Event::UsagePoliciesChanged { .. }
            | Event::ConfigurationAdded { .. }
            | Event::ConfigurationRemoved { .. }
            | Event::ConfigurationChanged { .. }
            | Event::UpdateCompleted { .. } => {}
        }
        let Some(id) = event.session() else { return Ok(()) };
        let give_up_after = self.give_up_after;
        let session = self.sessions.entry(id).or_default();
        session.tell(at, event, give_up_after).map_err(|what| format!("{what}, session {}", id.number()))
    }
}
