//! What must hold in every state of an exhaustive search, and on every edge, by rule of the contract.
//!
//! It promises: nothing here remembers. All that a rule needs is in the state before, the input, the outputs
//! and the state after, so that each edge is judged alone and a violation comes with a shortest path to it.
//! A rule that holds is quick to check and says nothing; only one that is broken costs words.
//!
//! ```
//! use netsession_core::Add;
//! use netsession_io_sim::explore::SmallWorld;
//! use netsession_tests::checks::Checks;
//!
//! let mut world = SmallWorld::new([Add::access_point("eth0")], ["eth0"]);
//! world.alphabet.replaced_links = false;
//! let mut checks = Checks::new(&world);
//! let found = world.explore(300, |edge| checks.check(edge));
//! assert!(found.is_ok());
//! ```
//!
//! | module | room for |
//! |---|---|
//! | `told` | what each session is told: states, Opened, Closed, errors, the steps of roaming |
//! | `order` | in which order one input is answered |
//! | `reply` | inputs that change nothing, and answers that are taken in their step only |
//! | `links` | requests to links: wanted, unwanted, one at a time, one on a device |
//! | `registry` | what is said of configurations, being online, and updates |
//! | `standing` | what holds in a state, however it came about |
//! | `probe` | what cannot be read of a state, tried on a copy |
//! | `rest` | what comes next when nobody commands any more, and what holds in the end |

mod links;
mod order;
mod probe;
mod registry;
mod reply;
pub mod rest;
mod standing;
mod told;

use core::fmt;

use netsession_core::{Identifier, Input, Output, SessionId};
use netsession_io_sim::explore::{Edge, SmallWorld, State, When};

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Its number in the contract.
    pub rule: &'static str,
    /// What was seen instead.
    pub saw: String,
}

impl Violation {
    #[cold]
    fn new(rule: &'static str, saw: impl Into<String>) -> Self {
        Self { rule, saw: saw.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, saw } = self;
        write!(f, "{rule}: {saw}")
    }
}

/// What a check says.
pub type Verdict = Result<(), Violation>;

/// The checks of one world. Of the edge before it keeps what would be worked out again: which sessions open in
/// the state that both begin in, and where mere time leads from there.
#[derive(Debug)]
pub struct Checks<'a> {
    world: &'a SmallWorld,
    has_devices: bool,
    from_place: Option<u32>,
    /// Sessions that open in the state before, as bits by place.
    opening: u64,
    pass: Option<Pass>,
}

/// Where time alone leads to.
#[derive(Debug, Default)]
struct Pass {
    to_place: Option<u32>,
    outputs: Vec<Output>,
}

impl<'a> Checks<'a> {
    /// The checks of this world.
    #[must_use]
    pub fn new(world: &'a SmallWorld) -> Self {
        let has_devices = world.configurations.iter().any(|add| add.settings.device.is_some());
        Self { world, has_devices, from_place: None, opening: 0, pass: None }
    }

    /// Checks an edge, and the state that it leads to if that is new.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub fn check(&mut self, edge: &Edge<'_>) -> Verdict {
        if edge.is_new {
            check_state(self.world, edge.to)?;
        }
        self.edge(edge)
    }

    /// Checks an edge, and not the states that it joins.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub fn edge(&mut self, edge: &Edge<'_>) -> Verdict {
        if self.from_place != Some(edge.from_place) {
            self.from_place = Some(edge.from_place);
            self.opening = probe::opening(edge.from);
            self.pass = None;
        }
        reply::check(edge, self.pass.as_ref())?;
        told::check(edge, self.opening)?;
        order::check(edge)?;
        registry::check(self.world, edge)?;
        links::check(self.world, edge, self.has_devices)?;
        if edge.step.when == When::Deadline && matches!(edge.taken.input, Input::Tick {}) {
            self.pass = Some(Pass { to_place: edge.to_place, outputs: edge.taken.outputs.clone() });
        }
        Ok(())
    }
}

/// Checks one edge, and not the states that it joins.
///
/// # Errors
/// The rule that does not hold.
pub fn check_edge(world: &SmallWorld, edge: &Edge<'_>) -> Verdict {
    Checks::new(world).edge(edge)
}

/// Checks one state.
///
/// # Errors
/// The rule that does not hold.
pub fn check_state(world: &SmallWorld, state: &State) -> Verdict {
    standing::check(world, state)
}

/// The session that an input names.
const fn named(input: &Input) -> Option<SessionId> {
    match input {
        Input::Open { session }
        | Input::Close { session }
        | Input::Stop { session }
        | Input::Migrate { session }
        | Input::Ignore { session }
        | Input::Accept { session }
        | Input::Reject { session }
        | Input::Drop { session }
        | Input::MigrateTo { session, .. }
        | Input::Roaming { session, .. }
        | Input::Reopen { session, .. }
        | Input::Property { session, .. } => Some(*session),
        Input::Config(_)
        | Input::Add(_)
        | Input::Change(_)
        | Input::Remove { .. }
        | Input::Observed(_)
        | Input::Snapshot(_)
        | Input::Completed { .. }
        | Input::Counters { .. }
        | Input::Policies { .. }
        | Input::Adopt { .. }
        | Input::Default { .. }
        | Input::Session { .. }
        | Input::Resolved { .. }
        | Input::RefreshCounters { .. }
        | Input::Update {}
        | Input::Tick {} => None,
    }
}

/// What a session goes for, or uses.
fn chosen<'a>(session: &netsession_core::SessionView<'a>) -> Option<&'a Identifier> {
    session.why().into_iter().find(|row| row.chosen).map(|row| row.id)
}
