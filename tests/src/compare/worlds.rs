//! Small worlds: every step in every state of the core and the model together; and walks at random.

use std::collections::{BTreeMap, BTreeSet};

use netsession_core::Output;
use netsession_io_sim::Random;
use netsession_io_sim::explore::{
    Action, Command, Companion, Edge, Exploration, SmallWorld, State, Step, Taken,
};

use super::{Apart, Both, Deviation, Difference, inputs_of, tell};
use crate::model::Model;

/// Steps of one random walk.
pub const WALK: usize = 60;

/// A world that was walked, and all was the same.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Compared {
    /// How far the walk came.
    pub found: Exploration,
    /// The deviations that were made use of.
    pub used: BTreeSet<Deviation>,
}

/// The model that goes along on a walk, and what came of the last step.
#[derive(Clone, Debug)]
struct Beside {
    model: Model,
    compared: Result<Vec<Deviation>, Box<Difference>>,
    /// They differed before: what they say since then is no news.
    has_differed: bool,
}

impl Beside {
    /// As it stands when the world begins.
    fn new(world: &SmallWorld) -> Result<Self, Box<Apart>> {
        let model = tell(&inputs_of(&world.records(&[])))?.model;
        Ok(Self { model, compared: Ok(Vec::new()), has_differed: false })
    }
}

impl Companion for Beside {
    fn follow(&mut self, taken: &Taken) {
        if self.compared.is_err() {
            self.has_differed = true;
            return;
        }
        let answer = self.model.handle_input(taken.at, &taken.input);
        let mut outputs = taken.outputs.clone();
        outputs.push(Output::Idle { wake: taken.state.wake() });
        let both = Both { manager: taken.state.manager(), model: &self.model };
        self.compared = both.compare((taken.at, &taken.input), &(taken.result.clone(), outputs), answer);
    }

    fn write_canonical(&self, bytes: &mut Vec<u8>) {
        // After a difference nothing of the model counts.
        if self.compared.is_ok() {
            bytes.extend(self.model.canonical());
        }
    }
}

/// Takes every step in every state that the core and the model can reach together; at most so many states are
/// kept. `progress` is told of every edge.
///
/// # Errors
/// A difference, by a shortest path.
pub fn walk_to_the_end(
    world: &SmallWorld,
    limit: usize,
    mut progress: impl FnMut(&Edge<'_>),
) -> Result<Compared, Box<Apart>> {
    let mut used = BTreeSet::new();
    let walk = world.explore_with(Beside::new(world)?, limit, |edge, beside| {
        progress(edge);
        used.extend(beside.compared.clone()?);
        Ok(())
    });
    match walk {
        Ok(found) => Ok(Compared { found, used }),
        Err(stopped) => Err(Apart::new(stopped.why, &world.records(&stopped.path))),
    }
}

/// How often a kind of difference was seen; the first one, and the place and step that lead there.
type Kind = (u64, Box<Difference>, (u32, Step));

/// Goes on after a difference, and gives the shortest path to one of each kind, with their number.
///
/// # Errors
/// If they differ before the world begins.
pub fn differences(
    world: &SmallWorld,
    limit: usize,
    mut progress: impl FnMut(&Edge<'_>),
) -> Result<Vec<(u64, Box<Apart>)>, Box<Apart>> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    let walk = world.explore_with(Beside::new(world)?, limit, |edge, beside| {
        progress(edge);
        if let (Err(difference), false) = (&beside.compared, beside.has_differed) {
            let place = (edge.from_place, edge.step.clone());
            let new = || (0, difference.clone(), place);
            kinds.entry(difference.kind()).or_insert_with(new).0 += 1;
        }
        Ok::<(), ()>(())
    });
    let Ok(found) = walk else { return Ok(Vec::new()) };
    let told = |(number, difference, (place, step)): Kind| {
        let mut path = found.path(world, place);
        path.push(step);
        (path.len(), number, Apart::new(difference, &world.records(&path)))
    };
    let mut all: Vec<_> = kinds.into_values().map(told).collect();
    all.sort_by_key(|(length, ..)| *length);
    Ok(all.into_iter().map(|(_, number, apart)| (number, apart)).collect())
}

/// Steps that are taken often enough lead nowhere: opening and answering must have their share.
fn pick(random: &mut Random, steps: &[Step]) -> Option<Step> {
    let is_busy = |step: &&Step| {
        matches!(step.action, Action::Command(Command::Open | Command::Migrate | Command::Accept, _))
            || matches!(step.action, Action::Answer(..) | Action::Level(..) | Action::Pass)
    };
    let busy: Vec<&Step> = steps.iter().filter(is_busy).collect();
    let picked = if random.per_mille(700) { random.pick(&busy).copied() } else { random.pick(steps) };
    picked.cloned()
}

/// One walk at random. Gives the number of its steps.
///
/// # Errors
/// A difference.
pub fn walk_at_random(world: &SmallWorld, seed: u64) -> Result<usize, Box<Apart>> {
    let mut random = Random::new(seed);
    let mut state: State = world.start();
    let mut beside = Beside::new(world)?;
    let mut path = Vec::new();
    for _ in 0..WALK {
        let Some(step) = pick(&mut random, &world.steps(&state)) else { break };
        let Some(taken) = world.take(&state, &step) else { continue };
        path.push(step);
        beside.follow(&taken);
        if let Err(difference) = beside.compared {
            return Err(Apart::new(difference, &world.records(&path)));
        }
        state = taken.state;
    }
    Ok(path.len())
}
