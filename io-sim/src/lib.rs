//! A seeded, deterministic platform for `netsession-core`: what a kernel and its links do, without either.
//!
//! A [`World`] owns a [`Manager`](netsession_core::Manager), a virtual clock, and links that take time to
//! come up, fail, hang, flap and vanish. It carries out what the machine asks for, tells it what becomes
//! of the links, and answers its requests: in time, late, twice or never, as its [`Answers`] say.
//!
//! What it promises:
//! - Chance comes from the seed alone. Two worlds that were built alike and told the same are alike, and
//!   their [logs](World::log) are equal byte for byte.
//! - Time is virtual. It jumps to what happens next, or to the moment at which the machine wants to be
//!   woken, and stands still in between: nothing sleeps, and nothing is late by accident.
//! - The machine is watched: each deadline that it names must lie ahead, and what it does at one instant
//!   must come to an end. Where that is broken the world panics with the last lines of its log.
//!
//! ```
//! use netsession_core::SessionState;
//! use netsession_io_sim::{Link, World};
//!
//! let mut world = World::builder().access_point("eth0", Link::new()).build();
//! let session = world.session("eth0");
//! world.open(session);
//! world.run_until_idle();
//! assert_eq!(world.state(session), SessionState::Connected);
//! ```
//!
//! | module | room for |
//! |---|---|
//! | `model` | how links and answers behave, as data |
//! | `platform` | the links as they stand, and the queue of what will happen to them |
//! | `world` | the clock, and the conversation of machine and platform |
//! | `record` | what was said, for people and for traces |
//! | `random` | chance |
//! | [`explore`] | every reachable state of a small world |
#![forbid(unsafe_code)]

mod builder;
pub mod explore;
mod model;
mod platform;
mod random;
mod record;
mod world;

pub use builder::Builder;
pub use model::{Answers, Choice, Flap, Link, Reaction};
pub use random::Random;
pub use record::Record;
pub use world::World;
