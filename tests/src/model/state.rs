//! The states of sessions: computed, never set (R-ST-1).

use netsession_core::{Event, LinkState, SessionId, SessionState, UsagePolicies};

use super::{Attempt, Dead, Key, Model, Open, Opening, Phase, Step, Told};

impl Model {
    /// The state of a session.
    pub(super) fn state(&self, number: u64) -> SessionState {
        let Some(session) = self.sessions.get(&number) else { return SessionState::Invalid };
        let Some(on) = session.on.filter(|on| self.configurations.contains_key(on)) else {
            return SessionState::Invalid;
        };
        match &session.phase {
            Phase::Closed => self.monitored(on, true),
            Phase::Asking { .. } => SessionState::Connecting,
            // R-ST-4.
            Phase::Opening(_) if self.is_user_choice(on) => SessionState::Connecting,
            Phase::Opening(opening) => self.state_while_opening(on, opening, true),
            Phase::Open(open) => self.state_while_open(open),
        }
    }

    pub(super) fn is_user_choice(&self, key: Key) -> bool {
        self.ap(key).is_none() && self.network(key).is_none()
    }

    /// R-ST-2, R-ST-3, R-ST-4 for a session that is not open.
    /// `planned`: with what is about to be asked of the platform.
    pub(super) fn monitored(&self, on: Key, planned: bool) -> SessionState {
        if self.is_user_choice(on) {
            let any = self.configurations.keys().any(|key| self.ap(*key).is_some() && self.is_in_reach(*key));
            return if any { SessionState::Disconnected } else { SessionState::NotAvailable };
        }
        let of = |link: Key| if planned { self.link_state(link) } else { self.link_state_as_it_is(link) };
        if self.ap(on).is_some() {
            return of(on);
        }
        most_telling(self.members(on).into_iter().map(of))
    }

    /// `asked`: what it waits for is asked for.
    pub(super) fn state_while_opening(&self, on: Key, opening: &Opening, asked: bool) -> SessionState {
        let of = |link: Key| match opening.attempt {
            Some(attempt) if attempt.member == link => self.link_state_for_opener(link, asked),
            Some(_) | None if asked => self.link_state(link),
            Some(_) | None => self.link_state_as_it_is(link),
        };
        if self.ap(on).is_some() {
            return of(on);
        }
        // What it waits for before what others have.
        if opening.attempt.is_some_and(|attempt| of(attempt.member) == SessionState::Connecting) {
            return SessionState::Connecting;
        }
        most_telling(self.members(on).into_iter().map(of))
    }

    /// What a session sees that waits for a link: it is Connecting while it waits for a cancel (R-X-5), for
    /// the device (R-DEV-1), or for the end of a grace (R-LOSS-5).
    fn link_state_for_opener(&self, key: Key, asked: bool) -> SessionState {
        let in_grace = self.ap(key).is_some_and(|ap| ap.grace.is_some() && !ap.is_stopping());
        let state = self.link_state(key);
        let waits = in_grace || (asked && state == SessionState::Disconnected);
        if waits { SessionState::Connecting } else { state }
    }

    /// R-ST-2: what a link says to whoever looks at it.
    pub(super) fn link_state(&self, key: Key) -> SessionState {
        let state = self.link_state_as_it_is(key);
        let shows = matches!(state, SessionState::Connected | SessionState::Connecting);
        let in_grace = self.ap(key).is_some_and(|ap| ap.grace.is_some());
        if shows && !in_grace && self.is_to_be_stopped(key) { SessionState::Closing } else { state }
    }

    /// The same before anything is asked of the platform in this input.
    pub(super) fn link_state_as_it_is(&self, key: Key) -> SessionState {
        let Some(ap) = self.ap(key) else { return SessionState::NotAvailable };
        if ap.grace.is_some() && !ap.is_stopping() {
            return SessionState::Connected;
        }
        let starting = ap.is_starting() && !self.starters(key).is_empty();
        let stopping = ap.is_stopping();
        match ap.level {
            LinkState::Closing => SessionState::Closing,
            LinkState::Active | LinkState::Connecting if stopping => SessionState::Closing,
            LinkState::Active => SessionState::Connected,
            LinkState::Connecting => SessionState::Connecting,
            _ if starting => SessionState::Connecting,
            LinkState::Discovered => SessionState::Disconnected,
            LinkState::Defined | LinkState::Undefined => SessionState::NotAvailable,
        }
    }

    fn state_while_open(&self, open: &Open) -> SessionState {
        let is_settled = match open.step {
            Step::Settled => true,
            Step::Offered { .. } => open.dead == Dead::No,
            Step::Migrating { .. } | Step::Trial { .. } | Step::Waiting | Step::Restoring { .. } => false,
        };
        if is_settled { self.link_state(open.a) } else { SessionState::Roaming }
    }

    /// Tells a session its state, if that is news to it.
    pub(super) fn say_state(&mut self, number: u64) {
        let state = self.state(number);
        self.say_this_state(number, state);
    }

    pub(super) fn say_this_state(&mut self, number: u64, state: SessionState) {
        let now = self.now;
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let told = std::mem::replace(&mut session.told, state);
        if told == state {
            let is_open = |told: &Told| matches!(told, Told::StateLeft);
            if let Some(events) = self.saying.events.get_mut(&number) {
                events.retain(|told| !is_open(told));
            }
            return;
        }
        // R-STAT-2.
        if state == SessionState::Connected && told != SessionState::Roaming {
            session.connected_since = Some(now);
        } else if !matches!(state, SessionState::Connected | SessionState::Roaming) {
            session.connected_since = None;
        }
        let event = Told::Event(Event::StateChanged { session: SessionId::unresolved(number), state });
        self.saying.steps += 1;
        let events = self.saying.events.entry(number).or_default();
        match events.iter().position(|told| matches!(told, Told::StateLeft)) {
            Some(place) => {
                events.push(event);
                events.swap_remove(place);
            }
            None => events.push(event),
        }
    }

    /// R-X-33: the state that a session is told in this place is the one in which the input leaves it.
    pub(super) fn say_state_left(&mut self, number: u64) {
        self.saying.events.entry(number).or_default().push(Told::StateLeft);
        self.saying.steps += 1;
    }

    /// R-X-4: who saw a link going down sees that it is down before it sees it started again.
    pub(super) fn say_that_it_is_down(&mut self, number: u64) {
        let Some(session) = self.sessions.get(&number) else { return };
        let Some(on) = session.on.filter(|on| self.configurations.contains_key(on)) else { return };
        if session.open().is_some() || self.is_user_choice(on) {
            return;
        }
        let state = match session.opening() {
            Some(opening) => self.state_while_opening(on, opening, false),
            None => self.monitored(on, false),
        };
        let is_down = |link: &Key| self.saying.news.get(link).is_some_and(|news| news.is_down);
        let tells = match session.opening() {
            None => self.links(on).iter().any(is_down),
            // Who opens a link that is out of reach is told so when its attempt has failed.
            Some(Opening { attempt: Some(Attempt { member, .. }), .. }) => {
                let of_member = self.link_state_for_opener(*member, false);
                let has_turned = session.told == SessionState::Closing
                    && of_member != SessionState::Closing
                    && state != SessionState::Closing;
                self.ap(*member).is_some_and(|ap| ap.level >= LinkState::Discovered || ap.grace.is_some())
                    && (is_down(member) || has_turned)
                    && !self.links(on).iter().any(|link| *link != *member && self.is_active(*link))
            }
            Some(_) => false,
        };
        if tells {
            self.say_this_state(number, state);
        }
    }

    /// R-POL-1.
    pub(super) fn session_policies(&self, number: u64) -> UsagePolicies {
        let Some(session) = self.sessions.get(&number) else { return UsagePolicies::empty() };
        let of = session.open().map_or(session.on, |open| Some(open.a));
        of.map_or(UsagePolicies::empty(), |key| self.policies_of(key))
    }
}

/// R-ST-3: of what the members say.
fn most_telling(states: impl Iterator<Item = SessionState>) -> SessionState {
    let said: Vec<SessionState> = states.collect();
    let order = [
        SessionState::Connected,
        SessionState::Connecting,
        SessionState::Closing,
        SessionState::Disconnected,
    ];
    order.into_iter().find(|state| said.contains(state)).unwrap_or(SessionState::NotAvailable)
}
