//! What can go wrong in the driver: what failed, on what, why, and what to do.

use std::io;

use netsession_core::{Identifier, Refused};

use crate::configuration::Conflict;

/// Why a call of the driver failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A system call failed.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a request of the driver itself.
    #[error("the kernel refuses to {doing}: {reason}")]
    Kernel {
        /// What was being done.
        doing: &'static str,
        /// What the kernel said.
        reason: String,
    },
    /// The core refused an input; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No configuration has this name.
    #[error("no configuration is called {text:?}; {}", existing_in_words(existing))]
    NotFound {
        /// What was looked for.
        text: String,
        /// The identifiers that exist.
        existing: Vec<Identifier>,
    },
    /// More than one configuration has this name.
    #[error("{text:?} may be any of {}; use a name that only one of them has", list(fits))]
    Ambiguous {
        /// What was looked for.
        text: String,
        /// The identifiers of all that have the name.
        fits: Vec<Identifier>,
    },
    /// A session has no link to bind a socket to.
    #[error("there is no link of {configuration:?} to bind a socket to: {why}")]
    NoLink {
        /// What the session is on, or its candidate.
        configuration: Identifier,
        /// Why, and what to wait for.
        why: &'static str,
    },
    /// A socket could not be bound to an interface.
    #[error("cannot bind the socket to {interface}: {reason}")]
    Bind {
        /// The interface.
        interface: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Interfaces do not fit the configuration.
    #[error("{0}")]
    Conflict(Conflict),
    /// An address that was leased by DHCP is somebody else's already: it is not used, the server has been told, and is
    /// asked for another after a rest.
    #[error(
        "{address}, which was leased to {interface}, is in use by {by}; the server is told, and asked for another \
         address after {} s", rest.as_secs()
    )]
    AddressInUse {
        /// The interface that it was leased to.
        interface: String,
        /// The address.
        address: std::net::Ipv4Addr,
        /// The hardware address of who has it.
        by: String,
        /// For how long nothing is asked for.
        rest: std::time::Duration,
    },
    /// The system's default route is not where the session is. The session works all the same.
    #[error("the default route cannot follow to {interface}: {reason}")]
    DefaultRoute {
        /// Where it should go by.
        interface: String,
        /// Why, and what to do.
        reason: String,
    },
}

impl Error {
    pub(crate) fn system(doing: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { doing, source: source.into() }
    }
}

/// A list for people ends somewhere.
const LISTED: usize = 20;

fn existing_in_words(existing: &[Identifier]) -> String {
    if existing.is_empty() { "there are none at all".into() } else { format!("there are {}", list(existing)) }
}

fn list(ids: &[Identifier]) -> String {
    let mut text = ids.iter().take(LISTED).map(Identifier::as_str).collect::<Vec<_>>().join(", ");
    if ids.len() > LISTED {
        text.push_str(&format!(" and {} more", ids.len() - LISTED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_exists_and_ends_somewhere() {
        let existing: Vec<Identifier> = (0..30).map(|n| Identifier::from(format!("eth{n}"))).collect();
        let text = Error::NotFound { text: "x".into(), existing }.to_string();
        assert!(text.contains("\"x\"") && text.contains("eth19 and 10 more"), "{text}");
        let none = Error::NotFound { text: "x".into(), existing: Vec::new() }.to_string();
        assert!(none.contains("none at all"), "{none}");
        let fits = vec!["a".into(), "b".into()];
        assert!(Error::Ambiguous { text: "x".into(), fits }.to_string().contains("any of a, b"));
    }
}
