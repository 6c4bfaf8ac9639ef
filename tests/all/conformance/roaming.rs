//! D1–D5: the five edges of the documented roaming diagram, each walked from the start.

use netsession_core::{Input, LinkState, OfferKind, Refused, RoamingMode, SessionId, SessionState};
use netsession_io_sim::{Link, World};

use super::millis;

/// A session that asks, open on `wlan0`, which it started, while the preferred `eth0` is out of reach.
fn second_best() -> (World, SessionId) {
    let mut world = World::builder()
        .access_point("eth0", Link::new().initially(LinkState::Defined))
        .access_point("wlan0", Link::new())
        .service_network("wan", ["eth0", "wlan0"])
        .build();
    let session = world.session("wan");
    say(&mut world, Input::Roaming { session, mode: RoamingMode::Application });
    world.open(session);
    world.run_until_idle();
    assert_eq!(words(&mut world), ["is connecting", "is connected", "opened"]);
    (world, session)
}

/// The same, with `eth0` come into reach and offered.
fn offered() -> (World, SessionId) {
    let (mut world, session) = second_best();
    world.advance(millis(100));
    world.plug("eth0");
    assert_eq!(words(&mut world), ["may move to eth0 (upgrade)"]);
    (world, session)
}

/// The same, with `eth0` brought up and to be tried.
fn on_trial() -> (World, SessionId) {
    let (mut world, session) = offered();
    say(&mut world, Input::Migrate { session });
    world.run_until_idle();
    assert_eq!(words(&mut world), ["is roaming", "has eth0 up, decision due"]);
    (world, session)
}

fn say(world: &mut World, input: Input) {
    world.command(input).unwrap();
}

/// What the one session was told since the last call, without the times.
fn words(world: &mut World) -> Vec<String> {
    let without = |line: &String| line.split_once(": 1 ").map(|(_, what)| what.to_owned());
    super::told(world).iter().filter_map(without).collect()
}

fn levels(world: &World) -> [Option<LinkState>; 2] {
    ["eth0", "wlan0"].map(|id| world.level(id))
}

/// The state, the access point in use, what is offered, and what is tried.
fn standing(world: &World, session: SessionId) -> (SessionState, &str, Option<&str>, Option<&str>) {
    let view = world.manager().session(session).unwrap();
    (
        view.state(),
        view.active_configuration().map_or("", |id| id.as_str()),
        view.offer().map(|offer| offer.id.as_str()),
        view.candidate().map(|candidate| candidate.id.as_str()),
    )
}

const ACTIVE: Option<LinkState> = Some(LinkState::Active);
const DISCOVERED: Option<LinkState> = Some(LinkState::Discovered);

/// D1: an access point is preferred (R-ROAM-1); ignore (R-ROAM-2); the session has not moved.
#[test]
fn d1_preferred_and_ignored() {
    let (mut world, session) = offered();
    assert_eq!(standing(&world, session), (SessionState::Connected, "wlan0", Some("eth0"), None));
    let offer = world.manager().session(session).unwrap().offer().unwrap();
    assert_eq!((offer.kind, offer.seamless), (OfferKind::Upgrade, false));
    say(&mut world, Input::Ignore { session });
    world.run_until_idle();
    assert!(words(&mut world).is_empty());
    assert_eq!(standing(&world, session), (SessionState::Connected, "wlan0", None, None));
    assert_eq!(levels(&world), [DISCOVERED, ACTIVE]);
    assert_eq!(world.command(Input::Migrate { session }), Err(Refused::NotRoaming));
}

/// D2: preferred; migrate (R-ROAM-5); the new one is started while the old one is kept (R-ROAM-28).
#[test]
fn d2_migrated_and_started() {
    let (mut world, session) = offered();
    world.link_mut("eth0").connecting_after = millis(10);
    say(&mut world, Input::Migrate { session });
    world.advance(millis(15));
    assert_eq!(words(&mut world), ["is roaming"]);
    assert_eq!(standing(&world, session), (SessionState::Roaming, "wlan0", None, None));
    assert_eq!(world.interface(session), None);
    assert_eq!(levels(&world), [Some(LinkState::Connecting), ACTIVE]);
    assert!(world.manager().configuration("eth0").unwrap().is_ours());
}

/// D3: the new one is up and reported as activated (R-ROAM-6); the old one is still in use.
#[test]
fn d3_started_and_activated() {
    let (world, session) = on_trial();
    assert_eq!(standing(&world, session), (SessionState::Roaming, "wlan0", None, Some("eth0")));
    let candidate = world.manager().session(session).unwrap().candidate().unwrap();
    assert_eq!(candidate.interface.unwrap().name, "eth0");
    assert_eq!(world.interface(session), None);
    assert_eq!(levels(&world), [ACTIVE, ACTIVE]);
}

/// D4: activated; accept; the old one, started for this session, is taken down (R-ROAM-9).
#[test]
fn d4_accepted_and_the_old_one_ends() {
    let (mut world, session) = on_trial();
    say(&mut world, Input::Accept { session });
    world.run_until_idle();
    assert_eq!(words(&mut world), ["is connected"]);
    assert_eq!(standing(&world, session), (SessionState::Connected, "eth0", None, None));
    assert_eq!(world.interface(session).unwrap().name, "eth0");
    assert_eq!(levels(&world), [ACTIVE, DISCOVERED]);
}

/// D5: activated; reject; the new one is taken down, and the session has not moved (R-ROAM-10).
#[test]
fn d5_rejected_and_the_new_one_ends() {
    let (mut world, session) = on_trial();
    say(&mut world, Input::Reject { session });
    world.run_until_idle();
    assert_eq!(words(&mut world), ["is connected"]);
    assert_eq!(standing(&world, session), (SessionState::Connected, "wlan0", None, None));
    assert_eq!(world.interface(session).unwrap().name, "wlan0");
    assert_eq!(levels(&world), [DISCOVERED, ACTIVE]);
    assert_eq!(world.command(Input::Accept { session }), Err(Refused::NotRoaming));
}
