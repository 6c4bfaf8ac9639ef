//! Which member is usable, refused, and best.

use std::time::Duration;

use netsession_core::{Capabilities, Instant, LinkState, RoamingMode};

use super::link::Prospect;
use super::{Dead, Key, Manner, Model, Open, Refusal, Session};

/// R-ROAM-43.
const LONGEST_REFUSAL: Duration = Duration::from_secs(600);

impl Model {
    /// R-ROAM-40, R-X-25.
    pub(super) fn manner(&self, number: u64) -> Manner {
        let Some(session) = self.sessions.get(&number) else { return Manner::Stays };
        let Some(open) = session.open() else { return Manner::Stays };
        if !self.members(open.target).into_iter().any(|member| member != open.a)
            || self.ap(open.target).is_some()
        {
            return Manner::Stays;
        }
        let has = self.capabilities_of(open.target);
        let moves = has.contains(Capabilities::FORCED_ROAMING);
        match session.mode {
            RoamingMode::Application if has.contains(Capabilities::APPLICATION_LEVEL_ROAMING) => Manner::Asks,
            RoamingMode::Application | RoamingMode::Forced if moves => Manner::Moves,
            RoamingMode::Application | RoamingMode::Forced | RoamingMode::Suppressed => Manner::Stays,
        }
    }

    /// R-ROAM-42, but for refusals.
    pub(super) fn could_be_used(&self, number: u64, open: &Open, member: Key) -> bool {
        let prospect = self.prospect(member, number);
        member != open.a
            && self.members(open.target).contains(&member)
            && match prospect {
                Prospect::Up | Prospect::Grace | Prospect::Coming | Prospect::Ours => {
                    self.is_device_free_to_join(member, number)
                }
                Prospect::Startable => !self.is_kept_by_a_dead_one(open, member),
                Prospect::Down | Prospect::Taken | Prospect::NotPossible | Prospect::Unavailable => false,
            }
    }

    /// R-X-40.
    fn is_kept_by_a_dead_one(&self, open: &Open, member: Key) -> bool {
        matches!(open.dead, Dead::Since(_))
            && self.others_of_device(member).contains(&open.a)
            && self.ap(open.a).is_some_and(|ap| ap.level >= LinkState::Connecting)
    }

    /// R-ROAM-42; who comes later does not keep what has lost its last taker (R-GEN-10).
    pub(super) fn is_usable(&self, number: u64, member: Key) -> bool {
        let is_left = self.holders(member).is_empty() && self.is_to_be_stopped(member);
        !is_left && self.is_usable_as_it_is(number, member)
    }

    /// The same before anything is asked of the platform in this input.
    pub(super) fn is_usable_as_it_is(&self, number: u64, member: Key) -> bool {
        let Some(session) = self.sessions.get(&number) else { return false };
        let Some(open) = session.open() else { return false };
        self.could_be_used(number, open, member)
            && !session.refusals.contains_key(&member)
            && !(open.manner == Manner::Moves && self.would_stop_what_is_not_ours(open, member))
    }

    /// R-ROAM-42: no automatic roam stops, to free a device, an access point that is not ours.
    pub(super) fn would_stop_what_is_not_ours(&self, open: &Open, member: Key) -> bool {
        let is_in_the_way = |other: Key| {
            other != open.a
                && self.ap(other).is_some_and(|ap| {
                    let is_going = ap.level == LinkState::Closing || ap.is_stopping();
                    ap.level >= LinkState::Connecting && !is_going && !ap.ours
                })
        };
        self.ap(member).is_some_and(|ap| ap.level == LinkState::Discovered && !ap.is_starting())
            && self.others_of_device(member).into_iter().any(is_in_the_way)
    }

    /// R-DEV-2: A must go down before this member can come up.
    pub(super) fn must_break_first(&self, open: &Open, member: Key) -> bool {
        self.ap(member).is_some_and(|ap| ap.level < LinkState::Connecting && ap.grace.is_none())
            && self.others_of_device(member).contains(&open.a)
            && self.ap(open.a).is_some_and(|ap| ap.level >= LinkState::Connecting || ap.grace.is_some())
    }

    /// Since when members are usable (R-ROAM-41).
    pub(super) fn note_usable(&mut self) {
        for number in self.sessions.keys().copied().collect::<Vec<u64>>() {
            self.note_usable_of(number);
        }
    }

    pub(super) fn note_usable_of(&mut self, number: u64) {
        let now = self.now;
        let Some(open) = self.sessions.get(&number).and_then(Session::open) else { return };
        let members = self.members(open.target);
        let usable: Vec<Key> = members.into_iter().filter(|member| self.is_usable(number, *member)).collect();
        let Some(open) = self.sessions.get_mut(&number).and_then(Session::open_mut) else { return };
        open.usable.retain(|member, _| usable.contains(member));
        for member in usable {
            open.usable.entry(member).or_insert(now);
        }
    }

    /// The members preferred to A that would be an upgrade, and from when on (R-ROAM-41).
    fn upgrades(&self, number: u64) -> Vec<(Key, Instant)> {
        let Some(open) = self.sessions.get(&number).and_then(Session::open) else { return Vec::new() };
        if open.manner == Manner::Stays {
            return Vec::new();
        }
        let preferred = self.members(open.target).into_iter().take_while(|member| *member != open.a);
        let hold_off = self.hold_off(open.target);
        let when = |member: Key| {
            let since = *open.usable.get(&member)?;
            let counted = since.max(open.opened_at).max(open.mode_since);
            let at = (counted + hold_off).max(open.opened_at + Self::FIRST_UPGRADE);
            // Without a hold_off what has just become usable does not wait.
            let is_immediate = at == self.now && counted == self.now;
            Some((member, if is_immediate { Instant::ZERO } else { at }))
        };
        preferred
            .filter(|member| self.is_usable(number, *member))
            .filter(|member| open.manner == Manner::Asks || !self.must_break_first(open, *member))
            .filter_map(when)
            .collect()
    }

    pub(super) fn best_upgrade(&self, number: u64) -> Option<Key> {
        let mut upgrades = self.upgrades(number).into_iter();
        let is_new = self.saying.settled.contains(&number);
        upgrades
            .find(|(_, at)| (is_new && *at <= self.now) || self.has_reached(number, *at))
            .map(|(member, _)| member)
    }

    /// Whether a member may still be an upgrade, however long it has been usable.
    pub(super) fn is_upgrade(&self, number: u64, member: Key) -> bool {
        self.upgrades(number).into_iter().any(|(other, _)| other == member)
    }

    /// When upgrades that are not offered yet could be.
    pub(super) fn waiting_upgrades(&self, number: u64) -> Vec<Instant> {
        use super::Step;
        let Some(open) = self.sessions.get(&number).and_then(Session::open) else { return Vec::new() };
        let all = self.upgrades(number);
        let relevant = match &open.step {
            _ if open.dead != Dead::No || open.victim => 0,
            Step::Settled => all.len(),
            Step::Offered { to, .. } => all.iter().take_while(|(member, _)| member != to).count(),
            Step::Migrating { .. } | Step::Trial { .. } | Step::Waiting | Step::Restoring { .. } => 0,
        };
        all.into_iter().take(relevant).map(|(_, at)| at).collect()
    }

    /// R-ROAM-42: for a rescue what is Active comes first.
    pub(super) fn best_rescue(&self, number: u64) -> Option<Key> {
        let open = self.sessions.get(&number)?.open()?;
        let members = self.members(open.target);
        let usable: Vec<Key> = members.into_iter().filter(|member| self.is_usable(number, *member)).collect();
        // R-X-21.
        let is_up =
            |member: &Key| self.is_active(*member) && self.ap(*member).is_some_and(|ap| ap.grace.is_none());
        let first = |fits: &dyn Fn(&Key) -> bool| usable.iter().copied().find(fits);
        first(&is_up).or_else(|| first(&|member| self.is_active(*member))).or_else(|| usable.first().copied())
    }

    /// R-X-55: what has left the service network is not refused any more.
    pub(super) fn forget_who_left(&mut self, number: u64) {
        let Some(target) = self.sessions.get(&number).and_then(Session::target) else { return };
        let members = self.links(target);
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.retain(|member, _| members.contains(member));
            session.failures.retain(|member, _| members.contains(member));
        }
    }

    pub(super) fn refuse_by_failure(&mut self, number: u64, target: Key, member: Key) {
        let (now, limit, first) = (self.now, self.config.give_up_after, self.retry_after(target));
        if !self.links(target).contains(&member) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let failures = session.failures.entry(member).or_default();
        *failures = failures.saturating_add(1);
        let span = first.saturating_mul(2_u32.saturating_pow(*failures - 1)).min(LONGEST_REFUSAL.max(first));
        let until = (*failures < limit).then(|| now + span);
        let refusal = session.refusals.entry(member).or_default();
        (refusal.by_failure, refusal.until, refusal.fallen) = (true, until, false);
        self.saying.steps += 1;
    }

    pub(super) fn refuse_by_application(&mut self, number: u64, member: Key) {
        self.refuse(number, member, false);
    }

    fn refuse(&mut self, number: u64, member: Key, by_stop: bool) {
        let target = self.sessions.get(&number).and_then(Session::target);
        if !target.is_some_and(|target| self.links(target).contains(&member)) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&number) else { return };
        let refusal = session.refusals.entry(member).or_default();
        refusal.by_stop |= by_stop;
        refusal.by_application |= !by_stop;
        refusal.fallen = false;
        self.saying.steps += 1;
    }

    /// R-STOP-6: for all sessions of the service networks of an access point.
    pub(super) fn refuse_for_all(&mut self, link: Key) {
        for number in self.sessions.keys().copied().collect::<Vec<u64>>() {
            let Some(session) = self.sessions.get(&number) else { continue };
            let Some(target) = session.target() else { continue };
            if self.network(target).is_some() && self.members(target).contains(&link) {
                self.refuse(number, link, true);
            }
        }
    }

    /// R-ROAM-43: open() ends all of a session's refusals.
    pub(super) fn forget_refusals(&mut self, number: u64) {
        if let Some(session) = self.sessions.get_mut(&number) {
            session.refusals.clear();
            session.failures.clear();
        }
    }

    /// R-STOP-6: an open() of the access point by any session.
    pub(super) fn end_refusals_by_stop_of(&mut self, link: Key) {
        self.lift(link, |refusal| refusal.by_stop = false);
    }

    /// Changes the refusals of a link, and forgets those of which nothing is left.
    fn lift(&mut self, link: Key, change: impl Fn(&mut Refusal)) {
        for session in self.sessions.values_mut() {
            if let Some(refusal) = session.refusals.get_mut(&link) {
                change(refusal);
                if !refusal.holds() {
                    session.refusals.remove(&link);
                }
            }
        }
    }

    /// R-ROAM-43, R-STOP-6: what a link does by itself ends refusals of it.
    pub(super) fn end_refusals(&mut self, link: Key, falls: bool, rises: bool, comes_up: bool) {
        self.lift(link, |refusal| {
            if comes_up {
                (refusal.by_stop, refusal.by_failure) = (false, false);
            }
            if rises && refusal.fallen {
                (refusal.by_stop, refusal.by_application, refusal.fallen) = (false, false, false);
                refusal.by_failure &= refusal.until.is_some();
            }
            refusal.fallen |= falls;
        });
    }

    /// R-ROAM-43: the time of refusals by failure is over.
    pub(super) fn end_refusals_by_time(&mut self, number: u64, now: Instant) {
        let Some(session) = self.sessions.get_mut(&number) else { return };
        for refusal in session.refusals.values_mut() {
            refusal.by_failure &= refusal.until.is_none_or(|until| until > now);
        }
        session.refusals.retain(|_, refusal| refusal.holds());
    }
}

impl Refusal {
    const fn holds(self) -> bool {
        self.by_application || self.by_stop || self.by_failure
    }

    /// When its time is over, if it has one.
    pub(super) fn end(self) -> Option<Instant> {
        self.until.filter(|_| self.by_failure)
    }
}
