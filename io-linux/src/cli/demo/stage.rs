//! Where the story is played: on the kernel, or on the simulator.

use std::net::Ipv4Addr;
use std::time::Duration;

use netsession_core::{Accepted, Add, Config, Event, Input, Instant, Manager};

use crate::cli::status::Failure;

/// The access point that the first part starts, loses and stops. Its link is down at first.
pub(crate) const CABLE: &str = "cable0";
/// The access point that is found up and running.
pub(crate) const SPARE: &str = "cable1";
/// The service network of the two, the cable before the spare.
pub(crate) const NETWORK: &str = "office";

/// The better member of the second part's service network. Its link is up at first, and its plug is out.
pub(crate) const FIBRE: &str = "fibre";
/// The other member. Its link is down at first.
pub(crate) const COPPER: &str = "copper";
/// The service network that roams.
pub(crate) const HOME: &str = "home";

/// A cable of the story.
pub(crate) struct Cable {
    /// The access point that it is.
    pub(crate) name: &'static str,
    /// The address that it has when it is up. From the blocks that are set aside for documentation (RFC 5737),
    /// like the other.
    pub(crate) near: Ipv4Addr,
    /// The address at its far end.
    pub(crate) far: Ipv4Addr,
    /// The length of the prefix of both.
    pub(crate) prefix_length: u8,
    /// How it is found.
    pub(crate) found: Found,
}

/// How a cable is found when the story begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Down, plugged in: it can be started.
    Down,
    /// Up, with its address.
    Running,
    /// Up, without carrier: it cannot be used.
    Unplugged,
}

/// All of them, in order.
pub(crate) const CABLES: [Cable; 4] = [
    Cable {
        name: CABLE,
        near: Ipv4Addr::new(192, 0, 2, 1),
        far: Ipv4Addr::new(192, 0, 2, 2),
        prefix_length: 24,
        found: Found::Down,
    },
    Cable {
        name: SPARE,
        near: Ipv4Addr::new(198, 51, 100, 1),
        far: Ipv4Addr::new(198, 51, 100, 2),
        prefix_length: 24,
        found: Found::Running,
    },
    Cable {
        name: FIBRE,
        near: Ipv4Addr::new(203, 0, 113, 1),
        far: Ipv4Addr::new(203, 0, 113, 2),
        prefix_length: 25,
        found: Found::Unplugged,
    },
    Cable {
        name: COPPER,
        near: Ipv4Addr::new(203, 0, 113, 129),
        far: Ipv4Addr::new(203, 0, 113, 130),
        prefix_length: 25,
        found: Found::Down,
    },
];

/// Nobody wants to wait for the two seconds of a real one.
const HOLD_OFF: Duration = Duration::from_millis(50);
/// Nor for half a minute after a link was lost.
const RETRY_AFTER: Duration = Duration::from_millis(300);

/// The service networks of the story.
pub(crate) fn networks() -> [Add; 2] {
    let mut home = Add::service_network(HOME, [FIBRE, COPPER]);
    home.settings.hold_off = Some(Some(HOLD_OFF));
    home.settings.retry_after = Some(Some(RETRY_AFTER));
    [Add::service_network(NETWORK, [CABLE, SPARE]), home]
}

/// The constants that both stages run with: the driver's.
pub(crate) fn config() -> Config {
    netsession_io_linux::Builder::default_config()
}

/// A platform with the access points and service networks of the story.
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

    /// Pulls the plug of a cable at its far end.
    ///
    /// # Errors
    /// The platform did not let it.
    fn pull(&mut self, cable: &'static str) -> Result<(), Failure>;

    /// Puts the plug in again.
    ///
    /// # Errors
    /// The platform did not let it.
    fn plug(&mut self, cable: &'static str) -> Result<(), Failure>;

    /// Makes a TCP connection over each of these cables, all at a time, sends something there and back, and says
    /// for each what came of it. `None` where there are no bytes to send.
    ///
    /// # Errors
    /// A connection could not be made, or did not carry what was sent.
    fn talk(&mut self, over: &[&'static str]) -> Result<Option<Vec<String>>, Failure>;

    /// Waits so long for the next event, and tells when it reached the application; `None` if none came.
    ///
    /// # Errors
    /// The platform failed.
    fn next_event(&mut self, within: Duration) -> Result<Option<(Instant, Event)>, Failure>;

    /// Shows what the core knows.
    fn look(&self, tell: &mut dyn FnMut(&Manager));
}

/// What the core knows, told.
pub(crate) fn seen<T: Default>(stage: &dyn Stage, tell: impl Fn(&Manager) -> T) -> T {
    let mut told = T::default();
    stage.look(&mut |manager| told = tell(manager));
    told
}
