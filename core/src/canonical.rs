//! The machine as bytes, for exhaustive search: what can still matter, and nothing else.
//!
//! The promise: two machines with equal canonical bytes that are told the same from now on say the same
//! from then on, up to numbers. So deadlines stand as spans from now; sessions, configurations and
//! requests by their place among those that exist; and what is only ever read is left out: the time, slots and
//! versions, byte counters, active times, errors, and the platform's words. How long something has lasted
//! stands as what is left of the span that it is measured against (hold-off, retry), so the promise speaks of
//! futures in which these spans are not made longer.
//!
//! Every record is taken apart field by field without `..`: a new field does not compile until it has its
//! place here.

mod session;
mod standing;
mod values;

use alloc::vec::Vec;

use self::session::Surroundings;
pub use self::standing::{Fate, RoamingStep, Standing};

use crate::access_point::{AccessPoint, Aftermath, Phase, Report, StopReason};
use crate::configuration::{Configuration, Kind, ServiceNetwork};
use crate::reconcile::Operation;
use crate::session::Session;
use crate::timers::{LinkTimer, SessionTimer, Timer, Timers};
use crate::update::Update;
use crate::{Config, ConfigurationId, Instant, Interface, InterfaceAddress, Manager, OperationId, SessionId};

impl Manager {
    /// Bytes that stand for this state: equal bytes, equal outputs from then on, up to numbers.
    ///
    /// Up to numbers means: with sessions, requests and tokens named by their order, times counted from
    /// now, and without the platform's words. Poll the outputs first: those that wait are part of the state.
    ///
    /// ```
    /// use netsession_core::{Add, Instant, Manager};
    ///
    /// let mut once = Manager::new();
    /// once.handle_input(Instant::ZERO, netsession_core::Input::Add(Add::access_point("eth0")))?;
    /// let mut later = once.clone();
    /// let session = later.create_session(Instant::from_millis(5), "eth0")?;
    /// later.drop_session(Instant::from_millis(9), session)?;
    /// once.handle_input(Instant::ZERO, netsession_core::Input::Tick {})?;
    /// while !matches!(later.poll_output(), netsession_core::Output::Idle { .. }) {}
    /// assert_eq!(once.canonical(), later.canonical());
    /// # Ok::<(), netsession_core::Refused>(())
    /// ```
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write_canonical(&mut bytes);
        bytes
    }

    /// Appends the bytes of [`canonical`](Self::canonical).
    pub fn write_canonical(&self, bytes: &mut Vec<u8>) {
        let mut sessions: Vec<_> = self.sessions.iter().collect();
        sessions.sort_unstable_by_key(|session| session.id);
        let mut operations: Vec<_> = self.operations.iter().map(|(&op, &what)| (op, what)).collect();
        // By what they stand for: the order in which they were asked for does not matter.
        operations.sort_unstable_by_key(|&(op, what)| (Subject::of(what), op));
        let mut writer = Writer {
            bytes,
            now: self.now,
            configurations: self.order.iter().copied().collect(),
            sessions: sessions.iter().map(|session| session.id).collect(),
            operations,
        };
        writer.manager(self, &sessions);
    }

    /// Whether the answer to this request would end anything; to all others it is stale.
    #[must_use]
    pub fn awaits(&self, op: OperationId) -> bool {
        self.operations.contains_key(&op)
    }
}

/// What a request is about, with an order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Link(ConfigurationId),
    Update,
    Resolve(SessionId),
}

impl Subject {
    const fn of(operation: Operation) -> Self {
        match operation {
            Operation::Link(id) => Self::Link(id),
            Operation::Update => Self::Update,
            Operation::Resolve(id) => Self::Resolve(id),
        }
    }
}

/// Writes values so that none is the beginning of another.
struct Writer<'a> {
    bytes: &'a mut Vec<u8>,
    now: Instant,
    configurations: Vec<ConfigurationId>,
    /// By number.
    sessions: Vec<SessionId>,
    /// By what they stand for.
    operations: Vec<(OperationId, Operation)>,
}

/// The records, one by one.
impl Writer<'_> {
    fn manager(&mut self, manager: &Manager, in_order: &[&Session]) {
        let Manager {
            config,
            is_configured,
            now: _,
            is_populated,
            configurations: _,
            // These follow from the records.
            by_identifier: _,
            named_members: _,
            devices: _,
            user_choices: _,
            order,
            platform_default,
            near_links,
            online_links,
            announced_online,
            sessions: _,
            timers,
            operations: _,
            update,
            last_configuration: _,
            last_session: _,
            last_operation: _,
            last_token: _,
            work,
            outputs,
            stale_answers: _,
        } = manager;
        self.config(config);
        for flag in [*is_configured, *is_populated, *announced_online] {
            self.flag(flag);
        }
        self.length(*near_links);
        self.length(*online_links);
        self.option(platform_default.filter(|id| order.contains(id)), Self::configuration_id);
        let records: Vec<_> = order.iter().filter_map(|&id| manager.configuration_ref(id)).collect();
        self.list(&records, |writer, record| writer.configuration(record));
        self.list(in_order, |writer, session| writer.session(session, &Surroundings::of(manager, session)));
        self.timers(timers);
        self.length(self.operations.len());
        for at in 0..self.operations.len() {
            let Some(&(_, operation)) = self.operations.get(at) else { break };
            self.operation(operation);
        }
        self.option(update.as_ref(), |writer, update| {
            let Update { op, tokens } = update;
            writer.option(*op, Self::operation_id);
            writer.length(tokens.len());
        });
        check_empty(work);
        self.length(outputs.len());
        for output in outputs {
            self.text(&alloc::format!("{output:?}"));
        }
    }

    fn config(&mut self, config: &Config) {
        let Config {
            hold_off,
            retry_after,
            give_up_after,
            answer_within,
            rescue_answer_within,
            stop_timeout,
            update_timeout,
            ask_timeout,
            rescue_grace,
            can_ask_user,
        } = config;
        let spans = [
            hold_off,
            retry_after,
            rescue_answer_within,
            stop_timeout,
            update_timeout,
            ask_timeout,
            rescue_grace,
        ];
        for span in spans {
            self.span(*span);
        }
        self.number(u64::from(*give_up_after));
        self.option(*answer_within, Self::span);
        self.flag(*can_ask_user);
    }

    fn configuration(&mut self, configuration: &Configuration) {
        let Configuration {
            // Its place tells.
            id: _,
            identifier,
            name,
            purpose,
            connect_timeout,
            sessions,
            announced,
            changed,
            kind,
        } = configuration;
        self.text(identifier);
        self.text(name);
        self.byte(purpose.number());
        self.span(*connect_timeout);
        self.list(sessions, |writer, &id| writer.session_id(id));
        self.byte(announced.number());
        self.number(u64::from(changed.bits()));
        match kind {
            Kind::AccessPoint(ap) => {
                self.byte(0);
                self.access_point(ap);
            }
            Kind::ServiceNetwork(network) => {
                self.byte(1);
                self.service_network(network);
            }
            Kind::UserChoice => self.byte(2),
        }
    }

    fn service_network(&mut self, network: &ServiceNetwork) {
        let ServiceNetwork {
            named,
            members,
            hold_off,
            retry_after,
            answer_within,
            announced_capabilities,
            announced_policies,
        } = network;
        self.list(named, |writer, name| writer.text(name));
        self.list(members, |writer, &id| writer.configuration_id(id));
        for span in [hold_off, retry_after, answer_within] {
            self.option(*span, Self::span);
        }
        self.number(u64::from(announced_capabilities.bits()));
        self.number(u64::from(announced_policies.bits()));
    }

    fn access_point(&mut self, ap: &AccessPoint) {
        let AccessPoint {
            bearer,
            device,
            shutdown,
            capabilities,
            loss_grace,
            polls,
            counts_for_online,
            policies,
            // Read, and never acted on.
            counters: _,
            reported,
            before_loss,
            phase,
            ours,
            released,
            refused,
            // Of one input only.
            withdrawn: _,
            holders,
            networks,
            online,
            is_near,
            is_watched,
            aftermath,
            news,
        } = ap;
        self.byte(bearer.number());
        self.option(device.as_ref(), |writer, device| writer.text(device));
        self.byte(shutdown.number());
        self.number(u64::from(capabilities.bits()));
        self.span(*loss_grace);
        self.number(u64::from(policies.bits()));
        for flag in [polls, counts_for_online, ours, released, refused, online, is_near, is_watched] {
            self.flag(*flag);
        }
        self.report(reported);
        self.option(before_loss.as_ref(), Self::report);
        self.phase(phase);
        self.list(holders, |writer, &id| writer.session_id(id));
        self.list(networks, |writer, &id| writer.configuration_id(id));
        self.byte(match aftermath {
            Aftermath::Over => 0,
            Aftermath::Fall => 1,
            Aftermath::Rise => 2,
        });
        check_empty(news);
    }

    fn report(&mut self, report: &Report) {
        let Report { link, interface, seamless_group } = report;
        self.byte(link.number());
        self.option(interface.as_ref(), |writer, interface| {
            let Interface { index, name, addresses } = interface;
            writer.number(u64::from(*index));
            writer.text(name);
            writer.list(addresses, |writer, &InterfaceAddress { address, prefix_length }| {
                writer.text(&alloc::format!("{address}"));
                writer.byte(prefix_length);
            });
        });
        self.option(seamless_group.as_ref(), |writer, group| writer.text(group));
    }

    fn phase(&mut self, phase: &Phase) {
        match phase {
            Phase::Idle => self.byte(0),
            Phase::Starting { op, answered } => {
                self.byte(1);
                self.option(*op, Self::operation_id);
                self.flag(*answered);
            }
            // The number of the start was for the cancel to name; it is said.
            Phase::Cancelling { op, start: _, is_used } => {
                self.byte(2);
                self.option(*op, Self::operation_id);
                self.flag(*is_used);
            }
            Phase::Stopping { op, why } => {
                self.byte(3);
                self.option(*op, Self::operation_id);
                match why {
                    StopReason::Unwanted => self.byte(0),
                    StopReason::CleanUp => self.byte(1),
                    StopReason::Command(session) => {
                        self.byte(2);
                        self.session_id(*session);
                    }
                }
            }
        }
    }

    /// By key, which is the order of those that are due together.
    fn timers(&mut self, timers: &Timers) {
        // `order` is the same by time.
        let Timers { at, order: _ } = timers;
        self.length(at.len());
        for (&timer, &at) in at {
            match timer {
                Timer::AccessPoint(id, timer) => {
                    self.byte(match timer {
                        LinkTimer::Stop => 0,
                        LinkTimer::LossGrace => 1,
                    });
                    self.configuration_id(id);
                }
                Timer::Session(id, timer) => {
                    self.byte(match timer {
                        SessionTimer::Attempt => 16,
                        SessionTimer::Open => 17,
                        SessionTimer::Ask => 18,
                        SessionTimer::Answer => 19,
                        SessionTimer::RescueGrace => 20,
                        SessionTimer::HoldOff => 21,
                        SessionTimer::Retry => 22,
                        SessionTimer::Reopen => 23,
                        SessionTimer::AutoClose => 24,
                    });
                    self.session_id(id);
                }
                Timer::Update => self.byte(32),
            }
            self.due(at);
        }
    }

    fn operation(&mut self, operation: Operation) {
        match operation {
            Operation::Link(id) => {
                self.byte(0);
                self.configuration_id(id);
            }
            Operation::Update => self.byte(1),
            Operation::Resolve(id) => {
                self.byte(2);
                self.session_id(id);
            }
        }
    }
}

/// The notes of an input are gone when it is handled, whatever is noted.
fn check_empty<T: core::fmt::Debug + Default>(notes: &T) {
    debug_assert_eq!(alloc::format!("{notes:?}"), alloc::format!("{:?}", T::default()));
}
