//! What the registry promises and a transcript cannot say: handles and filters.

use netsession_core::{Add, ConfigurationState, Input, LinkState};

use crate::machine::Machine;

fn access_point(id: &str, link: LinkState) -> Input {
    let mut add = Add::access_point(id);
    add.link = link;
    Input::Add(add)
}

/// R-REG-2: a handle names one record for ever.
#[test]
fn a_handle_does_not_follow_its_identifier() {
    let mut machine = Machine::with([access_point("eth0", LinkState::Active)]);
    let old = machine.manager.configuration("eth0").unwrap().handle();
    for round in 1..1_000 {
        machine.take(round, Input::Remove { id: "eth0".into() }).unwrap();
        assert!(machine.manager.configuration("eth0").is_none());
        assert!(machine.manager.configuration_at(old).is_none());
        machine.take(round, access_point("eth0", LinkState::Active)).unwrap();
        assert!(machine.manager.configuration_at(old).is_none(), "round {round}");
    }
    let new = machine.manager.configuration("eth0").unwrap().handle();
    assert_ne!(old, new);
    assert_eq!(machine.manager.configuration_at(new).unwrap().id(), &"eth0");
}

/// R-REG-4: an element passes if its state has the filter's bits; listed in the order of adding.
#[test]
fn a_listing_is_filtered_by_the_bits_of_the_state() {
    let machine = Machine::with([
        access_point("undefined", LinkState::Undefined),
        Input::Add(Add::service_network("network", ["active"])),
        access_point("closing", LinkState::Closing),
        access_point("defined", LinkState::Defined),
        Input::Add(Add::user_choice("any")),
        access_point("connecting", LinkState::Connecting),
        access_point("active", LinkState::Active),
        access_point("discovered", LinkState::Discovered),
    ]);
    let listed = |filter| -> Vec<&str> {
        machine.manager.configurations(filter).map(|view| view.id().as_str()).collect()
    };
    assert_eq!(
        listed(None),
        ["undefined", "network", "closing", "defined", "connecting", "active", "discovered"]
    );
    assert_eq!(listed(Some(ConfigurationState::Undefined)), ["undefined"]);
    assert_eq!(
        listed(Some(ConfigurationState::Defined)),
        ["network", "closing", "defined", "connecting", "active", "discovered"]
    );
    assert_eq!(
        listed(Some(ConfigurationState::Discovered)),
        ["network", "closing", "connecting", "active", "discovered"]
    );
    assert_eq!(listed(Some(ConfigurationState::Active)), ["network", "closing", "active"]);
    assert!(machine.manager.configuration("any").is_some(), "a user choice is found, not listed");
    assert!(machine.manager.configuration("nowhere").is_none());
}
