//! The walk over all states: breadth first, so that the way back to a state is a shortest one.
//!
//! States are known by a hash of 128 bits of their canonical bytes. Whole states are kept only while they
//! wait for their steps to be taken; of the others there is the hash, and the step that led there.
//!
//! It is a search of its own and no general model checker, because the steps are those of the shipped machine, which
//! is cloned and not described: what a model checker adds (processes, a language, whole states to
//! compare) would only be paid for.

use core::fmt;
use core::hash::Hasher;
use std::collections::VecDeque;
use std::hash::DefaultHasher;

use netsession_core::Instant;

use super::state::said;
use super::table::{Key, Table};
use super::{SmallWorld, State, Step, Taken};
use crate::Record;

/// A step from one state to another, or back to the same.
#[derive(Debug)]
#[non_exhaustive]
pub struct Edge<'a> {
    /// The state before, and its place in the order in which states were found, from 0.
    pub from: &'a State,
    /// Its place.
    pub from_place: u32,
    /// What happened.
    pub step: &'a Step,
    /// Its place among the steps of the state before.
    pub step_place: usize,
    /// When, what the machine was told, and what it said.
    pub taken: &'a Taken,
    /// The state after.
    pub to: &'a State,
    /// Its place; `None` if the search is full and does not know it.
    pub to_place: Option<u32>,
    /// Whether no edge led there before.
    pub is_new: bool,
}

/// What a search found. Says honestly how far it came.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exploration {
    /// How many states were found.
    pub states: usize,
    /// How many steps were taken.
    pub edges: u64,
    /// The length of the longest shortest path.
    pub depth: u32,
    /// Whether every step was taken in every state that can be reached.
    pub is_complete: bool,
    /// For each state but the first: from where it was found, and by which of the steps there.
    parents: Vec<(u32, u16)>,
}

/// A search that its visitor ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stopped<E> {
    /// What the visitor said.
    pub why: E,
    /// The steps to what it saw, that one included.
    pub path: Vec<Step>,
    /// What was found until then.
    pub found: Exploration,
}

/// What goes along with the machine, and is part of the state: a second opinion, for instance.
pub trait Companion: Clone {
    /// The machine took this step.
    fn follow(&mut self, taken: &Taken);

    /// Appends bytes that stand for it: equal bytes, alike from then on.
    fn write_canonical(&self, bytes: &mut Vec<u8>);
}

/// Nobody.
impl Companion for () {
    fn follow(&mut self, _: &Taken) {}

    fn write_canonical(&self, _: &mut Vec<u8>) {}
}

/// The keyed hash of the standard library, of the same bytes after two different beginnings.
fn key_of(state: &State, companion: &impl Companion, room: &mut Vec<u8>) -> Key {
    room.clear();
    state.manager().write_canonical(room);
    companion.write_canonical(room);
    let half = |beginning: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(beginning);
        hasher.write(room);
        hasher.finish()
    };
    (half(0), half(1))
}

impl SmallWorld {
    /// Takes every step in every state, breadth first, and shows each to `visit`. At most so many states are
    /// kept: when there are more, their number is the limit, and the search is not complete.
    ///
    /// # Errors
    /// What `visit` returned, with a shortest path to what it was shown.
    pub fn explore<E>(
        &self,
        limit: usize,
        mut visit: impl FnMut(&Edge<'_>) -> Result<(), E>,
    ) -> Result<Exploration, Stopped<E>> {
        self.explore_with((), limit, |edge, ()| visit(edge))
    }

    /// The same in company. `visit` is shown the companion after the step.
    ///
    /// # Errors
    /// As for [`explore`](Self::explore).
    pub fn explore_with<C: Companion, E>(
        &self,
        companion: C,
        limit: usize,
        mut visit: impl FnMut(&Edge<'_>, &C) -> Result<(), E>,
    ) -> Result<Exploration, Stopped<E>> {
        let mut room = Vec::new();
        let start = self.start();
        let mut known = Table::default();
        known.insert(key_of(&start, &companion, &mut room), 0);
        let mut waiting = VecDeque::from([(0_u32, 0_u32, start, companion)]);
        let mut found = Exploration { states: 1, edges: 0, depth: 0, is_complete: true, parents: Vec::new() };
        while let Some((place, depth, from, companion)) = waiting.pop_front() {
            found.depth = depth;
            for (number, step) in self.steps(&from).iter().enumerate() {
                let Some(taken) = self.take(&from, step) else { continue };
                found.edges += 1;
                let mut companion = companion.clone();
                companion.follow(&taken);
                let key = key_of(&taken.state, &companion, &mut room);
                let old = known.get(key);
                let next = found.next_place(limit);
                let edge = Edge {
                    from: &from,
                    from_place: place,
                    step,
                    step_place: number,
                    taken: &taken,
                    to: &taken.state,
                    to_place: old.or(next),
                    is_new: old.is_none(),
                };
                if let Err(why) = visit(&edge, &companion) {
                    let mut path = found.path(self, place);
                    path.push(step.clone());
                    return Err(Stopped { why, path, found });
                }
                match (old, next, u16::try_from(number)) {
                    (Some(_), _, _) => {}
                    (None, Some(next), Ok(number)) => {
                        known.insert(key, next);
                        found.states += 1;
                        found.parents.push((place, number));
                        waiting.push_back((next, depth + 1, taken.state, companion));
                    }
                    (None, _, _) => found.is_complete = false,
                }
            }
        }
        Ok(found)
    }

    /// Takes these steps from the start, and says what was said. Ends where a step makes no sense.
    #[must_use]
    pub fn replay(&self, path: &[Step]) -> Vec<Taken> {
        let mut all: Vec<Taken> = Vec::new();
        let start = self.start();
        for step in path {
            let Some(taken) = self.take(all.last().map_or(&start, |taken| &taken.state), step) else { break };
            all.push(taken);
        }
        all
    }

    /// What is said along a path, as a trace has it: what builds the world first.
    #[must_use]
    pub fn records(&self, path: &[Step]) -> Vec<(Instant, Record)> {
        let (_, mut records) = self.begin();
        for Taken { at, input, result, outputs, state } in self.replay(path) {
            records.push((at, Record::Input(input)));
            records.extend(said(at, result, outputs, state.wake()));
        }
        records
    }
}

impl fmt::Debug for Exploration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, edges, depth, is_complete, parents: _ } = self;
        let end = if *is_complete { "all of them" } else { "not all" };
        write!(f, "{states} states, {edges} edges, depth {depth}, {end}")
    }
}

impl Exploration {
    /// A shortest way to the state at this place.
    #[must_use]
    pub fn path(&self, world: &SmallWorld, place: u32) -> Vec<Step> {
        let mut numbers = Vec::new();
        let mut at = place;
        while let Some(&(parent, number)) = at.checked_sub(1).and_then(|at| self.parents.get(at as usize)) {
            numbers.push(number);
            at = parent;
        }
        let mut path: Vec<Step> = Vec::new();
        let mut state = world.start();
        for number in numbers.into_iter().rev() {
            let Some(step) = world.steps(&state).into_iter().nth(usize::from(number)) else { break };
            let Some(taken) = world.take(&state, &step) else { break };
            state = taken.state;
            path.push(step);
        }
        path
    }

    /// The place of the next state that is found; `None` if there is no room for one.
    fn next_place(&self, limit: usize) -> Option<u32> {
        u32::try_from(self.states).ok().filter(|_| self.states < limit)
    }
}
