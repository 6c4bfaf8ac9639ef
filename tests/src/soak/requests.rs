//! A second, stupider account of the requests under way: at most one start or stop per access point
//! (R-GEN-5), and a start that nobody wants withdrawn in the one right way (R-GEN-10).

use std::collections::BTreeMap;
use std::time::Duration;

use netsession_core::{
    Capabilities, Effect, Identifier, Input, Instant, LinkState, OperationId, Outcome, Settings,
};

/// Two places where the account is more lenient than the letter of the contract: a stop that is sent while
/// a cancel is out ends the wait for that cancel (R-GEN-10), and a stop may follow a clean-up that is not
/// answered (R-GEN-5). With `false` both are violations.
const LENIENT: bool = true;

/// The requests as the machine must see them.
#[derive(Debug)]
pub(super) struct Requests {
    stop_timeout: Duration,
    access_points: BTreeMap<Identifier, AccessPoint>,
}

#[derive(Debug)]
struct AccessPoint {
    level: LinkState,
    connect_timeout: Duration,
    start: Option<Request>,
    stop: Option<Request>,
    cancel: Option<Request>,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    op: OperationId,
    due: Option<Instant>,
    answered: bool,
    /// A stop of a link that is already down, which anything ends (R-CLOSE-11).
    clean_up: bool,
    /// A start that another may follow: its deadline has passed, or it cannot be withdrawn because the
    /// capability to stop is gone.
    is_past: bool,
}

impl AccessPoint {
    const fn new() -> Self {
        let connect_timeout = Duration::from_secs(30);
        Self { level: LinkState::Defined, connect_timeout, start: None, stop: None, cancel: None }
    }

    fn is_below_connecting(&self) -> bool {
        self.level < LinkState::Connecting
    }

    fn see(&mut self, level: LinkState) {
        let was_below = core::mem::replace(&mut self.level, level) < LinkState::Connecting;
        if level == LinkState::Active {
            self.start = None;
        }
        if self.is_below_connecting() {
            self.stop = self.stop.filter(|stop| stop.clean_up);
            self.start = self.start.filter(|start| was_below || !start.answered);
        }
    }

    fn answer(&mut self, op: OperationId, result: Outcome) {
        for request in [&mut self.start, &mut self.stop, &mut self.cancel] {
            if let Some(found) = request.as_mut().filter(|found| found.op == op && !found.answered) {
                found.answered = true;
                if found.clean_up || result != Outcome::Ok {
                    *request = None;
                }
            }
        }
        self.cancel = self.cancel.filter(|cancel| !cancel.answered);
    }

    fn set(&mut self, settings: &Settings) {
        self.connect_timeout = settings.connect_timeout.unwrap_or(self.connect_timeout);
        let can_stop = |it: Capabilities| it.contains(Capabilities::CAN_START_AND_STOP_INTERFACES);
        if let Some(start) = &mut self.start {
            start.is_past |= settings.capabilities.is_some_and(|it| !can_stop(it));
        }
    }

    fn pass(&mut self, until: Instant) {
        let is_late = |request: &Request| request.due.is_some_and(|due| due <= until);
        self.stop = self.stop.filter(|stop| !is_late(stop));
        self.cancel = self.cancel.filter(|cancel| !is_late(cancel));
        if let Some(start) = &mut self.start {
            start.is_past |= is_late(start);
        }
    }
}

impl Requests {
    pub(super) fn new(stop_timeout: Duration) -> Self {
        Self { stop_timeout, access_points: BTreeMap::new() }
    }

    /// An input that was not refused. Its facts come before the deadlines of its time.
    pub(super) fn hear(&mut self, at: Instant, input: &Input) {
        match input {
            Input::Add(add) => {
                let ap = self.entry(&add.id);
                ap.see(add.link);
                ap.set(&add.settings);
            }
            Input::Remove { id } => {
                self.access_points.remove(id);
            }
            Input::Observed(seen) => self.entry(&seen.id).see(seen.link),
            Input::Snapshot(entries) => {
                let there = |id: &Identifier| entries.iter().any(|entry| entry.observation.id == *id);
                self.access_points.retain(|id, _| there(id));
                for entry in entries {
                    let ap = self.entry(&entry.observation.id);
                    ap.see(entry.observation.link);
                    ap.set(&entry.settings);
                }
            }
            Input::Change(change) => {
                if let Some(ap) = self.access_points.get_mut(&change.id) {
                    ap.set(&change.settings);
                }
            }
            Input::Completed { op, result, .. } => {
                self.access_points.values_mut().for_each(|ap| ap.answer(*op, *result));
            }
            Input::Config(_)
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
        self.access_points.values_mut().for_each(|ap| ap.pass(until));
    }

    /// A request that the machine makes.
    pub(super) fn ask(&mut self, at: Instant, effect: &Effect) -> Result<(), String> {
        let within = |op: OperationId, timeout: Duration| {
            let due = (!timeout.is_zero()).then_some(at + timeout);
            Request { op, due, answered: false, clean_up: false, is_past: false }
        };
        let stop_timeout = self.stop_timeout;
        match effect {
            Effect::Start { op, id } => {
                let ap = self.known(id)?;
                let stop = ap.stop.filter(|stop| !stop.clean_up);
                let start = ap.start.filter(|start| !start.is_past);
                if let Some(other) = start.or(stop) {
                    return Err(format!("R-GEN-5: start {op} of {id} while request {} is out", other.op));
                }
                if let Some(cancel) = ap.cancel {
                    return Err(format!(
                        "R-GEN-10: start {op} of {id} before cancel {} is answered",
                        cancel.op
                    ));
                }
                (ap.start, ap.stop) = (Some(within(*op, ap.connect_timeout)), None);
            }
            Effect::Stop { op, id } => {
                let ap = self.known(id)?;
                if LENIENT {
                    ap.cancel = None;
                    ap.stop = ap.stop.filter(|stop| !stop.clean_up);
                }
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
                (ap.start, ap.stop) = (None, Some(Request { clean_up, ..within(*op, stop_timeout) }));
            }
            Effect::Cancel { op, cancelled } => {
                let started = |ap: &&mut AccessPoint| ap.start.is_some_and(|start| start.op == *cancelled);
                let Some(ap) = self.access_points.values_mut().find(started) else {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is no start under way"));
                };
                if ap.start.is_some_and(|start| start.answered) || !ap.is_below_connecting() {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is to be stopped"));
                }
                (ap.start, ap.cancel) = (None, Some(within(*op, stop_timeout)));
            }
            Effect::Resolve { .. }
            | Effect::Update { .. }
            | Effect::ReadCounters { .. }
            | Effect::Watch { .. }
            | Effect::Unwatch { .. } => {}
        }
        Ok(())
    }

    /// Whether a stop of it is under way that sessions see.
    pub(super) fn stop_on(&self, id: &str) -> bool {
        let stop = self.access_points.get(id).and_then(|ap| ap.stop);
        stop.is_some_and(|stop| !stop.clean_up)
    }

    /// Whether a start, stop or cancel of it is under way.
    pub(super) fn any_on(&self, id: &str) -> bool {
        let out = |ap: &AccessPoint| ap.start.is_some() || ap.stop.is_some() || ap.cancel.is_some();
        self.access_points.get(id).is_some_and(out)
    }

    fn entry(&mut self, id: &Identifier) -> &mut AccessPoint {
        self.access_points.entry(id.clone()).or_insert_with(AccessPoint::new)
    }

    fn known(&mut self, id: &Identifier) -> Result<&mut AccessPoint, String> {
        self.access_points
            .get_mut(id)
            .ok_or_else(|| format!("R-REG-2: a request on {id}, which does not exist"))
    }
}
