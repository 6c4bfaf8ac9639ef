//! What a report of a level, or an answer of the platform, means for a link and the request on it.

use std::collections::BTreeSet;

use netsession_core::{Capabilities, Cause, Identifier, Interface, LinkState, Outcome};

use super::{Failure, Grace, Key, Model, Request, Touched};

/// What the facts of this round mean for an access point; gone when every session has looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct News {
    /// The start that was under way failed, and who held the link then.
    pub failed: Option<(Failure, Vec<u64>)>,
    /// Another index: it was lost and is back (R-GEN-11).
    pub is_another: bool,
    /// Who had it open then.
    pub had_it: BTreeSet<u64>,
    /// It was going down, and is down (R-X-4).
    pub is_down: bool,
}

impl Model {
    /// The level with which an access point is added.
    pub(super) fn first_level(
        &mut self,
        key: Key,
        level: LinkState,
        interface: Option<Interface>,
        group: Option<Identifier>,
    ) {
        let Some(ap) = self.ap_mut(key) else { return };
        (ap.level, ap.interface, ap.group) = (level, interface, group);
        if level == LinkState::Active {
            self.became_active(key);
        }
    }

    /// R-GEN-11: a report replaces all that was known of the level.
    pub(super) fn observe(
        &mut self,
        key: Key,
        level: LinkState,
        interface: Option<Interface>,
        group: Option<Identifier>,
    ) {
        let now = self.now;
        let Some(ap) = self.ap_mut(key) else { return };
        let was = ap.level;
        let was_up = was == LinkState::Active || ap.grace.is_some();
        let was_going_down = was == LinkState::Closing || ap.is_stopping();
        let index = |interface: Option<&Interface>| interface.map(|interface| interface.index);
        let (old, new) = (index(ap.shown_interface()), index(interface.as_ref()));
        let has_another = was_up && level == LinkState::Active && old.zip(new).is_some_and(|(a, b)| a != b);
        // Section 1, "by itself".
        let by_itself = !ap.ours && !ap.is_starting() && !matches!(ap.request, Some(Request::Stop { .. }));
        // R-LOSS-5: there is no grace for a stop of ours.
        if level == LinkState::Active {
            ap.grace = None;
        } else if was == LinkState::Active
            && ap.grace.is_none()
            && !ap.loss_grace.is_zero()
            && !ap.is_stopping()
        {
            let (interface, group) = (ap.interface.clone(), ap.group.clone());
            ap.grace = Some(Grace { until: now + ap.loss_grace, interface, group });
        }
        (ap.level, ap.interface, ap.group) = (level, interface, group);
        // No loss to anybody, where a stop of ours is under way.
        let is_another = has_another && !ap.is_stopping();
        self.move_edges(key, was, was_up, by_itself);
        self.request_meets_level(key, was);
        let in_grace = self.ap(key).is_some_and(|ap| ap.grace.is_some());
        if was_going_down && level < LinkState::Connecting && !in_grace {
            self.saying.news.entry(key).or_default().is_down = true;
        }
        if is_another {
            let had_it = |(number, session): (&u64, &super::record::Session)| {
                session.open().is_some_and(|open| open.a == key).then_some(*number)
            };
            let had_it = self.sessions.iter().filter_map(had_it).collect();
            let news = self.saying.news.entry(key).or_default();
            (news.is_another, news.had_it) = (true, had_it);
        }
        // What was going down was Active as a configuration, and still is (section 1).
        if level == LinkState::Active && (was < LinkState::Active && !was_up || has_another) {
            self.became_active(key);
        }
    }

    /// R-STAT-1, R-STAT-3.
    fn became_active(&mut self, key: Key) {
        let Some(ap) = self.ap_mut(key) else { return };
        ap.received = super::Counter::default();
        ap.sent = super::Counter::default();
        if ap.capabilities.contains(Capabilities::DATA_STATISTICS) {
            self.saying.read.insert(key);
        }
    }

    /// What fell, rose or came up, and whether by itself (section 1).
    fn move_edges(&mut self, key: Key, was: LinkState, was_up: bool, by_itself: bool) {
        let Some(ap) = self.ap_mut(key) else { return };
        let level = ap.level;
        let falls = was >= LinkState::Discovered && level < LinkState::Discovered;
        let rises = was < LinkState::Discovered && level >= LinkState::Discovered;
        let comes_up = level == LinkState::Active && was < LinkState::Active && !was_up;
        let touched = ap.touched;
        if falls && touched == Touched::Yes {
            ap.touched = Touched::Fallen;
        }
        let is_up_anew = level == LinkState::Active && !was_up && !ap.is_stopping();
        if (rises && touched == Touched::Fallen) || is_up_anew {
            ap.touched = Touched::No;
        }
        let falls = falls && by_itself && touched == Touched::No;
        let rises = rises && by_itself && touched != Touched::Fallen;
        let comes_up = comes_up && by_itself && !(was < LinkState::Discovered && touched == Touched::Fallen);
        self.end_refusals(key, falls, rises, comes_up);
        let goes_up = by_itself && level > was && level <= LinkState::Active;
        if goes_up && touched != Touched::Fallen {
            self.wake_reopenings(key);
        }
    }

    /// R-ST-2, R-OPEN-9, R-CLOSE-11: whether the level shows that a request is done, or has failed.
    fn request_meets_level(&mut self, key: Key, was: LinkState) {
        let Some(ap) = self.ap_mut(key) else { return };
        let level = ap.level;
        let is_down = level < LinkState::Connecting;
        match ap.request {
            Some(Request::Start { .. }) if level == LinkState::Active => ap.request = None,
            Some(Request::Start { answered: true, .. }) if is_down && was >= LinkState::Connecting => {
                ap.request = None;
                self.start_failed(key, Failure::of(Cause::Failed));
            }
            Some(Request::Stop { clean_up: false, .. }) if is_down => {
                ap.request = None;
                ap.ours = false;
            }
            // R-X-17.
            Some(Request::Stop { clean_up: true, .. }) if !is_down => {
                ap.request = None;
                ap.ours = false;
            }
            Some(Request::Start { .. } | Request::Stop { .. } | Request::Cancel { .. }) | None => {}
        }
    }

    pub(super) fn start_failed(&mut self, key: Key, failure: Failure) {
        let holders = self.holders(key);
        self.saying.news.entry(key).or_default().failed = Some((failure, holders));
    }

    /// The platform answers a request on an access point. Only a failure of a start, a refusal of a stop, and
    /// the end of a cancel mean anything (R-GEN-4).
    pub(super) fn answered(&mut self, key: Key, result: Outcome, reason: Option<&String>) {
        let Some(ap) = self.ap_mut(key) else { return };
        match &mut ap.request {
            Some(Request::Start { answered, .. }) if result == Outcome::Ok => *answered = true,
            Some(Request::Start { answered: false, .. }) => {
                // R-CLOSE-11: nothing is to be taken back.
                (ap.request, ap.ours, ap.held) = (None, false, false);
                let failure = Failure { cause: super::opening::cause_of(result), reason: reason.cloned() };
                self.start_failed(key, failure);
            }
            Some(Request::Stop { clean_up: true, .. }) => {
                (ap.request, ap.ours) = (None, false);
            }
            Some(Request::Stop { answered, .. }) if result == Outcome::Ok => *answered = true,
            Some(Request::Stop { answered: false, .. }) => {
                self.stop_failed(key, Cause::StopRefused, reason);
            }
            Some(Request::Cancel { .. }) => self.cancel_is_over(key),
            Some(Request::Start { .. } | Request::Stop { .. }) | None => {}
        }
    }

    /// R-CLOSE-11: ours until the cancel is answered or late, if the level is below Connecting.
    pub(super) fn cancel_is_over(&mut self, key: Key) {
        let Some(ap) = self.ap_mut(key) else { return };
        ap.request = None;
        if ap.level < LinkState::Connecting && ap.grace.is_none() {
            ap.ours = false;
        }
        self.saying.steps += 1;
    }
}
