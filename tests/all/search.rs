//! The named small worlds, walked with all checks: see `netsession_tests::search`.

use netsession_tests::search::{walk, worlds};

#[test]
fn the_smallest_worlds_keep_every_rule_to_the_end() {
    let mut walked = Vec::new();
    for named in worlds().iter().filter(|named| named.is_quick) {
        walked.push(named.name);
        let walk =
            walk(&named.world, 1_000_000, |_| {}).unwrap_or_else(|broken| panic!("{}: {broken}", named.name));
        assert!(walk.found.is_complete, "{}: {:?}", named.name, walk.found);
        println!("{}: {:?}, rest after at most {:?} steps", named.name, walk.found, walk.steps_to_rest);
    }
    assert_eq!(walked, ["W1", "W2"]);
}
