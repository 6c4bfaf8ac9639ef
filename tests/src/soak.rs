//! The soak: worlds and trouble made of bytes, and rules that hold after every input.
//!
//! Every byte string is a scenario: a header with the world's constants and the kinds of action that this
//! scenario has, a record for each link and service network, and one for each action until the bytes end.
//! So [`run`] serves a fuzzer, a property test and a soak of random seeds ([`soak`]) alike, and a
//! run that breaks a rule is made shorter by leaving records out and setting bytes to zero ([`shortened`]).
//!
//! First comes trouble, then the world is healed and must come to rest (R-GEN-9); in the end the whole run
//! is said to a second manager, which must answer with the same outputs (R-GEN-1). What stands is looked at
//! after every input in small worlds; in large ones after every few, so that a look at everything costs no
//! more for each input than in a small one.

mod action;
mod invariants;
mod junk;
mod replay;
mod requests;
mod session;
mod shrink;
mod source;
mod specification;
mod standing;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use netsession_core::{Accepted, Input, SessionId};
use netsession_io_sim::World;

pub use action::{Action, Command, Fault};
use invariants::Invariants;
pub use junk::Junk;
pub use replay::trace;
pub use shrink::shortened;
pub use source::bytes_of;
use source::{Records, Source};
pub use specification::{Ending, Replies, Specification};

/// More steps than this, for each session, after the last fault mean that there is no rest (R-ROAM-30).
const STEPS_TO_REST: usize = 2_000;
/// And so does more time than this.
const TIME_TO_REST: Duration = Duration::from_secs(2 * 3_600);
/// More answers than this, for each session, at one moment mean that applications are asked for ever.
const ANSWERS_AT_ONCE: usize = 64;
/// What a world has at most: more sessions than this are not made.
const MOST_SESSIONS: usize = 200;

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
    /// The actions.
    pub actions: Vec<Action>,
    /// Everything that was said.
    pub log: String,
    /// The same as a trace.
    pub trace: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "after {} actions: {}", self.after, self.what)?;
        self.actions.iter().try_for_each(|action| writeln!(f, "{action:?}"))?;
        f.write_str(&self.log)
    }
}

impl Violation {
    /// The rule that is broken.
    #[must_use]
    pub fn rule(&self) -> &str {
        self.what.split_once(':').map_or("", |(rule, _)| rule)
    }
}

/// Runs the scenario that these bytes are. Gives the world at rest.
///
/// # Errors
/// The first rule that is broken.
pub fn run(bytes: &[u8]) -> Result<World, Violation> {
    Scenario::decode(bytes).run()
}

/// Runs the scenario of this seed, with so many actions.
///
/// # Errors
/// The first rule that is broken, with the shortest run found that breaks it.
pub fn soak(seed: u64, actions: usize) -> Result<World, Violation> {
    let bytes = bytes_of(seed, actions);
    run(&bytes).map_err(|violation| {
        let found = run(&shortened(&bytes, &violation)).err().unwrap_or(violation);
        Violation { what: format!("seed {seed}: {}", found.what), ..found }
    })
}

impl Scenario {
    /// The scenario that these bytes are.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        let mut records = Records::of(bytes);
        let specification = Specification::decode(&mut records);
        let knobs = action::Knobs::decode(&mut records.header);
        let actions = records.actions.map(|record| knobs.action(&mut Source::new(record), &specification));
        Self { actions: actions.collect(), specification }
    }

    /// Runs it. Gives the world at rest.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn run(self) -> Result<World, Violation> {
        let mut run = Run::new(&self.specification);
        let result = catch_unwind(AssertUnwindSafe(|| run.whole(&self)));
        let result = result.unwrap_or_else(|panic| Err(format!("a panic: {}", words_of(&*panic))));
        match result {
            Ok(()) => Ok(run.world),
            Err(what) => {
                let (log, trace) = (run.world.log(), replay::trace(run.world.records()));
                Err(Violation { after: run.done, what, actions: self.actions, log, trace })
            }
        }
    }
}

/// A scenario under way.
struct Run {
    world: World,
    invariants: Invariants,
    sessions: Vec<SessionId>,
    done: usize,
}

impl Run {
    fn new(specification: &Specification) -> Self {
        let invariants = Invariants::new(&specification.config);
        Self { world: specification.world(), invariants, sessions: Vec::new(), done: 0 }
    }

    fn whole(&mut self, scenario: &Scenario) -> Result<(), String> {
        let specification = &scenario.specification;
        self.check()?;
        let identifiers = specification.identifiers();
        for on in identifiers.iter().cycle().take(specification.sessions) {
            self.say(Input::Session { on: on.clone() })?;
        }
        for action in &scenario.actions {
            self.done += 1;
            self.perform(action)?;
        }
        specification.end_trouble(&mut self.world);
        self.world.resync();
        self.rest(specification)?;
        replay::same(&self.world)
    }

    fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Pass(span) => self.pass(*span),
            Action::Answer(replies) => self.answer(*replies),
            Action::Make(_) if self.sessions.len() >= MOST_SESSIONS => Ok(()),
            Action::Make(on) => self.say(Input::Session { on: on.clone() }),
            Action::Command(command, place) => self.say(command.to(action::at(&self.sessions, *place))),
            Action::Everyone(command) => {
                self.sessions.clone().into_iter().try_for_each(|session| self.say(command.to(session)))
            }
            Action::Say(junk) => self.say(junk.to_input(&self.world)),
            Action::Fault(..) | Action::React(..) | Action::Deafen | Action::Resync => {
                action.perform(&mut self.world);
                self.check()
            }
        }
    }

    /// Says this, and looks. What is refused changes nothing.
    fn say(&mut self, input: Input) -> Result<(), String> {
        self.invariants.expect(&self.world, &input);
        if let Ok(Accepted::Session(session)) = self.world.command(input) {
            self.sessions.push(session);
        }
        self.check()
    }

    fn check(&mut self) -> Result<(), String> {
        self.invariants.check(&self.world)
    }

    /// Like [`World::advance`], with a look after each input.
    fn pass(&mut self, span: Duration) -> Result<(), String> {
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
        for _ in 0..ANSWERS_AT_ONCE * self.sessions.len().max(1) {
            let asked = self.invariants.has_questions().then(|| replies.next(&self.world));
            let Some(input) = asked.flatten() else { return Ok(()) };
            self.say(input)?;
        }
        Err("R-ROAM-30: the applications are asked for ever at one moment".into())
    }

    /// R-GEN-9, R-OPEN-11, R-ROAM-30: nothing is left half-way, and nothing goes on for ever.
    fn rest(&mut self, specification: &Specification) -> Result<(), String> {
        self.check()?;
        let since = self.world.now();
        let mut steps = 0;
        loop {
            self.answer(specification.replies)?;
            if !self.world.step() {
                break;
            }
            self.check()?;
            steps += 1;
            let is_late = self.world.now().saturating_since(since) > TIME_TO_REST;
            if is_late || steps > STEPS_TO_REST * self.sessions.len().max(1) {
                return Err(format!("R-ROAM-30: no rest after {steps} steps"));
            }
        }
        self.invariants.check_rest(&self.world, specification.ending == Ending::Healed)
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}
