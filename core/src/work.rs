//! What one input touched, and saying it in the documented order (R-REG-11).
//!
//! The rooms note what they touch; nothing is said before the end of the input.

use alloc::vec::Vec;

use crate::access_point::{Failure, News};
use crate::configuration::Kind;
use crate::{
    Changes, ConfigurationId, ConfigurationState, Effect, Event, Identifier, Manager, OperationId, Output,
    SessionId, UpdateToken,
};

/// Notes of the input that is being handled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    /// Configurations that the input touched.
    touched: Vec<ConfigurationId>,
    /// Access points that may need another request, or another watch, and nothing else.
    links: Vec<ConfigurationId>,
    /// Sessions that the input named, beside those of what it touched.
    sessions: Vec<SessionId>,
    pub(crate) added: Vec<ConfigurationId>,
    pub(crate) removed: Vec<Identifier>,
    /// What sessions are told, in the order of cause.
    events: Vec<(SessionId, Event)>,
    /// Errors that follow the state at the end of the input.
    pub(crate) errors: Vec<(SessionId, Failure)>,
    /// Sessions whose user is to be asked, and questions that are taken back.
    pub(crate) asking: Vec<SessionId>,
    pub(crate) cancelled_resolves: Vec<(SessionId, OperationId)>,
    /// Requests that are not about a link, numbered.
    pub(crate) platform: Vec<Effect>,
    pub(crate) completed_updates: Vec<UpdateToken>,
    pub(crate) read_counters: Vec<ConfigurationId>,
    /// Requests to links, numbered, and what to watch.
    pub(crate) requests: Vec<(ConfigurationId, Effect)>,
    /// Sessions that were aborted, and are told the state once all is decided.
    pub(crate) endings: Vec<SessionId>,
    /// A request was born that sessions may have to look at.
    pub(crate) is_unsettled: bool,
    /// The last access point in reach was removed.
    pub(crate) is_near_lost: bool,
}

impl Manager {
    /// Notes that something about a configuration, or about what it stands for, may have changed.
    pub(crate) fn touch(&mut self, id: ConfigurationId) {
        self.work.touched.push(id);
    }

    /// Notes that a link is held by others than before: that is no news for sessions, but where a device is
    /// shared.
    pub(crate) fn touch_link(&mut self, id: ConfigurationId) {
        if self.access_point(id).is_some_and(|ap| ap.device.is_some()) {
            self.work.is_unsettled = true;
            self.touch(id);
        } else {
            self.work.links.push(id);
        }
    }

    pub(crate) fn touch_session(&mut self, id: SessionId) {
        self.work.sessions.push(id);
    }

    /// Says something to the application that has this session.
    pub(crate) fn tell(&mut self, id: SessionId, event: Event) {
        self.work.events.push((id, event));
    }

    fn announce(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// What was touched, with the service networks of the access points: access points first, each in
    /// insertion order.
    fn touched_configurations(&mut self) -> Vec<ConfigurationId> {
        let mut touched = core::mem::take(&mut self.work.touched);
        sort_once(&mut touched);
        let named = touched.len();
        for at in 0..named {
            let Some(&id) = touched.get(at) else { break };
            if let Some(ap) = self.access_point(id) {
                touched.extend_from_slice(&ap.networks);
                // What its device can carry is another matter for all that share it.
                if ap.device.is_some() {
                    for sibling in self.siblings(id) {
                        touched.push(sibling);
                        let networks = self.access_point(sibling).map_or(&[][..], |ap| &ap.networks);
                        touched.extend_from_slice(networks);
                    }
                }
            }
        }
        touched.retain(|&id| self.configuration_ref(id).is_some());
        touched.sort_unstable_by_key(|&id| (self.access_point(id).is_none(), id));
        touched.dedup();
        touched
    }

    /// The sessions of what was touched, by number.
    fn touched_sessions(&mut self, touched: &[ConfigurationId]) -> Vec<SessionId> {
        let mut sessions = core::mem::take(&mut self.work.sessions);
        for &id in touched {
            if let Some(configuration) = self.configuration_ref(id) {
                sessions.extend_from_slice(&configuration.sessions);
                // Who holds what has left its service network is no longer found by that.
                if let Some(ap) = configuration.access_point() {
                    sessions.extend_from_slice(&ap.holders);
                }
            }
        }
        sort_once(&mut sessions);
        sessions
    }

    /// All facts of a moment are taken: what they mean for each session.
    pub(crate) fn settle_touched(&mut self) {
        let touched = self.touched_configurations();
        self.note_near(&touched);
        let sessions = self.touched_sessions(&touched);
        for &id in &sessions {
            self.settle(id);
        }
        for &id in &touched {
            if let Some(ap) = self.access_point_mut(id) {
                ap.news = News::default();
            }
        }
        keep(&mut self.work.touched, touched);
        keep(&mut self.work.sessions, sessions);
    }

    /// Requests are born of what was touched (R-GEN-5). A link that is to go down is no
    /// longer one to go to, so sessions look again.
    pub(crate) fn request_touched(&mut self) {
        loop {
            // Who opens again at once keeps what it wants from being stopped (R-LOSS-4).
            let endings = core::mem::take(&mut self.work.endings);
            let (lost, ended): (Vec<_>, Vec<_>) =
                endings.into_iter().partition(|&id| self.is_time_to_reopen(id));
            for id in lost {
                self.end(id);
            }
            let links = self.touched_links();
            for &id in &links {
                self.reconcile(id);
            }
            keep(&mut self.work.links, links);
            // The others are told the state that all this leads to (R-X-33).
            self.work.endings.extend(ended);
            if !self.work.is_unsettled {
                for id in core::mem::take(&mut self.work.endings) {
                    self.end(id);
                }
            }
            if !core::mem::take(&mut self.work.is_unsettled) {
                break;
            }
            self.settle_touched();
        }
    }

    /// Numbers what is asked for when all is decided: what was wanted and is no longer is never said.
    pub(crate) fn ask_touched(&mut self) {
        self.number_resolves();
        self.number_update();
        let links = self.touched_links();
        for &id in &links {
            self.unwatch(id);
            self.number_request(id);
            self.watch(id);
        }
        keep(&mut self.work.links, links);
    }

    /// All access points that may need a request, in insertion order.
    fn touched_links(&mut self) -> Vec<ConfigurationId> {
        let touched = self.touched_configurations();
        let mut links = core::mem::take(&mut self.work.links);
        links.extend_from_slice(&touched);
        keep(&mut self.work.touched, touched);
        links.retain(|&id| self.access_point(id).is_some());
        sort_once(&mut links);
        links
    }

    /// Counts the access points in reach; from none to one or back, all sessions on a user choice look.
    fn note_near(&mut self, touched: &[ConfigurationId]) {
        let was_any = self.near_links > 0;
        for &id in touched {
            let Some(ap) = self.access_point_mut(id) else { continue };
            let is_near = ap.configuration_state() >= ConfigurationState::Discovered;
            match (core::mem::replace(&mut ap.is_near, is_near), is_near) {
                (false, true) => self.near_links += 1,
                (true, false) => self.near_links -= 1,
                (true, true) | (false, false) => {}
            }
        }
        if was_any != (self.near_links > 0) || self.work.is_near_lost {
            self.work.is_near_lost = false;
            for id in self.user_choices.clone() {
                self.touch(id);
                if let Some(configuration) = self.configuration_ref(id) {
                    let sessions = configuration.sessions.clone();
                    self.work.sessions.extend(sessions);
                }
            }
        }
    }

    /// The end of an input: everything is said.
    pub(crate) fn say_everything(&mut self) {
        let touched = self.touched_configurations();
        self.note_near(&touched);
        self.announce_configurations(&touched);
        let sessions = self.touched_sessions(&touched);
        for &id in &sessions {
            self.report(id);
        }
        self.work.errors.clear();
        let mut events = core::mem::take(&mut self.work.events);
        // Stable: for each session the order of cause.
        events.sort_by_key(|&(id, _)| id);
        for (id, event) in events.drain(..) {
            if self.session_ref(id).is_some() {
                self.announce(event);
            }
        }
        self.work.events = events;
        self.announce_online();
        for token in core::mem::take(&mut self.work.completed_updates) {
            self.announce(Event::UpdateCompleted { token });
        }
        self.say_effects();
        // Keep the room of the lists.
        self.work.touched = touched;
        self.work.touched.clear();
        self.work.sessions = sessions;
        self.work.sessions.clear();
        self.work.links.clear();
        #[cfg(debug_assertions)]
        self.check_holders();
    }

    /// What is not about a link; then per access point in insertion order its request, then its counters.
    fn say_effects(&mut self) {
        let mut effects = core::mem::take(&mut self.work.requests);
        for id in core::mem::take(&mut self.work.read_counters) {
            if let Some(configuration) = self.configuration_ref(id) {
                effects.push((id, Effect::ReadCounters { id: configuration.identifier.clone() }));
            }
        }
        effects.sort_by_key(|&(id, _)| id);
        effects.dedup();
        let mut platform = core::mem::take(&mut self.work.platform);
        let all = || platform.iter().chain(effects.iter().map(|(_, effect)| effect));
        if !all().filter_map(Effect::op).is_sorted() {
            let born: Vec<_> = all().filter_map(Effect::op).collect();
            self.renumber(&born, platform.iter_mut().chain(effects.iter_mut().map(|(_, effect)| effect)));
        }
        for effect in platform.drain(..).chain(effects.drain(..).map(|(_, effect)| effect)) {
            self.outputs.push_back(Output::Effect(effect));
        }
        (self.work.requests, self.work.platform) = (effects, platform);
    }

    /// Removed, Added, Changed; silent while the first population lasts (R-REG-8).
    fn announce_configurations(&mut self, touched: &[ConfigurationId]) {
        let mut removed = core::mem::take(&mut self.work.removed);
        let mut added = core::mem::take(&mut self.work.added);
        if self.is_populated {
            for id in removed.drain(..) {
                self.announce(Event::ConfigurationRemoved { id });
            }
            added.sort_unstable_by_key(|&id| (self.access_point(id).is_none(), id));
            for &id in &added {
                if let Some(it) = self.configuration_ref(id).filter(|_| self.is_listed(id)) {
                    let id = it.identifier.clone();
                    self.announce(Event::ConfigurationAdded { id });
                }
            }
        }
        added.sort_unstable();
        for &id in touched {
            let is_new = added.binary_search(&id).is_ok();
            if let Some(event) = self.note_changes(id)
                && !is_new
                && self.is_populated
                && self.is_listed(id)
            {
                self.announce(event);
            }
        }
        removed.clear();
        added.clear();
        (self.work.removed, self.work.added) = (removed, added);
    }

    /// Compares a configuration with what was announced of it; what stands counts as announced from now.
    fn note_changes(&mut self, id: ConfigurationId) -> Option<Event> {
        let state = self.configuration_state(id);
        let (capabilities, policies) = (self.configuration_capabilities(id), self.configuration_policies(id));
        let configuration = self.configuration_mut(id)?;
        let mut changed = core::mem::take(&mut configuration.changed);
        changed.set(Changes::STATE, configuration.announced != state);
        configuration.announced = state;
        let mut online = None;
        match &mut configuration.kind {
            Kind::AccessPoint(ap) => {
                let is_online = state == ConfigurationState::Active && ap.counts_for_online;
                online = (core::mem::replace(&mut ap.online, is_online) != is_online).then_some(is_online);
            }
            Kind::ServiceNetwork(network) => {
                changed.set(Changes::CAPABILITIES, network.announced_capabilities != capabilities);
                changed.set(Changes::POLICIES, network.announced_policies != policies);
                network.announced_capabilities = capabilities;
                network.announced_policies = policies;
            }
            Kind::UserChoice => {}
        }
        let id = &configuration.identifier;
        let event =
            (!changed.is_empty()).then(|| Event::ConfigurationChanged { id: id.clone(), state, changed });
        match online {
            Some(true) => self.online_links += 1,
            Some(false) => self.online_links -= 1,
            None => {}
        }
        event
    }

    fn announce_online(&mut self) {
        let online = self.is_online();
        if core::mem::replace(&mut self.announced_online, online) != online && self.is_populated {
            self.announce(Event::OnlineStateChanged { online });
        }
    }

    /// Holders kept are those that follow from what the sessions hold.
    #[cfg(debug_assertions)]
    fn check_holders(&self) {
        for id in self.order.iter().take(64) {
            let Some(ap) = self.access_point(*id) else { continue };
            for &holder in &ap.holders {
                let holds = self
                    .session_ref(holder)
                    .is_some_and(|session| [session.held(), session.candidate()].contains(&Some(*id)));
                assert!(holds, "a holder holds");
            }
        }
    }
}

/// Puts a list back that was taken, beside what has come to it meanwhile, and keeps its room.
fn keep<T>(list: &mut Vec<T>, mut taken: Vec<T>) {
    taken.append(list);
    *list = taken;
}

fn sort_once<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}
