//! S9, S13 and S14: what a user chooses, sessions that close by themselves, and the policies of one that
//! roams.

use netsession_core::property::{
    ACTIVE_CONFIGURATION, AUTO_CLOSE_SESSION_TIMEOUT, CONNECT_IN_BACKGROUND, USER_CHOICE_CONFIGURATION,
};
use netsession_core::{
    Add, Capabilities, Input, LinkState, Observation, PropertyValue, Refused, RoamingMode, SessionError,
    SessionId, SessionState, UsagePolicies,
};
use netsession_io_sim::{Choice, Link, World};

use super::{NOTHING, millis, told};

/// A user choice, `any`, over the network `wan` of `eth0`, and `wlan0` next to it; the user answers so.
fn any(choice: Choice) -> (World, SessionId) {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .access_point("wlan0", Link::new().initially(LinkState::Active))
        .service_network("wan", ["eth0"])
        .configuration(Add::user_choice("any"))
        .choice(choice)
        .build();
    let session = world.session("any");
    (world, session)
}

fn named(id: &str) -> Choice {
    Choice::Named(id.into())
}

fn read(world: &World, session: SessionId, key: &str) -> Option<PropertyValue> {
    world.manager().session(session).unwrap().property(key)
}

fn write(world: &mut World, session: SessionId, key: &str, value: PropertyValue) -> Result<(), Refused> {
    world.command(Input::Property { session, key: key.into(), value: Some(value) }).map(|_| ())
}

fn text(text: &str) -> Option<PropertyValue> {
    Some(PropertyValue::Text(text.into()))
}

/// What the sessions were told, without the times.
fn said(world: &mut World) -> Vec<String> {
    let lines = told(world).into_iter();
    lines.map(|line| line.split_once(": ").map(|(_, what)| what.to_owned()).unwrap_or(line)).collect()
}

/// S9: a user choice that is open stands for what the user chose, a network (R-OPEN-10): the property
/// UserChoiceConfiguration names it (R-PROP-2), ActiveConfiguration the member in use (R-PROP-1), and both
/// are empty before and after.
#[test]
fn s9_a_network_is_chosen() {
    let (mut world, session) = any(named("wan"));
    let properties = |world: &World| {
        [USER_CHOICE_CONFIGURATION, ACTIVE_CONFIGURATION].map(|key| read(world, session, key))
    };
    assert_eq!(world.state(session), SessionState::Disconnected, "something could be chosen (R-ST-4)");
    assert_eq!(properties(&world), [text(""), text("")]);

    world.open(session);
    assert_eq!(told(&mut world), ["0: 1 is connecting"]);
    assert_eq!(properties(&world), [text(""), text("")], "nothing is chosen yet");
    world.run_until_idle();
    assert_eq!(told(&mut world), ["21: 1 is connected", "21: 1 opened"]);
    assert_eq!(properties(&world), [text("wan"), text("eth0")]);
    assert_eq!(world.interface(session).unwrap().name, "eth0");
    assert_eq!(world.manager().session(session).unwrap().configuration().as_str(), "any");
    let refused = Err(Refused::ReadOnly(USER_CHOICE_CONFIGURATION.into()));
    let value = PropertyValue::Text("wlan0".into());
    assert_eq!(write(&mut world, session, USER_CHOICE_CONFIGURATION, value), refused);

    world.close(session);
    world.run_until_idle();
    assert_eq!(said(&mut world), ["1 closed", "1 is disconnected"]);
    assert_eq!(properties(&world), [text(""), text("")]);
    assert_eq!(world.level("eth0"), Some(LinkState::Discovered), "its last holder is gone");
}

/// S9: an access point is chosen that is up: it opens with the answer (R-OPEN-10).
#[test]
fn s9_an_access_point_is_chosen() {
    let (mut world, session) = any(named("wlan0"));
    world.open(session);
    world.run_until_idle();
    assert_eq!(told(&mut world), ["0: 1 is connecting", "1: 1 is connected", "1: 1 opened"]);
    assert_eq!(read(&world, session, USER_CHOICE_CONFIGURATION), text("wlan0"));
    assert_eq!(read(&world, session, ACTIVE_CONFIGURATION), text("wlan0"));
}

/// S9: the user cancels, or chooses what cannot be (R-OPEN-10): each open() has its one error (R-OPEN-11).
#[test]
fn s9_nothing_is_chosen() {
    let ends = [
        (Choice::Cancels, SessionError::SessionAborted, "session_aborted (cancelled)"),
        (
            named("nowhere"),
            SessionError::InvalidConfiguration,
            "invalid_configuration (configuration_unavailable)",
        ),
        (
            named("any"),
            SessionError::InvalidConfiguration,
            "invalid_configuration (configuration_unavailable)",
        ),
        (Choice::Never, SessionError::Unknown, "unknown (timed_out)"),
    ];
    for (choice, error, words) in ends {
        let (mut world, session) = any(choice);
        for _ in 0..2 {
            world.open(session);
            world.run_until_idle();
            let end = format!("1 error {words}");
            assert_eq!(said(&mut world), ["1 is connecting", "1 is disconnected", end.as_str()]);
            let view = world.manager().session(session).unwrap();
            assert_eq!((view.is_open(), view.error()), (false, Some(error)));
            assert_eq!(read(&world, session, USER_CHOICE_CONFIGURATION), text(""));
        }
    }
}

/// S9: in the background nobody is asked; it is the best of what there is (R-PROP-3, R-REG-5).
#[test]
fn s9_in_the_background() {
    let (mut world, session) = any(Choice::Never);
    write(&mut world, session, CONNECT_IN_BACKGROUND, PropertyValue::Bool(true)).unwrap();
    world.open(session);
    assert_eq!(told(&mut world), ["0: 1 is connected", "0: 1 opened"]);
    assert_eq!(read(&world, session, USER_CHOICE_CONFIGURATION), text("wlan0"), "it is up");
}

/// S13: AutoCloseSessionTimeout exists where the driver polls and cannot start and stop. When it is due
/// the session closes, the link stays, and the property is at its default again (R-PROP-4).
#[test]
fn s13_auto_close() {
    let polled = Link::new().initially(LinkState::Active).settings(|settings| {
        settings.polls = Some(true);
        settings.capabilities = Some(Capabilities::empty());
    });
    let mut world = World::builder().access_point("usb0", polled).access_point("eth0", Link::new()).build();
    let [session, other] = ["usb0", "eth0"].map(|id| world.session(id));
    let auto_close = |world: &World| read(world, session, AUTO_CLOSE_SESSION_TIMEOUT);
    let off = Some(PropertyValue::Integer(-1));
    assert_eq!(auto_close(&world), off);
    assert_eq!(read(&world, other, AUTO_CLOSE_SESSION_TIMEOUT), None);
    let refused = Err(Refused::ReadOnly(AUTO_CLOSE_SESSION_TIMEOUT.into()));
    assert_eq!(write(&mut world, other, AUTO_CLOSE_SESSION_TIMEOUT, PropertyValue::Integer(1)), refused);

    for _ in 0..2 {
        world.open(session);
        write(&mut world, session, AUTO_CLOSE_SESSION_TIMEOUT, PropertyValue::Integer(500)).unwrap();
        world.advance(millis(499));
        assert!(world.is_open(session), "not before its time");
        assert_eq!(said(&mut world), ["1 opened"]);
        world.advance(millis(1));
        assert_eq!(said(&mut world), ["1 closed"]);
        assert_eq!((world.state(session), auto_close(&world)), (SessionState::Connected, off.clone()));
    }
    world.open(session);
    world.advance(millis(10_000));
    assert!(world.is_open(session), "it is armed once");
}

/// S14: a session on a network has the policies of the member in use, which changes with accept, or when
/// forced with the link (R-POL-1).
#[test]
fn s14_usage_policies_while_roaming() {
    for mode in [RoamingMode::Forced, RoamingMode::Application] {
        let mut world = World::builder()
            .access_point("eth0", Link::new().initially(LinkState::Defined))
            .access_point("wlan0", Link::new())
            .service_network("wan", ["eth0", "wlan0"])
            .build();
        let session = world.session("wan");
        let metered = UsagePolicies::NO_BACKGROUND_TRAFFIC;
        let shown = |world: &World| world.manager().session(session).unwrap().usage_policies();
        world.command(Input::Policies { id: "wlan0".into(), policies: metered }).unwrap();
        world.command(Input::Roaming { session, mode }).unwrap();
        world.open(session);
        world.run_until_idle();
        let up = ["1 is connecting", "1 is connected", "1 opened", "1 policies no_background_traffic"];
        assert_eq!(said(&mut world), up);

        world.observe(Observation::new("eth0", LinkState::Discovered));
        if mode == RoamingMode::Application {
            assert_eq!(said(&mut world), ["1 may move to eth0 (upgrade)"]);
            world.command(Input::Migrate { session }).unwrap();
        }
        assert_eq!(said(&mut world), ["1 is roaming"]);
        assert_eq!(shown(&world), metered, "wlan0 is in use yet");
        world.run_until_idle();
        if mode == RoamingMode::Application {
            assert_eq!(said(&mut world), ["1 has eth0 up, decision due"]);
            assert_eq!(shown(&world), metered, "and in the trial");
            world.command(Input::Accept { session }).unwrap();
            assert_eq!(said(&mut world), ["1 is connected", "1 policies"]);
        } else {
            assert_eq!(said(&mut world), ["1 has eth0 up", "1 is connected", "1 policies"]);
        }
        assert_eq!(shown(&world), UsagePolicies::empty());
        world.command(Input::Policies { id: "wlan0".into(), policies: UsagePolicies::empty() }).unwrap();
        world.run_until_idle();
        assert_eq!(told(&mut world), NOTHING, "of what is not in use it is not told");
    }
}
