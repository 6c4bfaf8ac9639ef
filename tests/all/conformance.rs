//! Qt's own autotests, restated as the cases of the contract's section 9, on the simulated platform.
//!
//! One test per case, named after it.

mod choice;
mod configurations;
mod roaming;
mod rounds;
mod sessions;
mod shared;
mod stop;

use std::time::Duration;

use netsession_core::{Event, Instant, Output};
use netsession_io_sim::{Link, Record, World};

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A world of one access point, `eth0`, that takes 20 ms up and 10 ms down.
fn one_link(link: Link) -> World {
    World::builder().access_point("eth0", link).build()
}

/// What the sessions were told since the last call, as `TIME: SESSION WHAT`, times in milliseconds.
fn told(world: &mut World) -> Vec<String> {
    let events = world.drain_events().into_iter();
    events.filter(|(_, event)| event.session().is_some()).map(written).collect()
}

/// What was said of configurations since the last call, as `TIME: WHAT`.
fn announced(world: &mut World) -> Vec<String> {
    let events = world.drain_events().into_iter();
    events.filter(|(_, event)| event.session().is_none()).map(written).collect()
}

fn written((at, event): (Instant, Event)) -> String {
    let line = Record::Output(Output::Event(event)).to_string();
    format!("{at}: {}", line.trim_start_matches("> "))
}

const NOTHING: [&str; 0] = [];
