//! The named small worlds, walked with all checks: see `netsession_tests::search`.

use netsession_tests::search::worlds;

/// Those that are small enough for every run, to the end.
const TO_THE_END: &[&str] = &["W1", "W2"];

#[test]
fn the_smallest_worlds_keep_every_rule_to_the_end() {
    for named in worlds().iter().filter(|named| TO_THE_END.contains(&named.name)) {
        let walk = named.walk(1_000_000, |_| {}).unwrap_or_else(|broken| panic!("{}: {broken}", named.name));
        assert!(walk.found.is_complete, "{}: {:?}", named.name, walk.found);
        println!("{}: {:?}, rest after at most {:?} steps", named.name, walk.found, walk.steps_to_rest);
    }
}
