//! What an explainer tells, and where it can be shown.

use std::io;

use netsession_core::Instant;

use super::lanes::Look;
use super::words::Who;

/// What a row is: the sign in front of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Said to the machine.
    Said,
    /// Refused by it.
    Refused,
    /// Asked of the platform.
    Asked,
    /// Told to the application.
    Told,
    /// Seen by whoever asked.
    Seen,
    /// The machine waits.
    Waits,
}

impl Sign {
    /// Each with its meaning, as a legend shows them.
    pub(super) const LEGEND: [(Self, &'static str); 6] = [
        (Self::Said, "said to the machine"),
        (Self::Told, "told to the application"),
        (Self::Asked, "asked of the platform"),
        (Self::Refused, "refused"),
        (Self::Seen, "seen"),
        (Self::Waits, "waits"),
    ];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Said => "→",
            Self::Refused => "✗",
            Self::Asked => "⇒",
            Self::Told => "←",
            Self::Seen => "=",
            Self::Waits => "…",
        }
    }
}

/// What a lane is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A service network.
    Network,
    /// An access point.
    Link,
    /// A session. Last: there may be many.
    Session,
}

/// One thing that was said.
#[derive(Debug)]
pub struct Row<'a> {
    pub(super) at: Instant,
    pub(super) who: &'a Who,
    /// Whom it is about, in words.
    pub(super) label: String,
    pub(super) sign: Sign,
    pub(super) what: &'a str,
}

/// Somewhere to show what is told.
pub trait Sheet {
    /// Begins a lane for something that goes on over time. `None`: this sheet has no room for it.
    fn lane(&mut self, subject: Subject, who: &Who, label: &str) -> Option<usize>;

    /// What a lane shows from `at` on; often the same as before.
    fn look(&mut self, lane: usize, at: Instant, look: Look);

    /// Something was said.
    ///
    /// # Errors
    /// It cannot be shown.
    fn row(&mut self, row: &Row<'_>) -> io::Result<()>;

    /// All has been said.
    ///
    /// # Errors
    /// It cannot be shown.
    fn end(&mut self) -> io::Result<()>;
}
