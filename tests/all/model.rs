//! The machine beside the reference model (`netsession_tests::model`): both are told the same, and say the same.

use std::fs::File;
use std::io::BufReader;

use netsession_core::{Add, Input, LinkState, Output, RoamingMode};
use netsession_io_linux::trace::{Reader, Word};
use netsession_io_sim::explore::{Action, Command, Companion, SmallWorld, State, Step, Taken};
use netsession_io_sim::{Random, Record};
use netsession_tests::compare::{Both, Pair, step};
use netsession_tests::model::Model;

use crate::transcripts::{files, folder};

/// Steps of one random walk.
const STEPS: usize = 60;

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

/// The model as it stands when the world begins.
fn model_of(world: &SmallWorld) -> Model {
    let mut pair = Pair::new();
    for (at, record) in world.records(&[]) {
        if let Record::Input(input) = record {
            let _ = pair.handle_input(at, &input).unwrap_or_else(|difference| panic!("{difference}"));
        }
    }
    pair.model
}

/// What the model differs in, if in anything, when it is told what the machine was told.
fn difference(taken: &Taken, model: &mut Model) -> Option<String> {
    let answer = model.handle_input(taken.at, &taken.input);
    let mut outputs = taken.outputs.clone();
    outputs.push(Output::Idle { wake: taken.state.wake() });
    let both = Both { manager: taken.state.manager(), model };
    let compared = step(&taken.result, &outputs, &answer).and_then(|_| both.compare_views());
    compared.err().map(|what| format!("{what}\n{}", model.in_short()))
}

/// The model that goes along on a walk, and what it differed in.
#[derive(Clone)]
struct Second {
    model: Model,
    wrong: Option<String>,
}

impl Companion for Second {
    fn follow(&mut self, taken: &Taken) {
        self.wrong = difference(taken, &mut self.model);
    }

    fn write_canonical(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.model.canonical());
    }
}

/// Every step in every state of the machine and the model together.
fn walk_to_the_end(world: &SmallWorld) -> usize {
    let second = Second { model: model_of(world), wrong: None };
    let found = world.explore_with(second, usize::MAX, |_, second| second.wrong.clone().map_or(Ok(()), Err));
    let found = found.unwrap_or_else(|stopped| {
        let path: Vec<_> = stopped.path.iter().map(Step::to_string).collect();
        panic!("{}: {}", path.join(" | "), stopped.why)
    });
    assert!(found.is_complete, "{found:?}");
    found.states
}

fn access_point(id: &str) -> Add {
    let mut add = Add::access_point(id);
    add.link = LinkState::Discovered;
    add
}

#[test]
fn one_session_on_one_access_point_is_the_same_in_every_state() {
    let found = walk_to_the_end(&SmallWorld::new([access_point("a")], ["a"]));
    assert!(found > 500, "only {found} states: the walk is too short to prove anything");
}

/// Steps that are taken often enough lead nowhere: opening and answering must have their share.
fn pick(random: &mut Random, steps: &[Step]) -> Option<Step> {
    let is_busy = |step: &&Step| {
        matches!(step.action, Action::Command(Command::Open | Command::Migrate | Command::Accept, _))
            || matches!(step.action, Action::Answer(..) | Action::Level(..) | Action::Pass)
    };
    let busy: Vec<&Step> = steps.iter().filter(is_busy).collect();
    let picked = if random.per_mille(700) { random.pick(&busy).copied() } else { random.pick(steps) };
    picked.cloned()
}

/// Walks through a world at random. Gives the steps, and what differs after the last, if anything does.
fn walk(world: &SmallWorld, seed: u64) -> (Vec<String>, Option<String>) {
    let mut random = Random::new(seed);
    let (mut state, mut model): (State, Model) = (world.start(), model_of(world));
    let mut taken = Vec::new();
    for _ in 0..STEPS {
        let Some(step) = pick(&mut random, &world.steps(&state)) else { break };
        let Some(next) = world.take(&state, &step) else { continue };
        taken.push(step.to_string());
        if let Some(what) = difference(&next, &mut model) {
            return (taken, Some(what));
        }
        state = next.state;
    }
    (taken, None)
}

fn walk_often(world: &SmallWorld, seeds: u64) {
    for seed in 0..seeds {
        let (steps, what) = walk(world, seed);
        if let Some(what) = what {
            panic!("seed {seed}: {}\n{what}", steps.join(" | "));
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

/// A comparison that finds nothing in a model that was told something else would prove nothing.
#[test]
fn a_model_that_was_told_less_differs() {
    let world = SmallWorld::new([access_point("a")], ["a"]);
    let state = world.start();
    let open = world.steps(&state).into_iter().find(|step| step.action == Action::Command(Command::Open, 0));
    let opened = world.take(&state, &open.unwrap()).unwrap();
    let mut model = model_of(&world);
    model.handle_input(opened.at, &Input::Tick {});
    let both = Both { manager: opened.state.manager(), model: &model };
    assert!(both.compare_views().unwrap_err().contains("session 1"));
}
