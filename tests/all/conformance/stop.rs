//! S11, S15 and S16: stop(), which takes the link from everybody.

use netsession_core::{LinkState, SessionState};
use netsession_io_sim::{Link, World};

use super::{NOTHING, millis, one_link, told};

/// S11: the stopper is closed without an error, every other open session is aborted when the link is down,
/// and one that is not open sees states only (R-STOP-1).
#[test]
fn s11_two_sessions_stop() {
    let mut world = one_link(Link::new());
    let [first, second, _monitor] = [0; 3].map(|_| world.session("eth0"));
    world.open(first);
    world.open(second);
    world.run_until_idle();
    world.drain_events();

    world.stop(second);
    let now = ["21: 1 is closing", "21: 2 is closing", "21: 2 closed", "21: 3 is closing"];
    assert_eq!(told(&mut world), now);
    assert!(world.is_open(first), "until the link is down");
    world.run_until_idle();
    let down = [
        "31: 1 error session_aborted (stopped_by_other)",
        "31: 1 is disconnected",
        "31: 1 closed",
        "31: 2 is disconnected",
        "31: 3 is disconnected",
    ];
    assert_eq!(told(&mut world), down);
    assert_eq!(world.manager().configuration("eth0").unwrap().holders(), 0);
    assert_eq!(world.level("eth0"), Some(LinkState::Discovered));
}

/// S11: a victim that closes while the link goes down is closed now, and hears of no abort (R-CLOSE-7).
#[test]
fn s11_a_victim_closes_first() {
    let mut world = one_link(Link::new());
    let [first, second] = [0; 2].map(|_| world.session("eth0"));
    world.open(first);
    world.open(second);
    world.run_until_idle();
    world.stop(first);
    world.drain_events();
    world.close(second);
    assert_eq!(told(&mut world), ["21: 2 closed"]);
    world.run_until_idle();
    assert_eq!(told(&mut world), ["31: 1 is disconnected", "31: 2 is disconnected"]);
}

/// S15: an open session stops its link, even one that was found running (R-STOP-1, R-STOP-6).
#[test]
fn s15_a_link_that_others_brought_up() {
    let mut world = one_link(Link::new().initially(LinkState::Active));
    let session = world.session("eth0");
    world.open(session);
    world.stop(session);
    world.run_until_idle();
    let lines = ["0: 1 opened", "0: 1 is closing", "0: 1 closed", "10: 1 is disconnected"];
    assert_eq!(told(&mut world), lines);
}

/// S15: a session that is not open stops its access point all the same (R-STOP-2).
#[test]
fn s15_by_a_session_that_is_not_open() {
    let mut world = one_link(Link::new());
    let [holder, monitor] = [0; 2].map(|_| world.session("eth0"));
    world.open(holder);
    world.run_until_idle();
    world.drain_events();
    world.stop(monitor);
    world.run_until_idle();
    let lines = [
        "21: 1 is closing",
        "21: 2 is closing",
        "31: 1 error session_aborted (stopped_by_other)",
        "31: 1 is disconnected",
        "31: 1 closed",
        "31: 2 is disconnected",
    ];
    assert_eq!(told(&mut world), lines);
}

/// S15: a session on a service network that is not open stops nothing (R-STOP-2).
#[test]
fn s15_by_a_network_session_that_is_not_open() {
    let mut world =
        World::builder().access_point("eth0", Link::new()).service_network("wan", ["eth0"]).build();
    let [holder, monitor] = [world.session("eth0"), world.session("wan")];
    world.open(holder);
    world.run_until_idle();
    world.drain_events();
    world.stop(monitor);
    world.run_until_idle();
    assert_eq!(told(&mut world), NOTHING);
    assert!(world.is_open(holder));
}

/// S15: a link that is neither up nor on its way up: nothing at all (R-STOP-3).
#[test]
fn s15_of_a_link_that_is_down() {
    for level in [LinkState::Undefined, LinkState::Defined, LinkState::Discovered] {
        let mut world = one_link(Link::new().initially(level));
        let session = world.session("eth0");
        let state = world.state(session);
        world.stop(session);
        world.run_until_idle();
        assert_eq!((told(&mut world), world.state(session)), (vec![], state), "{level}");
        assert_eq!(world.level("eth0"), Some(level));
    }
}

/// S15: a stopper on a service network with another member up shows that member at once (R-STOP-1, R-ST-3).
#[test]
fn s15_with_another_member_up() {
    let mut world = World::builder()
        .access_point("eth0", Link::new())
        .access_point("wlan0", Link::new().initially(LinkState::Active))
        .service_network("wan", ["eth0", "wlan0"])
        .build();
    let [wan, eth] = [world.session("wan"), world.session("eth0")];
    world.open(eth);
    world.run_until_idle();
    world.open(wan);
    assert_eq!(world.interface(wan).unwrap().name, "eth0");
    world.drain_events();
    world.stop(wan);
    let lines = ["21: 1 is closing", "21: 1 closed", "21: 1 is connected", "21: 2 is closing"];
    assert_eq!(told(&mut world), lines);
    assert_eq!(world.interface(wan).unwrap().name, "wlan0");
    world.run_until_idle();
    assert_eq!((world.state(wan), world.is_open(wan)), (SessionState::Connected, false));
    assert_eq!(world.level("wlan0"), Some(LinkState::Active), "only the link in use goes down");
}

/// S15: a link on its way up is withdrawn for all; the stopper is closed, others fail (R-STOP-4).
#[test]
fn s15_of_a_link_on_its_way_up() {
    let mut world = one_link(Link::new());
    let [first, second] = [0; 2].map(|_| world.session("eth0"));
    world.open(first);
    world.open(second);
    world.advance(millis(10));
    world.drain_events();
    world.stop(first);
    world.run_until_idle();
    let lines = told(&mut world);
    let has = |line: &str| lines.iter().any(|other| other.ends_with(line));
    assert!(has("1 closed") && !has("2 closed"), "{lines:#?}");
    assert!(has("2 error session_aborted (stopped_by_other)"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("1 error")), "{lines:#?}");
    assert_eq!([first, second].map(|id| world.state(id)), [SessionState::Disconnected; 2]);
    assert_eq!(world.level("eth0"), Some(LinkState::Discovered));
}

/// S16: two open and the first closes again; its stop() still takes the link from the other, who hears of
/// it as SessionAborted (R-CLOSE-3, R-STOP-1, R-STOP-2).
#[test]
fn s16_stop_after_close() {
    let mut world = one_link(Link::new());
    let [first, second] = [0; 2].map(|_| world.session("eth0"));
    world.open(first);
    world.run_until_idle();
    world.open(second);
    world.close(first);
    assert!(world.is_open(second));
    world.drain_events();
    world.stop(first);
    world.run_until_idle();
    let lines = [
        "21: 1 is closing",
        "21: 2 is closing",
        "31: 1 is disconnected",
        "31: 2 error session_aborted (stopped_by_other)",
        "31: 2 is disconnected",
        "31: 2 closed",
    ];
    assert_eq!(told(&mut world), lines);
}
