//! Where the story is played: on the kernel, or on the simulator.

use std::net::Ipv4Addr;
use std::time::Duration;

use netsession_core::{Accepted, Event, Input, Instant, Manager};

use crate::cli::status::Failure;

/// The access point that the story starts, loses and stops. Its link is down at first.
pub(crate) const CABLE: &str = "cable0";
/// The access point that is found up and running.
pub(crate) const SPARE: &str = "cable1";
/// The service network of the two, the cable before the spare.
pub(crate) const NETWORK: &str = "office";

/// The address that the cable gets when it is started. From the blocks that are set aside for documentation
/// (RFC 5737), like the other.
pub(crate) const CABLE_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The address that the spare has.
pub(crate) const SPARE_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The length of the prefix of both.
pub(crate) const PREFIX_LENGTH: u8 = 24;

/// A platform with the two access points and the service network of the story.
pub(crate) trait Stage {
    /// One paragraph: where this is played, and what a time means here.
    fn place(&self) -> &'static str;

    /// The time now.
    fn now(&self) -> Instant;

    /// Says one thing to the core.
    ///
    /// # Errors
    /// It was refused.
    fn say(&mut self, input: Input) -> Result<Accepted, Failure>;

    /// Pulls the plug of [`CABLE`] at its far end.
    ///
    /// # Errors
    /// The platform did not let it.
    fn pull(&mut self) -> Result<(), Failure>;

    /// Puts the plug in again.
    ///
    /// # Errors
    /// The platform did not let it.
    fn plug(&mut self) -> Result<(), Failure>;

    /// Waits so long for the next event, and tells when it reached the application; `None` if none came.
    ///
    /// # Errors
    /// The platform failed.
    fn next_event(&mut self, within: Duration) -> Result<Option<(Instant, Event)>, Failure>;

    /// Tells something of what the core knows.
    fn look(&self, tell: &dyn Fn(&Manager) -> String) -> String;
}
