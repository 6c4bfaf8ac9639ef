//! Byte counters: what a link moved since it became Active as this system saw it (R-STAT-1).
//!
//! The first counters at or after that moment are the zero. A sum never goes down: a counter that goes
//! backwards was reset or wrapped, and counts from nothing again.

use crate::{Capabilities, ConfigurationId, Manager};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    last: Option<Bytes>,
    sum: Bytes,
}

/// Bytes received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Counters {
    pub(crate) fn take(&mut self, now: Bytes) {
        if let Some(last) = self.last {
            // Forwards: the difference. Backwards: at least what the counter shows has been moved since.
            let moved = |now: u64, last: u64| now.checked_sub(last).unwrap_or(now);
            self.sum = self.sum.plus(Bytes {
                received: moved(now.received, last.received),
                sent: moved(now.sent, last.sent),
            });
        }
        self.last = Some(now);
    }
}

impl Bytes {
    fn plus(self, more: Self) -> Self {
        Self {
            received: self.received.saturating_add(more.received),
            sent: self.sent.saturating_add(more.sent),
        }
    }
}

impl Manager {
    /// Asks for the counters of a link that has any (R-STAT-3).
    pub(crate) fn read_counters(&mut self, id: ConfigurationId) {
        if self.access_point(id).is_some_and(|ap| ap.capabilities.contains(Capabilities::DATA_STATISTICS)) {
            self.work.read_counters.push(id);
        }
    }

    pub(crate) fn take_counters(&mut self, id: ConfigurationId, now: Bytes) {
        if let Some(ap) = self.access_point_mut(id)
            && ap.link() >= crate::LinkState::Active
        {
            ap.counters.take(now);
        }
    }

    /// The sum of an access point, or of the members of a service network that are Active now.
    pub(crate) fn bytes(&self, id: ConfigurationId) -> Bytes {
        let Some(configuration) = self.configuration_ref(id) else { return Bytes::default() };
        if let Some(network) = configuration.service_network() {
            let active =
                network.members.iter().filter(|&&id| self.access_point(id).is_some_and(|ap| ap.is_active()));
            return active.fold(Bytes::default(), |sum, &member| sum.plus(self.bytes(member)));
        }
        let counted =
            configuration.access_point().filter(|ap| ap.capabilities.contains(Capabilities::DATA_STATISTICS));
        counted.map_or_else(Bytes::default, |ap| ap.counters.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_never_goes_down() {
        let mut counters = Counters::default();
        for (received, sum) in [(1_000, 0), (1_500, 500), (200, 700), (300, 800)] {
            counters.take(Bytes { received, sent: 0 });
            assert_eq!(counters.sum.received, sum);
        }
    }
}
