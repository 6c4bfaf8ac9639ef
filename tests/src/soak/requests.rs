//! A second, stupider account of the requests under way: at most one start or stop per access point
//! (R-GEN-5), and a start that nobody wants withdrawn in the one right way (R-GEN-10).

use std::collections::BTreeMap;
use std::time::Duration;

use netsession_core::{Effect, Identifier, Input, Instant, LinkState, OperationId, Outcome};

/// The requests as the machine must see them.
#[derive(Debug)]
pub(super) struct Requests {
    stop_timeout: Duration,
    access_points: BTreeMap<Identifier, AccessPoint>,
}

#[derive(Debug, Default)]
struct AccessPoint {
    level: Option<LinkState>,
    start: Option<Request>,
    stop: Option<Request>,
    cancel: Option<Request>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    op: OperationId,
    since: Instant,
    answered: bool,
    /// A stop of a link that is already down, which anything ends (R-CLOSE-11).
    clean_up: bool,
}

impl AccessPoint {
    fn is_below_connecting(&self) -> bool {
        self.level.is_none_or(|level| level < LinkState::Connecting)
    }

    fn see(&mut self, level: LinkState) {
        self.level = Some(level);
        if level == LinkState::Active {
            self.start = None;
        }
        if self.is_below_connecting() {
            self.stop = self.stop.filter(|stop| stop.clean_up);
            // Up, or answered, and down again: it has failed.
            self.start = self.start.filter(|start| !start.answered);
        }
    }

    fn answer(&mut self, op: OperationId, result: Outcome) {
        for request in [&mut self.start, &mut self.stop, &mut self.cancel] {
            if let Some(found) = request.as_mut().filter(|found| found.op == op) {
                found.answered = true;
                if found.clean_up || result != Outcome::Ok {
                    *request = None;
                }
            }
        }
        self.cancel = self.cancel.filter(|cancel| !cancel.answered);
    }

    fn pass(&mut self, until: Instant, stop_timeout: Duration) {
        let waits = |request: &Request| request.since + stop_timeout > until;
        self.stop = self.stop.filter(waits);
        self.cancel = self.cancel.filter(waits);
    }
}

impl Requests {
    pub(super) fn new(stop_timeout: Duration) -> Self {
        Self { stop_timeout, access_points: BTreeMap::new() }
    }

    /// An input that was not refused. Its facts come before the deadlines of its time.
    pub(super) fn hear(&mut self, at: Instant, input: &Input) {
        match input {
            Input::Add(add) => self.entry(&add.id).see(add.link),
            Input::Remove { id } => {
                self.access_points.remove(id);
            }
            Input::Observed(seen) => self.entry(&seen.id).see(seen.link),
            Input::Snapshot(entries) => {
                let there = |id: &Identifier| entries.iter().any(|entry| entry.observation.id == *id);
                self.access_points.retain(|id, _| there(id));
                for entry in entries {
                    self.entry(&entry.observation.id).see(entry.observation.link);
                }
            }
            Input::Completed { op, result, .. } => {
                self.access_points.values_mut().for_each(|ap| ap.answer(*op, *result));
            }
            Input::Config(_)
            | Input::Change(_)
            | Input::Counters { .. }
            | Input::Policies { .. }
            | Input::Default { .. }
            | Input::Session { .. }
            | Input::Open { .. }
            | Input::Close { .. }
            | Input::Stop { .. }
            | Input::Migrate { .. }
            | Input::Ignore { .. }
            | Input::Accept { .. }
            | Input::Reject { .. }
            | Input::Drop { .. }
            | Input::MigrateTo { .. }
            | Input::Roaming { .. }
            | Input::Reopen { .. }
            | Input::Property { .. }
            | Input::Resolved { .. }
            | Input::RefreshCounters { .. }
            | Input::Update {}
            | Input::Tick {} => {}
        }
        self.pass(at);
    }

    /// Time has come so far, which a refused input says as well.
    pub(super) fn pass(&mut self, until: Instant) {
        let stop_timeout = self.stop_timeout;
        self.access_points.values_mut().for_each(|ap| ap.pass(until, stop_timeout));
    }

    /// A request that the machine makes.
    pub(super) fn ask(&mut self, at: Instant, effect: &Effect) -> Result<(), String> {
        let fresh = |op: OperationId| Request { op, since: at, answered: false, clean_up: false };
        match effect {
            Effect::Start { op, id } => {
                let ap = self.known(id)?;
                let stop = ap.stop.filter(|stop| !stop.clean_up);
                if let Some(other) = ap.start.or(stop).or(ap.cancel) {
                    return Err(format!("R-GEN-5: start {op} of {id} while request {} is out", other.op));
                }
                (ap.start, ap.stop) = (Some(fresh(*op)), None);
            }
            Effect::Stop { op, id } => {
                let ap = self.known(id)?;
                if let Some(other) = ap.stop {
                    return Err(format!("R-GEN-5: stop {op} of {id} while stop {} is out", other.op));
                }
                let clean_up = ap.is_below_connecting();
                if let Some(start) = ap.start.filter(|start| clean_up && !start.answered) {
                    return Err(format!(
                        "R-GEN-10: stop {op} of {id} where start {} is to be cancelled",
                        start.op
                    ));
                }
                (ap.start, ap.stop) = (None, Some(Request { clean_up, ..fresh(*op) }));
            }
            Effect::Cancel { op, cancelled } => {
                let started = |ap: &&mut AccessPoint| ap.start.is_some_and(|start| start.op == *cancelled);
                let Some(ap) = self.access_points.values_mut().find(started) else {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is no start under way"));
                };
                if ap.start.is_some_and(|start| start.answered) || !ap.is_below_connecting() {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is to be stopped"));
                }
                (ap.start, ap.cancel) = (None, Some(fresh(*op)));
            }
            Effect::Resolve { .. }
            | Effect::Update { .. }
            | Effect::ReadCounters { .. }
            | Effect::Watch { .. }
            | Effect::Unwatch { .. } => {}
        }
        Ok(())
    }

    /// Whether a start, stop or cancel of it is under way.
    pub(super) fn any_on(&self, id: &str) -> bool {
        let out = |ap: &AccessPoint| ap.start.is_some() || ap.stop.is_some() || ap.cancel.is_some();
        self.access_points.get(id).is_some_and(out)
    }

    fn entry(&mut self, id: &Identifier) -> &mut AccessPoint {
        self.access_points.entry(id.clone()).or_default()
    }

    fn known(&mut self, id: &Identifier) -> Result<&mut AccessPoint, String> {
        self.access_points
            .get_mut(id)
            .ok_or_else(|| format!("R-REG-2: a request on {id}, which does not exist"))
    }
}
