//! R-PROP-5: the limits of what a session stores.

use netsession_core::{Add, Input, PropertyValue, Refused, SessionId};

use crate::machine::Machine;

const MOST_KEYS: usize = 64;
const LONGEST_KEY: usize = 256;
const LONGEST_VALUE: usize = 4_096;

fn write(session: SessionId, key: &str, value: &str) -> Input {
    Input::Property { session, key: key.into(), value: Some(PropertyValue::Text(value.into())) }
}

fn text(machine: &Machine, session: SessionId, key: &str) -> Option<PropertyValue> {
    machine.manager.session(session).and_then(|view| view.property(key))
}

#[test]
fn what_is_over_a_limit_is_refused_and_nothing_is_lost() {
    let mut machine = Machine::with([Input::Add(Add::access_point("eth0"))]);
    let session = machine.session(0, "eth0");
    let keys: Vec<String> = (0..MOST_KEYS).map(|n| format!("{n:0LONGEST_KEY$}")).collect();
    let longest = "é".repeat(LONGEST_VALUE / 2);
    for key in &keys {
        machine.take(1, write(session, key, &longest)).unwrap();
    }

    let refused = |answer| assert!(matches!(answer, Err(Refused::TooMany(_))), "{answer:?}");
    refused(machine.take(2, write(session, "one more", "")));
    refused(machine.take(2, write(session, &keys[0], &"x".repeat(LONGEST_VALUE + 1))));
    for key in &keys {
        assert_eq!(text(&machine, session, key), Some(PropertyValue::Text(longest.clone())));
    }
    assert_eq!(text(&machine, session, "one more"), None);

    // A key that is there can be written again, and one that went makes room.
    machine.take(3, write(session, &keys[0], "short")).unwrap();
    assert_eq!(text(&machine, session, &keys[0]), Some(PropertyValue::Text("short".into())));
    machine.take(4, Input::Property { session, key: keys[0].clone(), value: None }).unwrap();
    assert_eq!(text(&machine, session, &keys[0]), None);
    refused(machine.take(5, write(session, &"k".repeat(LONGEST_KEY + 1), "")));
    machine.take(5, write(session, "one more", "")).unwrap();

    // Each session has its own room.
    let other = machine.session(6, "eth0");
    machine.take(6, write(other, "one more", "")).unwrap();
}

/// The keys of the contract take none of the application's room.
#[test]
fn the_documented_keys_do_not_count() {
    let mut machine = Machine::with([Input::Add(Add::access_point("eth0"))]);
    let session = machine.session(0, "eth0");
    for n in 0..MOST_KEYS {
        machine.take(1, write(session, &n.to_string(), "")).unwrap();
    }
    let key = netsession_core::property::CONNECT_IN_BACKGROUND.into();
    machine.take(2, Input::Property { session, key, value: Some(PropertyValue::Bool(true)) }).unwrap();
}
