//! The checks of an exhaustive search, on worlds small enough for every test run.

use std::collections::BTreeMap;

use netsession_core::Add;
use netsession_io_sim::explore::diagram::roaming_world;
use netsession_io_sim::explore::{SmallWorld, Snapshots, Step};
use netsession_tests::checks::Checks;
use netsession_tests::checks::rest::{Platform, is_at_rest, next_among};

fn access_points(ids: &[&str]) -> Vec<Add> {
    ids.iter().map(|id| Add::access_point(*id)).collect()
}

fn one_link(sessions: usize) -> SmallWorld {
    let mut world = SmallWorld::new(access_points(&["eth0"]), vec!["eth0"; sessions]);
    world.alphabet.snapshots = Snapshots::All;
    world.alphabet.updates = sessions == 1;
    world
}

/// A state that nobody moves any more, and how far it is from each.
type Ends = BTreeMap<(u32, usize), Option<u32>>;

fn holds(name: &str, world: &SmallWorld, limit: usize) {
    let mut checks = Checks::new(world);
    let mut next: Ends = Ends::new();
    let mut last = None;
    let mut wanted = [const { None }; 3];
    let found = world.explore(limit, |edge| {
        checks.check(edge).map_err(|violation| violation.to_string())?;
        if last != Some(edge.from_place) {
            last = Some(edge.from_place);
            let steps = world.steps(edge.from);
            for (number, &platform) in Platform::ALL.iter().enumerate() {
                wanted[number] = next_among(&steps, edge.from, platform).map(|place| steps[place].clone());
                if wanted[number].is_none() {
                    next.insert((edge.from_place, number), None);
                    is_at_rest(edge.from).map_err(|violation| format!("at rest: {violation}"))?;
                }
            }
        }
        for (number, step) in wanted.iter().enumerate() {
            if step.as_ref() == Some(edge.step) {
                next.insert((edge.from_place, number), edge.to_place);
            }
        }
        Ok::<(), String>(())
    });
    let found = found.unwrap_or_else(|stopped| {
        let path: Vec<_> = stopped.path.iter().map(Step::to_string).collect();
        panic!("{name}: {}\n{path:#?}", stopped.why)
    });
    assert!(found.is_complete, "{name}: {found:?}");
    let longest = longest_way(&next);
    assert!(longest < 100, "{name}: rest is {longest} steps away");
}

/// The longest way to rest, for any platform.
fn longest_way(next: &Ends) -> usize {
    let mut longest = 0;
    for &(start, platform) in next.keys() {
        let (mut at, mut steps) = (start, 0);
        while let Some(&Some(to)) = next.get(&(at, platform)) {
            (at, steps) = (to, steps + 1);
            assert!(steps < 1_000, "from state {start} there is no rest, platform {platform}");
        }
        longest = longest.max(steps);
    }
    longest
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
