//! Section 8 of the contract where it speaks of all inputs, not of one scene.

use std::time::Duration;

use netsession_core::{
    Add, Config, ConfigurationView, Input, Instant, Interface, LinkState, Manager, Observation, OperationId,
    Outcome, Output, PropertyValue, Refused, ReopenPolicy, RoamingMode, SessionId, SessionState, Settings,
    ShutdownPolicy, SnapshotEntry, UsagePolicies,
};

use crate::machine::Machine;

const NAMES: [&str; 8] = ["eth0", "eth1", "wlan0", "wlan1", "wan", "lan", "nowhere", ""];

/// Any input at all, the same for the same seed (xorshift64*).
struct Chaos {
    seed: u64,
    sessions: Vec<SessionId>,
    operations: u64,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        Self { seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, sessions: Vec::new(), operations: 0 }
    }

    fn below(&mut self, end: usize) -> usize {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        let drawn = self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(drawn).unwrap_or(0) % end
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn name(&mut self) -> netsession_core::Identifier {
        self.pick(&NAMES).into()
    }

    /// One of those made, dropped ones included, or none at all.
    fn any_session(&mut self) -> SessionId {
        let at = self.below(self.sessions.len() + 1);
        self.sessions.get(at).copied().unwrap_or(SessionId::unresolved(at as u64))
    }

    fn operation(&mut self) -> OperationId {
        let back = self.below(4) as u64;
        OperationId(self.operations.saturating_sub(back))
    }

    fn observation(&mut self) -> Observation {
        let observation = Observation::new(self.name(), self.pick(LinkState::ALL));
        match self.below(3) {
            0 => observation,
            index => observation.with_interface(Interface::new(index as u32, "interface")),
        }
    }

    fn settings(&mut self) -> Settings {
        let mut settings = Settings::default();
        match self.below(6) {
            0 => settings.members = Some((0..self.below(4)).map(|_| self.name()).collect()),
            1 => {
                settings.connect_timeout =
                    Some(self.pick(&[Duration::ZERO, Duration::from_millis(5), Duration::MAX]))
            }
            2 => settings.loss_grace = Some(self.pick(&[Duration::ZERO, Duration::from_millis(7)])),
            3 => settings.shutdown = Some(self.pick(ShutdownPolicy::ALL)),
            4 => settings.device = Some(self.pick(&[None, Some("radio")]).map(Into::into)),
            _ => settings.name = Some("x".repeat(self.below(300))),
        }
        settings
    }

    fn add(&mut self) -> Input {
        let id = self.name();
        let mut add = match self.below(4) {
            0 => Add::service_network(id, ["eth0", "wlan0", "eth1"]),
            1 => Add::user_choice(id),
            _ => Add::access_point(id),
        };
        if self.below(2) == 0 {
            add.settings = self.settings();
        }
        add.link = self.pick(LinkState::ALL);
        Input::Add(add)
    }

    fn snapshot(&mut self) -> Input {
        let entries = (0..self.below(4)).map(|_| {
            let mut entry = SnapshotEntry::new(self.observation());
            entry.settings = self.settings();
            entry
        });
        Input::Snapshot(entries.collect())
    }

    fn fact(&mut self) -> Input {
        let id = self.name();
        match self.below(12) {
            0 => self.add(),
            1 => Input::Remove { id },
            2 => self.snapshot(),
            3 => Input::Change(netsession_core::Change::new(id, self.settings())),
            4 => Input::Counters { id, received: self.pick(&[0, 1 << 32, u64::MAX]), sent: self.seed },
            5 => Input::Policies { id, policies: self.pick(&[UsagePolicies::empty(), UsagePolicies::all()]) },
            6 => Input::Default { id: self.pick(&[None, Some(id.as_str())]).map(Into::into) },
            7 => Input::Completed { op: self.operation(), result: self.pick(Outcome::ALL), reason: None },
            8 if self.below(2) == 0 => Input::Tick {},
            8 => {
                let choice = self.name();
                Input::Resolved { op: self.operation(), choice: self.pick(&[None, Some(&choice)]).cloned() }
            }
            _ => Input::Observed(self.observation()),
        }
    }

    fn command(&mut self) -> Input {
        let session = self.any_session();
        match self.below(18) {
            0..=1 => Input::Session { on: self.name() },
            2..=6 => Input::Open { session },
            7..=9 => Input::Close { session },
            10 => Input::Stop { session },
            11 => Input::Drop { session },
            12 => self.pick(&[
                |session| Input::Migrate { session },
                |session| Input::Ignore { session },
                |session| Input::Accept { session },
                |session| Input::Reject { session },
            ] as &[fn(SessionId) -> Input])(session),
            13 => Input::MigrateTo { session, member: self.name() },
            14 => Input::Roaming { session, mode: self.pick(RoamingMode::ALL) },
            15 => Input::Reopen { session, policy: self.pick(ReopenPolicy::ALL) },
            16 => {
                let key = self.pick(&[
                    "ActiveConfiguration",
                    "ConnectInBackground",
                    "AutoCloseSessionTimeout",
                    "k",
                ]);
                let value = self.pick(
                    &[None, Some(PropertyValue::Bool(true)), Some(PropertyValue::Integer(0))].each_ref(),
                );
                Input::Property { session, key: key.into(), value: value.clone() }
            }
            _ => self
                .pick(&[Input::Update {}, Input::RefreshCounters { id: "eth0".into() }].each_ref())
                .clone(),
        }
    }

    fn input(&mut self) -> Input {
        if self.below(2) == 0 { self.fact() } else { self.command() }
    }
}

/// Lets chaos loose on a machine. Checks what must hold after each input; returns all that was said.
fn run(seed: u64, inputs: usize) -> (Machine, Vec<String>) {
    let mut chaos = Chaos::new(seed);
    let mut machine = Machine::default();
    let mut log = Vec::new();
    let mut now = 0;
    let mut config = Config::default();
    config.stop_timeout = chaos.pick(&[config.stop_timeout, Duration::ZERO, Duration::from_nanos(1)]);
    config.hold_off = chaos.pick(&[Duration::ZERO, Duration::from_millis(5), Duration::MAX]);
    config.retry_after = chaos.pick(&[config.retry_after, Duration::ZERO, Duration::MAX]);
    config.rescue_grace = chaos.pick(&[Duration::ZERO, Duration::from_millis(5)]);
    config.answer_within = chaos.pick(&[None, Some(Duration::ZERO), Some(Duration::MAX)]);
    config.give_up_after = chaos.pick(&[config.give_up_after, 0, u32::MAX]);
    config.update_timeout = chaos.pick(&[config.update_timeout, Duration::ZERO, Duration::MAX]);
    machine.take(now, Input::Config(config)).expect("it is the first input");
    for _ in 0..inputs {
        now += [0, 0, 1, 5, 1_000, 40_000][chaos.below(6)];
        let input = chaos.input();
        let text = format!("{input:?}");
        let answer = machine.take(now, input);
        if let Ok(netsession_core::Accepted::Session(session)) = answer {
            chaos.sessions.push(session);
        }
        let operations = machine.said.iter().filter_map(|output| match output {
            Output::Effect(effect) => effect.op(),
            Output::Event(_) | Output::Idle { .. } => None,
        });
        chaos.operations = operations.map(|op| op.0).max().unwrap_or(chaos.operations);
        assert!(
            machine.wake().is_none_or(|wake| wake > Duration::from_millis(now)),
            "a deadline was left behind: {text}"
        );
        assert_eq!(
            machine.manager.poll_output(),
            *machine.said.last().expect("at least Idle"),
            "after {text}"
        );
        log.push(format!("{now} {text} → {answer:?} {:?}", machine.said));
    }
    (machine, log)
}

/// R-GEN-1: the same inputs at the same times give the same outputs, byte for byte.
#[test]
fn the_same_inputs_give_the_same_outputs() {
    for seed in 0..50 {
        assert_eq!(run(seed, 300).1, run(seed, 300).1, "seed {seed}");
    }
    assert_ne!(run(0, 300).1, run(1, 300).1, "the seeds must matter");
}

/// R-GEN-6: no input panics or loops. R-GEN-2: no deadline is left behind. R-GEN-9: when inputs stop, the
/// machine comes to rest, and no session waits for what nobody will do.
#[test]
fn whatever_happened_the_machine_comes_to_rest() {
    let mut checked = 0;
    for seed in 0..1_000 {
        let (mut machine, log) = run(seed, 200);
        let mut steps = 0;
        while let Some(wake) = machine.wake() {
            // A timeout of Duration::MAX saturates at the end of time, which never comes.
            if wake.as_nanos() == u128::from(u64::MAX) {
                break;
            }
            machine.take_at(Instant::ZERO + wake, Input::Tick {}).unwrap();
            steps += 1;
            assert!(steps < 1_000, "seed {seed} does not come to rest\n{}", log.join("\n"));
        }
        // Only what somebody else brings up or takes down may go on for ever, and an attempt without a limit.
        let by_others = |view: ConfigurationView<'_>| {
            matches!(view.link(), Some(LinkState::Connecting | LinkState::Closing))
        };
        let unlimited =
            |view: ConfigurationView<'_>| [Duration::ZERO, Duration::MAX].contains(&view.connect_timeout());
        if !machine.manager.configurations(None).any(|view| by_others(view) || unlimited(view)) {
            checked += 1;
            for view in machine.manager.sessions() {
                let at_work = matches!(
                    view.state(),
                    SessionState::Connecting | SessionState::Closing | SessionState::Roaming
                );
                // An offer and a trial wait for the application, which says nothing more.
                let is_asked = view.offer().is_some() || view.candidate().is_some();
                assert!(
                    !at_work || is_asked,
                    "seed {seed}: {} waits for nothing\n{}",
                    view.id(),
                    log.join("\n")
                );
            }
        }
    }
    assert!(checked > 50, "only {checked} runs could be checked");
}

/// R-GEN-2: time never goes back; an earlier time counts as the latest one seen.
#[test]
fn an_earlier_time_counts_as_the_latest() {
    let mut add = Add::access_point("eth0");
    add.link = LinkState::Discovered;
    let mut machine = Machine::with([Input::Add(add)]);
    let session = machine.session(0, "eth0");
    machine.take(50_000, Input::Tick {}).unwrap();
    machine.take(10, Input::Open { session }).unwrap();
    assert_eq!(machine.manager.now(), Instant::from_millis(50_000));
    assert_eq!(machine.wake(), Some(Duration::from_millis(80_000)));
    machine.take(0, Input::Tick {}).unwrap();
    assert_eq!(machine.wake(), Some(Duration::from_millis(80_000)));
}

/// R-GEN-3: what comes late, twice or for nothing is counted and dropped.
#[test]
fn stale_answers_are_counted() {
    let mut add = Add::access_point("eth0");
    add.link = LinkState::Discovered;
    let mut machine = Machine::with([Input::Add(add)]);
    let session = machine.session(0, "eth0");
    let answer = |op| Input::Completed { op: OperationId(op), result: Outcome::Ok, reason: None };
    machine.take(1, Input::Open { session }).unwrap();
    machine.take(2, answer(1)).unwrap();
    assert_eq!(machine.manager.stale_answers(), 0);
    for (stale, op) in [(1, 1), (2, 9), (3, u64::MAX), (4, 0)] {
        machine.take(3, answer(op)).unwrap();
        assert_eq!(machine.manager.stale_answers(), stale, "operation {op}");
    }
}

/// R-GEN-6: outputs that nobody takes do not pile up for ever, and the input that was refused for it
/// was not looked at.
#[test]
fn a_machine_that_is_not_drained_refuses_further_inputs() {
    let mut manager = Manager::new();
    let mut add = Add::access_point("eth0");
    add.link = LinkState::Active;
    manager.handle_input(Instant::ZERO, Input::Add(add)).unwrap();
    manager.handle_input(Instant::ZERO, Input::Tick {}).unwrap();
    let level = |round| if round % 2 == 0 { LinkState::Discovered } else { LinkState::Active };
    let observe = |round| Input::Observed(Observation::new("eth0", level(round)));
    let (full, refused) = (0..1_000_000_u64)
        .find_map(|round| {
            manager.handle_input(Instant::from_millis(round), observe(round)).err().map(|why| (round, why))
        })
        .expect("a million inputs were taken without one output being drained");
    assert_eq!(refused, Refused::OutputsFull);
    assert_eq!(
        manager.now(),
        Instant::from_millis(full - 1),
        "an input that was not looked at brings no time"
    );
    assert_eq!(manager.configuration("eth0").unwrap().link(), Some(level(full - 1)));
    while !matches!(manager.poll_output(), Output::Idle { .. }) {}
    manager.handle_input(Instant::from_millis(full), observe(full)).unwrap();
    assert_eq!(manager.configuration("eth0").unwrap().link(), Some(level(full)));
}

/// R-GEN-5: commands alone, however many, make no more than a start, the stop that withdraws it, and a
/// start of their own after it; whatever the link was doing.
#[test]
fn one_request_at_a_time_on_a_link() {
    let mut add = Add::access_point("eth0");
    add.link = LinkState::Discovered;
    let answered = Input::Completed { op: OperationId(1), result: Outcome::Ok, reason: None };
    let level = |link| Input::Observed(Observation::new("eth0", link));
    let begun = [Input::Tick {}, answered, level(LinkState::Connecting), level(LinkState::Active)];
    for seed in 0..400 {
        let mut chaos = Chaos::new(seed);
        let mut machine = Machine::with([Input::Add(add.clone())]);
        let sessions = [machine.session(0, "eth0"), machine.session(0, "eth0")];
        machine.take(0, Input::Open { session: sessions[0] }).unwrap();
        machine.take(0, chaos.pick(&begun.each_ref()).clone()).unwrap();
        let mut requests = Vec::new();
        for step in 1..100 {
            let session = chaos.pick(&sessions);
            let command = chaos
                .pick(
                    &[Input::Open { session }, Input::Close { session }, Input::Stop { session }].each_ref(),
                )
                .clone();
            machine.take(step, command).unwrap();
            requests.extend(machine.said.iter().filter_map(|output| match output {
                Output::Effect(effect) if effect.op().is_some() => Some(effect.clone()),
                Output::Effect(_) | Output::Event(_) | Output::Idle { .. } => None,
            }));
        }
        assert!((1..=3).contains(&requests.len()), "seed {seed}: {requests:?}");
    }
}

/// The least time that a hundred inputs about one link take, with so many other links and sessions around.
fn cost(others: usize) -> Duration {
    let access_point = |n: usize| {
        let mut add = Add::access_point(format!("eth{n}"));
        add.link = LinkState::Discovered;
        Input::Add(add)
    };
    let mut machine = Machine::with((0..others).map(access_point));
    for n in 0..others {
        // Each has a deadline outstanding.
        let session = machine.session(0, &format!("eth{n}"));
        machine.take(0, Input::Open { session }).unwrap();
    }
    let flap = |machine: &mut Machine| {
        for round in 0..50 {
            machine.observe(round, "eth7", LinkState::Active);
            machine.observe(round, "eth7", LinkState::Discovered);
        }
    };
    let timed = |_| {
        let start = std::time::Instant::now();
        flap(&mut machine);
        start.elapsed()
    };
    (0..20).map(timed).min().unwrap_or_default()
}

/// R-GEN-8: an input costs what it touches, not what exists. The bound is on a ratio of two measures
/// of the same machine at the same time, each the best of twenty: a walk over everything would make it 256.
#[test]
fn an_input_costs_what_it_touches() {
    let (few, many) = (cost(32), cost(8_192));
    assert!(many < few * 12, "{few:?} among 32 links, {many:?} among 8192");
}
