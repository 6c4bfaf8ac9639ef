//! The machine beside the reference model (`netsession_tests::model`): both are told the same, and say the same.

use std::fs::File;
use std::io::BufReader;

use netsession_core::{Add, Input, LinkState, RoamingMode};
use netsession_io_linux::trace::{Reader, Word};
use netsession_io_sim::explore::{Action, Command, SmallWorld};
use netsession_tests::compare::{Both, Pair, inputs_of, shortened, tell, walk_at_random, walk_to_the_end};
use netsession_tests::search::worlds;
use netsession_tests::soak;

use crate::transcripts::{files, folder};

#[test]
fn every_transcript_is_what_the_model_says() {
    let mut wrong = Vec::new();
    let mut inputs = 0;
    for path in files(&folder()) {
        let mut pair = Pair::new();
        for line in Reader::new(BufReader::new(File::open(&path).unwrap())) {
            let line = line.unwrap();
            let Word::In(input) = line.word else { continue };
            inputs += 1;
            if let Err(difference) = pair.handle_input(line.at, &input) {
                wrong.push(format!("{}, line {}: {difference}", path.display(), line.number));
                break;
            }
        }
    }
    assert!(inputs > 1_000, "only {inputs} inputs");
    assert!(wrong.is_empty(), "{} transcripts differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every step in every state of the machine and the model together.
fn to_the_end(world: &SmallWorld) -> usize {
    let walked = walk_to_the_end(world, usize::MAX, |_| {}).unwrap_or_else(|apart| panic!("{apart}"));
    assert!(walked.found.is_complete, "{walked:?}");
    println!("{walked:?}");
    walked.found.states
}

fn access_point(id: &str) -> Add {
    let mut add = Add::access_point(id);
    add.link = LinkState::Discovered;
    add
}

#[test]
fn one_session_on_one_access_point_is_the_same_in_every_state() {
    let all = worlds();
    let named = all.iter().find(|named| named.name == "W1").unwrap();
    let found = to_the_end(&named.world);
    assert!(found > 500, "only {found} states: the walk is too short to prove anything");
}

fn walk_often(world: &SmallWorld, seeds: u64) {
    for seed in 0..seeds {
        if let Err(apart) = walk_at_random(world, seed) {
            panic!("seed {seed}: {}", shortened(apart));
        }
    }
}

#[test]
fn sessions_on_one_access_point_are_the_same_at_random() {
    walk_often(&SmallWorld::new([access_point("a")], ["a", "a", "a"]), 200);
}

#[test]
fn a_session_that_roams_is_the_same_at_random() {
    let configurations = || [access_point("a"), access_point("b"), Add::service_network("s", ["a", "b"])];
    for mode in RoamingMode::ALL {
        walk_often(&SmallWorld::new(configurations(), ["s", "a"]).roaming([*mode]), 100);
    }
}

#[test]
fn every_named_world_is_the_same_at_random() {
    for named in worlds() {
        walk_often(&named.world, 10);
    }
}

#[test]
fn scenarios_of_the_soak_are_the_same() {
    for seed in 0..20 {
        let world = soak::run(&soak::bytes_of(seed, 60)).unwrap();
        if let Err(apart) = tell(&inputs_of(world.records()))
            && apart.excuse().is_none()
        {
            panic!("seed {seed}: {}", shortened(apart));
        }
    }
}

/// A comparison that finds nothing in a model that was told something else would prove nothing.
#[test]
fn a_model_that_was_told_less_differs() {
    let world = SmallWorld::new([access_point("a")], ["a"]);
    let state = world.start();
    let open = world.steps(&state).into_iter().find(|step| step.action == Action::Command(Command::Open, 0));
    let opened = world.take(&state, &open.unwrap()).unwrap();
    let mut model = tell(&inputs_of(&world.records(&[]))).unwrap().model;
    model.handle_input(opened.at, &Input::Tick {});
    let both = Both { manager: opened.state.manager(), model: &model };
    assert!(both.compare_views().unwrap_err().contains("session 1"));
}
