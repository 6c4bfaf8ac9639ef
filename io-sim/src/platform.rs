//! The links as they stand, and the queue of what will happen to them.
//!
//! The platform is asked ([`carry_out`](Platform::carry_out)) and answers later: everything that it says
//! is a happening with a time, taken in the order of (time, sequence). It never talks to the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use netsession_core::{
    Add, Effect, Identifier, Input, Instant, LinkState, Observation, OperationId, Outcome, SnapshotEntry,
};

use crate::{Answers, Choice, Link, Random, Reaction};

/// A link that fails as often as that always fails once its world is frozen.
const OFTEN_PER_MILLE: u16 = 500;

/// Simulated links and the kernel that carries them.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    random: Random,
    pub(crate) answers: Answers,
    pub(crate) choice: Choice,
    stations: BTreeMap<Identifier, Station>,
    queue: BTreeMap<(Instant, u64), Happening>,
    sequence: u64,
    interfaces: u32,
    deaf: bool,
    unanswered: BTreeSet<OperationId>,
}

/// A link as it stands.
#[derive(Clone, Debug)]
struct Station {
    link: Link,
    level: LinkState,
    present: bool,
    carrier: bool,
    /// Somebody brought it up and nobody took it down: it rises by itself when the carrier is back.
    raised: bool,
    flaps_left: u32,
    interface: u32,
    received: u64,
    sent: u64,
    watched: bool,
    /// The start that is not done, for a cancel to find.
    start: Option<OperationId>,
}

#[derive(Clone, Debug)]
enum Happening {
    Said(Box<Input>),
    Level(Identifier, LinkState),
    Counters(Identifier),
}

impl Happening {
    fn is_choice_for(&self, resolve: OperationId) -> bool {
        let Self::Said(input) = self else { return false };
        matches!(&**input, Input::Resolved { op, .. } if *op == resolve)
    }

    fn is_level_of(&self, id: &Identifier) -> bool {
        matches!(self, Self::Level(of, _) if of == id)
    }
}

impl Station {
    /// The level without anybody's doing.
    const fn rest(&self) -> LinkState {
        if self.carrier { LinkState::Discovered } else { LinkState::Defined }
    }

    fn is_down(&self) -> bool {
        self.level < LinkState::Connecting
    }

    /// As it is when it appears, with a new interface: whatever was there before is gone.
    fn appear(&mut self, interface: u32) {
        self.level = self.link.initial;
        self.present = true;
        self.carrier = self.level >= LinkState::Discovered;
        self.raised = matches!(self.level, LinkState::Connecting | LinkState::Active);
        self.flaps_left = self.link.flap.map_or(0, |flap| flap.times);
        self.interface = interface;
        (self.received, self.sent, self.watched, self.start) = (0, 0, false, None);
    }

    fn observation(&self, id: &Identifier) -> Observation {
        let interface = self.link.interface(id, self.interface, self.level);
        let mut observation = Observation::new(id.clone(), self.level).with_interface(interface);
        observation.seamless_group.clone_from(&self.link.seamless_group);
        observation
    }

    fn as_added(&self, id: &Identifier) -> Input {
        let mut add = Add::access_point(id.clone());
        add.settings = self.link.settings.clone();
        add.link = self.level;
        add.interface = Some(self.link.interface(id, self.interface, self.level));
        Input::Add(add)
    }
}

impl Platform {
    pub(crate) fn new(random: Random, answers: Answers, choice: Choice) -> Self {
        Self {
            random,
            answers,
            choice,
            stations: BTreeMap::new(),
            queue: BTreeMap::new(),
            sequence: 0,
            interfaces: 0,
            deaf: false,
            unanswered: BTreeSet::new(),
        }
    }

    // Requests.

    /// Begins what the machine asked for.
    pub(crate) fn carry_out(&mut self, now: Instant, effect: &Effect) {
        self.unanswered.extend(effect.op());
        match effect {
            Effect::Start { op, id } => self.start(now, *op, id),
            Effect::Stop { op, id } => self.stop(now, *op, id),
            Effect::Cancel { op, cancelled } => self.cancel(now, *op, *cancelled),
            Effect::Resolve { op, among, .. } => self.resolve(now, *op, among),
            Effect::Update { op } => self.complete(now, *op, Outcome::Ok, None),
            Effect::ReadCounters { id } => {
                let delay = self.random.span(&self.answers.delay);
                self.schedule(now + delay, Happening::Counters(id.clone()));
            }
            Effect::Watch { id } => self.set_watched(id, true),
            Effect::Unwatch { id } => self.set_watched(id, false),
        }
    }

    fn start(&mut self, now: Instant, op: OperationId, id: &Identifier) {
        let (reaction, reason) = self.reaction_to_start(id);
        if let Reaction::Fails(outcome) = reaction {
            return self.complete(now, op, outcome, reason);
        }
        if reaction != Reaction::Hangs {
            self.complete(now, op, Outcome::Ok, None);
        }
        self.forget_levels(id);
        let Some(station) = self.stations.get_mut(id) else { return };
        station.start = Some(op);
        station.raised = reaction == Reaction::Works;
        let (level, rest) = (station.level, station.rest());
        let (shown, done) = (station.link.connecting_after, station.link.up_after);
        if level == LinkState::Active {
            return;
        }
        if level != LinkState::Connecting && (shown < done || reaction == Reaction::Hangs) {
            self.schedule_level(now + shown, id, LinkState::Connecting);
        }
        match reaction {
            Reaction::Works => self.schedule_level(now + done, id, LinkState::Active),
            Reaction::FallsBack => self.schedule_level(now + done, id, rest),
            Reaction::Hangs | Reaction::Fails(_) => {}
        }
    }

    /// What becomes of a start, and why where it fails for a reason of this world.
    fn reaction_to_start(&mut self, id: &Identifier) -> (Reaction, Option<&'static str>) {
        let Some(station) = self.stations.get(id).filter(|station| station.present) else {
            return (Reaction::Fails(Outcome::Gone), Some("the link no longer exists"));
        };
        let link = station.link.clone();
        if !station.carrier {
            return (Reaction::Fails(Outcome::Failed), Some("no carrier"));
        }
        if link.settings.device.flatten().is_some_and(|device| self.carries_another(&device, id)) {
            return (Reaction::Fails(Outcome::Refused), Some("the device carries another link"));
        }
        if self.random.per_mille(link.failing_per_mille) {
            return (Reaction::Fails(link.failing_with), Some("bad luck"));
        }
        (link.start, Some("this link refuses"))
    }

    fn carries_another(&self, device: &Identifier, id: &Identifier) -> bool {
        self.stations.iter().any(|(other, station)| {
            let same_device =
                station.link.settings.device.as_ref().is_some_and(|of| of.as_ref() == Some(device));
            other != id && same_device && station.present && !station.is_down()
        })
    }

    fn stop(&mut self, now: Instant, op: OperationId, id: &Identifier) {
        let Some(station) = self.stations.get(id).filter(|station| station.present) else {
            return self.complete(now, op, Outcome::Gone, Some("the link no longer exists"));
        };
        match station.link.stop {
            Reaction::Works => self.fall(now, id, None),
            Reaction::FallsBack => {
                let back = (station.level == LinkState::Active).then_some(LinkState::Active);
                self.fall(now, id, back);
            }
            Reaction::Hangs => {
                self.fall(now, id, Some(LinkState::Closing));
                return;
            }
            Reaction::Fails(outcome) => {
                return self.complete(now, op, outcome, Some("this link refuses"));
            }
        }
        self.complete(now, op, Outcome::Ok, None);
    }

    fn cancel(&mut self, now: Instant, op: OperationId, cancelled: OperationId) {
        self.queue.retain(|_, happening| !happening.is_choice_for(cancelled));
        let found = self.stations.iter().find(|(_, station)| station.start == Some(cancelled));
        let Some((id, reaction)) = found.map(|(id, station)| (id.clone(), station.link.cancel)) else {
            return self.complete(now, op, Outcome::Ok, None);
        };
        match reaction {
            Reaction::Works => self.withdraw(now, &id),
            Reaction::Fails(outcome) => {
                return self.complete(now, op, outcome, Some("this link refuses"));
            }
            Reaction::FallsBack => {}
            Reaction::Hangs => return,
        }
        self.complete(now, op, Outcome::Ok, None);
    }

    fn withdraw(&mut self, now: Instant, id: &Identifier) {
        self.forget_levels(id);
        let Some(station) = self.stations.get_mut(id) else { return };
        (station.raised, station.start) = (false, None);
        if station.level == LinkState::Connecting {
            let rest = station.rest();
            self.schedule_level(now, id, rest);
        }
    }

    fn resolve(&mut self, now: Instant, op: OperationId, among: &[Identifier]) {
        let choice = match &self.choice {
            Choice::First => among.first().cloned(),
            Choice::Named(id) => Some(id.clone()),
            Choice::Cancels => None,
            Choice::Never => return,
        };
        self.answer(now, op, Input::Resolved { op, choice });
    }

    fn complete(&mut self, now: Instant, op: OperationId, result: Outcome, reason: Option<&str>) {
        let reason = reason.filter(|_| result != Outcome::Ok).map(Into::into);
        self.answer(now, op, Input::Completed { op, result, reason });
    }

    /// Says this when an answer is due, which may be twice or never.
    fn answer(&mut self, now: Instant, op: OperationId, input: Input) {
        let late = self.random.per_mille(self.answers.late_per_mille);
        let doubled = self.random.per_mille(self.answers.doubled_per_mille);
        if self.random.per_mille(self.answers.lost_per_mille) {
            return;
        }
        self.unanswered.remove(&op);
        let extra = if late { self.answers.late_by } else { Duration::ZERO };
        for _ in 0..=u8::from(doubled) {
            let delay = self.random.span(&self.answers.delay) + extra;
            self.say(now + delay, input.clone());
        }
    }

    fn set_watched(&mut self, id: &Identifier, watched: bool) {
        if let Some(station) = self.stations.get_mut(id) {
            station.watched = watched;
        }
    }

    // What the links do.

    /// Comes up without being asked by the machine.
    pub(crate) fn rise(&mut self, now: Instant, id: &Identifier) {
        self.forget_levels(id);
        let station = self.station_mut(id);
        station.raised = true;
        let (level, carrier) = (station.level, station.carrier);
        let (shown, done) = (station.link.connecting_after, station.link.up_after);
        if level == LinkState::Active || !carrier {
            return;
        }
        if shown < done && level != LinkState::Connecting {
            self.schedule_level(now + shown, id, LinkState::Connecting);
        }
        self.schedule_level(now + done, id, LinkState::Active);
    }

    /// Goes down; in the end it is at rest, or at the level `instead`.
    pub(crate) fn fall(&mut self, now: Instant, id: &Identifier, instead: Option<LinkState>) {
        self.forget_levels(id);
        let station = self.station_mut(id);
        station.start = None;
        station.raised = instead == Some(LinkState::Active);
        let (level, end) = (station.level, instead.unwrap_or_else(|| station.rest()));
        let (shown, done) = (station.link.closing_after, station.link.down_after);
        if level < LinkState::Connecting {
            return;
        }
        if shown < done && level != LinkState::Closing {
            self.schedule_level(now + shown, id, LinkState::Closing);
        }
        self.schedule_level(now + done, id, end);
    }

    /// Takes the carrier away.
    pub(crate) fn pull(&mut self, id: &Identifier) -> Option<Input> {
        self.forget_levels(id);
        let station = self.station_mut(id);
        (station.carrier, station.start) = (false, None);
        self.set_level(id, LinkState::Defined)
    }

    /// Gives the carrier back. A link that was up comes up again.
    pub(crate) fn plug(&mut self, now: Instant, id: &Identifier) -> Option<Input> {
        let station = self.station_mut(id);
        if station.carrier {
            return None;
        }
        station.carrier = true;
        if station.raised {
            self.rise(now, id);
            return None;
        }
        self.set_level(id, LinkState::Discovered)
    }

    /// Puts a link at this level, whatever it was about to do.
    pub(crate) fn place(&mut self, observation: &Observation) {
        self.forget_levels(&observation.id);
        if let Some(station) = self.stations.get_mut(&observation.id) {
            station.level = observation.link;
            station.carrier = observation.link >= LinkState::Discovered;
            station.raised = matches!(observation.link, LinkState::Connecting | LinkState::Active);
        }
    }

    pub(crate) fn add(&mut self, now: Instant, id: Identifier, link: Link) -> Option<Input> {
        let station = Station {
            level: link.initial,
            link,
            present: false,
            carrier: false,
            raised: false,
            flaps_left: 0,
            interface: 0,
            received: 0,
            sent: 0,
            watched: false,
            start: None,
        };
        self.stations.insert(id.clone(), station);
        self.appear(now, &id)
    }

    /// A link that is gone appears again.
    pub(crate) fn appear(&mut self, now: Instant, id: &Identifier) -> Option<Input> {
        self.interfaces += 1;
        let interface = self.interfaces;
        let station = self.station_mut(id);
        if station.present {
            return None;
        }
        station.appear(interface);
        let (level, input) = (station.level, station.as_added(id));
        match level {
            LinkState::Connecting => self.rise(now, id),
            LinkState::Closing => self.fall(now, id, None),
            LinkState::Active => self.schedule_flap(now, id),
            LinkState::Undefined | LinkState::Defined | LinkState::Discovered => {}
        }
        (!self.deaf).then_some(input)
    }

    pub(crate) fn remove(&mut self, id: &Identifier) -> Option<Input> {
        self.forget_levels(id);
        let station = self.station_mut(id);
        let was_present = core::mem::replace(&mut station.present, false);
        (was_present && !self.deaf).then(|| Input::Remove { id: id.clone() })
    }

    pub(crate) fn count(&mut self, id: &Identifier, received: u64, sent: u64) {
        let station = self.station_mut(id);
        station.received = station.received.saturating_add(received);
        station.sent = station.sent.saturating_add(sent);
    }

    /// From now on nothing fails. What hangs half-way ends at rest, what was never answered has failed.
    pub(crate) fn heal(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            let link = &mut station.link;
            (link.start, link.stop, link.cancel) = (Reaction::Works, Reaction::Works, Reaction::Works);
            link.failing_per_mille = 0;
        }
        self.choice = Choice::First;
        self.calm(now);
    }

    /// From now on nothing is left to chance, and nothing hangs: what works and what fails stays so.
    pub(crate) fn freeze(&mut self, now: Instant) {
        for station in self.stations.values_mut() {
            let link = &mut station.link;
            for reaction in [&mut link.start, &mut link.stop, &mut link.cancel] {
                if *reaction == Reaction::Hangs {
                    *reaction = Reaction::FallsBack;
                }
            }
            // What nothing is seen of would be waited for.
            let is_seen = link.start == Reaction::FallsBack && link.connecting_after < link.up_after;
            if link.start != Reaction::Works && !is_seen {
                link.start = Reaction::Fails(Outcome::Failed);
            }
            link.failing_per_mille = if link.failing_per_mille < OFTEN_PER_MILLE { 0 } else { 1_000 };
        }
        self.calm(now);
    }

    /// Answers come in time, and no link is lost by itself.
    fn calm(&mut self, now: Instant) {
        self.answers = Answers::default();
        for op in core::mem::take(&mut self.unanswered) {
            self.complete(now, op, Outcome::Failed, Some("the platform gave up"));
        }
        for station in self.stations.values_mut() {
            (station.link.flap, station.flaps_left) = (None, 0);
        }
        for id in self.stations.keys().cloned().collect::<Vec<_>>() {
            if matches!(self.end_of(&id), Some(LinkState::Connecting | LinkState::Closing)) {
                self.forget_levels(&id);
                let rest = self.station_mut(&id).rest();
                self.schedule_level(now, &id, rest);
            }
        }
    }

    /// The level at which a link stays if nobody does anything.
    fn end_of(&self, id: &Identifier) -> Option<LinkState> {
        let planned = self.queue.values().rev().find_map(|happening| match happening {
            Happening::Level(of, level) if of == id => Some(*level),
            Happening::Level(..) | Happening::Said(_) | Happening::Counters(_) => None,
        });
        planned.or_else(|| self.level(id))
    }

    // The queue.

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Lets the next thing happen. `None`: the machine does not hear of it.
    pub(crate) fn happen(&mut self) -> Option<Input> {
        let ((at, _), happening) = self.queue.pop_first()?;
        match happening {
            Happening::Said(input) => Some(*input),
            Happening::Level(id, level) => {
                let input = self.set_level(&id, level);
                if level == LinkState::Active {
                    self.schedule_flap(at, &id);
                }
                input
            }
            Happening::Counters(id) => {
                let station = self.stations.get(&id).filter(|station| station.present)?;
                Some(Input::Counters { id, received: station.received, sent: station.sent })
            }
        }
    }

    pub(crate) fn say(&mut self, at: Instant, input: Input) {
        self.schedule(at, Happening::Said(Box::new(input)));
    }

    fn schedule_level(&mut self, at: Instant, id: &Identifier, level: LinkState) {
        self.schedule(at, Happening::Level(id.clone(), level));
    }

    fn schedule_flap(&mut self, now: Instant, id: &Identifier) {
        let Some(station) = self.stations.get_mut(id) else { return };
        let (Some(flap), Some(left)) = (station.link.flap, station.flaps_left.checked_sub(1)) else { return };
        station.flaps_left = left;
        self.schedule_level(now + flap.after, id, LinkState::Defined);
        self.schedule_level(now + flap.after + flap.lasting, id, LinkState::Active);
    }

    fn schedule(&mut self, at: Instant, happening: Happening) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), happening);
    }

    /// A link that is told otherwise no longer does what it was about to.
    fn forget_levels(&mut self, id: &Identifier) {
        self.queue.retain(|_, happening| !happening.is_level_of(id));
    }

    // What is seen of the links.

    fn set_level(&mut self, id: &Identifier, level: LinkState) -> Option<Input> {
        let deaf = self.deaf;
        let station =
            self.stations.get_mut(id).filter(|station| station.present && station.level != level)?;
        station.level = level;
        if level == LinkState::Active {
            station.start = None;
        }
        (!deaf).then(|| Input::Observed(station.observation(id)))
    }

    /// All that is there, for a machine that missed something. Ends deafness.
    pub(crate) fn snapshot(&mut self) -> Input {
        self.deaf = false;
        let present = self.stations.iter().filter(|(_, station)| station.present);
        Input::Snapshot(
            present
                .map(|(id, station)| {
                    let mut entry = SnapshotEntry::new(station.observation(id));
                    entry.settings = station.link.settings.clone();
                    entry
                })
                .collect(),
        )
    }

    pub(crate) const fn deafen(&mut self) {
        self.deaf = true;
    }

    pub(crate) fn level(&self, id: &str) -> Option<LinkState> {
        self.stations.get(id).filter(|station| station.present).map(|station| station.level)
    }

    pub(crate) fn is_watched(&self, id: &str) -> bool {
        self.stations.get(id).is_some_and(|station| station.watched)
    }

    pub(crate) fn link_mut(&mut self, id: &str) -> &mut Link {
        &mut self.station_mut(id).link
    }

    fn station_mut(&mut self, id: &str) -> &mut Station {
        let station = self.stations.get_mut(id);
        assert!(station.is_some(), "the world has no access point {id:?}; name it in the builder");
        station.unwrap_or_else(|| unreachable!())
    }
}

#[cfg(test)]
mod tests;
