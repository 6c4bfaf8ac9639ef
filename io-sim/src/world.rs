//! The clock, and the conversation of machine and platform.

use core::fmt;
use core::time::Duration;

use netsession_core::{
    Accepted, ConfigurationState, Event, Identifier, Input, Instant, Interface, LinkState, Manager,
    Observation, Output, Refused, SessionId, SessionState, Wake,
};

use crate::platform::Platform;
use crate::record::Line;
use crate::{Answers, Builder, Choice, Link, Record};

/// So many inputs at one instant mean that machine and platform drive each other in a circle.
const INPUTS_AT_ONE_INSTANT: u32 = 10_000;
/// So many steps without an end mean that the system does not come to rest.
const STEPS_TO_REST: u32 = 1_000_000;
/// How much of the log a panic shows.
const LINES_IN_PANIC: usize = 40;

/// A manager on a simulated platform, and the time that both live in.
///
/// What is said to the manager goes through [`command`](Self::command) and its covers, or comes from the
/// platform while time passes: [`step`](Self::step), [`advance`](Self::advance),
/// [`run_until_idle`](Self::run_until_idle). What it says is in [`events`](Self::events),
/// [`records`](Self::records) and the [`log`](Self::log); its state is read by
/// [`manager`](Self::manager). Faults ([`pull`](Self::pull), [`remove`](Self::remove) …) happen at once.
///
/// A clone goes its own way from there, without the recorder.
///
/// # Panics
/// Every method that lets time pass or says something to the manager panics where the manager names a
/// deadline that is not ahead, or does not come to an end at one instant. Methods that name an access
/// point panic if the world has none of that name.
#[derive(Clone, Debug)]
pub struct World {
    manager: Manager,
    platform: Platform,
    now: Instant,
    wake: Option<Wake>,
    inputs_here: u32,
    events: Vec<(Instant, Event)>,
    records: Vec<(Instant, Record)>,
    recorder: Recorder,
}

type Callback = Box<dyn FnMut(Instant, &Record)>;

#[derive(Default)]
struct Recorder(Option<Callback>);

impl Clone for Recorder {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Recorder" } else { "None" })
    }
}

impl World {
    /// What a world can be made of.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(platform: Platform) -> Self {
        Self {
            manager: Manager::new(),
            platform,
            now: Instant::ZERO,
            wake: None,
            inputs_here: 0,
            events: Vec::new(),
            records: Vec::new(),
            recorder: Recorder::default(),
        }
    }

    // What is said to the manager.

    /// Says one thing to the manager, now.
    ///
    /// # Errors
    /// As the manager refuses it.
    pub fn command(&mut self, input: Input) -> Result<Accepted, Refused> {
        self.inputs_here += 1;
        let circle = self.inputs_here > INPUTS_AT_ONE_INSTANT;
        assert!(!circle, "machine and platform go round in circles at {}\n{}", self.now, self.tail());
        self.record(Record::Input(input.clone()));
        let result = self.manager.handle_input(self.now, input);
        self.record(Record::Result(result.clone()));
        self.drain();
        result
    }

    /// Says something that the manager has no reason to refuse.
    pub(crate) fn command_accepted(&mut self, input: Input) -> Accepted {
        let result = self.command(input);
        assert!(result.is_ok(), "the manager refused this\n{}", self.tail());
        result.unwrap_or(Accepted::Done)
    }

    /// Says this after a while.
    pub fn later(&mut self, after: Duration, input: Input) {
        self.platform.say(self.now + after, input);
    }

    /// Makes a session.
    ///
    /// # Panics
    /// If the manager makes none: it has too many.
    pub fn session(&mut self, on: impl Into<Identifier>) -> SessionId {
        match self.command_accepted(Input::Session { on: on.into() }) {
            Accepted::Session(session) => session,
            Accepted::Done | Accepted::Update(_) => {
                unreachable!("the manager made no session\n{}", self.tail())
            }
        }
    }

    /// Opens a session.
    ///
    /// # Panics
    /// If there is no such session, as do [`close`](Self::close), [`stop`](Self::stop) and
    /// [`drop_session`](Self::drop_session).
    pub fn open(&mut self, session: SessionId) {
        self.command_accepted(Input::Open { session });
    }

    /// Closes a session.
    pub fn close(&mut self, session: SessionId) {
        self.command_accepted(Input::Close { session });
    }

    /// Stops the link of a session.
    pub fn stop(&mut self, session: SessionId) {
        self.command_accepted(Input::Stop { session });
    }

    /// Drops a session.
    pub fn drop_session(&mut self, session: SessionId) {
        self.command_accepted(Input::Drop { session });
    }

    /// Says that time has passed.
    pub fn tick(&mut self) {
        self.command_accepted(Input::Tick {});
    }

    // What happens to the links.

    /// Puts a link at a level, whatever it was about to do, and reports just this.
    pub fn observe(&mut self, observation: Observation) {
        self.platform.place(&observation);
        self.command_accepted(Input::Observed(observation));
    }

    /// Pulls the cable: the link is out of reach, and whatever it was about to do is off.
    pub fn pull(&mut self, id: &str) {
        let input = self.platform.pull(&id.into());
        self.hear(input);
    }

    /// Plugs the cable in. A link that was up when it was pulled comes up again by itself.
    pub fn plug(&mut self, id: &str) {
        let input = self.platform.plug(self.now, &id.into());
        self.hear(input);
    }

    /// Takes the access point away, as when a dongle is pulled.
    pub fn remove(&mut self, id: &str) {
        let input = self.platform.remove(&id.into());
        self.hear(input);
    }

    /// Gives the access point back, as new and with another interface number.
    pub fn add_back(&mut self, id: &str) {
        let input = self.platform.appear(self.now, &id.into());
        self.hear(input);
    }

    /// Adds an access point to the world.
    pub fn add(&mut self, id: impl Into<Identifier>, link: Link) {
        if let Some(input) = self.platform.add(self.now, id.into(), link) {
            self.command_accepted(input);
        }
    }

    /// Another process brings the link up.
    pub fn start_elsewhere(&mut self, id: &str) {
        self.platform.rise(self.now, &id.into());
    }

    /// Another process takes the link down.
    pub fn stop_elsewhere(&mut self, id: &str) {
        self.platform.fall(self.now, &id.into(), None);
    }

    /// Moves so many bytes over the link.
    pub fn traffic(&mut self, id: &str, received: u64, sent: u64) {
        self.platform.count(&id.into(), received, sent);
    }

    /// From now on the manager hears of no change of a link, as when the kernel's notifications are lost;
    /// until [`resync`](Self::resync). Answers still come.
    pub const fn deafen(&mut self) {
        self.platform.deafen();
    }

    /// Tells the manager all that is there, in one snapshot.
    pub fn resync(&mut self) {
        let input = self.platform.snapshot();
        self.command_accepted(input);
    }

    /// From now on nothing fails, answers come in time, and the user takes the first choice. A link that hangs half-way ends at rest, and a
    /// request that was never answered is answered as failed.
    pub fn heal(&mut self) {
        self.platform.heal(self.now);
    }

    /// From now on nothing is left to chance: answers come in time, what hung falls back, no link is lost by
    /// itself, and a link that failed at least half of the time always fails. What the platform does is then
    /// the same each time, so the system must come to rest (R-ROAM-30).
    pub fn freeze(&mut self) {
        self.platform.freeze(self.now);
    }

    /// How a link behaves, to change it.
    pub fn link_mut(&mut self, id: &str) -> &mut Link {
        self.platform.link_mut(id)
    }

    /// How requests are answered, to change it.
    pub const fn answers_mut(&mut self) -> &mut Answers {
        &mut self.platform.answers
    }

    /// What the user answers, to change it.
    pub const fn choice_mut(&mut self) -> &mut Choice {
        &mut self.platform.choice
    }

    // Time.

    /// Goes to the next moment at which something happens, and lets one thing happen. What happens on the
    /// platform goes before a deadline of the same instant. False if nothing will ever happen.
    pub fn step(&mut self) -> bool {
        let happening = self.platform.next_at();
        let Some(at) = self.next_at() else { return false };
        self.jump_to(at);
        if happening == Some(at) {
            let input = self.platform.happen();
            self.hear(input);
        } else {
            self.tick();
        }
        true
    }

    /// Lets this much time pass, and everything in it happen.
    pub fn advance(&mut self, span: Duration) {
        let until = self.now + span;
        while self.next_at().is_some_and(|at| at <= until) {
            self.step();
        }
        self.jump_to(until);
    }

    /// Lets time pass until nothing more will happen: no request, no deadline.
    ///
    /// # Panics
    /// If that never comes.
    pub fn run_until_idle(&mut self) {
        let rests = (0..STEPS_TO_REST).any(|_| !self.step());
        assert!(rests, "the system does not come to rest\n{}", self.tail());
    }

    /// When [`step`](Self::step) goes next.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        [self.platform.next_at(), self.wake.map(|wake| wake.at)].into_iter().flatten().min()
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// When the manager wants to be woken, and why.
    #[must_use]
    pub const fn wake(&self) -> Option<Wake> {
        self.wake
    }

    // What there is to see.

    /// The manager, to read.
    #[must_use]
    pub const fn manager(&self) -> &Manager {
        &self.manager
    }

    /// The state of a session.
    ///
    /// # Panics
    /// If there is no such session.
    #[must_use]
    pub fn state(&self, session: SessionId) -> SessionState {
        let view = self.manager.session(session);
        assert!(view.is_some(), "{session} does not exist\n{}", self.tail());
        view.map_or(SessionState::Invalid, |view| view.state())
    }

    /// Whether a session is open.
    #[must_use]
    pub fn is_open(&self, session: SessionId) -> bool {
        self.manager.session(session).is_some_and(|view| view.is_open())
    }

    /// The interface of a session.
    #[must_use]
    pub fn interface(&self, session: SessionId) -> Option<&Interface> {
        self.manager.session(session).and_then(|view| view.interface())
    }

    /// The state of a configuration, if there is one of this identifier.
    #[must_use]
    pub fn configuration_state(&self, id: &str) -> Option<ConfigurationState> {
        self.manager.configuration(id).map(|view| view.state())
    }

    /// The level of a link as it is, whatever the manager believes; `None` while it is removed.
    #[must_use]
    pub fn level(&self, id: &str) -> Option<LinkState> {
        self.platform.level(id)
    }

    /// Whether the manager has the link watched (R-ROAM-39).
    #[must_use]
    pub fn is_watched(&self, id: &str) -> bool {
        self.platform.is_watched(id)
    }

    /// All events since the last [`drain_events`](Self::drain_events).
    #[must_use]
    pub fn events(&self) -> &[(Instant, Event)] {
        &self.events
    }

    /// Takes these events.
    pub fn drain_events(&mut self) -> Vec<(Instant, Event)> {
        core::mem::take(&mut self.events)
    }

    /// Everything that was said since the beginning.
    #[must_use]
    pub fn records(&self) -> &[(Instant, Record)] {
        &self.records
    }

    /// The same as text, a line each, with the time in milliseconds.
    #[must_use]
    pub fn log(&self) -> String {
        self.records.iter().map(|(at, record)| format!("{}\n", Line(*at, record))).collect()
    }

    /// Has this called with everything that is said from now on, such as to write a trace.
    pub fn set_recorder(&mut self, recorder: impl FnMut(Instant, &Record) + 'static) {
        self.recorder = Recorder(Some(Box::new(recorder)));
    }

    fn hear(&mut self, input: Option<Input>) {
        if let Some(input) = input {
            // What a driver says can be refused, as a report on an access point that the application removed.
            let _ = self.command(input);
        }
    }

    fn drain(&mut self) {
        loop {
            let output = self.manager.poll_output();
            self.record(Record::Output(output.clone()));
            match output {
                Output::Effect(effect) => self.platform.carry_out(self.now, &effect),
                Output::Event(event) => self.events.push((self.now, event)),
                Output::Idle { wake } => {
                    self.wake = wake;
                    break;
                }
            }
        }
        let ahead = self.wake.is_none_or(|wake| wake.at > self.now);
        assert!(ahead, "the deadline that the manager names at {} is not ahead\n{}", self.now, self.tail());
    }

    fn jump_to(&mut self, at: Instant) {
        assert!(at >= self.now, "time would go back from {} to {at}\n{}", self.now, self.tail());
        if at > self.now {
            (self.now, self.inputs_here) = (at, 0);
        }
    }

    fn record(&mut self, record: Record) {
        if let Some(recorder) = &mut self.recorder.0 {
            recorder(self.now, &record);
        }
        self.records.push((self.now, record));
    }

    /// The end of the log, for a panic.
    fn tail(&self) -> String {
        let from = self.records.len().saturating_sub(LINES_IN_PANIC);
        let lines = self.records.iter().skip(from);
        lines.map(|(at, record)| format!("{}\n", Line(*at, record))).collect()
    }
}

#[cfg(test)]
mod tests;
