//! Which member a session should use, and what speaks against each of the others (R-ROAM-41, R-ROAM-42,
//! R-ROAM-31).
//!
//! The ranking is a pure function of facts: [`Fact::verdict`] says what speaks against one member,
//! [`choose`] picks the best of those that nothing speaks against. Whoever chooses and whoever asks
//! why gets the answer from the same facts, so the reasons can be no others than the real ones.

use alloc::vec::Vec;

use crate::access_point::AccessPoint;
use crate::device::Asker;
use crate::refusal::Refusal;
use crate::roaming::Step;
use crate::session::{Open, Session};
use crate::timers::{SessionTimer, Timer};
use crate::{ConfigurationId, Identifier, Instant, LinkState, Manager, SessionId, SessionState};

/// What a member is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be used instead of a less preferred one that works.
    Upgrade,
    /// To be used instead of one that was lost.
    Rescue,
}

/// What is known of one member, for one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    pub(crate) id: ConfigurationId,
    /// More preferred than the one in use.
    is_preferred: bool,
    is_in_use: bool,
    is_active: bool,
    /// That, and not within the grace of a loss.
    is_up: bool,
    /// What speaks against its use, whatever for.
    objection: Option<Because>,
    /// It can come up only after the one in use went down, and nobody asked for that.
    breaks_unasked: bool,
    /// From when on it may be offered as an upgrade, and whether that has come.
    ready_at: Option<Instant>,
    is_ready: bool,
}

/// What spoke for or against a member, by its word in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the vocabulary of the trace; a new word is a breaking change")]
pub enum Because {
    /// It is the one in use.
    InUse,
    /// It is the best of those that can be used.
    Best,
    /// It could be used, and another one is better.
    LessPreferred,
    /// It could be used, but not for long enough yet.
    HoldOff,
    /// The application ignored or rejected it, or a session stopped it.
    RefusedByApplication,
    /// It failed, and is left alone for a while.
    RefusedByFailure,
    /// It is not in reach.
    NotAvailable,
    /// It is down, and the platform cannot bring it up.
    NotStartable,
    /// It is on its way down.
    GoingDown,
    /// Its device carries another access point.
    DeviceTaken,
    /// It could come up only after the one in use went down.
    MustBreakFirst,
}

impl Because {
    /// Its word in the trace.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InUse => "in_use",
            Self::Best => "best",
            Self::LessPreferred => "less_preferred",
            Self::HoldOff => "hold_off",
            Self::RefusedByApplication => "refused_by_application",
            Self::RefusedByFailure => "refused_by_failure",
            Self::NotAvailable => "not_available",
            Self::NotStartable => "not_startable",
            Self::GoingDown => "going_down",
            Self::DeviceTaken => "device_taken",
            Self::MustBreakFirst => "must_break_first",
        }
    }
}

/// One access point that was considered, and how it fared (R-ROAM-31).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Considered<'a> {
    /// Which.
    pub id: &'a Identifier,
    /// Whether it was the choice.
    pub chosen: bool,
    /// Why.
    pub because: Because,
}

#[cfg(feature = "serde")]
impl serde::Serialize for Because {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl Fact {
    /// Usable in the sense of R-ROAM-42.
    pub(crate) const fn is_usable(&self) -> bool {
        self.objection.is_none() && !self.is_in_use
    }

    /// Usable, and merely refused if not: an application may go there by its own choice (R-ROAM-27).
    pub(crate) const fn is_usable_or_refused(&self) -> bool {
        !self.is_in_use
            && matches!(
                self.objection,
                None | Some(Because::RefusedByApplication | Because::RefusedByFailure)
            )
    }

    /// What speaks against it for this purpose.
    fn verdict(&self, purpose: Purpose) -> Option<Because> {
        if self.is_in_use {
            return Some(Because::InUse);
        }
        if self.objection.is_some() || purpose == Purpose::Rescue {
            return self.objection;
        }
        if !self.is_preferred {
            Some(Because::LessPreferred)
        } else if self.breaks_unasked {
            Some(Because::MustBreakFirst)
        } else {
            (!self.is_ready).then_some(Because::HoldOff)
        }
    }
}

/// The best member for a purpose: the most preferred; for a rescue one that is up before one that is not.
pub(crate) fn choose(facts: &[Fact], purpose: Purpose) -> Option<ConfigurationId> {
    let mut fit = facts.iter().filter(|fact| fact.verdict(purpose).is_none());
    let best = match purpose {
        Purpose::Upgrade => fit.next(),
        // The first of equals; what is really up before what may be again (R-X-21).
        Purpose::Rescue => fit.min_by_key(|fact| (!fact.is_up, !fact.is_active)),
    };
    best.map(|fact| fact.id)
}

/// When the next preferred member has been usable for long enough.
pub(crate) fn next_ready(facts: &[Fact]) -> Option<Instant> {
    let waiting = facts.iter().filter(|fact| fact.verdict(Purpose::Upgrade) == Some(Because::HoldOff));
    waiting.filter_map(|fact| fact.ready_at).min()
}

impl Manager {
    /// What is known of the members of an open session's service network, most preferred first.
    pub(crate) fn facts(&self, session: &Session, open: &Open) -> Vec<Fact> {
        self.facts_for(session, open, open.asker())
    }

    pub(crate) fn facts_for(&self, session: &Session, open: &Open, asker: Asker) -> Vec<Fact> {
        let network = session.target().and_then(|target| self.network_of(target));
        let members = network.map_or(&[][..], |network| &network.members);
        let in_use = members.iter().position(|&member| member == open.on);
        let hold_off = network.and_then(|network| network.hold_off).unwrap_or(self.config.hold_off);
        let facts = members.iter().enumerate().filter_map(|(place, &id)| {
            let ap = self.access_point(id)?;
            let since = open.usable.iter().find(|(member, _)| *member == id).map(|&(_, since)| since);
            let ready_at = since.map(|since| (since + hold_off).max(open.earliest_offer()));
            Some(Fact {
                id,
                is_preferred: in_use.is_none_or(|in_use| place < in_use),
                is_in_use: id == open.on,
                is_active: ap.is_active(),
                is_up: ap.is_usable_now(),
                objection: self.objection(id, ap, session, asker),
                breaks_unasked: asker == Asker::Automatic && self.must_break_first(open.on, id),
                ready_at,
                is_ready: ready_at.is_some_and(|at| self.is_hold_off_over(session.id, since, at)),
            })
        });
        facts.collect()
    }

    /// Deadlines that are due before come before (R-GEN-2); what does not wait has none.
    fn is_hold_off_over(&self, id: SessionId, since: Option<Instant>, at: Instant) -> bool {
        let timer = Timer::Session(id, SessionTimer::HoldOff);
        at <= self.now && (since == Some(self.now) || self.timers.is_first(timer, at))
    }

    fn objection(
        &self,
        id: ConfigurationId,
        ap: &AccessPoint,
        session: &Session,
        asker: Asker,
    ) -> Option<Because> {
        let refused = session.refusals.of(id).map(|refusal| match refusal {
            Refusal::Application | Refusal::Stop => Because::RefusedByApplication,
            Refusal::Failure(_) => Because::RefusedByFailure,
        });
        self.hindrance(id, ap, Some(session.id), asker).or(refused)
    }

    /// Why an access point cannot be used, if it cannot.
    fn hindrance(
        &self,
        id: ConfigurationId,
        ap: &AccessPoint,
        by: Option<SessionId>,
        asker: Asker,
    ) -> Option<Because> {
        let because = match ap.session_state() {
            // Somebody's start is under way on what is out of reach, and will end (R-ROAM-42).
            SessionState::Connecting if ap.link() < LinkState::Discovered => Some(Because::NotAvailable),
            SessionState::Connected | SessionState::Connecting if !ap.is_about_to_stop() => None,
            SessionState::Connected | SessionState::Connecting | SessionState::Closing => {
                Some(Because::GoingDown)
            }
            SessionState::Disconnected if ap.is_startable() => None,
            SessionState::Disconnected => Some(Because::NotStartable),
            SessionState::NotAvailable | SessionState::Invalid | SessionState::Roaming => {
                Some(Because::NotAvailable)
            }
        };
        because.or_else(|| (!self.is_device_free(id, by, asker)).then_some(Because::DeviceTaken))
    }

    /// The reasons behind what a session uses, is offered, or would open.
    pub(crate) fn why_session(&self, session: &Session) -> Vec<Considered<'_>> {
        let Some(target) = session.target() else { return Vec::new() };
        match session.open() {
            Some(open) if self.network_of(target).is_some() => self.why_open(session, open),
            Some(open) => self.considered([(open.on, true, Because::InUse)]),
            None => self.why_configuration(target, Some(session)),
        }
    }

    fn why_open(&self, session: &Session, open: &Open) -> Vec<Considered<'_>> {
        let chosen = match open.step {
            Step::Offered { to, .. } | Step::Migrating { to, .. } | Step::Trial { to, .. } => Some(to),
            Step::Settled | Step::Restoring { .. } => Some(open.on),
            Step::Waiting => None,
        };
        let purpose = if open.is_dead() { Purpose::Rescue } else { Purpose::Upgrade };
        let rows = self.facts(session, open).into_iter().map(|fact| {
            let is_chosen = chosen == Some(fact.id);
            let because = match fact.verdict(purpose) {
                Some(Because::InUse) => Because::InUse,
                _ if is_chosen => Because::Best,
                Some(because) => because,
                None => Because::LessPreferred,
            };
            (fact.id, is_chosen, because)
        });
        self.considered(rows)
    }

    /// The reasons behind what an `open()` of this configuration would use now.
    pub(crate) fn why_configuration(
        &self,
        on: ConfigurationId,
        session: Option<&Session>,
    ) -> Vec<Considered<'_>> {
        let by = session.map(|session| session.id);
        let candidates = if self.is_user_choice(on) {
            let ranked = self.ranked_configurations();
            let best = ranked.first().copied();
            let rows = ranked.into_iter().map(|id| {
                let is_best = best == Some(id);
                (id, is_best, if is_best { Because::Best } else { Because::LessPreferred })
            });
            return self.considered(rows);
        } else {
            self.network_of(on).map_or(core::slice::from_ref(&on), |network| &network.members)
        };
        let opening = session.and_then(Session::opening);
        let chosen = match opening {
            Some(opening) => Some(opening.on),
            None => self.choose_member(on, by, &[]),
        };
        let rows = candidates.iter().filter_map(|&id| {
            let ap = self.access_point(id)?;
            let is_chosen = chosen == Some(id);
            let has_failed = opening.is_some_and(|opening| opening.tried.contains(&id));
            let hindrance = self.hindrance(id, ap, by, Asker::Explicit);
            let because = if is_chosen {
                Because::Best
            } else if has_failed {
                Because::RefusedByFailure
            } else {
                hindrance.unwrap_or(Because::LessPreferred)
            };
            Some((id, is_chosen, because))
        });
        self.considered(rows)
    }

    fn considered(
        &self,
        rows: impl IntoIterator<Item = (ConfigurationId, bool, Because)>,
    ) -> Vec<Considered<'_>> {
        let rows = rows.into_iter().filter_map(|(id, chosen, because)| {
            Some(Considered { id: &self.configuration_ref(id)?.identifier, chosen, because })
        });
        rows.collect()
    }

    /// Whether an access point could be started, now or when it is down, but for its device.
    pub(crate) fn is_only_taken(&self, id: ConfigurationId, by: SessionId) -> bool {
        self.access_point(id).is_some_and(|ap| ap.is_startable() || ap.is_going_down())
            && !self.is_device_free(id, Some(by), Asker::Explicit)
    }
}
