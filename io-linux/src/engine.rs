//! The core, a back end, a clock and a poll, tied together: facts in, outputs to whom they are for.
//!
//! After every input the core is drained to `Idle`: effects go to the back end, events queue for the
//! application, the deadline is kept. So the core's own queue never fills.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use netsession_core::{
    Accepted, Cause, ConfigurationType, Effect, Event, Identifier, Input, LinkState, Manager, Output,
    Refused, SessionError, SessionId, SessionState, ShutdownPolicy,
};

use crate::backend::{Backend, Followed, How};
use crate::clock::Clock;
use crate::configured::Configured;
use crate::{Configuration, Error};

/// Sees all that goes into the core and comes out of it, in order: what a trace is written from.
pub trait Observer {
    /// This is about to be said to the core.
    fn input(&mut self, now: netsession_core::Instant, input: &Input);
    /// What the core answered to it.
    fn result(&mut self, now: netsession_core::Instant, result: &Result<Accepted, Refused>);
    /// What the core says after it; `Idle` is the last.
    fn output(&mut self, now: netsession_core::Instant, output: &Output);
}

/// How an attempt to open a session stands, as its events told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Opening,
    Opened,
    Failed(SessionError),
}

/// An application that never takes its events loses the oldest, so that memory stays bounded.
const EVENTS_KEPT: usize = 65_536;

pub(crate) struct Engine {
    pub(crate) manager: Manager,
    pub(crate) backend: Box<dyn Backend>,
    poll: mio::Poll,
    readiness: mio::Events,
    clock: Clock,
    observer: Option<Box<dyn Observer>>,
    events: VecDeque<Event>,
    lost_events: u64,
    wake: Option<Instant>,
    stop_timeout: Duration,
    attempts: BTreeMap<SessionId, Attempt>,
    pub(crate) configured: Configured,
    /// The configuration whose session the system's default route follows.
    followed: Option<Identifier>,
    /// An error that came where it could not be returned.
    deferred: Option<Error>,
    /// The poll has reported something that no turn has looked at, or a turn left something.
    work_left: bool,
    has_snapshot: bool,
}

impl Engine {
    pub(crate) fn new(
        poll: mio::Poll,
        backend: Box<dyn Backend>,
        config: netsession_core::Config,
        configuration: Rc<Configuration>,
        observer: Option<Box<dyn Observer>>,
    ) -> Result<Self, Error> {
        let mut engine = Self {
            manager: Manager::new(),
            backend,
            poll,
            readiness: mio::Events::with_capacity(8),
            clock: Clock::new(),
            observer,
            events: VecDeque::new(),
            lost_events: 0,
            wake: None,
            stop_timeout: config.stop_timeout,
            attempts: BTreeMap::new(),
            configured: Configured::new(configuration),
            followed: None,
            deferred: None,
            work_left: true,
            has_snapshot: false,
        };
        engine.feed(Input::Config(config))?;
        Ok(engine)
    }

    pub(crate) const fn manager(&self) -> &Manager {
        &self.manager
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        self.backend.as_ref()
    }

    /// From now on the default route follows the first session that is open on this configuration.
    pub(crate) fn follow_default_route(&mut self, configuration: Identifier) {
        self.followed = Some(configuration);
    }

    pub(crate) const fn has_snapshot(&self) -> bool {
        self.has_snapshot
    }

    pub(crate) const fn lost_events(&self) -> u64 {
        self.lost_events
    }

    pub(crate) fn attempt(&self, session: SessionId) -> Option<Attempt> {
        self.attempts.get(&session).copied()
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Says one thing to the core, and what the platform answers to it at once.
    pub(crate) fn handle(&mut self, input: Input) -> Result<Accepted, Error> {
        let result = self.feed(input);
        self.feed_from_backend();
        self.review_configuration();
        Ok(result?)
    }

    pub(crate) fn turn(&mut self) -> Result<bool, Error> {
        match self.deferred.take() {
            Some(error) => {
                self.deferred = self.backend.next_trouble();
                Err(error)
            }
            None => self.turn_regardless(),
        }
    }

    /// A turn, even if an error waits to be told.
    pub(crate) fn turn_regardless(&mut self) -> Result<bool, Error> {
        if !self.work_left {
            self.poll(Some(Duration::ZERO))?;
        }
        if self.clock.has_slept() {
            self.backend.resync();
        }
        let result = self.backend.turn(Instant::now());
        self.work_left = matches!(result, Ok(true));
        self.feed_from_backend();
        if self.wake.is_some_and(|wake| wake <= Instant::now()) {
            // Only time passed: it cannot be refused.
            let _: Result<Accepted, Refused> = self.feed(Input::Tick {});
            self.feed_from_backend();
        }
        self.review_configuration();
        if self.deferred.is_none() {
            self.deferred = self.backend.next_trouble();
        }
        result
    }

    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        if self.deferred.is_some() { Ok(()) } else { self.wait_regardless(timeout) }
    }

    /// A wait, even if an error waits to be told.
    pub(crate) fn wait_regardless(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        if self.work_left {
            return Ok(());
        }
        let deadline = self.deadline().map(|at| at.saturating_duration_since(Instant::now()));
        self.poll([deadline, timeout].into_iter().flatten().min())
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let now = (self.work_left || self.deferred.is_some()).then(Instant::now);
        [now, self.deadline()].into_iter().flatten().min()
    }

    fn deadline(&self) -> Option<Instant> {
        [self.wake, self.backend.next_deadline()].into_iter().flatten().min()
    }

    /// Keeps an error for the next turn; the first one says most.
    pub(crate) fn defer(&mut self, error: Error) {
        self.deferred.get_or_insert(error);
    }

    /// Reads the counters of the access points that a session's counters are made of.
    pub(crate) fn refresh_counters(&mut self, session: SessionId) -> Result<(), Error> {
        let Some(view) = self.manager.session(session) else { return Ok(()) };
        let Some(configuration) = self.manager.configuration(view.configuration()) else { return Ok(()) };
        let ids: Vec<Identifier> = match configuration.kind() {
            ConfigurationType::AccessPoint => vec![configuration.id().clone()],
            ConfigurationType::ServiceNetwork => configuration.members().cloned().collect(),
            ConfigurationType::UserChoice => view.active_configuration().cloned().into_iter().collect(),
            ConfigurationType::Invalid => Vec::new(),
        };
        for id in ids {
            self.handle(Input::RefreshCounters { id })?;
        }
        // The kernel has answered by the time that the request is sent.
        self.turn().map(|left| self.work_left |= left)
    }

    fn poll(&mut self, timeout: Option<Duration>) -> Result<(), Error> {
        match self.poll.poll(&mut self.readiness, timeout) {
            Ok(()) => self.work_left |= !self.readiness.is_empty(),
            // A signal: whoever waits may want to look at what it meant.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::system("wait for the kernel (epoll)", error)),
        }
        Ok(())
    }

    /// The core refuses a fact only if it has become void, such as a level of what was just removed.
    pub(crate) fn feed_from_backend(&mut self) {
        while let Some(input) = self.backend.next_input() {
            self.has_snapshot |= matches!(input, Input::Snapshot(_));
            self.configured.has_regrouped |=
                matches!(input, Input::Snapshot(_) | Input::Add(_) | Input::Remove { .. });
            let _: Result<Accepted, Refused> = self.feed(input);
        }
    }

    pub(crate) fn feed(&mut self, input: Input) -> Result<Accepted, Refused> {
        let now = self.clock.core_instant(Instant::now());
        if let Some(observer) = &mut self.observer {
            observer.input(now, &input);
        }
        self.note_command(&input);
        let is_stop = matches!(input, Input::Stop { .. });
        let result = self.manager.handle_input(now, input);
        if let Some(observer) = &mut self.observer {
            observer.result(now, &result);
        }
        self.drain(now, is_stop);
        result
    }

    fn drain(&mut self, now: netsession_core::Instant, is_stop: bool) {
        let mut has_moved = false;
        loop {
            let output = self.manager.poll_output();
            if let Some(observer) = &mut self.observer {
                observer.output(now, &output);
            }
            // Events come first, and a link that is left goes down by the effects behind them.
            if !has_moved && !matches!(output, Output::Event(_)) {
                has_moved = true;
                self.move_default_route();
            }
            match output {
                Output::Effect(effect) => {
                    let how = self.how(&effect, is_stop);
                    self.backend.request(effect, how);
                }
                Output::Event(event) => {
                    self.note_event(&event);
                    if self.events.len() >= EVENTS_KEPT {
                        self.events.pop_front();
                        self.lost_events += 1;
                    }
                    self.events.push_back(event);
                }
                Output::Idle { wake } => {
                    self.wake = wake.and_then(|wake| self.clock.system_instant(wake.at));
                    return self.backend.requested();
                }
            }
        }
    }

    fn how(&self, effect: &Effect, is_stop: bool) -> How {
        match effect {
            Effect::Start { id, .. } => {
                How { place: self.place_of(id), is_one_of_many: self.has_alternative(id), ..How::default() }
            }
            // When the core gives up waiting for a stop the link is what it looks like; a start lasts until
            // the core withdraws it.
            Effect::Stop { id, .. } => How {
                until: Instant::now().checked_add(self.stop_timeout),
                is_forced: is_stop || self.stops_always(id),
                ..How::default()
            },
            Effect::Cancel { .. }
            | Effect::Resolve { .. }
            | Effect::Update { .. }
            | Effect::ReadCounters { .. }
            | Effect::Watch { .. }
            | Effect::Unwatch { .. } => How::default(),
        }
    }

    /// Whether the policy of an access point does not ask who brought it up (R-CLOSE-8).
    fn stops_always(&self, id: &str) -> bool {
        let policy = self.manager.configuration(id).and_then(|it| it.shutdown_policy());
        policy == Some(ShutdownPolicy::LastClose)
    }

    /// The place of an access point in the first service network that has it.
    fn place_of(&self, id: &str) -> u32 {
        let mut networks = self.manager.configurations(None);
        let place = networks.find_map(|network| network.members().position(|member| member == id));
        place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
    }

    /// Whether whoever is on the way to it would go on with another member.
    fn has_alternative(&self, id: &Identifier) -> bool {
        let could_be_started = |member: &Identifier| {
            member != id
                && self.manager.configuration(member).and_then(|it| it.link()) >= Some(LinkState::Discovered)
        };
        let on_the_way = self.manager.sessions().filter(|it| it.state() == SessionState::Connecting);
        let mut networks = on_the_way.filter_map(|it| self.manager.configuration(it.configuration()));
        networks.all(|network| {
            network.id() != id
                && (network.members().all(|it| it != id) || network.members().any(could_be_started))
        })
    }

    fn move_default_route(&mut self) {
        let Some(configuration) = &self.followed else { return };
        let session = self.manager.sessions().find(|it| it.is_open() && it.configuration() == configuration);
        let followed = session.map_or(Followed::Nothing, |session| {
            let link = session.active_configuration().and_then(|id| self.manager.configuration(id));
            let link = link.filter(|link| link.link() == Some(LinkState::Active));
            link.and_then(|link| Some(Followed::Link(link.id().clone(), link.interface()?.clone())))
                .unwrap_or(Followed::Kept)
        });
        self.backend.follow(followed);
        if let Some(trouble) = self.backend.next_trouble() {
            self.defer(trouble);
        }
    }

    /// Notes an attempt before the events that may end it at once.
    fn note_command(&mut self, input: &Input) {
        if let Input::Open { session } = input {
            if self.manager.session(*session).is_some_and(|view| !view.is_open()) {
                self.attempts.insert(*session, Attempt::Opening);
            }
        } else if let Input::Drop { session } = input {
            self.attempts.remove(session);
            self.configured.may_be_free = true;
        }
    }

    fn note_event(&mut self, event: &Event) {
        let Some(session) = event.session() else { return };
        self.configured.may_be_free = true;
        let Some(attempt) = self.attempts.get_mut(&session).filter(|attempt| **attempt == Attempt::Opening)
        else {
            return;
        };
        if let Event::Opened { .. } = event {
            *attempt = Attempt::Opened;
        } else if let Event::Closed { .. } = event {
            self.attempts.remove(&session);
        } else if let Event::Error { error, cause, .. } = event
            && ends_attempt(*cause)
        {
            *attempt = Attempt::Failed(*error);
        }
    }
}

/// Errors that do not end an attempt tell so by their cause (R-OPEN-11).
const fn ends_attempt(cause: Cause) -> bool {
    !matches!(cause, Cause::StopRefused | Cause::StopTimedOut | Cause::CannotStop | Cause::RoamingFailed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Builder;
    use crate::rtnetlink::Rtnetlink;

    /// Longer than any machine has slept.
    const AGES: Duration = Duration::from_secs(1 << 40);

    #[test]
    fn after_a_sleep_of_the_machine_everything_is_looked_at_again_once() {
        let poll = mio::Poll::new().unwrap();
        let backend = Rtnetlink::new(poll.registry().try_clone().unwrap(), 1 << 20).unwrap();
        let (config, configuration) = (Builder::default_config(), Rc::new(Configuration::default()));
        let mut engine = Engine::new(poll, Box::new(backend), config, configuration, None).unwrap();
        // The kernel answers as it is asked.
        let resyncs = |engine: &mut Engine| {
            while engine.turn().unwrap() {}
            engine.backend.resyncs()
        };
        assert_eq!((resyncs(&mut engine), engine.has_snapshot), (0, true));
        engine.clock.slept = || (AGES, AGES);
        assert_eq!(resyncs(&mut engine), 1);
        assert_eq!(resyncs(&mut engine), 1, "it slept once");
    }
}
