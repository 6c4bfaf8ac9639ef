//! Machine and platform together: time, determinism, faults.

use std::cell::RefCell;
use std::rc::Rc;

use netsession_core::{Outcome, SessionError};

use super::*;
use crate::{Flap, Reaction};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn one(link: Link) -> (World, SessionId) {
    let mut world = World::builder().access_point("eth0", link).build();
    let session = world.session("eth0");
    (world, session)
}

fn errors(world: &World) -> Vec<(Instant, SessionError)> {
    let events = world.events().iter();
    events
        .filter_map(
            |(at, event)| if let Event::Error { error, .. } = event { Some((*at, *error)) } else { None },
        )
        .collect()
}

/// Everything that can go wrong, in a world of this seed.
fn troubled(seed: u64) -> World {
    let answers = Answers::new().taking(millis(0)..=millis(40)).late(200, millis(100)).doubled(300).lost(100);
    let flap = Flap { after: millis(70), lasting: millis(5), times: 3 };
    let mut world = World::builder()
        .seed(seed)
        .answers(answers)
        .access_point("eth0", Link::new().flapping(flap))
        .access_point("wlan0", Link::new().failing(500, Outcome::Refused))
        .service_network("wan", ["eth0", "wlan0"])
        .build();
    for name in ["wan", "wlan0", "eth0"] {
        let session = world.session(name);
        world.open(session);
        world.advance(millis(60));
    }
    world.pull("eth0");
    world.advance(millis(10));
    world.plug("eth0");
    world.run_until_idle();
    world
}

#[test]
fn by_default_everything_works() {
    let (mut world, session) = one(Link::new());
    assert_eq!((world.state(session), world.now()), (SessionState::Disconnected, Instant::ZERO));
    world.open(session);
    world.run_until_idle();
    assert_eq!(world.state(session), SessionState::Connected);
    assert_eq!(world.now(), Instant::from_millis(21), "up at 20, and its counters a moment later");
    assert_eq!(world.interface(session).unwrap().name, "eth0");
    world.close(session);
    world.run_until_idle();
    assert_eq!(world.level("eth0"), Some(LinkState::Discovered));
    assert_eq!((errors(&world), world.wake()), (vec![], None));
}

#[test]
fn the_builder_ends_the_first_population() {
    let mut world = World::builder().access_point("eth0", Link::new().initially(LinkState::Active)).build();
    assert!(world.events().is_empty(), "the first population is silent");
    world.add("eth1", Link::new());
    assert_eq!(world.drain_events(), [(Instant::ZERO, Event::ConfigurationAdded { id: "eth1".into() })]);
}

#[test]
fn equal_seeds_give_equal_logs_and_others_do_not() {
    let log = troubled(7).log();
    assert_eq!(log, troubled(7).log());
    assert_ne!(log, troubled(8).log());
    assert!(log.lines().count() > 50, "{log}");
}

#[test]
fn a_clone_goes_the_same_way() {
    let (mut world, session) = one(Link::new().failing(500, Outcome::Failed));
    world.open(session);
    let mut other = world.clone();
    world.run_until_idle();
    other.run_until_idle();
    assert_eq!(world.log(), other.log());
}

#[test]
fn time_jumps_to_what_happens_and_to_deadlines_only() {
    let (mut world, session) = one(Link::new().start(Reaction::Hangs).taking(millis(20), millis(10)));
    world.open(session);
    let mut times = vec![];
    while world.step() {
        times.push(world.now().to_string());
    }
    assert_eq!(times[0], "0", "the link shows Connecting at once");
    assert_eq!(times[1], "30000", "the deadline of the attempt, to the nanosecond");
    world.advance(millis(3));
    assert_eq!(world.next_at(), None);
}

#[test]
fn advance_goes_exactly_as_far_as_it_is_told() {
    let (mut world, session) = one(Link::new());
    world.open(session);
    world.advance(millis(19));
    assert_eq!((world.state(session), world.now()), (SessionState::Connecting, Instant::from_millis(19)));
    world.advance(millis(1));
    assert_eq!((world.state(session), world.now()), (SessionState::Connected, Instant::from_millis(20)));
}

#[test]
fn a_start_that_fails_or_hangs_ends_the_attempt() {
    let ends = |link| {
        let (mut world, session) = one(link);
        world.open(session);
        world.run_until_idle();
        (world.state(session), errors(&world))
    };
    let (disconnected, at) = (SessionState::Disconnected, Instant::from_millis);
    let refused = ends(Link::new().start(Reaction::Fails(Outcome::Refused)));
    assert_eq!(refused, (disconnected, vec![(at(1), SessionError::SessionAborted)]));
    let fell = ends(Link::new().start(Reaction::FallsBack));
    assert_eq!(fell, (disconnected, vec![(at(20), SessionError::Unknown)]));
    let hung = ends(Link::new().start(Reaction::Hangs));
    assert_eq!(hung, (disconnected, vec![(at(30_000), SessionError::Unknown)]));
}

#[test]
fn bad_answers_harm_nothing() {
    let answers = [
        (Answers::new().doubled(1_000), 1),
        (Answers::new().late(1_000, millis(500)), 0),
        (Answers::new().lost(1_000), 0),
    ];
    for (answers, stale) in answers {
        let mut world = World::builder().answers(answers.clone()).access_point("eth0", Link::new()).build();
        let session = world.session("eth0");
        world.open(session);
        world.advance(millis(1_000));
        assert_eq!((world.state(session), errors(&world)), (SessionState::Connected, vec![]), "{answers:?}");
        assert!(world.manager().stale_answers() >= stale, "{answers:?}");
    }
}

#[test]
fn a_flap_aborts_the_session_and_the_link_is_back() {
    let flap = Flap { after: millis(50), lasting: millis(5), times: 1 };
    let (mut world, session) = one(Link::new().initially(LinkState::Active).flapping(flap));
    world.open(session);
    world.run_until_idle();
    assert_eq!(errors(&world), [(Instant::from_millis(50), SessionError::SessionAborted)]);
    assert_eq!((world.state(session), world.is_open(session)), (SessionState::Connected, false));
}

#[test]
fn a_link_that_returns_is_another() {
    let (mut world, session) = one(Link::new().initially(LinkState::Active));
    world.open(session);
    world.remove("eth0");
    assert_eq!((world.state(session), world.level("eth0")), (SessionState::Invalid, None));
    world.add_back("eth0");
    assert_eq!(world.state(session), SessionState::Invalid);
    let other = world.session("eth0");
    assert_eq!(world.interface(other).unwrap().index, 2);
}

#[test]
fn a_deaf_machine_believes_the_past_until_the_resync() {
    let (mut world, session) = one(Link::new().initially(LinkState::Active));
    world.deafen();
    world.pull("eth0");
    assert_eq!(world.state(session), SessionState::Connected);
    world.resync();
    assert_eq!(world.state(session), SessionState::NotAvailable);
}

#[test]
fn the_recorder_hears_all_that_the_records_hold() {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let (mut world, session) = one(Link::new());
    let known = world.records().len();
    let keep = Rc::clone(&heard);
    world.set_recorder(move |at, record| keep.borrow_mut().push((at, record.clone())));
    world.open(session);
    world.run_until_idle();
    assert!(heard.borrow().len() > 3);
    assert_eq!(*heard.borrow(), world.records()[known..]);
}

#[test]
fn later_is_said_at_its_time() {
    let (mut world, session) = one(Link::new().initially(LinkState::Active));
    world.later(millis(40), Input::Open { session });
    world.run_until_idle();
    assert_eq!(world.events(), [(Instant::from_millis(40), Event::Opened { session })]);
}

#[test]
#[should_panic(expected = "the world has no access point \"eth7\"")]
fn an_unknown_link_is_named() {
    one(Link::new()).0.pull("eth7");
}
