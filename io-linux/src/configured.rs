//! The configuration in force: telling the core of it, by differences.
//!
//! What a session uses is left as it is until none does; then what is left is made good.

use std::collections::BTreeMap;
use std::rc::Rc;

use netsession_core::{
    Accepted, Add, Change, Config, Identifier, Input, LinkState, Manager, Refused, SessionId, Settings,
};

use crate::Configuration;
use crate::configuration::{Postponed, ServiceNetwork};
use crate::engine::{Attempt, Engine};

/// What is in force.
pub(crate) struct Configured {
    configuration: Rc<Configuration>,
    /// What the core was given when it was made.
    constants: Config,
    /// The service networks of the configuration, as the core was told of them.
    networks: BTreeMap<Identifier, ServiceNetwork>,
    /// Something waits for a session to let go of it.
    is_waiting: bool,
    /// A session may have let go of something.
    pub(crate) may_be_free: bool,
    /// Links have come or gone.
    pub(crate) has_regrouped: bool,
}

impl Configured {
    pub(crate) fn new(configuration: Rc<Configuration>) -> Self {
        Self {
            constants: configuration.driver.clone(),
            configuration,
            networks: BTreeMap::new(),
            is_waiting: false,
            may_be_free: false,
            has_regrouped: false,
        }
    }
}

impl Engine {
    /// Puts a configuration in place of the one in force.
    pub(crate) fn reconfigure(&mut self, configuration: Configuration) -> Vec<Postponed> {
        let configuration = Rc::new(configuration);
        self.configured.configuration = Rc::clone(&configuration);
        self.backend.configure(Rc::clone(&configuration));
        let has_other_constants = configuration.driver != self.configured.constants;
        let mut postponed: Vec<Postponed> =
            has_other_constants.then_some(Postponed::Constants).into_iter().collect();
        postponed.extend(self.adapt());
        postponed
    }

    /// Makes good what has come about since: links with other names, and what is no longer in use.
    pub(crate) fn review_configuration(&mut self) {
        let is_free = std::mem::take(&mut self.configured.may_be_free);
        if self.backend.is_to_be_adapted() || self.configured.is_waiting && is_free {
            self.adapt();
        }
        if std::mem::take(&mut self.configured.has_regrouped) {
            let known: Vec<ServiceNetwork> = self
                .configured
                .configuration
                .service_networks
                .iter()
                .filter(|network| self.configured.networks.contains_key(&network.id))
                .cloned()
                .collect();
            known.iter().for_each(|network| drop(self.tell_network(network)));
        }
    }

    /// Identifiers of service networks first, because access points may want them, and the other way round.
    fn adapt(&mut self) -> Vec<Postponed> {
        let mut postponed = self.remove_networks();
        let Self { manager, backend, .. } = self;
        postponed.extend(backend.adapt(&|id| is_link_in_use(manager, id)));
        self.feed_from_backend();
        let configuration = Rc::clone(&self.configured.configuration);
        for network in &configuration.service_networks {
            if let Err(refused) = self.tell_network(network) {
                postponed.push(Postponed::Refused(network.id.clone(), refused));
            }
        }
        self.configured.is_waiting =
            postponed.iter().any(|it| matches!(it, Postponed::InUse(_) | Postponed::Refused(..)));
        postponed
    }

    fn remove_networks(&mut self) -> Vec<Postponed> {
        let configuration = Rc::clone(&self.configured.configuration);
        let is_there = |id: &Identifier| configuration.service_networks.iter().any(|it| it.id == *id);
        let gone: Vec<Identifier> =
            self.configured.networks.keys().filter(|id| !is_there(id)).cloned().collect();
        let mut postponed = Vec::new();
        for id in gone {
            if self.is_network_in_use(&id) {
                postponed.push(Postponed::InUse(id));
            } else {
                self.configured.networks.remove(&id);
                // Refused only if somebody else has removed it.
                let _: Result<Accepted, Refused> = self.feed(Input::Remove { id });
            }
        }
        postponed
    }

    /// Tells what is new about a service network.
    fn tell_network(&mut self, network: &ServiceNetwork) -> Result<(), Refused> {
        let mut network = network.clone();
        network.members = network.members.iter().flat_map(|member| self.backend.links_of(member)).collect();
        let id = network.id.clone();
        let old = self.configured.networks.get(&id);
        let settings = network.settings();
        let input = match old {
            Some(old) if *old == network => return Ok(()),
            Some(old) => Input::Change(Change::new(id.clone(), difference(old.settings(), settings))),
            None => {
                let mut add = Add::service_network(id.clone(), Vec::<Identifier>::new());
                add.settings = settings;
                Input::Add(add)
            }
        };
        self.feed(input)?;
        self.configured.networks.insert(id, network);
        Ok(())
    }

    fn is_network_in_use(&self, id: &Identifier) -> bool {
        let is_opening = |session: SessionId| self.attempt(session) == Some(Attempt::Opening);
        let mut sessions = self.manager.sessions().filter(|session| session.configuration() == id);
        sessions.any(|session| session.is_open() || is_opening(session.id()))
    }
}

/// Whether a session holds a link, or something is under way on it.
fn is_link_in_use(manager: &Manager, id: &Identifier) -> bool {
    manager.configuration(id).is_some_and(|link| {
        let is_on_its_way = matches!(link.link(), Some(LinkState::Connecting | LinkState::Closing));
        link.holders() > 0 || is_on_its_way
    })
}

/// The fields that are not as they were.
fn difference(old: Settings, new: Settings) -> Settings {
    fn changed<T: PartialEq>(old: Option<T>, new: Option<T>) -> Option<T> {
        new.filter(|new| old.as_ref() != Some(new))
    }
    let mut settings = Settings::default();
    settings.name = changed(old.name, new.name);
    settings.purpose = changed(old.purpose, new.purpose);
    settings.connect_timeout = changed(old.connect_timeout, new.connect_timeout);
    settings.members = changed(old.members, new.members);
    settings.hold_off = changed(old.hold_off, new.hold_off);
    settings.retry_after = changed(old.retry_after, new.retry_after);
    settings.answer_within = changed(old.answer_within, new.answer_within);
    settings
}
