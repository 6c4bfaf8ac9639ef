//! Roaming: where an open session stands between two access points.
//!
//! The steps have their place in every open session; the edges between them are those of section 5 of
//! the contract and come with it. Until then every session is Settled.

use crate::ConfigurationId;

/// The step of an open session. What it uses now is kept beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(dead_code, reason = "entered by the edges of section 5")]
pub(crate) enum Step {
    /// It uses its access point and considers no other.
    Settled,
    /// The application was asked whether to move.
    Offered {
        /// Where to.
        to: ConfigurationId,
    },
    /// The other one is being brought up.
    Migrating {
        /// Which.
        to: ConfigurationId,
    },
    /// Both are up, and the application tries the other one.
    Trial {
        /// Which.
        to: ConfigurationId,
    },
}
