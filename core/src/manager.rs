//! The door of the machine: inputs in, outputs out, and the order of work between them.
//!
//! An input is handled in one go: its facts are taken, what they mean for each session is settled, the
//! deadlines now due are handled one by one, then requests are born and everything is said in the order
//! of R-REG-11. Work is proportional to what the input touched (R-GEN-8).

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use crate::access_point::{AccessPoint, Failure, cause_of};
use crate::arena::Arena;
use crate::configuration::{Configuration, ServiceNetwork};
use crate::reconcile::Operation;
use crate::session::Session;
use crate::statistics::Bytes;
use crate::timers::{Timer, Timers};
use crate::update::Update;
use crate::work::Work;
use crate::{
    Accepted, Capabilities, Config, ConfigurationId, ConfigurationState, ConfigurationView, Identifier,
    Input, Instant, OperationId, Outcome, Output, Refused, SessionId, SessionView,
};

/// So many outputs may wait before an input is refused as [`Refused::OutputsFull`].
const OUTPUT_LIMIT: usize = 65_536;

/// The state machine.
///
/// * **In**: [`handle_input`](Self::handle_input), and the named methods that cover it.
/// * **Out**: [`poll_output`](Self::poll_output), until [`Output::Idle`]. Not draining is safe up to a
///   limit; what was said is never lost.
/// * **Read**: views, which show the state after the last input handled; a read changes nothing.
///
/// ```
/// use netsession_core::{Add, Event, Input, Instant, LinkState, Manager, Observation, Output, SessionState};
///
/// let mut manager = Manager::new();
/// let mut eth0 = Add::access_point("eth0");
/// eth0.link = LinkState::Active;
/// manager.handle_input(Instant::ZERO, Input::Add(eth0))?;
/// let session = manager.create_session(Instant::ZERO, "eth0")?;
/// manager.open(Instant::ZERO, session)?;
/// let mut events = Vec::new();
/// loop {
///     match manager.poll_output() {
///         Output::Effect(_) => {} // for the driver
///         Output::Event(event) => events.push(event),
///         Output::Idle { wake: _ } => break,
///     }
/// }
/// assert_eq!(events, [Event::Opened { session }]);
/// # Ok::<(), netsession_core::Refused>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manager {
    pub(crate) config: Config,
    /// An input came, so the constants stand.
    pub(crate) is_configured: bool,
    pub(crate) now: Instant,
    /// The first population is over: changes are announced (R-REG-8).
    pub(crate) is_populated: bool,
    pub(crate) configurations: Arena<Configuration>,
    pub(crate) by_identifier: BTreeMap<Identifier, ConfigurationId>,
    /// All configurations in insertion order.
    pub(crate) order: BTreeSet<ConfigurationId>,
    /// Which service networks name a member, whether it exists or not.
    pub(crate) named_members: BTreeMap<Identifier, Vec<ConfigurationId>>,
    pub(crate) platform_default: Option<ConfigurationId>,
    /// Which access points share a device.
    pub(crate) devices: BTreeMap<Identifier, Vec<ConfigurationId>>,
    /// How many access points are in reach, and who asks for that.
    pub(crate) near_links: usize,
    pub(crate) user_choices: Vec<ConfigurationId>,
    /// How many links make the system online, and what was last announced.
    pub(crate) online_links: usize,
    pub(crate) announced_online: bool,
    pub(crate) sessions: Arena<Session>,
    pub(crate) timers: Timers,
    pub(crate) operations: BTreeMap<OperationId, Operation>,
    pub(crate) update: Option<Update>,
    pub(crate) last_configuration: u64,
    pub(crate) last_session: u64,
    pub(crate) last_operation: u64,
    pub(crate) last_token: u64,
    pub(crate) work: Work,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) stale_answers: u64,
}

impl Manager {
    /// A machine that knows nothing, with the default constants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says one thing to the machine. The only way in.
    ///
    /// # Errors
    /// [`Refused`] says why the input changed nothing. Time has passed all the same, and what was due is
    /// among the outputs; only [`Refused::OutputsFull`] leaves the machine untouched.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<Accepted, Refused> {
        if self.outputs.len() >= OUTPUT_LIMIT {
            return Err(Refused::OutputsFull);
        }
        self.now = self.now.max(now);
        let is_snapshot = matches!(input, Input::Snapshot(_));
        let populates = is_snapshot || input.populates();
        let result = self.take(input);
        self.is_configured = true;
        // What is announced is decided at the end of the input.
        self.is_populated |= !populates && result.is_ok();
        self.settle_touched();
        self.handle_deadlines();
        self.say_everything();
        self.is_populated |= is_snapshot && result.is_ok();
        result
    }

    /// Handles what is due, and lets requests be born; a limit of 0 makes more due at once.
    fn handle_deadlines(&mut self) {
        loop {
            while let Some(timer) = self.timers.pop_due(self.now) {
                match timer {
                    Timer::AccessPoint(id, timer) => self.on_link_deadline(id, timer),
                    Timer::Session(id, timer) => self.on_session_deadline(id, timer),
                    Timer::Update => self.complete_update(),
                }
                self.settle_touched();
            }
            // Whose device was let go of in this moment may have more to choose from, and be late by that.
            if core::mem::take(&mut self.work.is_unsettled) {
                self.settle_touched();
                continue;
            }
            self.request_touched();
            if self.timers.next().is_none_or(|wake| wake.at > self.now) {
                return self.ask_touched();
            }
        }
    }

    /// Takes the next thing that the machine says, `Idle` when there is nothing more. The only way out.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Idle { wake: self.timers.next() })
    }

    fn take(&mut self, input: Input) -> Result<Accepted, Refused> {
        match input {
            Input::Config(config) if !self.is_configured => self.config = config,
            Input::Config(_) => return Err(Refused::ConfigNotFirst),
            Input::Add(add) => self.add(add)?,
            Input::Change(change) => self.change(change)?,
            Input::Remove { id } => self.remove(&id)?,
            Input::Observed(observation) => self.observe(observation)?,
            Input::Snapshot(entries) => self.snapshot(entries)?,
            Input::Completed { op, result, reason } => self.take_answer(op, result, reason),
            Input::Resolved { op, choice } => {
                if let Some(&Operation::Resolve(session)) = self.operations.get(&op) {
                    self.operations.remove(&op);
                    self.on_resolved(session, choice.as_ref());
                } else {
                    self.note_stale();
                }
            }
            Input::Counters { id, received, sent } => {
                let id = self.find_access_point(&id)?;
                self.take_counters(id, Bytes { received, sent });
            }
            Input::Policies { id, policies } => self.set_policies(&id, policies)?,
            Input::Adopt { id } => {
                let id = self.find_access_point(&id)?;
                self.adopt(id);
            }
            Input::Default { id } => {
                self.platform_default = id.map(|id| self.find(&id)).transpose()?;
            }
            Input::RefreshCounters { id } => {
                let id = self.find_access_point(&id)?;
                self.read_counters(id);
            }
            Input::Session { on } => return Ok(Accepted::Session(self.make_session(on))),
            Input::Update {} => return Ok(Accepted::Update(self.request_update())),
            Input::Tick {} => {}
            Input::Open { session }
            | Input::Close { session }
            | Input::Stop { session }
            | Input::Migrate { session }
            | Input::Ignore { session }
            | Input::Accept { session }
            | Input::Reject { session }
            | Input::Drop { session }
            | Input::MigrateTo { session, .. }
            | Input::Roaming { session, .. }
            | Input::Reopen { session, .. }
            | Input::Property { session, .. } => {
                self.session_ref(session).ok_or(Refused::UnknownSession(session))?;
                self.take_command(session, input)?;
            }
        }
        Ok(Accepted::Done)
    }

    fn take_answer(&mut self, op: OperationId, result: Outcome, reason: Option<String>) {
        match self.operations.remove(&op) {
            Some(Operation::Link(id)) => self.on_link_answer(id, result, reason),
            Some(Operation::Update) => self.complete_update(),
            // That a question is being asked is no answer to it.
            Some(operation @ Operation::Resolve(_)) if result == Outcome::Ok => {
                self.operations.insert(op, operation);
                self.note_stale();
            }
            Some(Operation::Resolve(session)) => {
                self.on_not_asked(session, Failure { cause: cause_of(result), reason });
            }
            None => self.note_stale(),
        }
    }

    const fn note_stale(&mut self) {
        self.stale_answers = self.stale_answers.saturating_add(1);
    }

    /// A number for the next request to the platform, whose answer is for `operation`.
    pub(crate) fn number_operation(&mut self, operation: Operation) -> OperationId {
        let op = self.next_operation();
        self.operations.insert(op, operation);
        op
    }

    /// A number for a request whose answer nothing waits for.
    pub(crate) fn next_operation(&mut self) -> OperationId {
        self.last_operation += 1;
        OperationId(self.last_operation)
    }

    // What the rooms share: records by handle, handles by identifier.

    pub(crate) fn configuration_ref(&self, id: ConfigurationId) -> Option<&Configuration> {
        self.configurations.get(id.slot, id.version)
    }

    pub(crate) fn configuration_mut(&mut self, id: ConfigurationId) -> Option<&mut Configuration> {
        self.configurations.get_mut(id.slot, id.version)
    }

    pub(crate) fn access_point(&self, id: ConfigurationId) -> Option<&AccessPoint> {
        self.configuration_ref(id)?.access_point()
    }

    pub(crate) fn access_point_mut(&mut self, id: ConfigurationId) -> Option<&mut AccessPoint> {
        self.configuration_mut(id)?.access_point_mut()
    }

    pub(crate) fn network_of(&self, id: ConfigurationId) -> Option<&ServiceNetwork> {
        self.configuration_ref(id)?.service_network()
    }

    /// Whether a session on `configuration` may use the access point `on`.
    pub(crate) fn leads_to(&self, configuration: Option<ConfigurationId>, on: ConfigurationId) -> bool {
        configuration.is_some_and(|it| {
            it == on || self.network_of(it).is_some_and(|network| network.members.contains(&on))
        })
    }

    pub(crate) fn session_ref(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.slot, id.version).filter(|session| session.id == id)
    }

    pub(crate) fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(id.slot, id.version).filter(|session| session.id == id)
    }

    pub(crate) fn lookup(&self, identifier: &str) -> Option<ConfigurationId> {
        self.by_identifier.get(identifier).copied()
    }

    pub(crate) fn find(&self, identifier: &Identifier) -> Result<ConfigurationId, Refused> {
        self.lookup(identifier).ok_or_else(|| Refused::UnknownConfiguration(identifier.clone()))
    }

    pub(crate) fn find_access_point(&self, identifier: &Identifier) -> Result<ConfigurationId, Refused> {
        let id = self.find(identifier)?;
        let wrong = self.configuration_ref(id).filter(|it| it.access_point().is_none());
        wrong.map_or(Ok(id), |it| Err(Refused::WrongType { id: identifier.clone(), found: it.kind() }))
    }
}

impl Input {
    /// Whether it leaves the first population going on (R-REG-8).
    const fn populates(&self) -> bool {
        matches!(
            self,
            Self::Config(_)
                | Self::Add(_)
                | Self::Default { .. }
                | Self::Policies { .. }
                | Self::Adopt { .. }
                | Self::Counters { .. }
        )
    }
}

/// Reads.
impl Manager {
    /// The latest time that an input brought.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// A session; `None` if it was dropped or never made.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<SessionView<'_>> {
        self.session_ref(id).map(|session| SessionView::new(self, session))
    }

    /// All sessions that were not dropped, in the order in which they were made.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        let mut all: Vec<_> = self.sessions.iter().collect();
        all.sort_unstable_by_key(|session| session.id);
        all.into_iter().map(|session| SessionView::new(self, session))
    }

    /// The configuration with this identifier.
    #[must_use]
    pub fn configuration(&self, id: &str) -> Option<ConfigurationView<'_>> {
        self.configuration_at(self.lookup(id)?)
    }

    /// The configuration that a handle names; `None` if it was removed, even if its identifier is back.
    #[must_use]
    pub fn configuration_at(&self, id: ConfigurationId) -> Option<ConfigurationView<'_>> {
        let found = self.configuration_ref(id).filter(|found| found.id == id);
        found.map(|configuration| ConfigurationView::new(self, configuration))
    }

    /// Access points and service networks in the order in which they were added, those whose state
    /// includes `filter`'s (R-REG-4).
    pub fn configurations(
        &self,
        filter: Option<ConfigurationState>,
    ) -> impl Iterator<Item = ConfigurationView<'_>> {
        let listed = self.order.iter().filter(|&&id| self.is_listed(id));
        listed
            .filter_map(|&id| self.configuration_at(id))
            .filter(move |it| filter.is_none_or(|filter| it.state().includes(filter)))
    }

    /// The configuration to use where nobody said which (R-REG-5).
    #[must_use]
    pub fn default_configuration(&self) -> Option<ConfigurationView<'_>> {
        self.configuration_at(self.best_configuration()?)
    }

    /// Whether some link that counts is up (R-REG-6).
    #[must_use]
    pub const fn is_online(&self) -> bool {
        self.online_links > 0
    }

    /// What the platform can do with any of the configurations (R-REG-9).
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.order.iter().fold(Capabilities::empty(), |all, &id| all | self.configuration_capabilities(id))
    }

    /// How many answers came too late, twice, or for nothing (R-GEN-3).
    #[must_use]
    pub const fn stale_answers(&self) -> u64 {
        self.stale_answers
    }
}
