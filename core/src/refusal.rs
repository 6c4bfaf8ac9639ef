//! The members that a session does not go to for now, and what ends that (R-ROAM-43).
//!
//! It promises: what our own start or stop does to a level never ends a refusal, so that a link which
//! fails when it is started and looks usable when it is stopped is tried by the back-off and no more;
//! failures in a row are counted until a success, whatever ended the refusals in between.

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::access_point::News;
use crate::{ConfigurationId, Instant};

/// A member that keeps failing is left alone for at most so long.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// The refused members of one session, and the failures counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusals(pub(crate) BTreeMap<ConfigurationId, Record>);

#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) refused: Option<Refusal>,
    /// Some session said `stop()` on it (R-STOP-6), whatever it was before.
    pub(crate) is_stopped: bool,
    /// In a row.
    pub(crate) failures: u32,
    /// It dropped below Discovered by itself since it was refused.
    pub(crate) fell: bool,
}

/// Who does not want a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuser {
    Application,
    /// Some session said `stop()` on it (R-STOP-6).
    Stop,
    /// It failed.
    Failure,
}

/// That a member is not gone to for now, and what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The application ignored or rejected it.
    Application,
    /// Some session said `stop()` on it (R-STOP-6).
    Stop,
    /// It failed. Until when it is left alone; `None` once it was given up.
    Failure(Option<Instant>),
}

impl Refusals {
    pub(crate) fn of(&self, member: ConfigurationId) -> Option<Refusal> {
        let record = self.0.get(&member)?;
        record.refused.or(record.is_stopped.then_some(Refusal::Stop))
    }

    /// Refused by the application, or by a stop.
    pub(crate) fn refuse(&mut self, member: ConfigurationId, refusal: Refusal) {
        let record = self.0.entry(member).or_default();
        if refusal == Refusal::Stop {
            record.is_stopped = true;
        } else {
            record.refused = Some(refusal);
        }
        record.fell = false;
    }

    /// Refused by failure: for `retry_after` at first, doubled with every failure in a row, for ever after
    /// `give_up_after` of them.
    pub(crate) fn fail(
        &mut self,
        member: ConfigurationId,
        now: Instant,
        retry_after: Duration,
        give_up_after: u32,
    ) {
        let record = self.0.entry(member).or_default();
        let doublings = record.failures.min(31);
        record.failures = record.failures.saturating_add(1);
        let wait = retry_after.saturating_mul(1 << doublings).min(LONGEST_RETRY.max(retry_after));
        let until = (record.failures < give_up_after).then(|| now + wait);
        self.refuse(member, Refusal::Failure(until));
    }

    /// All refusals end; failures in a row are still counted.
    pub(crate) fn end_all(&mut self) {
        for record in self.0.values_mut() {
            record.end();
        }
    }

    pub(crate) fn end(&mut self, member: ConfigurationId) {
        if let Some(record) = self.0.get_mut(&member) {
            record.end();
        }
    }

    /// Somebody opens what was stopped. Whether that changes anything.
    pub(crate) fn end_stop(&mut self, member: ConfigurationId) -> bool {
        self.0.get_mut(&member).is_some_and(|record| core::mem::take(&mut record.is_stopped))
    }

    /// It served: the next failure is a first one.
    pub(crate) fn forget(&mut self, member: ConfigurationId) {
        self.0.remove(&member);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What a link did by itself in this moment.
    pub(crate) fn on_news(&mut self, member: ConfigurationId, news: &News) {
        let Some(record) = self.0.get_mut(&member) else { return };
        let is_back = record.fell && news.rose_by_itself;
        let ends = match record.refused {
            Some(Refusal::Application | Refusal::Failure(None)) if is_back => true,
            Some(Refusal::Failure(_)) => news.became_active_by_itself,
            Some(Refusal::Application | Refusal::Stop) | None => false,
        };
        if ends {
            record.refused = None;
        }
        record.is_stopped &= !is_back && !news.became_active_by_itself;
        if news.fell_by_itself {
            record.fell = true;
        } else if news.rose {
            record.fell = false;
        }
    }

    /// Those whose time is over end.
    pub(crate) fn expire(&mut self, now: Instant) {
        for record in self.0.values_mut() {
            if let Some(Refusal::Failure(Some(until))) = record.refused
                && until <= now
            {
                record.refused = None;
            }
        }
    }

    /// When the next one ends by time.
    pub(crate) fn next(&self) -> Option<Instant> {
        let until = |record: &Record| match record.refused {
            Some(Refusal::Failure(until)) => until,
            Some(Refusal::Application | Refusal::Stop) | None => None,
        };
        self.0.values().filter_map(until).min()
    }

    /// Keeps what still exists.
    pub(crate) fn retain(&mut self, exists: impl Fn(ConfigurationId) -> bool) {
        self.0.retain(|&member, _| exists(member));
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = ConfigurationId> {
        self.0.keys().copied()
    }
}

impl Record {
    const fn end(&mut self) {
        self.refused = None;
        self.is_stopped = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MEMBER: ConfigurationId = ConfigurationId { number: 1, slot: 0, version: 1 };

    fn fail(refusals: &mut Refusals, at: u64) -> Option<u64> {
        refusals.fail(MEMBER, Instant::from_millis(at), Duration::from_secs(30), 8);
        refusals.next().map(|until| until.as_nanos() / 1_000_000_000)
    }

    #[test]
    fn waits_twice_as_long_after_each_failure_up_to_ten_minutes_then_gives_up() {
        let mut refusals = Refusals::default();
        let waits: Vec<_> = (0..8).map(|_| fail(&mut refusals, 0)).collect();
        let seconds = [30, 60, 120, 240, 480, 600, 600];
        assert_eq!(waits[..7], seconds.map(Some));
        assert_eq!(waits[7], None);
        refusals.forget(MEMBER);
        assert_eq!(fail(&mut refusals, 0), Some(30));
    }
}
