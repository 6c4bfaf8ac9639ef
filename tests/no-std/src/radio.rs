//! A driver written by hand, over a radio that is made up.
//!
//! The radio knows some transmitters and can be told to connect and disconnect; it takes its time. The driver says
//! what links are as levels, carries out what the core asks for, and lets time pass from one thing to the next: a
//! real one would sleep until the core's deadline or the radio's next word. It knows nothing of sessions.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use netsession_core::{
    Accepted, Effect, Event, Identifier, Input, Instant, Interface, LinkState, Manager, Observation,
    OperationId, Outcome, Output, Refused,
};

/// How long the radio takes to connect.
const CONNECTING: Duration = Duration::from_millis(40);
/// How long it takes to disconnect.
const DISCONNECTING: Duration = Duration::from_millis(5);

/// The radio: what it hears, and when it will have connected to a transmitter or disconnected from it.
#[derive(Default)]
struct Radio {
    in_reach: BTreeSet<Identifier>,
    under_way: BTreeMap<Identifier, (Instant, LinkState)>,
}

impl Radio {
    /// The next transmitter that is there, if nothing else happens.
    fn next(&self) -> Option<(Instant, Identifier)> {
        let there = self.under_way.iter().map(|(id, (at, _))| (*at, id.clone()));
        there.min_by_key(|(at, _)| *at)
    }

    /// What a transmitter is when what was under way is done.
    fn arrive(&mut self, id: &Identifier) -> LinkState {
        let reached = self.under_way.remove(id).map_or(LinkState::Discovered, |(_, level)| level);
        if self.in_reach.contains(id) { reached } else { LinkState::Defined }
    }
}

/// The core, the radio, and what time it is.
pub(crate) struct Driver {
    manager: Manager,
    radio: Radio,
    now: Instant,
    wake: Option<Instant>,
    events: Vec<(Instant, Event)>,
}

impl Driver {
    pub(crate) fn new() -> Self {
        Self {
            manager: Manager::new(),
            radio: Radio::default(),
            now: Instant::ZERO,
            wake: None,
            events: Vec::new(),
        }
    }

    pub(crate) const fn manager(&self) -> &Manager {
        &self.manager
    }

    /// Says one thing to the core, and does what it asks for.
    pub(crate) fn handle(&mut self, input: Input) -> Result<Accepted, Refused> {
        let accepted = self.manager.handle_input(self.now, input)?;
        loop {
            match self.manager.poll_output() {
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Effect(effect) => self.carry_out(effect)?,
                Output::Idle { wake } => {
                    self.wake = wake.map(|wake| wake.at);
                    return Ok(accepted);
                }
            }
        }
    }

    /// Lets time pass to whatever comes next: the radio is there, or the core has a deadline. `false`: nothing ever.
    pub(crate) fn pass_time(&mut self) -> Result<bool, Refused> {
        let next = self.radio.next();
        match (next, self.wake) {
            (Some((at, id)), wake) if wake.is_none_or(|wake| at <= wake) => {
                self.now = at;
                self.report(id)?;
            }
            (_, Some(wake)) => {
                self.now = wake;
                self.handle(Input::Tick {})?;
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    /// A transmitter is in reach from now on.
    pub(crate) fn hear(&mut self, id: &str) -> Result<(), Refused> {
        self.radio.in_reach.insert(id.into());
        self.report(id.into())
    }

    /// A transmitter is out of reach from now on.
    pub(crate) fn lose(&mut self, id: &str) -> Result<(), Refused> {
        self.radio.in_reach.remove(id);
        self.report(id.into())
    }

    /// All events since the last time, with the time at which they were told.
    pub(crate) fn take_events(&mut self) -> Vec<(Instant, Event)> {
        core::mem::take(&mut self.events)
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Refused> {
        match effect {
            Effect::Start { op, id } => self.send(op, id, CONNECTING, LinkState::Active),
            Effect::Stop { op, id } => self.send(op, id, DISCONNECTING, LinkState::Discovered),
            // This radio cannot be stopped on its way: what was asked for comes, and the core deals with it.
            Effect::Cancel { op, .. } | Effect::Update { op } => self.answer(op, Outcome::Ok),
            // And has nobody to ask.
            Effect::Resolve { op, .. } => {
                self.manager.handle_input(self.now, Input::Resolved { op, choice: None }).map(drop)
            }
            Effect::ReadCounters { .. } | Effect::Watch { .. } | Effect::Unwatch { .. } => Ok(()),
        }
    }

    fn send(
        &mut self,
        op: OperationId,
        id: Identifier,
        takes: Duration,
        to: LinkState,
    ) -> Result<(), Refused> {
        self.radio.under_way.insert(id, (self.now + takes, to));
        // That it is on its way is all that this proves; the level follows.
        self.answer(op, Outcome::Ok)
    }

    fn answer(&mut self, op: OperationId, result: Outcome) -> Result<(), Refused> {
        self.manager.handle_input(self.now, Input::Completed { op, result, reason: None }).map(drop)
    }

    /// Says what a transmitter is now: a level, whatever led to it.
    fn report(&mut self, id: Identifier) -> Result<(), Refused> {
        let level = self.radio.arrive(&id);
        let observation = Observation::new(id, level);
        let observation = match level {
            LinkState::Active => observation.with_interface(Interface::new(1, "radio0")),
            LinkState::Undefined
            | LinkState::Defined
            | LinkState::Discovered
            | LinkState::Connecting
            | LinkState::Closing => observation,
        };
        self.handle(Input::Observed(observation)).map(drop)
    }
}
