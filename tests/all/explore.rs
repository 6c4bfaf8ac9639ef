//! The explorer, and the promise that it stands on: equal canonical bytes, equal outputs from then on.

use std::collections::BTreeMap;
use std::time::Duration;

use netsession_core::{
    Add, Capabilities, Change, Effect, Event, Identifier, Input, Instant, LinkState, Manager, OperationId,
    Outcome, Output, PropertyValue, ReopenPolicy, RoamingMode, SessionId, SessionState, Settings,
    ShutdownPolicy, UpdateToken, UsagePolicies,
};
use netsession_io_sim::explore::diagram::roaming_world;
use netsession_io_sim::explore::{Alphabet, Command, SmallWorld, Snapshots, State, Step, Taken};
use netsession_io_sim::{Random, Record};

/// What a machine said, with sessions by their place, without the numbers of requests and tokens, and with the
/// next deadline from now.
fn up_to_numbers(taken: &Taken) -> String {
    let place = |session: SessionId| {
        let place = taken.state.sessions().iter().position(|&it| it == session);
        SessionId::unresolved(place.map_or(0, |place| place as u64 + 1))
    };
    let outputs: Vec<_> = taken.outputs.iter().cloned().map(|output| unnumbered(output, &place)).collect();
    let wake =
        taken.state.wake().map(|wake| (wake.at.saturating_since(taken.state.manager().now()), wake.why));
    format!("{:?} {outputs:?} {wake:?}", taken.result.as_ref().map(|_| ()).map_err(|refused| refused.word()))
}

fn unnumbered(mut output: Output, place: &impl Fn(SessionId) -> SessionId) -> Output {
    match &mut output {
        Output::Effect(effect) => match effect {
            Effect::Start { op, .. } | Effect::Stop { op, .. } | Effect::Update { op } => {
                *op = OperationId(0)
            }
            Effect::Cancel { op, cancelled } => (*op, *cancelled) = (OperationId(0), OperationId(0)),
            Effect::Resolve { op, session, .. } => (*op, *session) = (OperationId(0), place(*session)),
            Effect::ReadCounters { .. } | Effect::Watch { .. } | Effect::Unwatch { .. } => {}
        },
        Output::Event(event) => match event {
            Event::StateChanged { session, .. }
            | Event::Opened { session }
            | Event::Closed { session }
            | Event::PreferredConfigurationChanged { session, .. }
            | Event::OfferWithdrawn { session, .. }
            | Event::NewConfigurationActivated { session, .. }
            | Event::UsagePoliciesChanged { session, .. } => *session = place(*session),
            Event::Error { session, reason, .. } => (*session, *reason) = (place(*session), None),
            Event::UpdateCompleted { token } => *token = UpdateToken(0),
            Event::ConfigurationAdded { .. }
            | Event::ConfigurationRemoved { .. }
            | Event::ConfigurationChanged { .. }
            | Event::OnlineStateChanged { .. } => {}
        },
        Output::Idle { .. } => {}
    }
    output
}

/// Takes the step in both, and wants the same said and the same state reached.
fn same_step(world: &SmallWorld, one: &State, other: &State, step: &Step) -> (State, State) {
    let [one, other] = [one, other].map(|state| world.take(state, step).unwrap_or_else(|| panic!("{step}")));
    assert_eq!(up_to_numbers(&one), up_to_numbers(&other), "after {step}");
    assert_eq!(one.state.owed().collect::<Vec<_>>(), other.state.owed().collect::<Vec<_>>(), "after {step}");
    assert_eq!(one.state.manager().canonical(), other.state.manager().canonical(), "after {step}");
    (one.state, other.state)
}

fn words(path: &[Step]) -> Vec<String> {
    path.iter().map(ToString::to_string).collect()
}

fn access_points(ids: &[&str]) -> Vec<Add> {
    ids.iter().map(|id| Add::access_point(*id)).collect()
}

fn one_link(sessions: usize) -> SmallWorld {
    let mut world = SmallWorld::new(access_points(&["eth0"]), vec!["eth0"; sessions]);
    world.alphabet.snapshots = Snapshots::All;
    if sessions == 1 {
        world.alphabet.updates = true;
        // Not as long as an attempt: deadlines lie apart.
        world.config.stop_timeout = Duration::from_millis(2);
    }
    world
}

/// One session on two members.
fn one_network() -> SmallWorld {
    let mut all = access_points(&["eth0", "wlan0"]);
    all.push(Add::service_network("wan", ["eth0", "wlan0"]));
    let mut world = SmallWorld::new(all, ["wan"]);
    // Not as long as an attempt: deadlines lie apart.
    world.config.stop_timeout = Duration::from_millis(2);
    world.alphabet = Alphabet::empty();
    world.alphabet.commands = vec![Command::Open, Command::Close, Command::Stop];
    world.alphabet.levels = vec![LinkState::Discovered, LinkState::Active, LinkState::Defined];
    world.alphabet.outcomes = vec![Outcome::Ok, Outcome::Failed];
    world
}

/// Three members, a device that two of them share, user choice, and everything that can be said.
fn motley() -> SmallWorld {
    let mut all = access_points(&["eth0", "wlan0", "wlan1"]);
    for add in all.iter_mut().skip(1) {
        add.settings.device = Some(Some("radio0".into()));
        add.settings.loss_grace = Some(Duration::from_millis(1));
    }
    all.push(Add::service_network("wan", ["eth0", "wlan0", "wlan1"]));
    all.push(Add::user_choice("any"));
    let world = SmallWorld::new(all, ["wan", "wan", "wlan0", "any"]);
    let mut world = world.roaming([RoamingMode::Application, RoamingMode::Forced]);
    let change = |id: &str, change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        Input::Change(Change::new(id, settings))
    };
    let session = SessionId::unresolved;
    let property =
        |number, key: &str, value| Input::Property { session: session(number), key: key.into(), value };
    world.alphabet.snapshots = Snapshots::All;
    world.alphabet.updates = true;
    world.alphabet.modes = RoamingMode::ALL.to_vec();
    world.alphabet.reopen_policies = ReopenPolicy::ALL.to_vec();
    world.alphabet.inputs = vec![
        change("wan", &|it| it.members = Some(vec!["wlan0".into(), "eth0".into()])),
        change("wan", &|it| it.members = Some(vec!["eth0".into(), "wlan0".into(), "wlan1".into()])),
        change("wan", &|it| it.hold_off = Some(Some(Duration::from_millis(3)))),
        change("eth0", &|it| it.shutdown = Some(ShutdownPolicy::LastClose)),
        change("eth0", &|it| it.capabilities = Some(Capabilities::empty())),
        change("eth0", &|it| it.capabilities = Some(Capabilities::all())),
        change("wlan0", &|it| it.connect_timeout = Some(Duration::from_millis(5))),
        change("eth0", &|it| it.name = Some("Office".into())),
        Input::Default { id: Some("wlan0".into()) },
        Input::Policies { id: "eth0".into(), policies: UsagePolicies::all() },
        Input::Policies { id: "eth0".into(), policies: UsagePolicies::empty() },
        Input::Counters { id: "eth0".into(), received: 7, sent: 9 },
        Input::RefreshCounters { id: "eth0".into() },
        property(4, "ConnectInBackground", Some(PropertyValue::Bool(true))),
        property(4, "ConnectInBackground", None),
        property(1, "colour", Some(PropertyValue::Text("blue".into()))),
    ];
    world
}

/// In worlds so small that all of it can be looked at: where another way leads to a known state, every step
/// is taken from both.
#[test]
fn equal_bytes_have_equal_futures_in_every_state_of_a_small_world() {
    let mut patient = roaming_world();
    patient.config.hold_off = Duration::from_millis(2);
    for world in [one_link(1), one_link(2), one_network(), patient] {
        let mut first: Vec<State> = vec![world.start()];
        let mut compared: BTreeMap<u32, u32> = BTreeMap::new();
        let found = world.explore(100_000, |edge| {
            if edge.is_new {
                first.push(edge.to.clone());
                return Ok::<(), String>(());
            }
            let place = edge.to_place.unwrap();
            let known = &first[place as usize];
            let ways = compared.entry(place).or_default();
            // One other way to a state stands for all.
            if *ways < 1 && edge.from_place != place {
                *ways += 1;
                let steps = world.steps(known);
                assert_eq!(steps, world.steps(edge.to));
                for step in steps {
                    same_step(&world, known, edge.to, &step);
                }
            }
            Ok(())
        });
        let found = found.unwrap();
        assert!(found.is_complete, "{found:?}");
        assert!(compared.len() * 2 > found.states, "only {} states have two ways to them", compared.len());
    }
}

/// On random walks through a world where everything can be said.
#[test]
fn equal_bytes_have_equal_futures_on_random_walks() {
    let world = motley();
    let mut random = Random::new(3);
    let mut known: BTreeMap<Vec<u8>, State> = BTreeMap::new();
    let mut compared = 0;
    let step = |random: &mut Random, state: &State| random.pick(&world.steps(state)).cloned().unwrap();
    for _ in 0..150 {
        let mut state = world.start();
        for _ in 0..40 {
            let next = step(&mut random, &state);
            state = world.take(&state, &next).unwrap().state;
            let is_elsewhere = |other: &State| other.manager().now() != state.manager().now();
            match known.get(&state.manager().canonical()) {
                None => drop(known.insert(state.manager().canonical(), state.clone())),
                Some(other) if is_elsewhere(other) => {
                    compared += 1;
                    let (mut one, mut other) = (other.clone(), state.clone());
                    for _ in 0..30 {
                        let next = step(&mut random, &one);
                        (one, other) = same_step(&world, &one, &other, &next);
                    }
                }
                Some(_) => {}
            }
        }
    }
    assert!(compared > 100, "only {compared} states were met again at another time");
}

/// A number is no difference: dropping a session and making it again leads back.
#[test]
fn numbers_and_times_are_no_difference() {
    let world = one_link(1);
    let found = world.explore(100_000, |edge| {
        let (before, after) = (edge.from.manager(), edge.to.manager());
        assert_eq!(edge.to_place == Some(edge.from_place), before.canonical() == after.canonical());
        Ok::<(), String>(())
    });
    // Few, although times and numbers never come back.
    let found = found.unwrap();
    assert!(found.is_complete && found.states < 3_000, "{found:?}");
}

/// R-GEN-3, R-GEN-7: what the search itself can see of them in every state of a small world.
#[test]
fn what_changes_nothing_leads_nowhere() {
    let world = one_link(2);
    let mut seen = 0;
    let found = world.explore(100_000, |edge| {
        use netsession_io_sim::explore::{Action, When};
        let believed = |links: &[(Identifier, LinkState, u32)]| {
            links.iter().all(|(id, level, index)| edge.from.link(id) == Some((*level, *index)))
                && edge.from.link("eth0").is_some() != links.is_empty()
        };
        let changes_nothing = matches!(edge.step.action, Action::StaleAnswer)
            || matches!(&edge.step.action, Action::Snapshot(links) if believed(links));
        if changes_nothing && edge.step.when == When::Now {
            seen += 1;
            if edge.to_place != Some(edge.from_place) || !edge.taken.outputs.is_empty() {
                return Err(format!("{} changes something: {:?}", edge.step, edge.taken.outputs));
            }
        }
        Ok(())
    });
    let found = found.unwrap_or_else(|stopped| panic!("{} {:#?}", stopped.why, words(&stopped.path)));
    assert!(found.is_complete && seen > 100, "{found:?}, {seen}");
}

#[test]
fn a_path_is_a_shortest_one_and_its_trace_can_be_replayed() {
    let world = one_link(2);
    let is_victim = |state: &State| {
        state.session(1).is_some_and(|it| it.is_open() && it.state() == SessionState::Closing)
            && state.session(0).is_some_and(|it| !it.is_open())
    };
    let stopped = world
        .explore(100_000, |edge| if is_victim(edge.to) { Err("a victim") } else { Ok(()) })
        .expect_err("there is a victim");
    assert_eq!(stopped.why, "a victim");
    let words = words(&stopped.path);
    assert_eq!(words.len(), 3, "active, open, and another stops: {words:?}");
    assert!(is_victim(&world.replay(&stopped.path).last().unwrap().state));

    let mut manager = Manager::new();
    let mut at = Instant::ZERO;
    for (time, record) in world.records(&stopped.path) {
        assert!(time >= at);
        at = time;
        match record {
            Record::Input(input) => drop(manager.handle_input(time, input)),
            Record::Result(_) => {}
            Record::Output(output) => assert_eq!(manager.poll_output(), output),
        }
    }
}

#[test]
fn a_search_that_is_too_small_says_so() {
    let found = one_link(2).explore(50, |_| Ok::<(), String>(())).unwrap();
    assert!(!found.is_complete);
    assert_eq!(found.states, 50);
    assert!(found.depth > 0 && found.edges > 50);
}

#[test]
fn two_searches_see_the_same() {
    let log = || {
        let mut log = String::new();
        let found = one_link(1).explore(100_000, |edge| {
            log +=
                &format!("{} {} {:?} {:?}\n", edge.from_place, edge.step, edge.to_place, edge.taken.outputs);
            Ok::<(), String>(())
        });
        assert!(found.is_ok());
        log
    };
    assert_eq!(log(), log());
}
