//! What the small values of the core promise a program: names compare and print as their text, handles print
//! as the handles that they are, and a setting that a type does not have is refused.

use std::collections::HashMap;

use netsession_core::{Add, ConfigurationType, Identifier, Input, Interface, LinkState, Refused, SessionId};

use crate::machine::Machine;

fn with_link(link: LinkState) -> Machine {
    let mut add = Add::access_point("eth0");
    add.link = link;
    Machine::with([Input::Add(add)])
}

/// Beside `==` with another identifier, which everything uses.
#[test]
fn an_identifier_stands_for_its_text() {
    let name = Identifier::from("eth0");
    assert_eq!(name, "eth0");
    assert_eq!(&name, "eth0");
    assert!(name != "wlan0" && name != *"wlan0");
    assert_eq!(AsRef::<str>::as_ref(&name), "eth0");
    assert_eq!(format!("{name:?}"), "\"eth0\"");
    assert!(name.partial_cmp(&Identifier::from("wlan0")) == Some(std::cmp::Ordering::Less));
    // Looked up by its text, it has to have the hash of it.
    let found = HashMap::from([(name, 1), (Identifier::from("wlan0"), 2)]);
    assert_eq!((found.get("eth0"), found.get("wlan0"), found.get("eth1")), (Some(&1), Some(&2), None));
}

#[test]
fn handles_print_their_slot_and_version() {
    let mut machine = with_link(LinkState::Active);
    let session = machine.session(0, "eth0");
    assert_eq!((session.to_string(), format!("{session:?}")), ("s0v1".into(), "s0v1".into()));
    let numbered = SessionId::unresolved(7);
    assert_eq!((numbered.to_string(), format!("{numbered:?}")), ("session 7".into(), "session 7".into()));
    let configuration = machine.manager.configuration("eth0").expect("it was added").handle();
    assert_eq!((configuration.to_string(), format!("{configuration:?}")), ("c0v1".into(), "c0v1".into()));
}

#[test]
fn an_interface_has_the_addresses_that_it_is_given() {
    let address = "192.0.2.7/24".parse().expect("an address");
    assert_eq!(Interface::new(2, "eth0").with_addresses(vec![address]).addresses, [address]);
}

/// Each setting alone, so that none hides behind another.
#[test]
fn a_setting_that_the_type_does_not_have_is_refused() {
    let of_links = [
        r#""bearer":"wlan""#,
        r#""device":"radio""#,
        r#""shutdown":"never""#,
        r#""capabilities":[]"#,
        r#""loss_grace_ms":1"#,
        r#""polls":true"#,
        r#""counts_for_online":false"#,
    ];
    let of_networks =
        [r#""members":[]"#, r#""hold_off_ms":1"#, r#""retry_after_ms":1"#, r#""answer_within_ms":1"#];
    for (kind, settings) in [("service_network", &of_links[..]), ("access_point", &of_networks[..])] {
        for setting in settings {
            let add = format!(r#"{{"add":{{"id":"x","type":"{kind}",{setting}}}}}"#);
            let input: Input = serde_json::from_str(&add).unwrap_or_else(|error| panic!("{add}: {error}"));
            let mut machine = Machine::default();
            assert!(machine.take(0, input).is_err(), "{add}");
            assert!(machine.manager.configuration("x").is_none(), "{add}");
        }
    }
}

/// A name that a service network has as a member can only become an access point (R-REG-3); one that no
/// network names any more can become anything.
#[test]
fn a_named_member_is_an_access_point() {
    let network = |id: &str, members: &str| -> Input {
        let text = format!(r#"{{"add":{{"id":"{id}","type":"service_network","members":[{members}]}}}}"#);
        serde_json::from_str(&text).expect("a service network")
    };
    let mut machine = Machine::with([network("wan", "\"x\"")]);
    let refused = machine.take(0, network("x", ""));
    assert!(matches!(refused, Err(Refused::WrongType { found: ConfigurationType::ServiceNetwork, .. })));
    machine.take(0, Input::Remove { id: "wan".into() }).expect("it can be removed");
    machine.take(0, network("x", "")).expect("nobody names it any more");
}

/// R-ERR-1: the words say what failed.
#[test]
fn an_error_says_what_failed() {
    let mut machine = with_link(LinkState::Defined);
    let session = machine.session(0, "eth0");
    machine.take(0, Input::Open { session }).expect("open() is taken");
    let text = machine.manager.session(session).expect("it exists").error_string();
    let text = text.expect("there was an error").to_string();
    assert!(text.contains("eth0") && text.contains("the configuration is not in reach"), "{text}");
}
