//! The seeded soak: random worlds, random commands, random faults, and rules that hold after every input.
//!
//! A [`Scenario`] is drawn from its seed before it runs, so that a run that breaks a rule can be made
//! shorter by leaving actions out ([`Scenario::shortened`]). First comes trouble, then the world is healed
//! and must come to rest (R-GEN-9); in the end the whole run is said to a second manager, which must answer
//! with the same outputs (R-GEN-1).

mod action;
mod invariants;
mod requests;
mod session;
mod specification;
mod standing;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use netsession_core::{Instant, Manager, Output, SessionId};
use netsession_io_linux::trace::Recorder;
use netsession_io_sim::{Random, Record, World};

pub use action::Action;
use invariants::Invariants;
pub use specification::{Ending, Replies, Specification};

/// More steps than this after the last fault mean that there is no rest (R-ROAM-30).
const STEPS_TO_REST: u32 = 2_000;
/// And so does more time than this.
const TIME_TO_REST: Duration = Duration::from_secs(2 * 3_600);
/// More answers than this at one moment mean that applications are asked for ever.
const ANSWERS_AT_ONCE: u32 = 64;

/// A shortened scenario has few sessions, and names them by one of these places where it can.
const SIMPLE_PLACES: usize = 4;

/// A world, and what is done to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scenario {
    /// What the world is made of.
    pub specification: Specification,
    /// What is done to it, in this order.
    pub actions: Vec<Action>,
}

/// A rule that did not hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// After how many actions.
    pub after: usize,
    /// Which rule it is, by the words before the colon, and how it was broken.
    pub what: String,
    /// Everything that was said.
    pub log: String,
    /// The same as a trace.
    pub trace: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "after {} actions: {}", self.after, self.what)?;
        f.write_str(&self.log)
    }
}

/// Draws a scenario of this seed with so many actions, and runs it. Gives the world at rest.
///
/// # Errors
/// The first rule that is broken, with the shortest run found that breaks it.
pub fn soak(seed: u64, steps: usize) -> Result<World, Violation> {
    let scenario = Scenario::draw(seed, steps);
    scenario.run().map_err(|violation| {
        let shortest = scenario.shortened(&violation);
        let found = shortest.run().err().unwrap_or(violation);
        let what = format!("seed {seed}: {}\nactions: {:#?}", found.what, shortest.actions);
        Violation { what, ..found }
    })
}

/// Runs the scenario that these bytes are. Gives the world at rest.
///
/// # Errors
/// The first rule that is broken.
pub fn run(bytes: &[u8]) -> Result<World, Violation> {
    let number = |chunk: &[u8]| chunk.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let seed = bytes.chunks(8).map(number).fold(0, |seed: u64, number| Random::new(seed ^ number).number());
    Scenario::draw(seed, bytes.len() / 8).run()
}

impl Scenario {
    /// The scenario of this seed.
    #[must_use]
    pub fn draw(seed: u64, steps: usize) -> Self {
        let mut random = Random::new(seed);
        let specification = Specification::draw(&mut random);
        let knobs = action::Knobs::draw(&mut random);
        let actions = (0..steps).map(|_| knobs.action(&mut random, &specification)).collect();
        Self { specification, actions }
    }

    /// Runs it. Gives the world at rest.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn run(&self) -> Result<World, Violation> {
        let mut run = Run::new(&self.specification);
        let result = catch_unwind(AssertUnwindSafe(|| run.whole(&self.actions)));
        let result = result.unwrap_or_else(|panic| Err(format!("a panic: {}", words_of(&*panic))));
        match result {
            Ok(()) => Ok(run.world),
            Err(what) => {
                Err(Violation { after: run.done, what, log: run.world.log(), trace: trace(&run.world) })
            }
        }
    }

    /// The same with as much left out, and as simple, as still breaks that rule.
    #[must_use]
    pub fn shortened(&self, violation: &Violation) -> Self {
        let mut shortest = self.clone();
        shortest.actions.truncate(violation.after);
        shortest.leave_out_actions(violation);
        for index in 0..shortest.actions.len() {
            let simpler = |place| {
                move |it: &mut Self| {
                    if let Some(Action::Command(_, old)) = it.actions.get_mut(index) {
                        *old = place;
                    }
                }
            };
            let _ = (0..SIMPLE_PLACES).any(|place| shortest.still_breaks(violation, simpler(place)));
        }
        for index in (0..shortest.specification.service_networks.len()).rev() {
            shortest.still_breaks(violation, |it| drop(it.specification.service_networks.remove(index)));
        }
        for index in (0..shortest.specification.access_points.len()).rev() {
            shortest.still_breaks(violation, |it| drop(it.specification.access_points.remove(index)));
        }
        shortest.still_breaks(violation, |it| it.specification.user_choice = None);
        shortest.still_breaks(violation, |it| it.specification.config = netsession_core::Config::default());
        shortest.leave_out_actions(violation);
        shortest
    }

    fn leave_out_actions(&mut self, violation: &Violation) {
        let mut chunk = self.actions.len();
        while chunk > 0 {
            let mut from = 0;
            while from < self.actions.len() {
                let until = (from + chunk).min(self.actions.len());
                if !self.still_breaks(violation, |it| drop(it.actions.drain(from..until))) {
                    from += chunk;
                }
            }
            chunk /= 2;
        }
    }

    /// Makes this change if the same rule is broken after it too.
    fn still_breaks(&mut self, violation: &Violation, change: impl Fn(&mut Self)) -> bool {
        let mut changed = self.clone();
        change(&mut changed);
        let fails = changed.run().is_err_and(|other| other.rule() == violation.rule());
        if fails {
            *self = changed;
        }
        fails
    }
}

impl Violation {
    fn rule(&self) -> &str {
        self.what.split_once(':').map_or("", |(rule, _)| rule)
    }
}

/// A scenario under way.
struct Run {
    world: World,
    invariants: Invariants,
    sessions: Vec<SessionId>,
    done: usize,
    specification: Specification,
}

impl Run {
    fn new(specification: &Specification) -> Self {
        let world = specification.world();
        let invariants = Invariants::new(&specification.config);
        Self { world, invariants, sessions: Vec::new(), done: 0, specification: specification.clone() }
    }

    fn whole(&mut self, actions: &[Action]) -> Result<(), String> {
        self.check()?;
        for action in actions {
            self.done += 1;
            if let Action::Pass(span) = action {
                self.pass(*span)?;
            } else if let Action::Answer(replies) = action {
                self.answer(*replies)?;
            } else {
                action.perform(&mut self.world, &mut self.sessions);
            }
            self.check()?;
        }
        self.specification.end_trouble(&mut self.world);
        self.world.resync();
        self.rest()?;
        replay(&self.world)
    }

    fn check(&mut self) -> Result<(), String> {
        self.invariants.check(&self.world)
    }

    /// Like [`World::advance`], with a look after each input.
    fn pass(&mut self, span: std::time::Duration) -> Result<(), String> {
        let until = self.world.now() + span;
        while self.world.next_at().is_some_and(|at| at <= until) {
            self.world.step();
            self.check()?;
        }
        self.world.advance(until.saturating_since(self.world.now()));
        Ok(())
    }

    /// Every application that is asked something answers, until none is.
    fn answer(&mut self, replies: Replies) -> Result<(), String> {
        for _ in 0..ANSWERS_AT_ONCE {
            let Some(input) = replies.next(&self.world) else { return Ok(()) };
            let _ = self.world.command(input);
            self.check()?;
        }
        Err("R-ROAM-30: the applications are asked for ever at one moment".into())
    }

    /// R-GEN-9, R-OPEN-11, R-ROAM-30: nothing is left half-way, and nothing goes on for ever.
    fn rest(&mut self) -> Result<(), String> {
        self.check()?;
        let since = self.world.now();
        let mut steps = 0;
        loop {
            self.answer(self.specification.replies)?;
            if !self.world.step() {
                break;
            }
            self.check()?;
            steps += 1;
            if steps > STEPS_TO_REST || self.world.now().saturating_since(since) > TIME_TO_REST {
                return Err(format!("R-ROAM-30: no rest after {steps} steps"));
            }
        }
        self.invariants.check_rest(&self.world, self.specification.ending == Ending::Healed)
    }
}

/// What was said, as a trace to replay.
fn trace(world: &World) -> String {
    let mut recorder = Recorder::new(Vec::new());
    for (at, record) in world.records() {
        match record {
            Record::Input(input) => recorder.input(*at, input),
            Record::Result(result) => recorder.accepted(*at, result),
            Record::Output(output) => recorder.output(*at, output),
        }
    }
    recorder.finish().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// R-GEN-1: a second manager that is told the same says the same.
fn replay(world: &World) -> Result<(), String> {
    let mut manager = Manager::new();
    let mut records = world.records().iter();
    while let Some((at, record)) = records.next() {
        let Record::Input(input) = record else {
            return Err(format!("R-GEN-1: the replay says more at {at} than {record}"));
        };
        replay_input(&mut manager, *at, input, &mut records)?;
    }
    Ok(())
}

fn replay_input<'a>(
    manager: &mut Manager,
    at: Instant,
    input: &netsession_core::Input,
    records: &mut impl Iterator<Item = &'a (Instant, Record)>,
) -> Result<(), String> {
    let differs = |got: &Record, expected: Option<&(Instant, Record)>| {
        let expected = expected.map(|(_, record)| record.to_string());
        format!("R-GEN-1: the replay says {got} at {at} where the run said {expected:?}")
    };
    let result = Record::Result(manager.handle_input(at, input.clone()));
    let expected = records.next();
    if expected.map(|(_, record)| record) != Some(&result) {
        return Err(differs(&result, expected));
    }
    loop {
        let output = manager.poll_output();
        let last = matches!(output, Output::Idle { .. });
        let output = Record::Output(output);
        let expected = records.next();
        if expected.map(|(_, record)| record) != Some(&output) {
            return Err(differs(&output, expected));
        }
        if last {
            return Ok(());
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
