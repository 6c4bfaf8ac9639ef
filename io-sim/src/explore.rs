//! Every reachable state of a small world, by breadth-first search over the real machine.
//!
//! A [`SmallWorld`] is a few configurations, a few sessions, and what may happen to them ([`Alphabet`]). Its
//! platform has no habits: any link may be at any level next, any request may be answered in any way or
//! not yet, and time moves to the next deadline or far beyond it. [`SmallWorld::explore`] takes every step in every
//! state, shows each edge to a visitor, and says how far it came.
//!
//! What it promises:
//! - Two states are one if their [canonical bytes](netsession_core::Manager::canonical) have the same hash
//!   of 128 bits; what the platform still owes follows from them. So the machine behaves alike in both.
//! - The order is fixed: two searches of one world see the same edges in the same order.
//! - [A path](Exploration::path) to a state is a shortest one, and [can be replayed](SmallWorld::replay).
//!
//! ```
//! use netsession_core::{Add, SessionState};
//! use netsession_io_sim::explore::SmallWorld;
//!
//! let world = SmallWorld::new([Add::access_point("eth0")], ["eth0"]);
//! let mut states = std::collections::BTreeSet::new();
//! let found = world.explore(10_000, |edge| {
//!     states.extend(edge.to.session(0).map(|session| session.state()));
//!     Ok::<(), String>(())
//! });
//! assert!(found.is_ok_and(|found| found.is_complete));
//! assert!(!states.contains(&SessionState::Roaming), "there is nowhere to roam to");
//! ```
//!
//! | module | room for |
//! |---|---|
//! | `world` | the small world as data |
//! | `step` | what may happen next |
//! | `state` | the machine with what the platform owes it, and how a step changes both |
//! | `search` | the walk over all states |
//! | `diagram` | what the walk saw, as nodes and labelled edges |

pub mod diagram;
mod search;
mod state;
mod step;
mod table;
mod world;

pub use search::{Companion, Edge, Exploration, Stopped};
pub use state::{State, Taken};
pub use step::{Action, Command, Request, Step, When};
pub use world::{Alphabet, Moves, SmallWorld, Snapshots};
