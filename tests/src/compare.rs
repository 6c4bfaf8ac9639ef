//! The core beside the reference model: both are told the same, and must say the same.
//!
//! [`Pair`] feeds both and compares everything after each input: what was made or refused, every event and
//! effect in its order, the operation numbers, when to wake and why, and all views. What they may differ in
//! is named by [`Deviation`], and nothing else is.
//!
//! | module | room for |
//! |---|---|
//! | `worlds` | small worlds, to the end and at random |
//! | `inputs` | any inputs, and how a difference is told: as short as it can be made, with a trace to replay |
//!
//! How far each world is walked is told by the program: `cargo run -p netsession-tests --release -- compare`.

mod inputs;
mod worlds;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use netsession_core::{Accepted, Effect, Event, Input, Instant, Manager, Output, Refused, SessionId};
use netsession_io_sim::Record;

use crate::model::{Answer, ConfigurationSummary, Model, SessionSummary};

pub use inputs::{Apart, Inputs, inputs_of, shortened, tell};
pub use worlds::{Compared, WALK, differences, walk_at_random, walk_to_the_end};

/// What the core may say otherwise than the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deviation {
    /// The texts for people: the `reason` of an error event, and the fields of a refusal beyond its word. The
    /// contract does not fix their wording.
    Texts,
    /// Handles: the model numbers its sessions as a trace does, and knows no slots.
    Handles,
    /// Spans of nothing: with a `stop_timeout` or a `retry_after` of 0 something is over in the input in which it
    /// began. Whether what it meets sees it is not decided by the contract, so runs with such spans may differ.
    SpansOfNothing,
}

/// The core and the model disagree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// After which input.
    pub at: Instant,
    /// That input.
    pub input: Input,
    /// Where, and what each says.
    pub what: String,
    /// What the core said.
    pub core: Said,
    /// What the model said.
    pub model: Answer,
    /// How both stand.
    pub standing: String,
}

impl Difference {
    /// What both said, line by line: whether both said it, or the core, or the model.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let lines = |result: &Result<Accepted, Refused>, outputs: &[Output]| -> Vec<String> {
            let said = outputs.iter().map(|output| Record::Output(plain(output)).to_string());
            let result = result.clone().map_err(|refused| refused.word());
            [format!("= {result:?}")].into_iter().chain(said).collect()
        };
        let (result, outputs) = &self.core;
        let (core, model) = (lines(result, outputs), lines(&self.model.result, &self.model.outputs));
        let before = core.iter().zip(&model).take_while(|(core, model)| core == model).count();
        let left = |all: &[String]| all.len() - before;
        let pairs = core.iter().rev().zip(model.iter().rev()).take(left(&core).min(left(&model)));
        let after = pairs.take_while(|(core, model)| core == model).count();
        let said = |who: &'static str, lines: &[String], from: usize, number: usize| {
            lines.iter().skip(from).take(number).map(move |line| (who, line.clone())).collect::<Vec<_>>()
        };
        [
            said("both ", &core, 0, before),
            said("core ", &core, before, left(&core) - after),
            said("model", &model, before, left(&model) - after),
            said("both ", &core, core.len() - after, after),
        ]
        .concat()
    }

    /// What it has in common with others that have the same cause: what both say that is not the same, without
    /// times.
    fn kind(&self) -> String {
        let differ: Vec<_> = self.lines().into_iter().filter(|(who, _)| *who != "both ").collect();
        let words = differ.into_iter().map(|(who, line)| format!("{who} {line}"));
        let mut kind = words.collect::<Vec<_>>().join("; ");
        if kind.is_empty() {
            kind.clone_from(&self.what);
        }
        kind.retain(|letter| !letter.is_ascii_digit());
        kind
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "at {} ms, {:?}: {}", self.at, self.input, self.what)?;
        self.lines().iter().try_for_each(|(who, line)| writeln!(f, "  {who} {line}"))?;
        f.write_str(&self.standing)
    }
}

/// What the core made of an input, or why it refused it, and its outputs up to the idle.
pub type Said = (Result<Accepted, Refused>, Vec<Output>);

/// A core and a model that have been told the same.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Pair {
    /// The core.
    pub manager: Manager,
    /// The model.
    pub model: Model,
    /// The deviations that were made use of.
    pub used: BTreeSet<Deviation>,
}

impl Pair {
    /// Two that know nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells both, and compares all that they say. Gives what the core said: its answer, and its outputs up
    /// to the idle.
    ///
    /// # Errors
    /// The first difference.
    pub fn handle_input(&mut self, at: Instant, input: &Input) -> Result<Said, Box<Difference>> {
        let result = self.manager.handle_input(at, self.resolved(input));
        let mut outputs = Vec::new();
        loop {
            let output = self.manager.poll_output();
            let is_last = matches!(output, Output::Idle { .. });
            outputs.push(output);
            if is_last {
                break;
            }
        }
        let answer = self.model.handle_input(at, input);
        let said = (result, outputs);
        let both = Both { manager: &self.manager, model: &self.model };
        self.used.extend(both.compare((at, input), &said, answer)?);
        Ok(said)
    }

    /// The input with the core's own handle in place of a number.
    fn resolved(&self, input: &Input) -> Input {
        let mut input = input.clone();
        if let Some(session) = input.session_mut() {
            let number = session.number();
            let known = self.manager.sessions().map(|view| view.id()).find(|id| id.number() == number);
            *session = known.unwrap_or(*session);
        }
        input
    }
}

/// A core and a model that somebody else keeps: a search, which has a state for each.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair")]
pub struct Both<'a> {
    /// The core.
    pub manager: &'a Manager,
    /// The model.
    pub model: &'a Model,
}

impl Both<'_> {
    /// Compares what both said to this input, and all that can be read. Gives the deviations that were made use of.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(
        &self,
        (at, input): (Instant, &Input),
        said: &Said,
        model: Answer,
    ) -> Result<Vec<Deviation>, Box<Difference>> {
        let compared = step(said, &model).and_then(|used| self.compare_views().map(|()| used));
        compared.map_err(|what| {
            let (input, core, standing) = (input.clone(), said.clone(), self.standing());
            Box::new(Difference { at, input, what, core, model, standing })
        })
    }

    fn standing(&self) -> String {
        let mut text = String::new();
        for session in self.manager.sessions() {
            let _ = writeln!(text, "core:  {:?}", SessionSummary::of(&session));
        }
        let _ = writeln!(text, "model: {}", self.model.in_short());
        text
    }

    /// Compares all that can be read.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare_views(&self) -> Result<(), String> {
        let of_core: Vec<_> = self.manager.sessions().map(|view| SessionSummary::of(&view)).collect();
        let of_model = self.model.sessions();
        same_list("session", &of_core, &of_model)?;
        for configuration in self.model.configurations() {
            let of_core = self.manager.configuration(&configuration.identifier);
            let of_core = of_core.map(|view| ConfigurationSummary::of(&view));
            if of_core.as_ref() != Some(&configuration) {
                return Err(format!("a configuration:\n  core:  {of_core:?}\n  model: {configuration:?}"));
            }
        }
        let (of_core, of_model) = (crate::model::whole_of(self.manager), self.model.whole());
        if of_core != of_model {
            return Err(format!("the whole:\n  core:  {of_core:?}\n  model: {of_model:?}"));
        }
        Ok(())
    }
}

fn same_list<T: PartialEq + fmt::Debug>(what: &str, of_core: &[T], of_model: &[T]) -> Result<(), String> {
    let longest = of_core.len().max(of_model.len());
    for index in 0..longest {
        let (core, model) = (of_core.get(index), of_model.get(index));
        if core != model {
            let or_nothing = |it: Option<&T>| it.map_or("nothing".to_owned(), |it| format!("{it:?}"));
            return Err(format!(
                "{what} {}:\n  core:  {}\n  model: {}",
                index + 1,
                or_nothing(core),
                or_nothing(model)
            ));
        }
    }
    Ok(())
}

/// Compares what both said to one input. Gives the deviations that were made use of.
///
/// # Errors
/// The first difference.
pub fn step((result, outputs): &Said, answer: &Answer) -> Result<Vec<Deviation>, String> {
    let mut used = Vec::new();
    let of_core = result.clone().map(numbered).map_err(|refused| refused.word());
    let of_model = answer.result.clone().map(numbered).map_err(|refused| refused.word());
    if of_core != of_model {
        return Err(format!("the answer:\n  core:  {of_core:?}\n  model: {of_model:?}"));
    }
    let core: Vec<Output> = outputs.iter().map(plain).collect();
    let model: Vec<Output> = answer.outputs.iter().map(plain).collect();
    same_list("output", &core, &model)?;
    if result.is_err() || core.as_slice() != outputs {
        used.extend([Deviation::Texts, Deviation::Handles]);
    }
    Ok(used)
}

fn numbered(accepted: Accepted) -> Accepted {
    match accepted {
        Accepted::Session(session) => Accepted::Session(SessionId::unresolved(session.number())),
        Accepted::Done | Accepted::Update(_) => accepted,
    }
}

/// The same without what may differ.
fn plain(output: &Output) -> Output {
    let mut output = output.clone();
    match &mut output {
        Output::Event(event) => {
            if let Event::Error { reason, .. } = event {
                *reason = None;
            }
            if let Some(session) = session_of(event) {
                *session = SessionId::unresolved(session.number());
            }
        }
        Output::Effect(Effect::Resolve { session, .. }) => {
            *session = SessionId::unresolved(session.number());
        }
        Output::Effect(_) | Output::Idle { .. } => {}
    }
    output
}

const fn session_of(event: &mut Event) -> Option<&mut SessionId> {
    match event {
        Event::StateChanged { session, .. }
        | Event::Opened { session }
        | Event::Closed { session }
        | Event::Error { session, .. }
        | Event::PreferredConfigurationChanged { session, .. }
        | Event::OfferWithdrawn { session, .. }
        | Event::NewConfigurationActivated { session, .. }
        | Event::UsagePoliciesChanged { session, .. } => Some(session),
        Event::ConfigurationAdded { .. }
        | Event::ConfigurationRemoved { .. }
        | Event::ConfigurationChanged { .. }
        | Event::OnlineStateChanged { .. }
        | Event::UpdateCompleted { .. } => None,
    }
}
