//! Random worlds under random trouble: see `netsession_tests::soak` for the rules that hold. Longer runs:
//! `cargo run -p netsession-tests --release -- soak --seconds 600 --seed 1000000`.

use std::collections::BTreeSet;

use netsession_core::{Effect, Event, OfferKind, Output};
use netsession_io_sim::Record;
use netsession_tests::soak::{run, soak};
use proptest::collection::vec;
use proptest::prelude::*;

const SEEDS: u64 = 2_000;
const ACTIONS: usize = 150;

/// Section 5 of the contract: R-ROAM-3, R-ROAM-12, R-ROAM-26, R-ROAM-28, R-ROAM-30, R-ROAM-32, R-ROAM-39,
/// R-ROAM-40, R-ROAM-41, R-DEV-2, R-LOSS-4. All others: R-ST-1, R-ST-6, R-GEN-1, R-GEN-3, R-GEN-5, R-GEN-6, R-GEN-7,
/// R-GEN-9, R-GEN-10, R-OPEN-11, R-REG-6, R-REG-7.
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
        "cancelled",
        "closed",
        "device_taken",
        "failed",
        "link_lost",
        "migrated",
        "not_possible",
        "offer_withdrawn",
        "opened",
        "refused",
        "removed",
        "rescue",
        "resolve",
        "roaming_failed",
        "start",
        "stop",
        "stop_refused",
        "stop_timed_out",
        "stopped_by_other",
        "timed_out",
        "trial",
        "unwatch",
        "update_completed",
        "upgrade",
        "watch",
    ];
    let missing: Vec<_> = wanted.into_iter().filter(|mark| !seen.contains(mark)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The same for bytes of any length: all records have a multiple of 8.
    #[test]
    fn any_bytes_are_a_scenario_that_keeps_the_rules(records in vec(any::<[u8; 8]>(), 0..200)) {
        run(&records.concat()).map_err(|violation| TestCaseError::fail(violation.to_string()))?;
    }
}

/// What is rare enough to be worth a look.
fn mark(record: &Record) -> Option<&'static str> {
    match record {
        Record::Output(Output::Effect(Effect::Start { .. })) => Some("start"),
        Record::Output(Output::Effect(Effect::Stop { .. })) => Some("stop"),
        Record::Output(Output::Effect(Effect::Cancel { .. })) => Some("cancel"),
        Record::Output(Output::Effect(Effect::Resolve { .. })) => Some("resolve"),
        Record::Output(Output::Effect(Effect::Watch { .. })) => Some("watch"),
        Record::Output(Output::Effect(Effect::Unwatch { .. })) => Some("unwatch"),
        Record::Output(Output::Event(Event::OfferWithdrawn { .. })) => Some("offer_withdrawn"),
        Record::Output(Output::Event(Event::PreferredConfigurationChanged { kind, .. })) => match kind {
            OfferKind::Upgrade => Some("upgrade"),
            OfferKind::Rescue => Some("rescue"),
        },
        Record::Output(Output::Event(Event::NewConfigurationActivated { decision_due, .. })) => {
            Some(if *decision_due { "trial" } else { "migrated" })
        }
        Record::Output(Output::Event(Event::Opened { .. })) => Some("opened"),
        Record::Output(Output::Event(Event::Closed { .. })) => Some("closed"),
        Record::Output(Output::Event(Event::Error { cause, .. })) => Some(cause.word()),
        Record::Output(Output::Event(Event::UpdateCompleted { .. })) => Some("update_completed"),
        Record::Output(_) | Record::Input(_) | Record::Result(_) => None,
    }
}
