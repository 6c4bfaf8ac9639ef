//! The checks of an exhaustive search, on worlds small enough for every test run.

use netsession_core::Add;
use netsession_io_sim::explore::diagram::roaming_world;
use netsession_io_sim::explore::{SmallWorld, Snapshots};
use netsession_tests::search::walk;

fn access_points(ids: &[&str]) -> Vec<Add> {
    ids.iter().map(|id| Add::access_point(*id)).collect()
}

fn one_link(sessions: usize) -> SmallWorld {
    let mut world = SmallWorld::new(access_points(&["eth0"]), vec!["eth0"; sessions]);
    world.alphabet.snapshots = Snapshots::All;
    world.alphabet.updates = sessions == 1;
    world
}

fn holds(name: &str, world: &SmallWorld, limit: usize) {
    let walk = walk(world, limit, |_| {}).unwrap_or_else(|broken| panic!("{name}: {broken}"));
    assert!(walk.found.is_complete, "{name}: {:?}", walk.found);
    assert!(
        walk.steps_to_rest.iter().all(|&steps| steps < 100),
        "{name}: rest is {:?} steps away",
        walk.steps_to_rest
    );
}

#[test]
fn one_session_on_one_access_point() {
    holds("one", &one_link(1), 100_000);
}

#[test]
fn two_sessions_on_one_access_point() {
    holds("two", &one_link(2), 100_000);
}

#[test]
fn a_session_that_roams() {
    holds("roaming", &roaming_world(), 100_000);
}
