//! R-STAT-1 where the contract leaves a choice: a counter that goes backwards.

use netsession_core::{Add, Input, LinkState};

use crate::machine::Machine;

/// Counters that wrap at 32 bits, and an interface that was made anew: the sum never falls, and what is
/// counted from then on is added to it.
#[test]
fn a_counter_that_goes_backwards_loses_nothing() {
    for restart in [0, 7, 4_294_967_290] {
        let mut add = Add::access_point("eth0");
        add.link = LinkState::Active;
        let mut machine = Machine::with([Input::Add(add)]);
        let session = machine.session(0, "eth0");
        let mut count = |received| {
            let input = Input::Counters { id: "eth0".into(), received, sent: received };
            machine.take(1, input).unwrap();
            let view = machine.manager.session(session).unwrap();
            assert_eq!(view.bytes_received(), view.bytes_sent());
            view.bytes_received()
        };
        assert_eq!(count(1_000), 0);
        assert_eq!(count(4_294_967_295), 4_294_966_295);
        let after = count(restart);
        assert!(after >= 4_294_966_295, "the sum fell to {after} at {restart}");
        assert_eq!(count(restart + 50), after + 50);
        assert!(count(u64::MAX) > after, "the largest count of all");
        count(0);
        count(u64::MAX);
    }
}
