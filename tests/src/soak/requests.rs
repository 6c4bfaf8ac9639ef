//! A second, stupider account of the requests under way: at most one start or stop per access point
//! (R-GEN-5), and a start that nobody wants withdrawn in the one right way (R-GEN-10).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netsession_core::{
    Capabilities, ConfigurationType, Effect, Identifier, Input, Instant, LinkState, Observation, OperationId,
    Outcome, Settings, SnapshotEntry,
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
    resolves: BTreeSet<OperationId>,
}

#[derive(Debug)]
struct AccessPoint {
    level: LinkState,
    seen: Observation,
    device: Option<Identifier>,
    is_watched: bool,
    can_stop: bool,
    connect_timeout: Duration,
    /// It had no limit once, so that an open() of then may have none now.
    had_no_limit: bool,
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

impl Request {
    fn is_late(&self, at: Instant) -> bool {
        self.due.is_some_and(|due| due <= at)
    }
}

impl AccessPoint {
    fn new(id: &Identifier) -> Self {
        Self {
            level: LinkState::Defined,
            seen: Observation::new(id.clone(), LinkState::Defined),
            device: None,
            is_watched: false,
            can_stop: true,
            connect_timeout: Duration::from_secs(30),
            had_no_limit: false,
            start: None,
            stop: None,
            cancel: None,
        }
    }

    fn is_below_connecting(&self) -> bool {
        self.level < LinkState::Connecting
    }

    fn see(&mut self, seen: &Observation) {
        let level = seen.link;
        self.seen.clone_from(seen);
        let was_below = core::mem::replace(&mut self.level, level) < LinkState::Connecting;
        if level == LinkState::Active {
            self.start = None;
        }
        if !self.is_below_connecting() {
            self.stop = self.stop.filter(|stop| !stop.clean_up);
        } else {
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
        self.had_no_limit |= self.connect_timeout.is_zero();
        if let Some(device) = &settings.device {
            self.device.clone_from(device);
        }
        if let Some(capabilities) = settings.capabilities {
            self.can_stop = capabilities.contains(Capabilities::CAN_START_AND_STOP_INTERFACES);
        }
        if let Some(start) = &mut self.start {
            start.is_past |= !self.can_stop;
        }
    }

    fn pass(&mut self, until: Instant) {
        self.give_up(until);
        if let Some(start) = &mut self.start {
            start.is_past |= start.is_late(until);
        }
    }

    /// A stop and a cancel that are late are over; with no time at all they are so within the input.
    fn give_up(&mut self, until: Instant) {
        self.stop = self.stop.filter(|stop| !stop.is_late(until));
        self.cancel = self.cancel.filter(|cancel| !cancel.is_late(until));
    }
}

impl Requests {
    pub(super) fn new(stop_timeout: Duration) -> Self {
        Self { stop_timeout, access_points: BTreeMap::new(), resolves: BTreeSet::new() }
    }

    /// An input that was not refused. Its facts come before the deadlines of its time.
    pub(super) fn hear(&mut self, at: Instant, input: &Input) {
        match input {
            Input::Add(add) if add.kind == ConfigurationType::AccessPoint => {
                let ap = self.entry(&add.id);
                let mut seen = Observation::new(add.id.clone(), add.link);
                seen.interface.clone_from(&add.interface);
                ap.see(&seen);
                ap.set(&add.settings);
            }
            Input::Remove { id } => {
                self.access_points.remove(id);
            }
            Input::Observed(seen) => self.entry(&seen.id).see(seen),
            Input::Snapshot(entries) => {
                let there = |id: &Identifier| entries.iter().any(|entry| entry.observation.id == *id);
                self.access_points.retain(|id, _| there(id));
                for entry in entries {
                    let ap = self.entry(&entry.observation.id);
                    ap.see(&entry.observation);
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
                if *result != Outcome::Ok {
                    self.resolves.remove(op);
                }
            }
            Input::Resolved { op, .. } => {
                self.resolves.remove(op);
            }
            Input::Add(_)
            | Input::Config(_)
            | Input::Counters { .. }
            | Input::Policies { .. }
            | Input::Adopt { .. }
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
        let within = |op: OperationId, timeout: Option<Duration>| {
            let due = timeout.map(|timeout| at + timeout);
            Request { op, due, answered: false, clean_up: false, is_past: false }
        };
        let stop_timeout = Some(self.stop_timeout);
        match effect {
            Effect::Start { op, id } => {
                let ap = self.known(id)?;
                ap.give_up(at);
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
                (ap.start, ap.stop) =
                    (Some(within(*op, Some(ap.connect_timeout).filter(|it| !it.is_zero()))), None);
            }
            Effect::Stop { op, id } => {
                let ap = self.known(id)?;
                ap.give_up(at);
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
                if self.resolves.remove(cancelled) {
                    return Ok(());
                }
                let started = |ap: &&mut AccessPoint| ap.start.is_some_and(|start| start.op == *cancelled);
                let Some(ap) = self.access_points.values_mut().find(started) else {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is no start under way"));
                };
                if ap.start.is_some_and(|start| start.answered) || !ap.is_below_connecting() {
                    return Err(format!("R-GEN-10: cancel {op} of {cancelled}, which is to be stopped"));
                }
                (ap.start, ap.cancel) = (None, Some(within(*op, stop_timeout)));
            }
            Effect::Resolve { op, .. } => {
                self.resolves.insert(*op);
            }
            Effect::Watch { id } | Effect::Unwatch { id } => {
                let is_watched = matches!(effect, Effect::Watch { .. });
                let ap = self.known(id)?;
                if core::mem::replace(&mut ap.is_watched, is_watched) == is_watched {
                    return Err(format!("R-ROAM-39: {id} is watched or unwatched twice"));
                }
            }
            Effect::Update { .. } | Effect::ReadCounters { .. } => {}
        }
        Ok(())
    }

    /// The end of an input: a limit of 0 is over already.
    pub(super) fn settle(&mut self, at: Instant) {
        if self.stops_are_late_at_once() {
            self.pass(at);
        }
    }

    pub(super) fn stops_are_late_at_once(&self) -> bool {
        self.stop_timeout.is_zero()
    }

    /// Whether a stop of it is under way that sessions see.
    pub(super) fn stop_on(&self, id: &str) -> bool {
        let stop = self.access_points.get(id).and_then(|ap| ap.stop);
        stop.is_some_and(|stop| !stop.clean_up)
    }

    /// The level that was reported last.
    pub(super) fn level(&self, id: &str) -> Option<LinkState> {
        self.access_points.get(id).map(|ap| ap.level)
    }

    /// Whether a start, stop or cancel of it is under way.
    pub(super) fn any_on(&self, id: &str) -> bool {
        let out = |ap: &AccessPoint| ap.start.is_some() || ap.stop.is_some() || ap.cancel.is_some();
        self.access_points.get(id).is_some_and(out)
    }

    /// All that is believed, as the platform would say it.
    pub(super) fn belief(&self) -> Input {
        Input::Snapshot(self.access_points.values().map(|ap| SnapshotEntry::new(ap.seen.clone())).collect())
    }

    /// Whether some user is asked.
    pub(super) fn asks(&self) -> bool {
        !self.resolves.is_empty()
    }

    /// How many access points there are.
    pub(super) fn number(&self) -> usize {
        self.access_points.len()
    }

    pub(super) fn exists(&self, id: &str) -> bool {
        self.access_points.contains_key(id)
    }

    pub(super) fn is_started(&self, id: &str) -> bool {
        self.access_points.get(id).is_some_and(|ap| ap.start.is_some())
    }

    pub(super) fn is_watched(&self, id: &str) -> bool {
        self.access_points.get(id).is_some_and(|ap| ap.is_watched)
    }

    /// Whether a request is under way on it; `None` where this account cannot say.
    pub(super) fn is_busy(&self, id: &str) -> Option<bool> {
        let ap = self.access_points.get(id)?;
        let is_certain = ap.start.is_none_or(|start| !start.is_past);
        // Where it cannot be stopped a start or cancel is given up without a word.
        (is_certain && (ap.can_stop || !self.any_on(id))).then(|| self.any_on(id))
    }

    pub(super) fn share_device(&self, one: &str, other: &str) -> bool {
        let device = |id: &str| self.access_points.get(id).and_then(|ap| ap.device.as_ref());
        device(one).is_some() && device(one) == device(other)
    }

    pub(super) fn siblings<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.access_points.keys().map(|other| &**other);
        all.filter(move |other| *other != id && self.share_device(id, other))
    }

    /// One device carries one link (section 6 of the contract). Links that others bring up are theirs.
    pub(super) fn check_devices(&self, started: &Identifier) -> Result<(), String> {
        for (id, ap) in &self.access_points {
            let is_sibling = id != started && self.share_device(id, started);
            let is_started = ap.start.is_some_and(|start| !start.is_past);
            if is_sibling && (is_started || !ap.is_below_connecting()) {
                return Err(format!("R-DEV-2: {started} is started while {id} has the device"));
            }
        }
        Ok(())
    }

    /// Whether a start without a limit is under way: nobody may ever hear of its end.
    pub(super) fn has_no_limit(&self) -> bool {
        self.access_points.values().any(|ap| ap.start.is_some() && ap.had_no_limit)
    }

    /// Whether a request is under way anywhere, or a link moves.
    pub(super) fn any(&self) -> bool {
        self.access_points
            .iter()
            .any(|(id, ap)| self.any_on(id) || matches!(ap.level, LinkState::Connecting | LinkState::Closing))
    }

    fn entry(&mut self, id: &Identifier) -> &mut AccessPoint {
        self.access_points.entry(id.clone()).or_insert_with(|| AccessPoint::new(id))
    }

    fn known(&mut self, id: &Identifier) -> Result<&mut AccessPoint, String> {
        self.access_points
            .get_mut(id)
            .ok_or_else(|| format!("R-REG-2: a request on {id}, which does not exist"))
    }
}
