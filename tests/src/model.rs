//! The reference model: the contract written down a second time, as naively as it can be.
//!
//! It shares the words of the core (inputs, events, effects) and none of its machinery. The whole state is a
//! few plain records; whatever can be computed from them is computed anew each time it is asked for: who
//! holds what, what is wanted, which deadline is next. After each input every session looks at everything
//! until nobody has anything left to do, and only then is the platform asked. So it is slow, and short
//! enough to be held against the text rule by rule.
//!
//! It promises to say what the core says, in the same order, but for the texts for people
//! ([`Deviation`](crate::compare::Deviation)).
//!
//! | module | room for |
//! |---|---|
//! | `record` | the records: configurations, links, sessions |
//! | `facts` | taking an input: what is refused, and what it changes in the records |
//! | `level` | what a report of a level means for a link and its requests |
//! | `link` | what can be said of a link by looking at it |
//! | `state` | states, computed |
//! | `command` | what applications ask for |
//! | `opening` | attempts to open |
//! | `ending` | losses, ends, and opening again |
//! | `stopping` | stop() |
//! | `roaming` | the steps of roaming |
//! | `ranking` | which member is usable, refused, best |
//! | `request` | holding what is wanted against what is, and asking the platform |
//! | `deadline` | all deadlines, and what happens when one is due |
//! | `telling` | the order in which everything is told |
//! | `view` | what can be read, to be held against the views of the core |
//! | `canonical` | the state as bytes in which nothing counts that no longer matters |

mod canonical;
mod command;
mod deadline;
mod ending;
mod facts;
mod level;
mod link;
mod opening;
mod ranking;
mod record;
mod request;
mod roaming;
mod settings;
mod state;
mod stopping;
mod telling;
mod view;

use std::collections::BTreeMap;

use netsession_core::{Accepted, Config, Event, Identifier, Input, Instant, Output, Refused, UpdateToken};

use deadline::Due;
pub(crate) use record::{
    AccessPoint, Attempt, Configuration, Counter, Dead, Face, Failure, Grace, Key, Kind, Manner, Network,
    Open, Opening, Phase, Refusal, Reopening, Request, Saying, Session, Step, Told, Touched, Update,
};
pub(crate) use view::whole_of;
pub use view::{ConfigurationSummary, SessionSummary};

/// More rounds than this within one input mean that the model itself goes round in circles.
const ROUNDS: usize = 1_000;

/// The contract as plain records.
#[derive(Clone, Debug)]
pub struct Model {
    now: Instant,
    /// Up to here all deadlines have been seen to; it lags behind `now` only while an input is handled.
    reached: (Instant, Due),
    config: Config,
    /// Nothing but refused inputs so far.
    untouched: bool,
    /// R-REG-8: the first population is not over.
    populating: bool,
    configurations: BTreeMap<Key, Configuration>,
    sessions: BTreeMap<u64, Session>,
    platform_default: Option<Key>,
    update: Option<Update>,
    last_configuration: Key,
    last_session: u64,
    last_operation: u64,
    last_token: u64,
    saying: Saying,
}

/// What an input led to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// What was made, or why it was refused.
    pub result: Result<Accepted, Refused>,
    /// Everything that was said, in the order of R-REG-11, the idle last.
    pub outputs: Vec<Output>,
}

impl Default for Model {
    fn default() -> Self {
        Self::new()
    }
}

impl Model {
    /// A model that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: Instant::ZERO,
            reached: (Instant::ZERO, Due::Update),
            config: Config::default(),
            untouched: true,
            populating: true,
            configurations: BTreeMap::new(),
            sessions: BTreeMap::new(),
            platform_default: None,
            update: None,
            last_configuration: 0,
            last_session: 0,
            last_operation: 0,
            last_token: 0,
            saying: Saying::default(),
        }
    }

    /// Takes an input at a time, and says everything that it leads to (R-GEN-2): the input is taken, then
    /// the deadlines that are due, and after all that the platform is asked.
    pub fn handle_input(&mut self, at: Instant, input: &Input) -> Answer {
        self.now = self.now.max(at);
        self.saying = Saying::default();
        let faces = self.faces();
        let was_online = self.is_online();
        let silent = self.populating && Self::populates(input);
        let result = self.take(input);
        if result.is_ok() {
            self.untouched = false;
            self.populating = silent && !matches!(input, Input::Snapshot(_));
        }
        for session in self.sessions.keys().copied().collect::<Vec<u64>>() {
            self.say_that_it_is_down(session);
        }
        self.settle();
        for _ in 0..ROUNDS {
            while let Some(due) = self.due() {
                self.fire(due);
                self.settle();
            }
            let asked = self.saying.asked.len();
            self.make_requests();
            // What was asked for may change what others see.
            self.settle();
            if self.due().is_none() && self.saying.asked.len() == asked {
                break;
            }
        }
        self.reached = (self.now, Due::Update);
        let outputs = self.tell(&faces, was_online, silent);
        Answer { result, outputs }
    }

    /// R-REG-8: the inputs of which the first population consists.
    const fn populates(input: &Input) -> bool {
        matches!(
            input,
            Input::Config(_)
                | Input::Add(_)
                | Input::Default { .. }
                | Input::Policies { .. }
                | Input::Adopt { .. }
                | Input::Counters { .. }
                | Input::Snapshot(_)
        )
    }

    /// Lets every session look at everything, again and again, until nobody has anything left to do.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let before = self.saying.steps;
            let sessions: Vec<u64> = self.sessions.keys().copied().collect();
            for session in sessions {
                self.look(session);
            }
            self.saying.news.clear();
            self.note_usable();
            if self.saying.steps == before && !self.note_leavings() {
                return;
            }
        }
    }

    /// What a session does about what is so now.
    fn look(&mut self, session: u64) {
        self.forget_who_left(session);
        if self.end_with_its_configuration(session) {
            return;
        }
        self.pursue(session);
        self.roam(session);
        self.end_with_its_link(session);
    }

    fn say(&mut self, session: u64, event: Event) {
        self.saying.events.entry(session).or_default().push(Told::Event(event));
        self.saying.steps += 1;
    }

    fn complete_update(&mut self) {
        let tokens = self.update.take().map(|update| update.tokens);
        self.saying.completed.extend(tokens.into_iter().flatten());
    }

    fn next_token(&mut self) -> UpdateToken {
        self.last_token += 1;
        UpdateToken(self.last_token)
    }

    fn find(&self, identifier: &Identifier) -> Option<Key> {
        self.configurations.iter().find(|(_, it)| it.identifier == *identifier).map(|(key, _)| *key)
    }
}
