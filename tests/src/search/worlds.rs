//! The worlds as data. Constants are one tick of a millisecond where nothing else is said, a member is given up
//! after one failure, and time moves to deadlines only, so that the numbers are finite.

use std::time::Duration;

use netsession_core::{Add, Input, LinkState, Outcome, ReopenPolicy, RoamingMode};
use netsession_io_sim::explore::{Alphabet, SmallWorld, Snapshots};

/// A small world with a name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Named {
    /// What it is called.
    pub name: &'static str,
    /// What there is.
    pub about: &'static str,
    /// What never happens in it though it could; empty if everything does.
    pub left_out: &'static str,
    /// The world.
    pub world: SmallWorld,
    /// How many states are looked at, nearest first, where it is too large to be walked to its end.
    pub bound: Option<usize>,
    /// Whether every test run walks it to its end.
    pub is_quick: bool,
}

const TICK: Duration = Duration::from_millis(1);

/// All that the contract's rows speak of, in order of size.
#[must_use]
pub fn worlds() -> Vec<Named> {
    vec![
        one_session(),
        two_sessions(),
        one_of_each(),
        one_roams(),
        two_roam(),
        one_roams_on_a_device(),
        two_roam_on_a_device(),
        user_choice(),
        three_sessions(),
        one_roams_in_all_words(),
        three_members_and_a_device(),
        two_roam_on_three(),
        one_roams_beside_another(),
        three_members(),
    ]
}

/// Everything, with the outcomes that differ in more than a word.
fn everything() -> Alphabet {
    Alphabet {
        outcomes: vec![Outcome::Ok, Outcome::Refused, Outcome::Failed],
        at_deadlines: false,
        ..Alphabet::default()
    }
}

/// What is left for worlds that are too large for everything.
fn little() -> Alphabet {
    Alphabet {
        levels: vec![LinkState::Defined, LinkState::Discovered, LinkState::Active],
        removal: false,
        drops: false,
        replaced_links: false,
        outcomes: vec![Outcome::Ok, Outcome::Failed],
        ..everything()
    }
}

fn access_points(ids: &[&str]) -> Vec<Add> {
    ids.iter().map(|id| Add::access_point(*id)).collect()
}

/// What an earlier run of the driver started, and is ours (R-X-54).
fn adopted(ids: &[&str]) -> Vec<Input> {
    ids.iter().map(|id| Input::Adopt { id: (*id).into() }).collect()
}

/// Access points, and a service network of all of them.
fn network(ids: &[&str]) -> Vec<Add> {
    let mut all = access_points(ids);
    all.push(Add::service_network("wan", ids.iter().copied()));
    all
}

/// A world in which a service network sets no limit to an `open()`, only each access point does: all spans are
/// one tick, so that what lasts together ends together.
fn unlimited(mut world: SmallWorld) -> SmallWorld {
    for add in &mut world.configurations {
        if add.settings.members.is_some() {
            add.settings.connect_timeout = Some(Duration::ZERO);
        }
    }
    world
}

fn on_one_device(mut all: Vec<Add>) -> Vec<Add> {
    for add in &mut all {
        if add.settings.members.is_none() {
            add.settings.device = Some(Some("radio".into()));
        }
    }
    all
}

fn one_session() -> Named {
    let mut world = SmallWorld::new(access_points(&["eth0"]), ["eth0"]);
    world.alphabet = Alphabet {
        reopen_policies: vec![ReopenPolicy::Never, ReopenPolicy::WhenAvailable],
        snapshots: Snapshots::All,
        updates: true,
        inputs: adopted(&["eth0"]),
        ..Alphabet::default()
    };
    // Not as long as an attempt: deadlines lie apart.
    world.config.stop_timeout = 2 * TICK;
    Named {
        name: "W1",
        about: "one session, one access point",
        left_out: "",
        world,
        bound: None,
        is_quick: true,
    }
}

fn two_sessions() -> Named {
    let mut world = SmallWorld::new(access_points(&["eth0"]), ["eth0", "eth0"]);
    world.alphabet =
        Alphabet { snapshots: Snapshots::All, inputs: adopted(&["eth0"]), ..Alphabet::default() };
    world.config.stop_timeout = 2 * TICK;
    Named {
        name: "W2",
        about: "two sessions, one access point",
        left_out: "re-opening and updates (W1)",
        world,
        bound: None,
        is_quick: true,
    }
}

fn one_of_each() -> Named {
    let mut world = unlimited(SmallWorld::new(network(&["eth0", "wlan0"]), ["eth0", "wan"]));
    world.alphabet = Alphabet {
        replaced_links: false,
        drops: false,
        removal: false,
        inputs: adopted(&["eth0", "wlan0"]),
        ..everything()
    };
    Named {
        name: "W3",
        about: "an access point session and a service network session, two access points",
        left_out: "inputs in the moment of a deadline, removal, drops, replaced interfaces (W1, W2, W4-one)",
        world,
        bound: None,
        is_quick: false,
    }
}

/// One session, and all that can be said to it.
fn one_roams() -> Named {
    let world = unlimited(SmallWorld::new(network(&["eth0", "wlan0"]), ["wan"]));
    let mut world = world.roaming([RoamingMode::Application]);
    world.alphabet = Alphabet {
        levels: little().levels,
        modes: vec![RoamingMode::Application, RoamingMode::Forced, RoamingMode::Suppressed],
        inputs: adopted(&["eth0", "wlan0"]),
        ..everything()
    };
    world.config.answer_within = Some(TICK);
    Named {
        name: "W4-one",
        about: "one service network session, two access points, all modes",
        left_out: "levels Undefined, Connecting and Closing (W5-one), inputs in the moment of a deadline (W1, W2)",
        world,
        bound: None,
        is_quick: false,
    }
}

fn two_roam() -> Named {
    let world = unlimited(SmallWorld::new(network(&["eth0", "wlan0"]), ["wan", "wan"]));
    let mut world = world.roaming([RoamingMode::Application, RoamingMode::Forced]);
    world.alphabet = little();
    Named {
        name: "W4",
        about: "two service network sessions, the first asked, the second forced, two access points",
        left_out: "levels Undefined, Connecting and Closing, removal, drops, replaced interfaces, changes of mode \
                   (all in W4-one and W5-one), inputs in the moment of a deadline",
        world,
        bound: None,
        is_quick: false,
    }
}

fn one_roams_on_a_device() -> Named {
    let world = unlimited(SmallWorld::new(on_one_device(network(&["wlan0", "wlan1"])), ["wan"]));
    let mut world = world.roaming([RoamingMode::Application]);
    world.alphabet = Alphabet {
        modes: vec![RoamingMode::Application, RoamingMode::Forced, RoamingMode::Suppressed],
        removal: false,
        replaced_links: false,
        drops: false,
        inputs: adopted(&["wlan0", "wlan1"]),
        ..everything()
    };
    Named {
        name: "W5-one",
        about: "one service network session, two access points of one device, all modes",
        left_out: "inputs in the moment of a deadline, removal, drops, replaced interfaces (W1, W2, W4-one)",
        world,
        bound: None,
        is_quick: false,
    }
}

fn two_roam_on_a_device() -> Named {
    let mut named = two_roam();
    let world = unlimited(SmallWorld::new(on_one_device(network(&["wlan0", "wlan1"])), ["wan", "wan"]));
    named.world = SmallWorld { alphabet: named.world.alphabet, ..world }
        .roaming([RoamingMode::Application, RoamingMode::Forced]);
    named.world.alphabet.drops = true;
    Named {
        name: "W5",
        about: "two service network sessions, the first asked, the second forced, two access points of one device",
        left_out: "as in W4, but for drops",
        ..named
    }
}

fn three_members() -> Named {
    let world = unlimited(SmallWorld::new(network(&["eth0", "wlan0", "wwan0"]), ["wan"]));
    let mut world = world.roaming([RoamingMode::Application]);
    world.alphabet = Alphabet {
        modes: vec![RoamingMode::Application, RoamingMode::Forced],
        inputs: adopted(&["eth0"]),
        ..little()
    };
    world.config.rescue_grace = TICK;
    Named {
        name: "W6",
        about: "one service network session, three access points, a grace for rescues",
        left_out: "as in W4, and mode Suppressed",
        world,
        bound: Some(250_000),
        is_quick: false,
    }
}

fn user_choice() -> Named {
    let mut all = network(&["eth0", "wlan0"]);
    all.push(Add::user_choice("any"));
    let mut world = unlimited(SmallWorld::new(all, ["any"])).roaming([RoamingMode::Forced]);
    world.alphabet = Alphabet { removal: false, replaced_links: false, ..everything() };
    Named {
        name: "W7",
        about: "one user choice session, two access points and a service network to choose from",
        left_out: "inputs in the moment of a deadline, removal, replaced interfaces (W1, W2, W4-one)",
        world,
        bound: None,
        is_quick: false,
    }
}

/// What three sessions do that two do not: a victim of a stop, and another one.
fn three_sessions() -> Named {
    let mut world = SmallWorld::new(access_points(&["eth0"]), ["eth0", "eth0", "eth0"]);
    world.alphabet = Alphabet {
        modes: vec![RoamingMode::Application, RoamingMode::Forced, RoamingMode::Suppressed],
        reopen_policies: vec![ReopenPolicy::Never, ReopenPolicy::WhenAvailable],
        updates: true,
        drops: false,
        ..little()
    };
    Named {
        name: "W2-three",
        about: "three sessions, one access point, all modes, re-opening and updates",
        left_out: "as in W4, but for the modes",
        world,
        bound: None,
        is_quick: false,
    }
}

/// Every word that there is for what the platform answers.
fn one_roams_in_all_words() -> Named {
    let world = unlimited(SmallWorld::new(on_one_device(network(&["wlan0", "wlan1"])), ["wan"]));
    let mut world = world.roaming([RoamingMode::Application]);
    world.alphabet = Alphabet {
        outcomes: Outcome::ALL.to_vec(),
        reopen_policies: vec![ReopenPolicy::Never, ReopenPolicy::WhenAvailable],
        modes: vec![RoamingMode::Application, RoamingMode::Forced, RoamingMode::Suppressed],
        updates: true,
        drops: true,
        removal: true,
        ..little()
    };
    world.config.answer_within = Some(TICK);
    world.config.rescue_grace = TICK;
    Named {
        name: "W5-words",
        about: "one service network session, two access points of one device, every word of an answer, all modes, \
                re-opening, updates, removal and drops, a grace for rescues",
        left_out: "levels Undefined, Connecting and Closing (W5-one), inputs in the moment of a deadline, replaced \
                   interfaces",
        world,
        bound: Some(200_000),
        is_quick: false,
    }
}

fn three_members_and_a_device() -> Named {
    let mut all = network(&["eth0", "wlan0", "wlan1"]);
    for add in &mut all {
        if add.id.as_str().starts_with("wlan") {
            add.settings.device = Some(Some("radio".into()));
        }
    }
    let mut world = unlimited(SmallWorld::new(all, ["wan"])).roaming([RoamingMode::Application]);
    world.alphabet = Alphabet { drops: false, ..everything() };
    world.config.rescue_grace = TICK;
    Named {
        name: "W6-radio",
        about: "one service network session, three access points, two of them of one device, a grace for \
                rescues",
        left_out: "inputs in the moment of a deadline, drops, changes of mode",
        world,
        bound: Some(250_000),
        is_quick: false,
    }
}

/// What happens elsewhere while one is brought back.
fn one_roams_beside_another() -> Named {
    let mut all = on_one_device(network(&["wlan0", "wlan1"]));
    all.extend(access_points(&["eth0"]));
    let mut world = unlimited(SmallWorld::new(all, ["wan", "eth0"])).roaming([RoamingMode::Application]);
    world.alphabet = little();
    Named {
        name: "W5-beside",
        about: "one service network session, two access points of one device, and one session on an access point \
                that is none of them",
        left_out: "as in W4",
        world,
        bound: Some(60_000),
        is_quick: false,
    }
}

fn two_roam_on_three() -> Named {
    let world = unlimited(SmallWorld::new(network(&["eth0", "wlan0", "wwan0"]), ["wan", "wan"]));
    let mut world = world.roaming([RoamingMode::Application, RoamingMode::Forced]);
    world.alphabet = Alphabet { drops: true, removal: true, replaced_links: true, ..little() };
    world.config.rescue_grace = TICK;
    Named {
        name: "W6-two",
        about: "two service network sessions, the first asked, the second forced, three access points, a grace for \
                rescues",
        left_out: "levels Undefined, Connecting and Closing, changes of mode, inputs in the moment of a deadline",
        world,
        bound: Some(250_000),
        is_quick: false,
    }
}
