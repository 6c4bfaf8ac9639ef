//! Random worlds under random trouble: see `netsession_tests::soak` for the rules that hold.

use std::collections::BTreeSet;

use netsession_core::{Effect, Event, Output};
use netsession_io_sim::Record;
use netsession_tests::soak::soak;

const SEEDS: u64 = 300;
const ACTIONS: usize = 150;

/// R-ST-1, R-ST-6, R-GEN-1, R-GEN-3, R-GEN-5, R-GEN-6, R-GEN-9, R-GEN-10, R-OPEN-11, R-REG-6, R-REG-7.
#[test]
fn random_worlds_keep_the_rules_and_come_to_rest() {
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        match soak(seed, ACTIONS) {
            Ok(world) => seen.extend(world.records().iter().filter_map(|(_, record)| mark(record))),
            Err(violation) => panic!("{violation}"),
        }
    }
    // A soak that no longer reaches these is too tame to find anything.
    let wanted = [
        "cancel",
        "closed",
        "failed",
        "link_lost",
        "not_possible",
        "opened",
        "refused",
        "removed",
        "start",
        "stop",
        "stop_refused",
        "stop_timed_out",
        "stopped_by_other",
        "timed_out",
        "update_completed",
    ];
    let missing: Vec<_> = wanted.into_iter().filter(|mark| !seen.contains(mark)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

/// What is rare enough to be worth a look.
fn mark(record: &Record) -> Option<&'static str> {
    match record {
        Record::Output(Output::Effect(Effect::Start { .. })) => Some("start"),
        Record::Output(Output::Effect(Effect::Stop { .. })) => Some("stop"),
        Record::Output(Output::Effect(Effect::Cancel { .. })) => Some("cancel"),
        Record::Output(Output::Event(Event::Opened { .. })) => Some("opened"),
        Record::Output(Output::Event(Event::Closed { .. })) => Some("closed"),
        Record::Output(Output::Event(Event::Error { cause, .. })) => Some(cause.word()),
        Record::Output(Output::Event(Event::UpdateCompleted { .. })) => Some("update_completed"),
        Record::Output(_) | Record::Input(_) | Record::Result(_) => None,
    }
}
