//! What the driver wants of a platform: levels of links, and requests to them. A back end knows nothing
//! of sessions.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Instant;

use netsession_core::{Effect, Identifier, Input, Interface, InterfaceAddress};

use crate::configuration::Postponed;
use crate::link_table::Kind;
use crate::{Configuration, Error, Lack};

/// What the core does not say with a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct How {
    /// A stop that shows no effect counts as under way until then, a start until it is cancelled or stopped.
    pub(crate) until: Option<Instant>,
    /// A link that was up before it was started is left up by a stop, unless that is forced.
    pub(crate) is_forced: bool,
    /// The place of the link among the members of its service network, 0 the most preferred.
    pub(crate) place: u32,
    /// Another member could be started in its place, so a cable that is not there is not waited for.
    pub(crate) is_one_of_many: bool,
}

/// Where the system's default route is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Followed {
    /// Where it would be without us.
    Nothing,
    /// Where it is: the link in use may come back, or another take its place.
    Kept,
    /// By this link.
    Link(Identifier, Interface),
}

/// Links of one platform. Facts and answers queue inside and are taken by [`next_input`](Self::next_input).
pub(crate) trait Backend {
    /// Takes in what the platform has said, at most so much that others get their turn. `true`: more is
    /// waiting, call again. Never blocks.
    fn turn(&mut self, now: Instant) -> Result<bool, Error>;

    /// The next fact or answer for the core.
    fn next_input(&mut self) -> Option<Input>;

    /// Carries out a request of the core. The answer comes as an input.
    fn request(&mut self, effect: Effect, how: How);

    /// All requests that follow from one input have been made.
    fn requested(&mut self);

    /// Moves the default route, where it is to follow. Done when this returns; what failed is in
    /// [`next_trouble`](Self::next_trouble).
    fn follow(&mut self, followed: Followed);

    /// Something that failed and that no answer tells of.
    fn next_trouble(&mut self) -> Option<Error>;

    /// What this interface lacks for traffic that is bound to it.
    fn lacks(&self, interface: &Interface) -> Result<Vec<Lack>, Error>;

    /// Belief may be wrong: look at everything again and say it as a snapshot.
    fn resync(&mut self);

    /// When it wants a turn even if the platform says nothing.
    fn next_deadline(&self) -> Option<Instant>;

    /// Access points that have this interface name or alternative name now.
    fn named(&self, name: &str) -> Vec<Identifier>;

    /// What the link of an access point is; `None` if there is no link now.
    fn kind(&self, id: &str) -> Option<Kind>;

    /// What links are called, and how they are started, from now on; with the next [`adapt`](Self::adapt).
    fn configure(&mut self, configuration: Rc<Configuration>);

    /// Links may have to be called something else.
    fn is_to_be_adapted(&self) -> bool;

    /// Calls links what the configuration calls them now. What is in use keeps its identifier; that and all else
    /// that has to wait is the answer.
    fn adapt(&mut self, in_use: &dyn Fn(&Identifier) -> bool) -> Vec<Postponed>;

    /// The access points of a table of the configuration, its own identifier first.
    fn links_of(&self, table: &str) -> Vec<Identifier>;

    /// Addresses to give to a link when it is started; the link by identifier or name.
    fn give_address(&mut self, link: &str, address: InterfaceAddress);

    /// A gateway to give a link a default route by when it is started; the link by identifier or name.
    fn give_gateway(&mut self, link: &str, gateway: IpAddr);

    /// A link that asks for an address by DHCP when it is started; by identifier or name.
    fn ask_for_address(&mut self, link: &str);

    /// How often the platform's notifications were lost.
    fn lost_notifications(&self) -> u64;

    /// How many snapshots were taken, the first not counted.
    fn resyncs(&self) -> u64;
}
