//! The story's stage on the simulator: virtual time, the same in every run.

use std::collections::VecDeque;
use std::time::Duration;

use netsession_core::{Accepted, BearerType, Event, Input, Instant, InterfaceAddress, LinkState, Manager};
use netsession_io_linux::trace::Saying;
use netsession_io_sim::{Answers, Link, Record, World};

use super::stage::{CABLES, Cable, Found, Stage, config, networks};
use crate::cli::journal::Journal;
use crate::cli::status::{Failure, Status};

/// Links as quick as virtual cables are.
const UP_AFTER: Duration = Duration::from_micros(400);
const DOWN_AFTER: Duration = Duration::from_micros(300);

/// A simulated world.
pub(crate) struct Simulator {
    world: World,
    /// Events that were told and not asked for yet.
    waiting: VecDeque<(Instant, Event)>,
}

impl Simulator {
    /// A world with the links of the story, all that is said in it noted.
    pub(crate) fn build(journal: &Journal) -> Self {
        let mut builder = World::builder()
            .config(config())
            .answers(Answers::new().taking(Duration::from_micros(50)..=Duration::from_micros(50)));
        for cable in &CABLES {
            builder = builder.access_point(cable.name, link(cable));
        }
        for network in networks() {
            builder = builder.configuration(network);
        }
        let mut world = builder.build();
        for (at, record) in world.records() {
            note(journal, *at, record);
        }
        let journal = journal.clone();
        world.set_recorder(move |at, record| note(&journal, at, record));
        Self { world, waiting: VecDeque::new() }
    }
}

fn link(cable: &Cable) -> Link {
    let addresses = InterfaceAddress::new(cable.near.into(), cable.prefix_length).into_iter().collect();
    let link = Link::new().taking(UP_AFTER, DOWN_AFTER).named(cable.name).addressed(addresses);
    let link = match cable.found {
        Found::Down => link,
        Found::Running => link.initially(LinkState::Active),
        Found::Unplugged => link.initially(LinkState::Defined),
    };
    link.settings(|settings| settings.bearer = Some(BearerType::Ethernet))
}

fn note(journal: &Journal, at: Instant, record: &Record) {
    match record {
        Record::Input(input) => journal.note(at, &Saying::Input(input)),
        Record::Result(result) => journal.note(at, &Saying::Answer(result)),
        Record::Output(output) => journal.note(at, &Saying::Output(output)),
    }
}

impl Stage for Simulator {
    fn place(&self) -> &'static str {
        "Simulated links in virtual time: the same on every machine and in every run.\n\
         Times are in virtual microseconds from just before the last thing that was done."
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn say(&mut self, input: Input) -> Result<Accepted, Failure> {
        self.world.command(input).map_err(|refused| Failure::new(Status::DIFFERENT, refused))
    }

    fn pull(&mut self, cable: &'static str) -> Result<(), Failure> {
        self.world.pull(cable);
        Ok(())
    }

    fn plug(&mut self, cable: &'static str) -> Result<(), Failure> {
        self.world.plug(cable);
        Ok(())
    }

    /// Simulated links carry nothing.
    fn talk(&mut self, _over: &[&'static str]) -> Result<Option<Vec<String>>, Failure> {
        Ok(None)
    }

    fn next_event(&mut self, within: Duration) -> Result<Option<(Instant, Event)>, Failure> {
        let until = self.world.now() + within;
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            self.waiting.extend(self.world.drain_events());
            if self.waiting.is_empty() {
                if self.world.next_at().is_none_or(|at| at > until) {
                    // Nothing happens, but time passes.
                    self.world.advance(until.saturating_since(self.world.now()));
                    return Ok(None);
                }
                self.world.step();
            }
        }
    }

    fn look(&self, tell: &mut dyn FnMut(&Manager)) {
        tell(self.world.manager());
    }
}
