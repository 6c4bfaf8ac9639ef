//! A cable is cut: how long until a session is on the other link, and until the first byte arrives by that.
//!
//! An observer is started for each cut, with all restored. The C program of the floor stands beside it: once it only
//! reads the loss, once it sets the other link up and reads that it runs, without addresses, routes or rules.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use netsession_core::{Event, RoamingMode};
use netsession_io_linux::Driver;

use crate::observers::{Observer, stamped};
use crate::report::{Panel, Rounds, Row, picture, summarize, table};
use crate::tools::{Arguments, Chance, Tools};
use crate::world::{Fallible, World, ip, link_set, now};

const NEAR: u32 = 100;
const OTHER: u32 = 500;
/// A listener at the far end of `other`.
const EAR: &str = "192.0.2.2:7007";

/// A name, how the observer is called, and the word that is waited for.
type Side = (&'static str, &'static str, &'static str);

/// Whether the second link is up from the start, and who is told.
const CASES: [(&str, bool, &[Side]); 2] = [
    (
        "fail-over to a member that is Active",
        true,
        &[
            ("floor: the loss is read", "floor", "down"),
            ("the same floor again", "floor", "down"),
            ("netsession: NewConfigurationActivated", "watched", "moved"),
            ("netsession: first byte by the new link", "watched", "byte"),
        ],
    ),
    (
        "fail-over to a member that must be started",
        false,
        &[
            ("floor: the loss is read, the link is set up and runs", "mover", "moved"),
            ("the same floor again", "mover", "moved"),
            ("netsession: NewConfigurationActivated, carrier watched (default)", "watched", "moved"),
            ("netsession: first byte, carrier watched (default)", "watched", "byte"),
            ("netsession: NewConfigurationActivated, not watched", "unwatched", "moved"),
            ("netsession: first byte, not watched", "unwatched", "byte"),
        ],
    ),
];

pub(crate) fn measure(arguments: &Arguments, tools: &Tools) -> Fallible<()> {
    let rounds = arguments.value("--rounds").map_or(Ok(50), str::parse::<usize>)?;
    let mut world = World::new()?;
    world.cable("near", NEAR)?;
    world.cable("other", OTHER)?;
    ip("addr add 198.51.100.7/24 dev near\naddr add 192.0.2.1/24 dev other\n")?;
    world.there("ip addr add 192.0.2.2/24 dev other-far")?;
    let ear = world.listen(EAR)?;
    ear.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut chance = Chance::new();
    let mut panels = Vec::new();
    for (title, is_up, sides) in CASES {
        let mut results: Vec<Rounds> = vec![Rounds::new(); sides.len()];
        for _ in 0..rounds {
            for ((_, how, word), result) in sides.iter().zip(&mut results) {
                result.push(vec![cut(&mut world, tools, &ear, &mut chance, (is_up, how, word))?]);
            }
        }
        let rows = sides.iter().zip(&results);
        let rows =
            rows.map(|((name, ..), result)| Row { side: (*name).to_owned(), summary: summarize(result) });
        panels.push(Panel { title: title.to_owned(), rows: rows.collect(), skipped: Vec::new() });
    }
    panels.iter().for_each(|panel| print!("{}", table(panel)));
    std::fs::write(tools.target.join("failover.svg"), picture(&panels))?;
    Ok(())
}

/// Microseconds from just before the cut.
fn cut(
    world: &mut World,
    tools: &Tools,
    ear: &UdpSocket,
    chance: &mut Chance,
    (is_up, how, word): (bool, &str, &str),
) -> Fallible<Option<f64>> {
    world.carrier(NEAR, true)?;
    world.near.change(&link_set(OTHER, is_up))?;
    chance.pause((15, 25));
    let mut command = match how {
        "floor" | "mover" => tools.built("floor")?,
        _ => Command::new(std::env::current_exe()?),
    };
    match how {
        "floor" => command.args([NEAR.to_string(), "1".to_owned()]),
        "mover" => command.args([NEAR.to_string(), "other".to_owned()]),
        _ => command.args(["--observe-failover", how]),
    };
    let mut observer = Observer::start(command, Vec::new(), stamped)?;
    chance.pause((15, 40));
    let at = world.carrier(NEAR, false)?;
    let byte = (word == "byte").then(|| ear.recv(&mut [0; 8]).map(|_| now())).transpose();
    chance.pause((20, 30));
    let when = match byte {
        Ok(Some(when)) => Some(when),
        Ok(None) => {
            observer.told().iter().find(|(when, what)| *when > at && what == word).map(|(when, _)| *when)
        }
        Err(_) => None,
    };
    drop(observer);
    // What has come after it was asked for.
    ear.set_nonblocking(true)?;
    while ear.recv(&mut [0; 8]).is_ok() {}
    ear.set_nonblocking(false)?;
    Ok(when.map(|when| (when - at) as f64 / 1e3))
}

/// A session that is forced from `near` to `other`, and says so by that.
pub(crate) fn observe(is_watched: bool) -> Fallible<()> {
    let driver = Driver::builder().watch_carrier(is_watched).build()?;
    driver.add_service_network("both", &[driver.find("near")?, driver.find("other")?])?;
    let session = driver.session("both");
    session.set_roaming_mode(RoamingMode::Forced)?;
    session.open();
    for event in driver.events() {
        let (at, event) = (now(), event?);
        if let Event::Opened { .. } = event {
            println!("ready");
        } else if let Event::NewConfigurationActivated { .. } = event {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            session.bind_to_session(&socket)?;
            socket.send_to(b"here", EAR)?;
            println!("{at} moved");
        }
    }
    Ok(())
}
