//! C1–C5 and M2–M4: configurations, and what the manager says of them.

use netsession_core::{
    Add, BearerType, Change, ConfigurationState, ConfigurationType, Input, LinkState, Manager, Purpose,
    Refused, Settings,
};
use netsession_io_sim::{Link, World};

use super::{millis, one_link};

fn at(level: LinkState) -> Link {
    Link::new().initially(level)
}

fn change(world: &mut World, id: &str, set: impl FnOnce(&mut Settings)) {
    let mut settings = Settings::default();
    set(&mut settings);
    world.command(Input::Change(Change::new(id, settings))).unwrap();
}

fn listed(manager: &Manager, filter: Option<ConfigurationState>) -> Vec<&str> {
    manager.configurations(filter).map(|view| view.id().as_str()).collect()
}

fn members<'a>(world: &'a World, id: &str) -> Vec<&'a str> {
    world.manager().configuration(id).unwrap().members().map(|id| id.as_str()).collect()
}

fn roams(world: &World, id: &str) -> bool {
    world.manager().configuration(id).unwrap().roaming_available()
}

fn default_of(world: &World) -> Option<&str> {
    world.manager().default_configuration().map(|view| view.id().as_str())
}

/// C1: what is not there has no view, hence no name, no state bits and no roaming; and one such is equal
/// to another. A handle stays invalid when its identifier returns (R-REG-1, R-REG-2).
#[test]
fn c1_an_invalid_configuration_is_none() {
    let mut world = one_link(Link::new());
    let invalid = |id: &str| world.manager().configuration(id).map(|view| view.handle());
    assert_eq!(invalid(""), None);
    assert_eq!(invalid(""), invalid("never added"));
    assert_eq!(ConfigurationType::Invalid.number(), 3);
    assert_eq!(world.command(Input::Add(Add::access_point(""))), Err(Refused::EmptyIdentifier));

    let old = world.manager().configuration("eth0").unwrap().handle();
    world.remove("eth0");
    assert!(world.manager().configuration_at(old).is_none());
    world.add_back("eth0");
    assert!(world.manager().configuration_at(old).is_none(), "the new record is another one");
    assert_ne!(world.manager().configuration("eth0").unwrap().handle(), old);
}

/// C2: two looks at a configuration show the same; the default is valid and at least Discovered (R-REG-5).
#[test]
fn c2_copies_are_equal_and_the_default_is_in_reach() {
    let link = Link::new().settings(|settings| {
        settings.name = Some("Office".into());
        settings.purpose = Some(Purpose::Private);
    });
    let world = one_link(link);
    let view = world.manager().configuration("eth0").unwrap();
    let copy = world.manager().configuration_at(view.handle()).unwrap();
    for view in [view, copy] {
        assert_eq!((view.id().as_str(), view.name()), ("eth0", "Office"));
        assert_eq!((view.kind(), view.purpose()), (ConfigurationType::AccessPoint, Purpose::Private));
        assert_eq!(view.state(), ConfigurationState::Discovered);
    }
    assert_eq!(view.handle(), copy.handle());
    let default = world.manager().default_configuration().unwrap();
    assert_eq!(default.handle(), view.handle());
    assert!(default.state().includes(ConfigurationState::Discovered));
    assert!(one_link(at(LinkState::Defined)).manager().default_configuration().is_none());
}

/// C3: the members of a service network are valid, listed, access points, in order of preference (R-REG-3).
#[test]
fn c3_members_are_listed_access_points() {
    let mut world = World::builder()
        .service_network("wan", ["wlan0", "later", "eth0"])
        .access_point("eth0", Link::new())
        .access_point("wlan0", Link::new())
        .build();
    assert_eq!(members(&world, "wan"), ["wlan0", "eth0"]);
    for member in world.manager().configuration("wan").unwrap().members() {
        let view = world.manager().configuration(member).unwrap();
        assert_eq!(view.kind(), ConfigurationType::AccessPoint);
        assert_eq!(view.members().count(), 0, "one level deep");
        assert!(listed(world.manager(), None).contains(&view.id().as_str()));
    }
    world.add("later", Link::new());
    assert_eq!(members(&world, "wan"), ["wlan0", "later", "eth0"], "it joins at its place");
    world.remove("wlan0");
    assert_eq!(members(&world, "wan"), ["later", "eth0"]);
    world.add_back("wlan0");
    assert_eq!(members(&world, "wan"), ["wlan0", "later", "eth0"], "its place was kept");
    world.command(Input::Add(Add::user_choice("any"))).unwrap();
    for member in ["wan", "any"] {
        let add = Input::Add(Add::service_network("nested", [member]));
        assert_eq!(world.command(add).unwrap_err().word(), "wrong_type", "{member}");
    }
}

/// C4: roaming is available on a service network with two or more members, on nothing else (R-REG-3).
#[test]
fn c4_roaming_needs_two_members() {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .access_point("wlan0", Link::new())
        .service_network("two", ["eth0", "wlan0"])
        .service_network("one", ["eth0", "absent"])
        .configuration(Add::service_network("none", [] as [&str; 0]))
        .configuration(Add::user_choice("any"))
        .build();
    let roaming = ["eth0", "wlan0", "two", "one", "none", "any"].map(|id| roams(&world, id));
    assert_eq!(roaming, [false, false, true, false, false, false]);
    world.remove("wlan0");
    assert!(!roams(&world, "two"));
    world.add_back("wlan0");
    world.add("absent", Link::new());
    assert!(roams(&world, "two") && roams(&world, "one"));
}

/// C5: the connect timeout is 30 000 ms unless set; any value is accepted (R-REG-10).
#[test]
fn c5_connect_timeout() {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .service_network("wan", ["eth0"])
        .configuration(Add::user_choice("any"))
        .build();
    for id in ["eth0", "wan", "any"] {
        let timeout = |world: &World| world.manager().configuration(id).unwrap().connect_timeout();
        assert_eq!(timeout(&world), millis(30_000));
        change(&mut world, id, |settings| settings.connect_timeout = Some(millis(100)));
        assert_eq!(timeout(&world), millis(100));
    }
}

/// M2: access points and service networks are listed in the order in which they were added, user choices
/// never; a filter passes what has its bits (R-REG-4).
#[test]
fn m2_listing_and_filters() {
    let world = World::builder()
        .access_point("undefined", at(LinkState::Undefined))
        .service_network("wan", ["active", "defined"])
        .configuration(Add::user_choice("any"))
        .access_point("defined", at(LinkState::Defined))
        .access_point("closing", at(LinkState::Closing))
        .access_point("discovered", at(LinkState::Discovered))
        .access_point("connecting", at(LinkState::Connecting))
        .access_point("active", at(LinkState::Active))
        .service_network("far", ["defined", "undefined"])
        .build();
    let list = |filter| listed(world.manager(), filter);
    let all = ["undefined", "wan", "defined", "closing", "discovered", "connecting", "active", "far"];
    assert_eq!(list(None), all);
    assert_eq!(list(Some(ConfigurationState::Undefined)), ["undefined"]);
    assert_eq!(list(Some(ConfigurationState::Defined)), all[1..]);
    let discovered = ["wan", "closing", "discovered", "connecting", "active"];
    assert_eq!(list(Some(ConfigurationState::Discovered)), discovered);
    assert_eq!(list(Some(ConfigurationState::Active)), ["wan", "closing", "active"]);
}

/// M3: the platform's default if it is in reach; else Active before Discovered, service network before
/// access point, Ethernet before WLAN before others, first added first; else none (R-REG-5).
#[test]
fn m3_the_default() {
    let bearer = |bearer| move |settings: &mut Settings| settings.bearer = Some(bearer);
    let mut world = World::builder()
        .access_point("lte", Link::new().settings(bearer(BearerType::Lte)))
        .access_point("wlan0", Link::new().settings(bearer(BearerType::Wlan)))
        .access_point("eth0", Link::new().settings(bearer(BearerType::Ethernet)))
        .access_point("eth1", Link::new().settings(bearer(BearerType::Ethernet)))
        .access_point("far", at(LinkState::Defined))
        .service_network("wan", ["lte"])
        .configuration(Add::user_choice("any"))
        .build();
    assert_eq!(default_of(&world), Some("wan"), "a service network before access points");
    world.start_elsewhere("wlan0");
    world.run_until_idle();
    assert_eq!(default_of(&world), Some("wlan0"), "what is Active before what is not");
    world.start_elsewhere("lte");
    world.run_until_idle();
    assert_eq!(default_of(&world), Some("wan"));
    world.command(Input::Default { id: Some("eth1".into()) }).unwrap();
    assert_eq!(default_of(&world), Some("eth1"), "the platform's own");
    world.command(Input::Default { id: Some("far".into()) }).unwrap();
    assert_eq!(default_of(&world), Some("wan"), "but not if it is out of reach");

    world.command(Input::Remove { id: "wan".into() }).unwrap();
    world.stop_elsewhere("wlan0");
    world.stop_elsewhere("lte");
    world.run_until_idle();
    for expected in [Some("eth0"), Some("eth1"), Some("wlan0"), Some("lte"), None] {
        assert_eq!(default_of(&world), expected);
        if let Some(id) = expected {
            let id = id.to_owned();
            world.pull(&id);
        }
    }
}

/// M4: a configuration is found by its identifier; an unknown one is none (R-REG-1).
#[test]
fn m4_lookup_by_identifier() {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .service_network("wan", ["eth0"])
        .configuration(Add::user_choice("any"))
        .build();
    for id in ["eth0", "wan", "any"] {
        assert_eq!(world.manager().configuration(id).unwrap().id(), id);
        let again = Input::Add(Add::access_point(id));
        assert_eq!(world.command(again), Err(Refused::DuplicateIdentifier(id.into())));
    }
    assert!(world.manager().configuration("eth").is_none());
    assert!(world.manager().configuration("").is_none());
}
