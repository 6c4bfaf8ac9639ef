//! The state as bytes, for a search: two models that behave alike from now on should have the same.
//!
//! Times are written as what is left of them, and not at all when they no longer matter; configurations and
//! sessions by their place, not by their number; requests without theirs. What is only ever read is left out:
//! the last error of a session, and its [`active_time`](super::SessionSummary::active_time).

use std::fmt::Write as _;
use std::time::Duration;

use netsession_core::Instant;

use super::{
    AccessPoint, Configuration, Dead, Key, Kind, Model, Open, Opening, Phase, Request, Session, Step,
};

/// The bytes so far.
struct Writer<'a> {
    model: &'a Model,
    bytes: Vec<u8>,
}

impl Model {
    /// The state as bytes.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut writer = Writer { model: self, bytes: Vec::with_capacity(256) };
        writer.words(&(self.untouched, self.populating));
        writer.words(&self.config);
        writer.maybe_key(self.platform_default);
        writer.maybe_left(self.update.as_ref().map(|update| update.deadline));
        writer.number(self.update.as_ref().map_or(0, |update| update.tokens.len() as u64));
        for configuration in self.configurations.values() {
            writer.configuration(configuration);
        }
        writer.number(self.configurations.len() as u64);
        for session in self.sessions.values() {
            writer.session(session);
        }
        writer.bytes
    }

    /// The state on a few lines, for people.
    #[must_use]
    pub fn in_short(&self) -> String {
        let mut text = format!("now {} ms", self.now);
        for (key, it) in &self.configurations {
            if let Some(ap) = it.access_point() {
                let (level, request, ours) = (ap.level, &ap.request, ap.ours);
                let _ = write!(text, "\n  {key} {}: {level} {request:?} ours {ours}", it.identifier);
                let _ = write!(text, " held {} {:?} {:?}", ap.held, ap.touched, ap.grace);
            } else {
                let _ = write!(text, "\n  {key} {}: {:?}", it.identifier, self.members(*key));
            }
        }
        for (number, session) in &self.sessions {
            let _ = write!(text, "\n  session {number} {:?} {:?}", session.told, session.phase);
            let _ = write!(text, " {:?} {:?} {:?}", session.refusals, session.failures, session.reopening);
        }
        text
    }
}

impl Writer<'_> {
    fn number(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// What has no number of its own, as it prints.
    fn words(&mut self, what: &impl std::fmt::Debug) {
        let text = format!("{what:?};");
        self.bytes.extend(text.as_bytes());
    }

    fn key(&mut self, key: Key) {
        let place = self.model.configurations.keys().position(|it| *it == key);
        self.number(place.map_or(u64::MAX, |place| place as u64));
    }

    fn maybe_key(&mut self, key: Option<Key>) {
        self.bytes.push(u8::from(key.is_some()));
        if let Some(key) = key {
            self.key(key);
        }
    }

    /// What is left until then.
    fn left(&mut self, at: Instant) {
        self.number(at.as_nanos().saturating_sub(self.model.now.as_nanos()));
    }

    fn maybe_left(&mut self, at: Option<Instant>) {
        self.bytes.push(u8::from(at.is_some()));
        if let Some(at) = at {
            self.left(at);
        }
    }

    /// How long ago that was, where it still matters.
    fn ago(&mut self, at: Instant, matters: bool) {
        let ago = self.model.now.saturating_since(at);
        self.words(&matters.then_some(ago));
    }

    fn configuration(&mut self, configuration: &Configuration) {
        let Configuration { identifier, name, purpose, connect_timeout, kind } = configuration;
        self.words(&(identifier, name, purpose, connect_timeout));
        match kind {
            Kind::AccessPoint(ap) => self.access_point(ap),
            Kind::ServiceNetwork(network) => self.words(network),
            Kind::UserChoice => self.bytes.push(0),
        }
    }

    fn access_point(&mut self, ap: &AccessPoint) {
        self.words(&(ap.bearer, &ap.device, ap.shutdown, ap.capabilities.bits(), ap.loss_grace, ap.polls));
        self.words(&(ap.counts_for_online, ap.policies.bits(), ap.level, &ap.interface, &ap.group));
        self.maybe_left(ap.grace.as_ref().map(|grace| grace.until));
        self.words(&ap.grace.as_ref().map(|grace| (&grace.interface, &grace.group)));
        match &ap.request {
            None => self.bytes.push(0),
            Some(Request::Start { answered, .. }) => self.words(&("start", answered)),
            Some(Request::Stop { deadline, answered, clean_up, stoppers, .. }) => {
                let place = |number: &u64| self.model.sessions.keys().position(|it| it == number);
                let places: Vec<usize> = stoppers.iter().filter_map(place).collect();
                self.words(&("stop", answered, clean_up, places));
                self.left(*deadline);
            }
            Some(Request::Cancel { deadline, used, .. }) => {
                self.words(&("cancel", used));
                self.left(*deadline);
            }
        }
        self.words(&(ap.ours, ap.held, ap.touched, ap.watched, ap.received, ap.sent));
    }

    fn session(&mut self, session: &Session) {
        self.words(&(&session.name, session.told, session.told_policies.bits()));
        self.words(&(session.mode, session.reopen, &session.properties, session.auto_close));
        self.maybe_key(session.on);
        self.maybe_left(session.auto_close_at);
        // More failures than that make no difference.
        let given_up = self.model.config.give_up_after.max(1);
        match &session.phase {
            Phase::Closed => self.bytes.push(0),
            Phase::Asking { deadline, .. } => {
                self.bytes.push(1);
                self.left(*deadline);
            }
            Phase::Opening(opening) => self.opening(opening),
            Phase::Open(open) => self.open(open, given_up > 1 && session.failures.contains_key(&open.a)),
        }
        if let Some(reopening) = session.reopening {
            self.words(&reopening.failures.min(given_up));
            self.key(reopening.target);
            self.maybe_left(reopening.next);
        }
        // They begin anew with open().
        if !matches!(session.phase, Phase::Closed) {
            for (member, refusal) in &session.refusals {
                self.key(*member);
                let kinds = (refusal.by_application, refusal.by_stop, refusal.by_failure, refusal.fallen);
                self.words(&kinds);
                self.maybe_left(refusal.end());
            }
            // The next one gives it up, or does not: more of them make no difference.
            for (member, failures) in &session.failures {
                let count = (*failures).min(given_up - 1);
                if count > 0 {
                    self.key(*member);
                    self.words(&count);
                }
            }
        }
        self.bytes.push(b'\n');
    }

    fn opening(&mut self, opening: &Opening) {
        self.bytes.push(2);
        self.key(opening.target);
        self.maybe_left(opening.due);
        if let Some(attempt) = opening.attempt {
            self.key(attempt.member);
            self.words(&attempt.joined);
            let is_measured = attempt.member != opening.target;
            self.maybe_left(attempt.due.filter(|_| is_measured));
            self.ago(attempt.since, is_measured && opening.due.is_some());
        }
        for member in &opening.tried {
            self.key(*member);
        }
        self.words(&(opening.last.as_ref().map(|failure| failure.cause), opening.again));
    }

    fn open(&mut self, open: &Open, a_has_failed: bool) {
        self.bytes.push(3);
        self.key(open.target);
        self.key(open.a);
        self.words(&(&open.a_name, open.a_started, open.victim, open.manner));
        let hold_off = self.model.hold_off(open.target);
        // R-ROAM-43, R-X-35.
        let counts = open.a_started || a_has_failed;
        self.maybe_left(counts.then(|| open.a_since + self.model.retry_after(open.target)));
        self.left(open.opened_at + hold_off.max(Duration::from_millis(1)));
        self.left(open.mode_since + hold_off);
        self.maybe_left(open.answer);
        match open.dead {
            Dead::No => self.bytes.push(0),
            Dead::Restorable => self.bytes.push(1),
            Dead::Since(lost) => {
                self.bytes.push(2);
                self.left(lost + self.model.config.rescue_grace);
            }
        }
        for (member, since) in &open.usable {
            self.key(*member);
            self.left(*since + hold_off);
        }
        self.step(open);
    }

    fn step(&mut self, open: &Open) {
        let mut migrating = |to: Key, due: Option<Instant>, what: (&str, bool)| {
            self.words(&what);
            self.key(to);
            self.maybe_left(due);
        };
        match &open.step {
            Step::Settled => self.bytes.push(0),
            Step::Waiting => self.bytes.push(1),
            Step::Offered { to, name, kind } => {
                self.words(&("offered", name, kind));
                self.key(*to);
            }
            Step::Migrating { to, due, chosen } => migrating(*to, *due, ("migrating", *chosen)),
            Step::Trial { to, chosen } => {
                self.words(&("trial", chosen));
                self.key(*to);
            }
            Step::Restoring { due, failed } => migrating(open.a, *due, ("restoring", *failed)),
        }
    }
}
