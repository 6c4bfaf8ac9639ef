//! How links and answers behave: plain data, given to the [`Builder`](crate::Builder) and changeable
//! while the world runs. Everything works, quickly, unless it is said otherwise.

use core::ops::RangeInclusive;
use core::time::Duration;

use netsession_core::{Identifier, Interface, InterfaceAddress, LinkState, Outcome, Settings};

/// What becomes of a request to a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests draw from all of them")]
pub enum Reaction {
    /// It is answered ok and carried out.
    #[default]
    Works,
    /// It is answered with this outcome, and nothing changes. [`Outcome::Ok`] gives a platform that lies.
    Fails(Outcome),
    /// It is answered ok and begun; after the link's time all is as it was. A cancel is ignored.
    FallsBack,
    /// It is neither answered nor finished. A start and a stop do begin.
    Hangs,
}

/// A link that is lost by itself after it came up, and is back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "all there is to say")]
pub struct Flap {
    /// How long it is up before that.
    pub after: Duration,
    /// How long it is lost.
    pub lasting: Duration,
    /// How often in the life of the link.
    pub times: u32,
}

/// How a link behaves. The default is in reach, comes up within 20 ms, goes down within 10 ms, and never
/// fails.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Its level in the beginning, and after a return.
    pub initial: LinkState,
    /// From a start to Connecting. Nothing is shown if it is not less than `up_after`.
    pub connecting_after: Duration,
    /// From a start to Active.
    pub up_after: Duration,
    /// From a stop to Closing. Nothing is shown if it is not less than `down_after`.
    pub closing_after: Duration,
    /// From a stop to the end of the link.
    pub down_after: Duration,
    /// What becomes of a start that does not fail by chance.
    pub start: Reaction,
    /// What becomes of a stop.
    pub stop: Reaction,
    /// What becomes of the cancel of a start.
    pub cancel: Reaction,
    /// How many starts of a thousand fail by chance.
    pub failing_per_mille: u16,
    /// How they fail.
    pub failing_with: Outcome,
    /// Its losses.
    pub flap: Option<Flap>,
    /// Its interface's name; the default is the identifier. Its number is the world's to give.
    pub interface_name: Option<String>,
    /// Its addresses while it is Active.
    pub addresses: Vec<InterfaceAddress>,
    /// Which links share an address (R-ROAM-29).
    pub seamless_group: Option<Identifier>,
    /// What the manager is told about it.
    pub settings: Settings,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            initial: LinkState::Discovered,
            connecting_after: Duration::ZERO,
            up_after: Duration::from_millis(20),
            closing_after: Duration::ZERO,
            down_after: Duration::from_millis(10),
            start: Reaction::Works,
            stop: Reaction::Works,
            cancel: Reaction::Works,
            failing_per_mille: 0,
            failing_with: Outcome::Failed,
            flap: None,
            interface_name: None,
            addresses: Vec::new(),
            seamless_group: None,
            settings: Settings::default(),
        }
    }
}

impl Link {
    /// A link that is in reach and works.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, at this level in the beginning. One that is Connecting or Closing goes on from there.
    #[must_use]
    pub fn initially(self, level: LinkState) -> Self {
        Self { initial: level, ..self }
    }

    /// The same, with these times from a start to Active and from a stop to the end.
    #[must_use]
    pub fn taking(self, up_after: Duration, down_after: Duration) -> Self {
        Self { up_after, down_after, ..self }
    }

    /// The same, showing Connecting and Closing so long after the request.
    #[must_use]
    pub fn showing_after(self, span: Duration) -> Self {
        Self { connecting_after: span, closing_after: span, ..self }
    }

    /// The same, with starts that end so.
    #[must_use]
    pub fn start(self, start: Reaction) -> Self {
        Self { start, ..self }
    }

    /// The same, with stops that end so.
    #[must_use]
    pub fn stop(self, stop: Reaction) -> Self {
        Self { stop, ..self }
    }

    /// The same, with cancels that end so.
    #[must_use]
    pub fn cancel(self, cancel: Reaction) -> Self {
        Self { cancel, ..self }
    }

    /// The same, with this many failing starts in a thousand.
    #[must_use]
    pub fn failing(self, per_mille: u16, with: Outcome) -> Self {
        Self { failing_per_mille: per_mille, failing_with: with, ..self }
    }

    /// The same, lost by itself now and then.
    #[must_use]
    pub fn flapping(self, flap: Flap) -> Self {
        Self { flap: Some(flap), ..self }
    }

    /// The same, with another interface name than the identifier.
    #[must_use]
    pub fn named(self, interface: impl Into<String>) -> Self {
        Self { interface_name: Some(interface.into()), ..self }
    }

    /// The same, with these addresses while it is Active.
    #[must_use]
    pub fn addressed(self, addresses: Vec<InterfaceAddress>) -> Self {
        Self { addresses, ..self }
    }

    /// The same, carried by an exclusive device: while another of its links is not down, starts fail.
    #[must_use]
    pub fn device(self, device: impl Into<Identifier>) -> Self {
        let device = device.into();
        self.settings(|settings| settings.device = Some(Some(device)))
    }

    /// The same, with what the manager is told about it changed.
    #[must_use]
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The interface as it is reported at this level.
    pub(crate) fn interface(&self, id: &str, index: u32, level: LinkState) -> Interface {
        let name = self.interface_name.as_deref().unwrap_or(id);
        let up = level == LinkState::Active;
        Interface::new(index, name).with_addresses(if up { self.addresses.clone() } else { Vec::new() })
    }
}

/// How the platform answers requests. The default is 1 ms after each, once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answers {
    /// How long an answer takes.
    pub delay: RangeInclusive<Duration>,
    /// How many of a thousand are late.
    pub late_per_mille: u16,
    /// By how much.
    pub late_by: Duration,
    /// How many of a thousand come a second time.
    pub doubled_per_mille: u16,
    /// How many of a thousand never come.
    pub lost_per_mille: u16,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(1)..=Duration::from_millis(1),
            late_per_mille: 0,
            late_by: Duration::from_secs(60),
            doubled_per_mille: 0,
            lost_per_mille: 0,
        }
    }
}

impl Answers {
    /// Answers that come after 1 ms, once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, taking so long.
    #[must_use]
    pub fn taking(self, delay: RangeInclusive<Duration>) -> Self {
        Self { delay, ..self }
    }

    /// The same, with so many of a thousand later by `late_by`.
    #[must_use]
    pub fn late(self, per_mille: u16, late_by: Duration) -> Self {
        Self { late_per_mille: per_mille, late_by, ..self }
    }

    /// The same, with so many of a thousand given twice.
    #[must_use]
    pub fn doubled(self, per_mille: u16) -> Self {
        Self { doubled_per_mille: per_mille, ..self }
    }

    /// The same, with so many of a thousand never given.
    #[must_use]
    pub fn lost(self, per_mille: u16) -> Self {
        Self { lost_per_mille: per_mille, ..self }
    }
}

/// What the user answers when asked which configuration to use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests draw from all of them")]
pub enum Choice {
    /// The first one offered.
    #[default]
    First,
    /// This one, offered or not.
    Named(Identifier),
    /// None.
    Cancels,
    /// Nothing at all.
    Never,
}
