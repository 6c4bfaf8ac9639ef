//! The platform without a machine: what becomes of each request, line by line.

use super::*;
use crate::{Flap, Record};

const OP: OperationId = OperationId(1);

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn with(link: Link) -> Platform {
    with_answers(link, Answers::new())
}

fn with_answers(link: Link, answers: Answers) -> Platform {
    let mut platform = Platform::new(Random::new(3), answers, Choice::First);
    assert!(platform.add(Instant::ZERO, "a".into(), link).is_some());
    platform
}

fn start(platform: &mut Platform) {
    platform.carry_out(Instant::ZERO, &Effect::Start { op: OP, id: "a".into() });
}

fn stop(platform: &mut Platform) {
    platform.carry_out(Instant::ZERO, &Effect::Stop { op: OP, id: "a".into() });
}

/// All that still happens, as "time: what".
fn rest_of(platform: &mut Platform) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some(at) = platform.next_at() {
        if let Some(input) = platform.happen() {
            let line = Record::Input(input).to_string();
            lines.push(format!("{at}: {}", line.trim_start_matches("< ").trim_end_matches(" on a (1)")));
        }
    }
    lines
}

#[test]
fn a_start_that_works_shows_connecting_then_active() {
    let mut platform = with(Link::new());
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["0: a is connecting", "1: answer 1 ok", "20: a is active"]);
}

#[test]
fn a_link_may_show_nothing_on_its_way() {
    let mut platform = with(Link::new().taking(millis(5), millis(5)).showing_after(millis(5)));
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 ok", "5: a is active"]);
    stop(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 ok", "5: a is discovered"]);
}

#[test]
fn a_start_fails_hangs_or_falls_back_as_told() {
    let told = |reaction| {
        let mut platform = with(Link::new().start(reaction));
        start(&mut platform);
        rest_of(&mut platform)
    };
    assert_eq!(told(Reaction::Fails(Outcome::Refused)), ["1: answer 1 refused: this link refuses"]);
    assert_eq!(told(Reaction::Hangs), ["0: a is connecting"]);
    assert_eq!(told(Reaction::FallsBack), ["0: a is connecting", "1: answer 1 ok", "20: a is discovered"]);
}

#[test]
fn a_start_fails_by_chance_without_carrier_and_on_a_taken_device() {
    let mut platform = with(Link::new().failing(1_000, Outcome::TimedOut));
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 timed_out: bad luck"]);

    let mut platform = with(Link::new().initially(LinkState::Defined));
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 failed: no carrier"]);

    let mut platform = with(Link::new().device("radio"));
    platform.add(Instant::ZERO, "b".into(), Link::new().device("radio").initially(LinkState::Active));
    platform.add(Instant::ZERO, "c".into(), Link::new().initially(LinkState::Active));
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 refused: the device carries another link"]);
}

#[test]
fn a_stop_ends_as_told() {
    let told = |reaction| {
        let mut platform = with(Link::new().initially(LinkState::Active).stop(reaction));
        stop(&mut platform);
        rest_of(&mut platform)
    };
    assert_eq!(told(Reaction::Works), ["0: a is closing", "1: answer 1 ok", "10: a is discovered"]);
    assert_eq!(told(Reaction::Fails(Outcome::Failed)), ["1: answer 1 failed: this link refuses"]);
    assert_eq!(told(Reaction::Hangs), ["0: a is closing"]);
    assert_eq!(told(Reaction::FallsBack), ["0: a is closing", "1: answer 1 ok", "10: a is active"]);
}

#[test]
fn a_cancel_ends_the_start_unless_told_otherwise() {
    let told = |reaction| {
        let mut platform = with(Link::new().showing_after(millis(15)).cancel(reaction));
        start(&mut platform);
        platform.carry_out(Instant::ZERO, &Effect::Cancel { op: OperationId(2), cancelled: OP });
        rest_of(&mut platform)
    };
    let comes_up = ["15: a is connecting", "20: a is active"];
    assert_eq!(told(Reaction::Works), ["1: answer 1 ok", "1: answer 2 ok"]);
    assert_eq!(told(Reaction::Hangs)[1..], comes_up);
    assert_eq!(told(Reaction::FallsBack)[2..], comes_up);
    let refused = told(Reaction::Fails(Outcome::Failed));
    assert_eq!(refused[1], "1: answer 2 failed: this link refuses");
    assert_eq!(refused[2..], comes_up);
}

#[test]
fn a_cancelled_link_that_shows_connecting_goes_back() {
    let mut platform = with(Link::new());
    start(&mut platform);
    platform.happen();
    assert_eq!(platform.level("a"), Some(LinkState::Connecting));
    platform.carry_out(at(5), &Effect::Cancel { op: OperationId(2), cancelled: OP });
    assert_eq!(rest_of(&mut platform), ["1: answer 1 ok", "5: a is discovered", "6: answer 2 ok"]);
}

#[test]
fn answers_come_late_twice_or_never() {
    let answered = |answers| {
        let mut platform = with_answers(Link::new().start(Reaction::Fails(Outcome::Failed)), answers);
        start(&mut platform);
        rest_of(&mut platform).iter().map(|line| line[..1].into()).collect::<Vec<String>>()
    };
    assert_eq!(answered(Answers::new()), ["1"]);
    assert_eq!(answered(Answers::new().late(1_000, millis(4))), ["5"]);
    assert_eq!(answered(Answers::new().doubled(1_000)), ["1", "1"]);
    assert_eq!(answered(Answers::new().lost(1_000)), Vec::<String>::new());
    assert_eq!(answered(Answers::new().taking(millis(3)..=millis(3)).doubled(1_000)), ["3", "3"]);
}

#[test]
fn a_link_flaps_as_often_as_told() {
    let flap = Flap { after: millis(100), lasting: millis(7), times: 2 };
    let mut platform = with(Link::new().initially(LinkState::Active).flapping(flap));
    let lines = ["100: a is defined", "107: a is active", "207: a is defined", "214: a is active"];
    assert_eq!(rest_of(&mut platform), lines);
}

#[test]
fn a_link_that_was_up_comes_back_with_its_carrier() {
    let mut platform = with(Link::new().initially(LinkState::Active));
    assert!(platform.pull(&"a".into()).is_some());
    assert_eq!(platform.pull(&"a".into()), None, "told once");
    assert_eq!(platform.plug(at(50), &"a".into()), None, "it rises instead");
    assert_eq!(rest_of(&mut platform), ["50: a is connecting", "70: a is active"]);

    platform.pull(&"a".into());
    platform.carry_out(at(80), &Effect::Stop { op: OP, id: "a".into() });
    assert_eq!(rest_of(&mut platform), ["81: answer 1 ok"]);
    assert!(platform.plug(at(90), &"a".into()).is_some());
    assert_eq!(platform.level("a"), Some(LinkState::Discovered));
}

#[test]
fn a_removed_link_does_nothing_and_returns_as_new() {
    let mut platform = with(Link::new());
    start(&mut platform);
    assert_eq!(platform.remove(&"a".into()), Some(Input::Remove { id: "a".into() }));
    assert_eq!(platform.remove(&"a".into()), None);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 ok"]);
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 gone: the link no longer exists"]);
    let Some(Input::Add(add)) = platform.appear(at(3), &"a".into()) else { panic!("it does not return") };
    assert_eq!((add.link, add.interface.unwrap().index), (LinkState::Discovered, 2));
}

#[test]
fn the_user_answers_as_told_unless_withdrawn() {
    let mut platform = with(Link::new());
    let among = vec!["x".into(), "y".into()];
    let mut asked = |choice, withdrawn| {
        platform.choice = choice;
        platform.resolve(Instant::ZERO, OP, &among);
        if withdrawn {
            platform.cancel(Instant::ZERO, OperationId(2), OP);
        }
        rest_of(&mut platform)
    };
    assert_eq!(asked(Choice::First, false), ["1: answer 1 x"]);
    assert_eq!(asked(Choice::Named("z".into()), false), ["1: answer 1 z"]);
    assert_eq!(asked(Choice::Cancels, false), ["1: answer 1 cancelled"]);
    assert_eq!(asked(Choice::Never, false), Vec::<String>::new());
    assert_eq!(asked(Choice::First, true), ["1: answer 2 ok"]);
}

#[test]
fn a_deaf_machine_hears_of_nothing_until_the_snapshot() {
    let mut platform = with(Link::new());
    platform.deafen();
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["1: answer 1 ok"]);
    let Input::Snapshot(entries) = platform.snapshot() else { panic!("no snapshot") };
    assert_eq!(entries[0].observation.link, LinkState::Active);
    platform.rise(at(30), &"a".into());
    assert!(platform.pull(&"a".into()).is_some(), "it hears again");
}

#[test]
fn counters_grow_with_traffic_and_watching_is_noted() {
    let mut platform = with(Link::new());
    platform.count(&"a".into(), 10, 5);
    platform.carry_out(Instant::ZERO, &Effect::ReadCounters { id: "a".into() });
    assert_eq!(rest_of(&mut platform), ["1: counters a 10 5"]);
    platform.carry_out(Instant::ZERO, &Effect::Watch { id: "a".into() });
    assert!(platform.is_watched("a"));
    platform.carry_out(Instant::ZERO, &Effect::Unwatch { id: "a".into() });
    assert!(!platform.is_watched("a"));
}

#[test]
fn a_healed_platform_works_and_nothing_hangs() {
    let mut platform = with_answers(Link::new().start(Reaction::Hangs), Answers::new().lost(1_000));
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["0: a is connecting"]);
    platform.heal(at(5));
    let healed = ["5: a is discovered", "6: answer 1 failed: the platform gave up"];
    assert_eq!(rest_of(&mut platform), healed);
    start(&mut platform);
    assert_eq!(rest_of(&mut platform), ["0: a is connecting", "1: answer 1 ok", "20: a is active"]);
}
