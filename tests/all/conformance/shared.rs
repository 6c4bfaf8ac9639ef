//! S10 and S12: a link that several share.

use netsession_core::{ConfigurationState, LinkState, SessionState};
use netsession_io_sim::{Link, World};

use super::{NOTHING, announced, millis, one_link, told};

/// S10: the first session brings the link up, the second opens with nothing but O (R-OPEN-2, R-OPEN-5);
/// closing one is silent for the other (R-CLOSE-3); the last one takes the link down (R-CLOSE-5).
#[test]
fn s10_two_sessions_close() {
    let mut world = one_link(Link::new());
    let [first, second] = [world.session("eth0"), world.session("eth0")];
    world.open(first);
    world.run_until_idle();
    let up = [
        "0: 1 is connecting",
        "0: 2 is connecting",
        "20: 1 is connected",
        "20: 1 opened",
        "20: 2 is connected",
    ];
    assert_eq!(told(&mut world), up);

    world.open(second);
    assert_eq!(told(&mut world), ["21: 2 opened"]);
    assert_eq!(world.interface(first), world.interface(second));
    assert_eq!(world.interface(first).unwrap().name, "eth0");
    assert_eq!(world.manager().configuration("eth0").unwrap().holders(), 2);

    world.close(first);
    assert_eq!(told(&mut world), ["21: 1 closed"]);
    assert_eq!(world.state(first), SessionState::Connected, "it is a monitor now");
    world.advance(millis(100));
    assert_eq!(told(&mut world), NOTHING);

    world.close(second);
    world.run_until_idle();
    let down = [
        "121: 1 is closing",
        "121: 2 closed",
        "121: 2 is closing",
        "131: 1 is disconnected",
        "131: 2 is disconnected",
    ];
    assert_eq!(told(&mut world), down);
    assert_eq!(world.level("eth0"), Some(LinkState::Discovered));
}

/// S10: a session on the service network and one on its member share the link alike (R-OPEN-5, R-OPEN-8,
/// R-CLOSE-3).
#[test]
fn s10_a_network_and_its_member_share() {
    let mut world =
        World::builder().access_point("eth0", Link::new()).service_network("wan", ["eth0"]).build();
    let [member, network] = [world.session("eth0"), world.session("wan")];
    world.open(network);
    world.open(member);
    world.run_until_idle();
    assert!(world.is_open(member) && world.is_open(network));
    assert_eq!(world.interface(member), world.interface(network));
    world.drain_events();
    world.close(network);
    world.run_until_idle();
    assert_eq!(told(&mut world), ["21: 2 closed"]);
    assert_eq!(world.level("eth0"), Some(LinkState::Active));
}

/// S10: a link that was found running is kept by the last close (R-CLOSE-4, R-CLOSE-8).
#[test]
fn s10_a_link_found_running_is_kept() {
    let mut world = one_link(Link::new().initially(LinkState::Active));
    let session = world.session("eth0");
    world.open(session);
    world.close(session);
    world.run_until_idle();
    assert_eq!(told(&mut world), ["0: 1 opened", "0: 1 closed"]);
    assert_eq!(world.level("eth0"), Some(LinkState::Active));
}

/// S12: what another process does to a link is seen here as changes of the configuration, once per edge
/// (R-REG-8, R-REG-6), and a monitor follows (R-ST-2).
#[test]
fn s12_another_process_starts_and_stops() {
    let mut world = one_link(Link::new());
    let monitor = world.session("eth0");
    world.start_elsewhere("eth0");
    world.run_until_idle();
    assert_eq!(announced(&mut world), ["20: eth0 is active, changed: state", "20: online"]);
    assert_eq!(world.state(monitor), SessionState::Connected);
    assert!(!world.manager().configuration("eth0").unwrap().is_ours());

    world.stop_elsewhere("eth0");
    world.run_until_idle();
    assert_eq!(announced(&mut world), ["31: eth0 is discovered, changed: state", "31: offline"]);
    assert_eq!(world.configuration_state("eth0"), Some(ConfigurationState::Discovered));
    assert_eq!(world.state(monitor), SessionState::Disconnected);
}

/// S12: what this process starts and stops, another sees in the same way (R-REG-8).
#[test]
fn s12_another_process_sees_ours() {
    let mut here = one_link(Link::new());
    let mut there = one_link(Link::new());
    let session = here.session("eth0");
    here.open(session);
    here.run_until_idle();
    follow(&here, &mut there);
    assert_eq!(announced(&mut there), ["0: eth0 is active, changed: state", "0: online"]);
    here.close(session);
    here.run_until_idle();
    follow(&here, &mut there);
    assert_eq!(announced(&mut there), ["0: eth0 is discovered, changed: state", "0: offline"]);
}

/// Shows one world's link to the other.
fn follow(from: &World, to: &mut World) {
    let view = from.manager().configuration("eth0").unwrap();
    let observation = netsession_core::Observation::new("eth0", view.link().unwrap());
    to.observe(observation.with_interface(view.interface().unwrap().clone()));
}
