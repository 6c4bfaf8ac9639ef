//! What holds after every input, whatever the input was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netsession_core::{
    Accepted, Cause, ConfigurationState, ConfigurationView, Event, Input, Instant, LinkState, Output,
    SessionId, SessionState, SessionView, UpdateToken,
};
use netsession_io_sim::{Record, World};

use super::requests::Requests;

/// What was said so far, as far as the rules look back on it.
#[derive(Debug)]
pub(super) struct Invariants {
    read: usize,
    requests: Requests,
    sessions: BTreeMap<SessionId, Session>,
    updates: BTreeSet<UpdateToken>,
    online: bool,
    input: Option<Input>,
}

/// A session by what was said of it.
#[derive(Debug, Default)]
struct Session {
    state: Option<SessionState>,
    is_open: bool,
    is_opening: bool,
}

impl Invariants {
    pub(super) fn new(stop_timeout: Duration) -> Self {
        Self {
            read: 0,
            requests: Requests::new(stop_timeout),
            sessions: BTreeMap::new(),
            updates: BTreeSet::new(),
            online: false,
            input: None,
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
        world.manager().sessions().try_for_each(|view| self.look(world, &view))?;
        world.manager().configurations(None).try_for_each(|view| self.look_at_holders(world, &view))?;
        if world.manager().is_online() != self.online {
            return Err("R-REG-6: online is not what was said".into());
        }
        Ok(())
    }

    /// What holds in addition when nothing is under way.
    pub(super) fn check_rest(&self, world: &World) -> Result<(), String> {
        for (id, session) in &self.sessions {
            if session.is_opening {
                return Err(format!("R-OPEN-11: an open() of {} has no end", id.number()));
            }
        }
        if let Some(token) = self.updates.first() {
            return Err(format!("R-REG-7: update {token} is never completed"));
        }
        for view in world.manager().configurations(None).filter(|view| view.link().is_some()) {
            let held = open_on(world, view.id()).count();
            if view.holders() != held {
                return Err(format!(
                    "{} has {} holders, but {held} sessions open",
                    view.id(),
                    view.holders()
                ));
            }
            if view.link() != world.level(view.id()) {
                return Err(format!("R-GEN-7: {} is believed to be at {:?}", view.id(), view.link()));
            }
        }
        Ok(())
    }

    fn hear(&mut self, at: Instant, record: &Record) -> Result<(), String> {
        match record {
            Record::Input(input) => self.input = Some(input.clone()),
            Record::Result(Ok(accepted)) => self.accept(at, *accepted),
            Record::Result(Err(_)) => self.requests.pass(at),
            Record::Output(Output::Effect(effect)) => self.requests.ask(at, effect)?,
            Record::Output(Output::Event(event)) => self.tell(event)?,
            Record::Output(Output::Idle { .. }) => {}
        }
        Ok(())
    }

    fn accept(&mut self, at: Instant, accepted: Accepted) {
        if let Accepted::Update(token) = accepted {
            self.updates.insert(token);
        }
        let Some(input) = self.input.take() else { return };
        self.requests.hear(at, &input);
        if let Input::Open { session } = input {
            let session = self.sessions.entry(session).or_default();
            session.is_opening |= !session.is_open;
        }
        if let Input::Drop { session } = input {
            self.sessions.remove(&session);
        }
    }

    fn tell(&mut self, event: &Event) -> Result<(), String> {
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
        let session = self.sessions.entry(id).or_default();
        session.tell(event).map_err(|what| format!("{what}, session {}", id.number()))
    }

    fn look(&mut self, world: &World, view: &SessionView<'_>) -> Result<(), String> {
        let session = self.sessions.entry(view.id()).or_default();
        let (number, state) = (view.id().number(), view.state());
        if *session.state.get_or_insert(state) != state {
            return Err(format!("R-ST-1: {number} is {state}, and was said to be {:?}", session.state));
        }
        if session.is_open != view.is_open() {
            return Err(format!("R-OPEN-11: {number} has is_open {}, which was not said", view.is_open()));
        }
        if view.interface().is_some() != (state == SessionState::Connected) {
            return Err(format!("R-ST-6: {number} is {state}, its interface {:?}", view.interface()));
        }
        if view.is_open() && view.active_configuration().is_none() {
            return Err(format!("R-PROP-1: {number} is open on nothing"));
        }
        match state {
            SessionState::Connecting | SessionState::Closing => self.has_a_reason(world, view),
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connected
            | SessionState::Disconnected
            | SessionState::Roaming => Ok(()),
        }
    }

    /// Every open session holds the access point that it uses; that one counts as Active, or goes down by
    /// a stop of ours, the end of which the session waits for (R-STOP-1).
    fn look_at_holders(&self, world: &World, view: &ConfigurationView<'_>) -> Result<(), String> {
        let open = open_on(world, view.id()).count();
        if view.holders() < open {
            return Err(format!("R-CLOSE-11: {} has {} holders, but {open} open", view.id(), view.holders()));
        }
        if open > 0 && view.state() != ConfigurationState::Active && !self.requests.stop_on(view.id()) {
            return Err(format!("R-LOSS-1: {} is {}, with {open} sessions open", view.id(), view.state()));
        }
        Ok(())
    }

    /// R-GEN-9: nothing is half-way without something that will end it.
    fn has_a_reason(&self, world: &World, view: &SessionView<'_>) -> Result<(), String> {
        let on = world.manager().configuration(view.configuration());
        let members = on.iter().flat_map(ConfigurationView::members);
        let half_way = |id: &str| {
            let link = world.manager().configuration(id).and_then(|view| view.link());
            let moves = matches!(link, Some(LinkState::Connecting | LinkState::Closing));
            moves || self.requests.any_on(id)
        };
        if world.wake().is_some()
            || half_way(view.configuration())
            || members.into_iter().any(|id| half_way(id))
        {
            return Ok(());
        }
        Err(format!("R-GEN-9: {} is {} for no reason", view.id().number(), view.state()))
    }
}

impl Session {
    fn tell(&mut self, event: &Event) -> Result<(), &'static str> {
        match event {
            Event::StateChanged { state, .. } => {
                if self.state.replace(*state) == Some(*state) {
                    return Err("R-ST-1: the same state twice in a row");
                }
            }
            Event::Opened { .. } => {
                if self.is_open || !self.is_opening {
                    return Err("R-OPEN-11: opened without an open()");
                }
                (self.is_open, self.is_opening) = (true, false);
            }
            Event::Closed { .. } => {
                if !self.is_open && !self.is_opening {
                    return Err("R-OPEN-11: closed without having been open or opening");
                }
                (self.is_open, self.is_opening) = (false, false);
            }
            Event::Error { cause, .. } => match cause {
                Cause::StopRefused | Cause::StopTimedOut | Cause::CannotStop | Cause::RoamingFailed => {}
                Cause::NotPossible
                | Cause::DeviceTaken
                | Cause::ConfigurationUnavailable
                | Cause::Removed
                | Cause::Refused
                | Cause::Cancelled
                | Cause::Failed
                | Cause::TimedOut
                | Cause::LinkLost
                | Cause::StoppedByOther => {
                    if !self.is_open && !self.is_opening {
                        return Err("R-OPEN-11: an error without an open()");
                    }
                    self.is_opening = false;
                }
            },
            Event::PreferredConfigurationChanged { .. }
            | Event::OfferWithdrawn { .. }
            | Event::NewConfigurationActivated { .. }
            | Event::UsagePoliciesChanged { .. }
            | Event::ConfigurationAdded { .. }
            | Event::ConfigurationRemoved { .. }
            | Event::ConfigurationChanged { .. }
            | Event::OnlineStateChanged { .. }
            | Event::UpdateCompleted { .. } => {}
        }
        Ok(())
    }
}

fn open_on<'a>(world: &'a World, id: &'a str) -> impl Iterator<Item = SessionView<'a>> {
    let on = move |view: &SessionView<'_>| view.active_configuration().is_some_and(|active| active == id);
    world.manager().sessions().filter(on)
}
