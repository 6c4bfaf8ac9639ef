//! What a world is made of, before its time begins.

use netsession_core::{Add, Config, Identifier, Input};

use crate::platform::Platform;
use crate::{Answers, Choice, Link, Random, World};

/// Builds a [`World`]. What is not said has a default that works.
///
/// Configurations are added in the order in which they are named here.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    seed: u64,
    config: Option<Config>,
    entries: Vec<Entry>,
    default: Option<Identifier>,
    answers: Answers,
    choice: Choice,
}

#[derive(Clone, Debug)]
enum Entry {
    Link(Identifier, Box<Link>),
    Other(Box<Add>),
}

impl Builder {
    /// Where chance comes from. Default 0.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The constants of the manager.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        Self { config: Some(config), ..self }
    }

    /// An access point, and how its link behaves.
    #[must_use]
    pub fn access_point(mut self, id: impl Into<Identifier>, link: Link) -> Self {
        self.entries.push(Entry::Link(id.into(), Box::new(link)));
        self
    }

    /// A service network of these members, most preferred first.
    #[must_use]
    pub fn service_network<M: Into<Identifier>>(
        self,
        id: impl Into<Identifier>,
        members: impl IntoIterator<Item = M>,
    ) -> Self {
        self.configuration(Add::service_network(id, members))
    }

    /// A configuration that no link stands behind. An access point added so is one whose driver answers
    /// [`Gone`](netsession_core::Outcome::Gone) to everything.
    #[must_use]
    pub fn configuration(mut self, add: Add) -> Self {
        self.entries.push(Entry::Other(Box::new(add)));
        self
    }

    /// The platform's own default configuration.
    #[must_use]
    pub fn default_configuration(self, id: impl Into<Identifier>) -> Self {
        Self { default: Some(id.into()), ..self }
    }

    /// How requests are answered.
    #[must_use]
    pub fn answers(self, answers: Answers) -> Self {
        Self { answers, ..self }
    }

    /// What the user answers.
    #[must_use]
    pub fn choice(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }

    /// The world at time zero. The manager knows all its configurations, and its first population is over
    /// (R-REG-8).
    ///
    /// # Panics
    /// If the manager refuses a configuration, such as one whose identifier is taken.
    #[must_use]
    pub fn build(self) -> World {
        let mut world = World::new(Platform::new(Random::new(self.seed), self.answers, self.choice));
        if let Some(config) = self.config {
            world.command_accepted(Input::Config(config));
        }
        for entry in self.entries {
            match entry {
                Entry::Link(id, link) => world.add(id, *link),
                Entry::Other(add) => {
                    world.command_accepted(Input::Add(*add));
                }
            }
        }
        if self.default.is_some() {
            world.command_accepted(Input::Default { id: self.default });
        }
        world.tick();
        world
    }
}
