//! The story's stage on the kernel: virtual cables in network namespaces of the process's own.
//!
//! Two namespaces: the driver and the near ends of two cables are in one, the far ends in the other, under
//! other interface numbers (where both ends have the same number the kernel tells of a lost carrier late).
//! Nothing outside is touched, and all is gone with the process.

use std::io;
use std::time::{self, Duration};

use netsession_core::{Accepted, Event, Input, Instant, InterfaceAddress, Manager};
use netsession_io_linux::Driver;

use super::namespace;
use super::netlink::{End, Netlink};
use super::stage::{CABLE, CABLE_ADDRESS, NETWORK, PREFIX_LENGTH, SPARE, SPARE_ADDRESS, Stage};
use crate::cli::host::driver_failed;
use crate::cli::journal::Journal;
use crate::cli::status::{Failure, Status};

const CABLE_HERE: End = End { index: 11, name: CABLE };
const CABLE_THERE: End = End { index: 21, name: "far0" };
const SPARE_HERE: End = End { index: 12, name: SPARE };
const SPARE_THERE: End = End { index: 22, name: "far1" };

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
        namespace::enter_another().map_err(not_allowed("make a second network namespace"))?;
        let mut near_ends = Netlink::open().map_err(not_allowed("open rtnetlink in a namespace"))?;
        lay_cables(&mut near_ends, &mut far_ends, &there)
            .map_err(not_allowed("make virtual cables (veth)"))?;
        Self::start(journal, far_ends).map_err(Unavailable::Failed)
    }

    fn start(journal: &Journal, far_ends: Netlink) -> Result<Self, Failure> {
        let mut builder = Driver::builder().observer(Box::new(journal.clone()));
        if let Some(address) = InterfaceAddress::new(CABLE_ADDRESS.into(), PREFIX_LENGTH) {
            builder = builder.address(CABLE, address);
        }
        let driver = builder.build().map_err(driver_failed)?;
        let members = [CABLE, SPARE].map(|name| driver.find(name));
        let members = members.into_iter().collect::<Result<Vec<_>, _>>().map_err(driver_failed)?;
        driver.add_service_network(NETWORK, &members).map_err(driver_failed)?;
        // What was told so far is how the stage was set.
        while driver.next_event().is_some() {}
        Ok(Self { driver, far_ends, began: time::Instant::now() })
    }

    /// What happens to the far end of the cable; the kernel's answer is read when the events have been told.
    fn set_plug(&mut self, up: bool) -> Result<(), Failure> {
        self.far_ends.send_up(CABLE_THERE, up).map_err(|error| cannot("move the far end of a cable", &error))
    }
}

/// The cable down here and up there; the spare up on both sides, as if it had always been.
fn lay_cables(near: &mut Netlink, far: &mut Netlink, there: &namespace::Namespace) -> io::Result<()> {
    for (here, beyond) in [(CABLE_HERE, CABLE_THERE), (SPARE_HERE, SPARE_THERE)] {
        near.add_cable(here, beyond, there)?;
        far.set_up(beyond)?;
    }
    near.add_address(SPARE_HERE, SPARE_ADDRESS, PREFIX_LENGTH)?;
    near.set_up(SPARE_HERE)
}

fn cannot(doing: &str, error: &io::Error) -> Failure {
    Failure::new(Status::SYSTEM, format_args!("cannot {doing}: {error}"))
}

impl Stage for Kernel {
    fn place(&self) -> &'static str {
        "Real kernel interfaces, in network namespaces of this process; nothing of this machine is touched.\n\
         Times are in microseconds from just before the system call of each step."
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.began.elapsed()
    }

    fn say(&mut self, input: Input) -> Result<Accepted, Failure> {
        self.driver.handle(input).map_err(driver_failed)
    }

    fn pull(&mut self) -> Result<(), Failure> {
        self.set_plug(false)
    }

    fn plug(&mut self) -> Result<(), Failure> {
        self.set_plug(true)
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

    fn look(&self, tell: &dyn Fn(&Manager) -> String) -> String {
        tell(&self.driver.manager())
    }
}
