//! S1, S3–S7 and S14: one session at a time.

use netsession_core::property::ACTIVE_CONFIGURATION;
use netsession_core::{
    BearerType, ConfigurationState, Input, LinkState, Observation, PropertyValue, Refused, SessionError,
    SessionState, UsagePolicies,
};
use netsession_io_sim::{Link, World};

use super::{NOTHING, millis, one_link, told};

/// S1: the answers to offers on a session that was never opened change nothing (R-ROAM-26).
#[test]
fn s1_answers_without_an_offer_are_refused() {
    let mut world =
        World::builder().access_point("eth0", Link::new()).service_network("wan", ["eth0"]).build();
    for id in ["eth0", "wan", "no such"] {
        let session = world.session(id);
        let answers = [
            Input::Migrate { session },
            Input::Accept { session },
            Input::Ignore { session },
            Input::Reject { session },
        ];
        for answer in answers {
            assert_eq!(world.command(answer), Err(Refused::NotRoaming), "on {id}");
        }
    }
    assert_eq!(told(&mut world), NOTHING);
}

/// S3: a session on something unknown is Invalid for ever, with an error from birth (R-ST-5).
#[test]
fn s3_a_null_session() {
    let mut world = one_link(Link::new());
    let session = world.session("no such");
    let check = |world: &World| {
        let view = world.manager().session(session).unwrap();
        assert_eq!((view.state(), view.is_open()), (SessionState::Invalid, false));
        assert_eq!((view.configuration().as_str(), view.active_configuration()), ("no such", None));
        assert_eq!(view.error(), Some(SessionError::InvalidConfiguration));
        assert_eq!((view.interface(), view.property(ACTIVE_CONFIGURATION)), (None, None));
        assert_eq!((view.bytes_received(), view.bytes_sent(), view.active_time()), (0, 0, 0));
        assert_eq!(view.properties().count(), 0);
    };
    check(&world);
    world.close(session);
    world.stop(session);
    world.add("no such", Link::new().initially(LinkState::Active));
    assert_eq!(told(&mut world), NOTHING);
    check(&world);
}

/// S4: exactly one error for each open() of a null session, at once, with nothing left to wait for
/// (R-ST-5, R-OPEN-11).
#[test]
fn s4_one_error_per_open() {
    let mut world = one_link(Link::new());
    let session = world.session("no such");
    for _ in 0..3 {
        world.open(session);
        assert_eq!(told(&mut world), ["0: 1 error invalid_configuration (removed)"]);
        assert_eq!(world.next_at(), None, "a wait for it to open ends at once");
    }
}

/// S5: a configuration that is removed leaves its sessions Invalid (R-LOSS-3): silently but for the state,
/// with an error where one was opening, and with a close where one was open.
#[test]
fn s5_removed_under_a_session() {
    let removed = |opened: bool, waited: u64| {
        let mut world = one_link(Link::new());
        let session = world.session("eth0");
        if opened {
            world.open(session);
        }
        world.advance(millis(waited));
        world.drain_events();
        world.remove("eth0");
        let told = told(&mut world);
        world.open(session);
        world.run_until_idle();
        assert_eq!(world.state(session), SessionState::Invalid);
        told
    };
    assert_eq!(removed(false, 1), ["1: 1 is invalid"]);
    assert_eq!(removed(true, 1), ["1: 1 is invalid", "1: 1 error invalid_configuration (removed)"]);
    let open = ["25: 1 error session_aborted (removed)", "25: 1 is invalid", "25: 1 closed"];
    assert_eq!(removed(true, 25), open);
}

/// S6: open() on what is not in reach: one error, and the state stays (R-OPEN-1).
#[test]
fn s6_open_out_of_reach() {
    let mut world = World::builder()
        .access_point("eth0", Link::new().initially(LinkState::Defined))
        .access_point("eth1", Link::new().initially(LinkState::Undefined))
        .service_network("wan", ["eth0", "eth1"])
        .build();
    for id in ["eth0", "eth1", "wan"] {
        let session = world.session(id);
        assert_eq!(world.state(session), SessionState::NotAvailable);
        world.open(session);
        world.run_until_idle();
        let error = "error invalid_configuration (configuration_unavailable)";
        assert_eq!(told(&mut world), [format!("0: {} {error}", session.number())], "on {id}");
        assert_eq!(world.state(session), SessionState::NotAvailable);
        assert!(!world.is_open(session));
    }
}

/// S7: what a session that is not open shows is what its configuration is (R-ST-2, R-ST-3), with an
/// interface exactly in Connected (R-ST-6), announced once per edge (R-ST-1, R-ST-7).
#[test]
fn s7_states_follow_the_configuration() {
    let mut world =
        World::builder().access_point("eth0", Link::new()).service_network("wan", ["eth0"]).build();
    let sessions = ["eth0", "wan"].map(|id| world.session(id));
    assert_eq!(told(&mut world), NOTHING, "a new session announces nothing");
    let ladder = [
        (LinkState::Undefined, ConfigurationState::Undefined, SessionState::NotAvailable),
        (LinkState::Defined, ConfigurationState::Defined, SessionState::NotAvailable),
        (LinkState::Discovered, ConfigurationState::Discovered, SessionState::Disconnected),
        (LinkState::Connecting, ConfigurationState::Discovered, SessionState::Connecting),
        (LinkState::Active, ConfigurationState::Active, SessionState::Connected),
        (LinkState::Closing, ConfigurationState::Active, SessionState::Closing),
    ];
    let mut last = SessionState::Disconnected;
    for (level, configuration, expected) in ladder {
        let interface = netsession_core::Interface::new(1, "eth0");
        world.observe(Observation::new("eth0", level).with_interface(interface.clone()));
        assert_eq!(world.configuration_state("eth0"), Some(configuration));
        for session in sessions {
            assert_eq!(world.state(session), expected, "{level}");
            let connected = expected == SessionState::Connected;
            assert_eq!(world.interface(session), connected.then_some(&interface), "{level}");
            assert!(!world.is_open(session));
        }
        let edges = if expected == last { vec![] } else { sessions.to_vec() };
        let edges: Vec<_> = edges.iter().map(|id| format!("0: {} is {expected}", id.number())).collect();
        assert_eq!(told(&mut world), edges, "{level}");
        last = expected;
    }
}

/// S7: the documented names and families of bearers; a service network has none.
#[test]
fn s7_bearer_names() {
    let link = Link::new().settings(|settings| settings.bearer = Some(BearerType::Hspa));
    let world = World::builder().access_point("modem", link).service_network("wan", ["modem"]).build();
    let bearer = world.manager().configuration("modem").unwrap().bearer().unwrap();
    assert_eq!((bearer.name(), bearer.family()), ("HSPA", BearerType::Bearer3G));
    assert_eq!(world.manager().configuration("wan").unwrap().bearer(), None);
    let names: Vec<_> = BearerType::ALL.iter().map(|bearer| bearer.name()).collect();
    assert_eq!(names, crate::vocabulary::BEARER_NAMES);
}

/// S7: the property ActiveConfiguration names the access point in use while open, and cannot be written
/// (R-PROP-1).
#[test]
fn s7_active_configuration() {
    let mut world =
        World::builder().access_point("eth0", Link::new()).service_network("wan", ["eth0"]).build();
    let session = world.session("wan");
    let read = |world: &World| world.manager().session(session).unwrap().property(ACTIVE_CONFIGURATION);
    let text = |text: &str| Some(PropertyValue::Text(text.into()));
    assert_eq!(read(&world), text(""));
    world.open(session);
    world.run_until_idle();
    assert_eq!(read(&world), text("eth0"));
    let write = Input::Property { session, key: ACTIVE_CONFIGURATION.into(), value: text("eth1") };
    assert_eq!(world.command(write), Err(Refused::ReadOnly(ACTIVE_CONFIGURATION.into())));
    world.close(session);
    assert_eq!(read(&world), text(""));
}

/// S14: policies belong to an access point; a session shows those of the one in use, else of its
/// configuration, and is told exactly once per change (R-POL-1).
#[test]
fn s14_usage_policies() {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .access_point("wlan0", Link::new().initially(LinkState::Active))
        .service_network("wan", ["eth0", "wlan0"])
        .build();
    let [eth, wlan, wan] = ["eth0", "wlan0", "wan"].map(|id| world.session(id));
    let metered = UsagePolicies::NO_BACKGROUND_TRAFFIC;
    let set = |world: &mut World, id: &str, policies| {
        world.command(Input::Policies { id: id.into(), policies }).unwrap();
    };
    let shown =
        |world: &World| [eth, wlan, wan].map(|id| world.manager().session(id).unwrap().usage_policies());
    let none = UsagePolicies::empty();
    assert_eq!(shown(&world), [none; 3]);

    set(&mut world, "wlan0", metered);
    assert_eq!(
        told(&mut world),
        ["0: 2 policies no_background_traffic", "0: 3 policies no_background_traffic"]
    );
    assert_eq!(shown(&world), [none, metered, metered]);
    set(&mut world, "wlan0", metered);
    assert_eq!(told(&mut world), NOTHING, "nothing equal is told twice");
    set(&mut world, "eth0", metered);
    assert_eq!(told(&mut world), ["0: 1 policies no_background_traffic"], "the union stays the same");
    set(&mut world, "wlan0", none);
    assert_eq!(told(&mut world), ["0: 2 policies", "0: 3 policies"], "eth0 is not Active");

    world.open(eth);
    world.run_until_idle();
    let up =
        ["0: 1 is connecting", "20: 1 is connected", "20: 1 opened", "20: 3 policies no_background_traffic"];
    assert_eq!(told(&mut world), up);
    world.open(wan);
    assert_eq!(world.manager().session(wan).unwrap().active_configuration().unwrap(), "eth0");
    set(&mut world, "wlan0", metered);
    world.drain_events();
    set(&mut world, "eth0", none);
    let now = world.now();
    let both = [format!("{now}: 1 policies"), format!("{now}: 3 policies")];
    assert_eq!(told(&mut world), both, "an open session shows the link in use");
    assert_eq!(shown(&world), [none, metered, none]);
}
