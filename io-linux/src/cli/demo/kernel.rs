//! The story's stage on the kernel: virtual cables in network namespaces of the process's own.
//!
//! Two namespaces: the driver and the near ends of the cables are in one, the far ends in the other, under
//! other interface numbers (where both ends have the same number the kernel tells of a lost carrier late).
//! Nothing outside is touched, and all is gone with the process.

use std::io;
use std::time::{self, Duration};

use netsession_core::{Accepted, Event, Input, Instant, InterfaceAddress, Manager};
use netsession_io_linux::Driver;

use super::namespace;
use super::netlink::{End, Netlink};
use super::stage::{CABLES, Cable, Found, Stage, config, networks};
use super::streams::Streams;
use crate::cli::host::driver_failed;
use crate::cli::journal::Journal;
use crate::cli::status::{Failure, Status};

/// Numbers of interfaces, from which the cables are counted.
const HERE: u32 = 11;
const THERE: u32 = 21;
const FAR_NAMES: [&str; CABLES.len()] = ["far0", "far1", "far2", "far3"];

/// Why the stage could not be built.
pub(crate) enum Unavailable {
    /// The kernel does not let this user do this.
    NotAllowed(&'static str, io::Error),
    /// Something else failed.
    Failed(Failure),
}

/// Cables of the kernel's, and a driver on them.
pub(crate) struct Kernel {
    driver: Driver,
    far_ends: Netlink,
    streams: Streams,
    began: time::Instant,
}

impl Kernel {
    /// Moves this process into namespaces of its own, and makes the stage there.
    ///
    /// # Errors
    /// Namespaces are not allowed here, or the driver cannot run.
    pub(crate) fn build(journal: &Journal) -> Result<Self, Unavailable> {
        let not_allowed = |doing| move |error| Unavailable::NotAllowed(doing, error);
        let there = namespace::enter_own().map_err(not_allowed("make a network namespace"))?;
        let mut far_ends = Netlink::open().map_err(not_allowed("open rtnetlink in a namespace"))?;
        let streams = Streams::listen().map_err(not_allowed("listen in a namespace"))?;
        namespace::enter_another().map_err(not_allowed("make a second network namespace"))?;
        let mut near_ends = Netlink::open().map_err(not_allowed("open rtnetlink in a namespace"))?;
        for (cable, (here, beyond)) in CABLES.iter().zip(ends()) {
            lay(cable, here, beyond, &mut near_ends, &mut far_ends, &there)
                .map_err(not_allowed("make virtual cables (veth)"))?;
        }
        Self::start(journal, far_ends, streams).map_err(Unavailable::Failed)
    }

    fn start(journal: &Journal, far_ends: Netlink, streams: Streams) -> Result<Self, Failure> {
        let mut builder = Driver::builder().config(config()).observer(Box::new(journal.clone()));
        for cable in CABLES.iter().filter(|cable| cable.found != Found::Running) {
            if let Some(address) = InterfaceAddress::new(cable.near.into(), cable.prefix_length) {
                builder = builder.address(cable.name, address);
            }
        }
        let driver = builder.build().map_err(driver_failed)?;
        for mut network in networks() {
            let members = network.settings.members.iter().flatten().map(|name| driver.find(name));
            network.settings.members = Some(members.collect::<Result<_, _>>().map_err(driver_failed)?);
            driver.handle(Input::Add(network)).map_err(driver_failed)?;
        }
        // What was told so far is how the stage was set.
        while driver.next_event().is_some() {}
        Ok(Self { driver, far_ends, streams, began: time::Instant::now() })
    }

    /// What happens to the far end of a cable; the kernel's answer is read when the events have been told.
    fn set_plug(&mut self, cable: &str, up: bool) -> Result<(), Failure> {
        let end = CABLES.iter().zip(ends()).find(|(it, _)| it.name == cable).map(|(_, (_, beyond))| beyond);
        let Some(end) = end else { return Ok(()) };
        self.far_ends.send_up(end, up).map_err(|error| cannot("move the far end of a cable", &error))
    }
}

/// The two ends of each cable.
fn ends() -> impl Iterator<Item = (End, End)> {
    let ends = |(number, (cable, far)): (u32, (&Cable, &'static str))| {
        (End { index: HERE + number, name: cable.name }, End { index: THERE + number, name: far })
    };
    (0..).zip(CABLES.iter().zip(FAR_NAMES)).map(ends)
}

/// A cable as the story finds it, as if it had always been so.
fn lay(
    cable: &Cable,
    here: End,
    beyond: End,
    near: &mut Netlink,
    far: &mut Netlink,
    there: &namespace::Namespace,
) -> io::Result<()> {
    near.add_cable(here, beyond, there)?;
    far.add_address(beyond, cable.far, cable.prefix_length)?;
    if cable.found != Found::Unplugged {
        far.set_up(beyond)?;
    }
    if cable.found == Found::Running {
        near.add_address(here, cable.near, cable.prefix_length)?;
    }
    if cable.found == Found::Down { Ok(()) } else { near.set_up(here) }
}

fn cannot(doing: &str, error: &io::Error) -> Failure {
    Failure::new(Status::SYSTEM, format_args!("cannot {doing}: {error}"))
}

impl Stage for Kernel {
    fn place(&self) -> &'static str {
        "Real kernel interfaces, in network namespaces of this process; nothing of this machine is touched.\n\
         Times are in microseconds from just before the last system call that was made to change something."
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    fn say(&mut self, input: Input) -> Result<Accepted, Failure> {
        self.driver.handle(input).map_err(driver_failed)
    }

    fn pull(&mut self, cable: &'static str) -> Result<(), Failure> {
        self.set_plug(cable, false)
    }

    fn plug(&mut self, cable: &'static str) -> Result<(), Failure> {
        self.set_plug(cable, true)
    }

    fn talk(&mut self, over: &[&'static str]) -> Result<Option<Vec<String>>, Failure> {
        let cables = CABLES.iter().zip(ends()).filter(|(cable, _)| over.contains(&cable.name));
        let cables: Vec<_> = cables.map(|(cable, (here, _))| (cable, here.index)).collect();
        let said = self.streams.talk(&cables);
        said.map(Some).map_err(|error| cannot("talk over the links that are up", &error))
    }

    fn next_event(&mut self, within: Duration) -> Result<Option<(Instant, Event)>, Failure> {
        let until = self.now() + within;
        loop {
            if let Some(event) = self.driver.next_event() {
                return Ok(Some((self.now(), event)));
            }
            let left = until.saturating_since(self.now());
            if left.is_zero() {
                self.far_ends.answer().map_err(|error| cannot("move the far end of a cable", &error))?;
                return Ok(None);
            }
            self.driver.wait(Some(left)).map_err(driver_failed)?;
            self.driver.turn().map_err(driver_failed)?;
        }
    }

    fn look(&self, tell: &mut dyn FnMut(&Manager)) {
        tell(&self.driver.manager());
    }
}
