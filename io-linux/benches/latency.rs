//! How long after a change of the network a program is told of it: this project, the floor, and its peers.
//!
//! ```sh
//! cargo bench -p netsession-io-linux --bench latency                 # about ten minutes
//! cargo bench -p netsession-io-linux --bench latency -- --full       # and the sides that need long gaps
//! cargo bench -p netsession-io-linux --bench latency -- --install    # first what Debian has of the peers
//! cargo bench -p netsession-io-linux --bench latency -- --failover   # two links, of which one is cut
//! ```
//!
//! `--only floor,library` leaves out the other sides, `--rounds 3` makes it shorter.
//!
//! In namespaces of its own, with a cable between them, this process makes changes one at a time, with gaps that are
//! random and longer than what the side needs, and takes the time just before it asks the kernel. An observer prints a
//! line with its own time, by the same clock, as soon as it is told, and nothing is read from it before. The sides take
//! turns, one round each, so that the load of the machine falls on all. A change that is not told before the next is
//! missed.
//!
//! The table goes to standard output, in Markdown, and a picture of it to `latency.svg` in the target folder.

#![expect(clippy::float_arithmetic, reason = "times are compared")]

#[path = "latency/buses.rs"]
mod buses;
mod common;
#[path = "latency/failover.rs"]
mod failover;
#[path = "latency/observers.rs"]
mod observers;
#[path = "latency/report.rs"]
mod report;
#[path = "latency/tools.rs"]
mod tools;
#[path = "latency/world.rs"]
mod world;

use std::process::{Command, ExitCode};

use observers::{Observer, observe, program, stamped};
use report::{Panel, Rounds, Row, picture, summarize, table};
use tools::{Arguments, Chance, Tools};
use world::{Fallible, World, address, ip, link_del, link_set};

const NEAR: u32 = 100;
const EXTRA: u32 = 300;

const ADDRESS: &str = "198.51.100.7";

/// What changes: its name, and the word for it that observers use.
const KINDS: [(&str, &str); 8] = [
    ("carrier down", "down"),
    ("carrier up", "up"),
    ("admin down", "down"),
    ("admin up", "up"),
    ("address del", "address"),
    ("address add", "address"),
    ("link add", "new"),
    ("link del", "gone"),
];

struct Side {
    name: &'static str,
    /// Between two changes.
    gap_ms: (u64, u64),
    /// How often each kind comes in a round.
    cycles: usize,
    is_only_for_full: bool,
    start: fn(&Tools) -> Fallible<Observer>,
}

const QUICK: Side = Side { name: "", gap_ms: (20, 50), cycles: 16, is_only_for_full: false, start: floor };

const SIDES: [Side; 12] = [
    Side { name: "floor: raw rtnetlink in C", ..QUICK },
    Side { name: "the same floor again", ..QUICK },
    Side { name: "netsession: library", start: library, ..QUICK },
    Side { name: "netsession: monitor --json", start: monitor, ..QUICK },
    Side { name: "crate rtnetlink", start: |tools| tools.peer("rtnetlink"), ..QUICK },
    Side { name: "crate if-watch", start: |tools| tools.peer("if-watch"), ..QUICK },
    Side {
        name: "crate netwatch",
        gap_ms: (420, 600),
        cycles: 5,
        start: |tools| tools.peer("netwatch"),
        ..QUICK
    },
    Side { name: "Qt, poll 1 ms", gap_ms: (20, 40), cycles: 6, start: |tools| qt(tools, Some("1")), ..QUICK },
    Side {
        name: "Qt, default poll",
        gap_ms: (10_500, 13_000),
        cycles: 1,
        is_only_for_full: true,
        start: |tools| qt(tools, None),
    },
    Side { name: "ConnMan", gap_ms: (50, 100), cycles: 5, start: connman, ..QUICK },
    Side {
        name: "NetworkManager, carrier wait 0",
        gap_ms: (80, 140),
        cycles: 5,
        start: |tools| network_manager(tools, 0),
        ..QUICK
    },
    Side {
        name: "NetworkManager, default",
        gap_ms: (6_500, 8_000),
        cycles: 1,
        is_only_for_full: true,
        start: |tools| network_manager(tools, 6_000),
    },
];

fn main() -> Fallible<ExitCode> {
    let arguments = Arguments::read();
    // What `cargo bench` and `cargo test --benches` add.
    if arguments.has("--test") {
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.has("--observe") {
        return observe().map(|()| ExitCode::SUCCESS);
    }
    if let Some(how) = arguments.value("--observe-failover") {
        return failover::observe(how == "watched").map(|()| ExitCode::SUCCESS);
    }
    let tools = Tools::new()?;
    if !world::is_inside() {
        tools.prepare(arguments.has("--install"))?;
    }
    if let Some(status) = world::enter()? {
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let measure = if arguments.has("--failover") { failover::measure } else { measure };
    measure(&arguments, &tools).map(|()| ExitCode::SUCCESS)
}

fn measure(arguments: &Arguments, tools: &Tools) -> Fallible<()> {
    let rounds = arguments.value("--rounds").map_or(Ok(10), str::parse::<usize>)?;
    let only = arguments.value("--only");
    let is_wanted = |side: &Side| {
        only.map_or(!side.is_only_for_full || arguments.has("--full"), |only| {
            only.split(',').any(|word| side.name.contains(word))
        })
    };
    let sides: Vec<&Side> = SIDES.iter().filter(|side| is_wanted(side)).collect();
    let mut world = World::new()?;
    world.cable("near", NEAR)?;
    let mut results: Vec<[Rounds; KINDS.len()]> = sides.iter().map(|_| Default::default()).collect();
    let mut skipped: Vec<String> = Vec::new();
    let mut chance = Chance::new();
    for round in 0..rounds {
        for turn in 0..sides.len() {
            // Nobody is always after the same other.
            let place = (turn + round) % sides.len();
            let (Some(side), Some(result)) = (sides.get(place), results.get_mut(place)) else { continue };
            if skipped.iter().any(|it| it == side.name) {
                continue;
            }
            eprintln!("round {} of {rounds}: {}", round + 1, side.name);
            match watch(&mut world, side, tools, &mut chance) {
                Ok(times) => result.iter_mut().zip(times).for_each(|(all, times)| all.push(times)),
                Err(error) => {
                    eprintln!("SKIPPED: {}: {error}", side.name);
                    skipped.push(side.name.to_owned());
                }
            }
        }
    }
    let panels: Vec<Panel> = (0..KINDS.len())
        .map(|kind| {
            let rows =
                sides.iter().zip(&results).filter(|(side, _)| !skipped.iter().any(|it| it == side.name));
            let rows = rows.filter_map(|(side, result)| {
                Some(Row { side: side.name.to_owned(), summary: summarize(result.get(kind)?) })
            });
            Panel {
                title: KINDS.get(kind).map_or_else(String::new, |(name, _)| (*name).to_owned()),
                rows: rows.collect(),
                skipped: skipped.clone(),
            }
        })
        .collect();
    panels.iter().for_each(|panel| print!("{}", table(panel)));
    std::fs::write(tools.target.join("latency.svg"), picture(&panels))?;
    Ok(())
}

/// A round: the times of each kind, in microseconds.
fn watch(
    world: &mut World,
    side: &Side,
    tools: &Tools,
    chance: &mut Chance,
) -> Fallible<[Vec<Option<f64>>; KINDS.len()]> {
    world.carrier(NEAR, true)?;
    ip(&format!("link set near up\naddr replace {ADDRESS}/32 dev near\n"))?;
    let _ = world.near.change(&link_del(EXTRA));
    let mut observer = (side.start)(tools)?;
    chance.pause(side.gap_ms);
    let mut asked = Vec::new();
    for _ in 0..side.cycles {
        for kind in 0..KINDS.len() {
            // Refused if the side has done it itself: NetworkManager and ConnMan take addresses away.
            if let Ok(at) = change(world, kind) {
                asked.push((kind, at));
            }
            chance.pause(side.gap_ms);
        }
    }
    let told = observer.told();
    let mut times: [Vec<Option<f64>>; KINDS.len()] = Default::default();
    for (place, (kind, at)) in asked.iter().enumerate() {
        let next = asked.get(place + 1).map_or(i64::MAX, |(_, at)| *at);
        let word = KINDS.get(*kind).map_or("", |(_, word)| word);
        let first = told
            .iter()
            .find(|(when, what)| (*at..next).contains(when) && what.split(' ').any(|it| it == word));
        if let Some(times) = times.get_mut(*kind) {
            times.push(first.map(|(when, _)| (when - at) as f64 / 1e3));
        }
    }
    Ok(times)
}

fn change(world: &mut World, kind: usize) -> Fallible<i64> {
    match kind {
        0 | 1 => world.carrier(NEAR, kind == 1),
        2 | 3 => world.near.change(&link_set(NEAR, kind == 3)),
        4 | 5 => world.near.change(&address(NEAR, kind == 5)),
        6 => {
            let message = world.link_add("extra", EXTRA);
            world.near.change(&message)
        }
        _ => world.near.change(&link_del(EXTRA)),
    }
}

fn floor(tools: &Tools) -> Fallible<Observer> {
    let mut floor = tools.built("floor")?;
    floor.args([NEAR.to_string(), EXTRA.to_string()]);
    Observer::start(floor, Vec::new(), stamped)
}

fn library(_: &Tools) -> Fallible<Observer> {
    let mut library = Command::new(std::env::current_exe()?);
    library.arg("--observe");
    Observer::start(library, Vec::new(), stamped)
}

fn monitor(_: &Tools) -> Fallible<Observer> {
    let mut monitor = Command::new(env!("CARGO_BIN_EXE_netsession"));
    monitor.args(["monitor", "--json"]);
    Observer::start(monitor, Vec::new(), program)
}

fn qt(tools: &Tools, poll_ms: Option<&str>) -> Fallible<Observer> {
    let mut qt = tools.built("qt")?;
    // Without a bus there is only the generic bearer.
    qt.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent");
    qt.envs(poll_ms.map(|poll_ms| ("QT_BEARER_POLL_TIMEOUT", poll_ms)));
    Observer::start(qt, Vec::new(), stamped)
}

fn connman(tools: &Tools) -> Fallible<Observer> {
    buses::connman(&tools.folder, &[("near", ADDRESS)])
}

fn network_manager(tools: &Tools, carrier_wait_ms: u32) -> Fallible<Observer> {
    buses::network_manager(&tools.folder, &[("near", ADDRESS)], carrier_wait_ms)
}
