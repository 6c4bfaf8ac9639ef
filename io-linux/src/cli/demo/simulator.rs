//! The story's stage on the simulator: virtual time, the same in every run.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use netsession_core::{Accepted, BearerType, Event, Input, Instant, InterfaceAddress, LinkState, Manager};
use netsession_io_linux::trace::Saying;
use netsession_io_sim::{Answers, Link, Record, World};

use super::stage::{CABLE, CABLE_ADDRESS, NETWORK, PREFIX_LENGTH, SPARE, SPARE_ADDRESS, Stage};
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
        let cable = link(CABLE, CABLE_ADDRESS);
        let spare = link(SPARE, SPARE_ADDRESS).initially(LinkState::Active);
        let mut world = World::builder()
            .answers(Answers::new().taking(Duration::from_micros(50)..=Duration::from_micros(50)))
            .access_point(CABLE, cable)
            .access_point(SPARE, spare)
            .service_network(NETWORK, [CABLE, SPARE])
            .build();
        for (at, record) in world.records() {
            note(journal, *at, record);
        }
        let journal = journal.clone();
        world.set_recorder(move |at, record| note(&journal, at, record));
        Self { world, waiting: VecDeque::new() }
    }
}

fn link(name: &str, address: Ipv4Addr) -> Link {
    let addresses = InterfaceAddress::new(address.into(), PREFIX_LENGTH).into_iter().collect();
    let link = Link::new().taking(UP_AFTER, DOWN_AFTER).named(name).addressed(addresses);
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
         Times are in virtual microseconds from just before what is done in each step."
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn say(&mut self, input: Input) -> Result<Accepted, Failure> {
        self.world.command(input).map_err(|refused| Failure::new(Status::DIFFERENT, refused))
    }

    fn pull(&mut self) -> Result<(), Failure> {
        self.world.pull(CABLE);
        Ok(())
    }

    fn plug(&mut self) -> Result<(), Failure> {
        self.world.plug(CABLE);
        Ok(())
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
                    return Ok(None);
                }
                self.world.step();
            }
        }
    }

    fn look(&self, tell: &dyn Fn(&Manager) -> String) -> String {
        tell(self.world.manager())
    }
}
