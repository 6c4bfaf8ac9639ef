//! S2 and S8: a session that is opened and closed over and over.

use netsession_core::{LinkState, SessionState};
use netsession_io_sim::{Link, World};

use super::{NOTHING, millis, told};

/// A link slow enough that some rounds close before it is up, and some while it comes up again.
fn slow_world() -> World {
    let link = Link::new().taking(millis(1_000), millis(300));
    World::builder().access_point("eth0", link).service_network("wan", ["eth0"]).build()
}

fn assert_at_rest(world: &World) {
    let view = world.manager().configuration("eth0").unwrap();
    assert_eq!((view.holders(), view.is_ours()), (0, false));
    assert_eq!((world.level("eth0"), world.wake()), (Some(LinkState::Discovered), None));
}

/// S2: close without open is harmless (R-CLOSE-1); 25 rounds with a growing delay end in Disconnected each
/// time, with no holder left (R-CLOSE-2, R-CLOSE-5, R-CLOSE-9, R-OPEN-11).
#[test]
fn s2_25_rounds_with_any_delay() {
    for id in ["eth0", "wan"] {
        let mut world = slow_world();
        let session = world.session(id);
        world.close(session);
        assert_eq!(told(&mut world), NOTHING);
        for round in 0..25 {
            world.open(session);
            world.advance(millis(round * 100));
            world.close(session);
            world.run_until_idle();
            assert_eq!(world.state(session), SessionState::Disconnected, "round {round} on {id}");
            let told = told(&mut world);
            let count = |what: &str| told.iter().filter(|line| line.ends_with(what)).count();
            assert_eq!((count("opened"), count("closed")), (usize::from(round >= 10), 1), "{told:#?}");
            assert!(!told.iter().any(|line| line.contains("error")), "{told:#?}");
            assert_at_rest(&world);
        }
    }
}

/// S2, without waiting for the link to be down between two rounds: opening on a link that closes is
/// remembered (R-OPEN-7), and so is nothing else.
#[test]
fn s2_25_rounds_without_a_rest() {
    for id in ["eth0", "wan"] {
        let mut world = slow_world();
        let session = world.session(id);
        for round in 0..25 {
            world.open(session);
            world.advance(millis(round * 100));
            world.close(session);
            world.advance(millis((25 - round) * 20));
        }
        world.run_until_idle();
        assert_eq!(world.state(session), SessionState::Disconnected, "{id}");
        let told = told(&mut world);
        assert_eq!(told.iter().filter(|line| line.ends_with("closed")).count(), 25, "{told:#?}");
        assert_at_rest(&world);
    }
}

/// S8: three clean rounds on one session (R-OPEN-2, R-CLOSE-5).
#[test]
fn s8_three_clean_rounds() {
    let mut world = slow_world();
    for id in ["eth0", "wan"] {
        let session = world.session(id);
        let number = session.number();
        for _ in 0..3 {
            let start = world.now();
            world.open(session);
            world.run_until_idle();
            assert!(world.is_open(session));
            world.close(session);
            assert!(!world.is_open(session));
            world.run_until_idle();
            let states =
                ["is connecting", "is connected", "opened", "closed", "is closing", "is disconnected"];
            let mine: Vec<_> = told(&mut world)
                .into_iter()
                .filter_map(|line| Some(line.split_once(&format!(": {number} "))?.1.to_owned()))
                .collect();
            assert_eq!(mine, states, "on {id}, from {start}");
            assert_at_rest(&world);
        }
        world.drop_session(session);
    }
}
