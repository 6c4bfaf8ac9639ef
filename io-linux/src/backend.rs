//! What the driver wants of a platform: levels of links, and requests to them. A back end knows nothing
//! of sessions.

use std::time::Instant;

use netsession_core::{Effect, Identifier, Input};

use crate::Error;

/// Links of one platform. Facts and answers queue inside and are taken by [`next_input`](Self::next_input).
pub(crate) trait Backend {
    /// Takes in what the platform has said, at most so much that others get their turn. `true`: more is
    /// waiting, call again. Never blocks.
    fn turn(&mut self, now: Instant) -> Result<bool, Error>;

    /// The next fact or answer for the core.
    fn next_input(&mut self) -> Option<Input>;

    /// Carries out a request of the core. The answer comes as an input. A stop that shows no effect
    /// counts as under way until `until`, a start until it is cancelled or stopped. A link that was up before
    /// it was started is left up by a stop, unless that is forced.
    fn request(&mut self, effect: Effect, until: Option<Instant>, is_forced: bool);

    /// Belief may be wrong: look at everything again and say it as a snapshot.
    fn resync(&mut self);

    /// When it wants a turn even if the platform says nothing.
    fn next_deadline(&self) -> Option<Instant>;

    /// Access points that have this interface name or alternative name now.
    fn named(&self, name: &str) -> Vec<Identifier>;

    /// Addresses to give to a link when it is started; the link by identifier or name.
    fn give_address(&mut self, link: &str, address: netsession_core::InterfaceAddress);

    /// How often the platform's notifications were lost.
    fn lost_notifications(&self) -> u64;

    /// How many snapshots were taken, the first not counted.
    fn resyncs(&self) -> u64;
}
