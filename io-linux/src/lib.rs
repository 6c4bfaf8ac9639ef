//! Sessions on the network interfaces of a Linux machine.
//!
//! [`Driver`] carries the pure core of `netsession-core` on a real kernel: it reads links and addresses
//! from rtnetlink, feeds them as levels, and carries out what the core asks for. [`Session`] is the
//! blocking face of it. Everything happens in one thread and inside calls of this crate; between two
//! calls nothing runs, and a driver that waits makes no system call until the kernel has something to
//! say or a deadline is due.
//!
//! A driver can be carried by any event loop: it is [`AsFd`](std::os::fd::AsFd), has
//! [`next_deadline`](Driver::next_deadline) and [`turn`](Driver::turn).
//!
//! ```no_run
//! use netsession_io_linux::{Driver, WaitResult};
//!
//! # fn main() -> Result<(), netsession_io_linux::Error> {
//! let driver = Driver::new()?;
//! let session = driver.session(&driver.find("eth0")?);
//! session.open();
//! match session.wait_for_opened(30_000) {
//!     WaitResult::Opened => println!("open on {:?}", session.interface()),
//!     other => println!("not open: {other:?} {:?}", session.error_string()),
//! }
//! # Ok(())
//! # }
//! ```

mod backend;
mod bind;
mod clock;
pub mod configuration;
mod configured;
#[cfg(feature = "network-manager")]
mod dbus;
mod driver;
mod engine;
mod error;
pub mod explain;
mod lacks;
pub mod link_table;
mod netlink;
#[cfg_attr(not(feature = "network-manager"), path = "network_manager/absent.rs")]
mod network_manager;
pub mod replay;
mod roaming;
mod rtnetlink;
mod session;
mod sysfs;
pub mod trace;

pub use configuration::Configuration;
pub use driver::{Builder, Driver, Events};
pub use engine::Observer;
pub use error::Error;
pub use lacks::Lack;
pub use roaming::{Candidate, Migration, MigrationResult, Offer, Trial};
pub use session::{DEFAULT_WAIT_MS, Session, WaitResult};

/// The example of README.md, so that it is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
