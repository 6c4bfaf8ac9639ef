//! The walk through a world, with everything that is checked on the way.
//!
//! Liveness is seen in the graph of the walk: of every state it is noted where the next step of each platform
//! leads, and afterwards followed to its end.

use std::fmt;

use netsession_core::Instant;
use netsession_io_sim::Record;
use netsession_io_sim::explore::{Edge, Exploration, SmallWorld, Step};

use super::Marks;
use crate::checks::rest::{Platform, is_at_rest, next_among};
use crate::checks::{Checks, Violation};

/// What a walk saw.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Walk {
    /// How far it came.
    pub found: Exploration,
    /// How many steps it takes at most until nothing is left to do, in the order of [`Platform::ALL`].
    pub steps_to_rest: Vec<u32>,
    /// What was taken.
    pub marks: Marks,
}

/// A rule that does not hold somewhere.
#[derive(Clone)]
#[non_exhaustive]
pub struct Broken {
    /// Which one, and what was seen.
    pub violation: Violation,
    /// A shortest way there.
    pub path: Vec<Step>,
    /// The same as a trace.
    pub records: Vec<(Instant, Record)>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.violation)?;
        self.path.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

/// Walks through a world and checks everything. At most so many states are kept; `progress` is told of every edge.
///
/// # Errors
/// A rule that does not hold.
pub fn walk(
    world: &SmallWorld,
    limit: usize,
    mut progress: impl FnMut(&Edge<'_>),
) -> Result<Walk, Box<Broken>> {
    let mut checks = Checks::new(world);
    let mut marks = Marks::default();
    let mut rests = Rests::default();
    let walk = world.explore(limit, |edge| {
        progress(edge);
        checks.check(edge)?;
        marks.note(edge);
        rests.note(world, edge)
    });
    let found = walk.map_err(|stopped| Broken::new(world, stopped.why, stopped.path))?;
    let steps_to_rest = rests
        .follow(&found)
        .map_err(|(violation, place)| Broken::new(world, violation, found.path(world, place)))?;
    Ok(Walk { found, steps_to_rest, marks })
}

impl Broken {
    fn new(world: &SmallWorld, violation: Violation, path: Vec<Step>) -> Box<Self> {
        let records = world.records(&path);
        Box::new(Self { violation, path, records })
    }
}

/// Where each platform's next step leads, by place.
#[derive(Debug, Default)]
struct Rests {
    next: Vec<[Next; 3]>,
    /// The next steps in the state that the edges come from just now.
    steps: [Option<usize>; 3],
    from_place: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    /// Nothing is left to do.
    Rest,
    To(u32),
    /// The walk is not complete.
    Unknown,
}

impl Rests {
    fn note(&mut self, world: &SmallWorld, edge: &Edge<'_>) -> Result<(), Violation> {
        if self.from_place != Some(edge.from_place) {
            self.begin(world, edge)?;
        }
        for (step, next) in self.steps.iter().zip(self.next.iter_mut().last().into_iter().flatten()) {
            if *step == Some(edge.step_place) {
                *next = edge.to_place.map_or(Next::Unknown, Next::To);
            }
        }
        Ok(())
    }

    fn begin(&mut self, world: &SmallWorld, edge: &Edge<'_>) -> Result<(), Violation> {
        self.from_place = Some(edge.from_place);
        let steps = world.steps(edge.from);
        for (place, platform) in self.steps.iter_mut().zip(Platform::ALL) {
            *place = next_among(&steps, edge.from, *platform);
        }
        if self.steps.iter().all(Option::is_none) {
            is_at_rest(edge.from)?;
        }
        self.next.push(self.steps.map(|step| step.map_or(Next::Rest, |_| Next::Unknown)));
        Ok(())
    }

    /// The longest way to rest for each platform; or a place from which there is none.
    fn follow(&self, found: &Exploration) -> Result<Vec<u32>, (Violation, u32)> {
        let mut longest = Vec::new();
        for (number, platform) in Platform::ALL.iter().enumerate() {
            let next = |place: u32| self.next.get(place as usize).and_then(|all| all.get(number)).copied();
            longest.push(longest_way(found.states, next).map_err(|place| {
                let saw = format!("there is no rest when the platform is {platform:?}");
                (Violation { rule: "R-ROAM-30", saw }, place)
            })?);
        }
        Ok(longest)
    }
}

/// How long the longest way is; or a place from which the way has no end.
fn longest_way(states: usize, next: impl Fn(u32) -> Option<Next>) -> Result<u32, u32> {
    /// On the way that is followed.
    const UNDER_WAY: u32 = u32::MAX;
    let mut lengths: Vec<Option<u32>> = vec![None; states];
    let mut longest = 0;
    for start in 0..u32::try_from(states).unwrap_or(u32::MAX) {
        let mut way = Vec::new();
        let mut at = start;
        let mut length = loop {
            match lengths.get_mut(at as usize) {
                Some(Some(UNDER_WAY)) => return Err(at),
                Some(Some(known)) => break *known,
                Some(unknown) => *unknown = Some(UNDER_WAY),
                None => break 0,
            }
            way.push(at);
            match next(at) {
                Some(Next::To(to)) => at = to,
                Some(Next::Rest | Next::Unknown) | None => {
                    // Its own length is none.
                    if let Some(length) = lengths.get_mut(at as usize) {
                        *length = Some(0);
                    }
                    way.pop();
                    break 0;
                }
            }
        };
        while let Some(place) = way.pop() {
            length += 1;
            if let Some(known) = lengths.get_mut(place as usize) {
                *known = Some(length);
            }
        }
        longest = longest.max(length);
    }
    Ok(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_way_to_rest_is_counted_and_a_circle_is_found() {
        let way = [Next::To(2), Next::To(0), Next::Rest, Next::To(1), Next::Unknown];
        assert_eq!(longest_way(5, |place| way.get(place as usize).copied()), Ok(3));
        let circle = [Next::To(1), Next::To(2), Next::To(1)];
        assert!(longest_way(3, |place| circle.get(place as usize).copied()).is_err());
    }
}
