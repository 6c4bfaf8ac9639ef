//! What a random world is made of.

use std::time::Duration;

use netsession_core::{
    Add, BearerType, Capabilities, Config, Identifier, LinkState, Outcome, Settings, ShutdownPolicy,
};
use netsession_io_sim::{Answers, Choice, Flap, Link, Reaction, World};

use super::source::{Records, Source};

/// A world, drawn from bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Specification {
    /// Where the world's own chance comes from.
    pub seed: u64,
    /// How many sessions there are in the beginning.
    pub sessions: usize,
    /// The access points.
    pub access_points: Vec<(Identifier, Link)>,
    /// The service networks and their members, some of which do not exist.
    pub service_networks: Vec<Add>,
    /// Where a session asks the user, if it is in this world.
    pub user_choice: Option<Add>,
    /// How requests are answered.
    pub answers: Answers,
    /// What the user answers.
    pub choice: Choice,
    /// The manager's constants.
    pub config: Config,
    /// How the trouble ends.
    pub ending: Ending,
    /// What the applications answer in the end.
    pub replies: Replies,
}

/// What the world is like when the trouble is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// Everything works.
    Healed,
    /// What works and what fails stays as it is, and nothing hangs: facts are constant.
    Frozen,
}

/// What applications answer to every offer and trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replies {
    /// Migrate, accept.
    Yes,
    /// Ignore, reject.
    No,
    /// Migrate, reject.
    YesThenNo,
    /// Nothing.
    Nothing,
}

impl Specification {
    pub(super) fn decode(records: &mut Records<'_>) -> Self {
        let names: Vec<Identifier> = (0..records.links.len()).map(|n| format!("a{n}").into()).collect();
        // Each part has a place of its own, so that none moves another.
        let mut numbers = records.header.take(3 + 5);
        let mut general = records.header.take(8);
        let config = config(&mut records.header.take(24));
        let trouble = general.below(3) > 0;
        let devices = general.below(3);
        let links = records.links.iter_mut().map(|source| link(source, trouble, devices));
        let access_points: Vec<_> = names.iter().cloned().zip(links).collect();
        let networks = records.networks.iter_mut().enumerate();
        let service_networks: Vec<_> =
            networks.map(|(n, source)| service_network(source, format!("n{n}").into(), &names)).collect();
        let user_choice = general.per_mille(400).then(|| Add::user_choice("u"));
        let choice = choice(&mut general, &names, &service_networks);
        let ending = if general.per_mille(400) { Ending::Frozen } else { Ending::Healed };
        let replies = [Replies::Yes, Replies::Yes, Replies::No, Replies::YesThenNo, Replies::Nothing];
        let _ = numbers.take(3);
        Self {
            seed: (0..5).fold(0, |seed, _| seed << 8 | u64::from(numbers.byte())),
            sessions: records.sessions,
            access_points,
            service_networks,
            user_choice,
            answers: answers(&mut records.header.take(8), trouble),
            choice,
            config,
            ending,
            replies: general.pick(&replies).copied().unwrap_or(Replies::Yes),
        }
    }

    pub(super) fn names(&self) -> Vec<Identifier> {
        self.access_points.iter().map(|(id, _)| id.clone()).collect()
    }

    /// One of the access points; there always is one.
    pub(super) fn access_point(&self, source: &mut Source<'_>) -> Identifier {
        source.pick(&self.access_points).map(|(id, _)| id.clone()).unwrap_or_default()
    }

    /// Everything that a session can be made on; what roams more often.
    pub(super) fn identifiers(&self) -> Vec<Identifier> {
        let access_points = self.access_points.iter().map(|(id, _)| id);
        let others = || self.service_networks.iter().chain(&self.user_choice).map(|add| &add.id);
        access_points.chain(others()).chain(others()).chain(others()).cloned().collect()
    }

    pub(super) fn world(&self) -> World {
        let mut builder = World::builder()
            .seed(self.seed)
            .config(self.config.clone())
            .answers(self.answers.clone())
            .choice(self.choice.clone());
        for (id, link) in &self.access_points {
            builder = builder.access_point(id.clone(), link.clone());
        }
        for add in self.service_networks.iter().chain(&self.user_choice) {
            builder = builder.configuration(add.clone());
        }
        builder.build()
    }

    /// Ends the trouble.
    pub(super) fn end_trouble(&self, world: &mut World) {
        match self.ending {
            Ending::Healed => world.heal(),
            Ending::Frozen => world.freeze(),
        }
    }
}

/// The constants of the manager, limits of 0 among them.
fn config(source: &mut Source<'_>) -> Config {
    let mut config = Config::default();
    config.hold_off = source.millis(&[0, 0, 1, 50, 2_000]);
    config.retry_after = source.millis(&[30_000, 30_000, 1_000, 10, 0]);
    config.give_up_after = source.pick(&[5, 5, 2, 1, 0]).copied().unwrap_or(5);
    config.answer_within = perhaps(source, &[0, 20, 5_000]);
    config.rescue_answer_within = source.millis(&[30_000, 30_000, 100, 0]);
    config.stop_timeout = source.millis(&[30_000, 30_000, 200, 1, 0]);
    config.update_timeout = source.millis(&[30_000, 50, 0]);
    config.ask_timeout = source.millis(&[300_000, 100, 0]);
    config.rescue_grace = source.millis(&[0, 0, 30, 1_000]);
    config.can_ask_user = !source.per_mille(200);
    config
}

fn choice(source: &mut Source<'_>, names: &[Identifier], networks: &[Add]) -> Choice {
    let mut named: Vec<Identifier> = networks.iter().map(|add| add.id.clone()).collect();
    named.extend(names.iter().cloned().chain(["u".into(), "nothing".into()]));
    let (kind, name) = (source.below(6), source.pick(&named).cloned());
    match kind {
        0 => Choice::First,
        1 => Choice::Cancels,
        2 => Choice::Never,
        _ => name.map_or(Choice::First, Choice::Named),
    }
}

/// None half of the time.
fn perhaps(source: &mut Source<'_>, millis: &[u64]) -> Option<Duration> {
    let span = source.millis(millis);
    source.per_mille(500).then_some(span)
}

fn pick(source: &mut Source<'_>, from: &[u16]) -> u16 {
    source.pick(from).copied().unwrap_or_default()
}

fn link(source: &mut Source<'_>, trouble: bool, devices: usize) -> Link {
    let is_anywhere = source.per_mille(500);
    let initial = source.pick(LinkState::ALL).copied().filter(|_| is_anywhere);
    let mut link = Link::new()
        .initially(initial.unwrap_or(LinkState::Discovered))
        .taking(source.millis(&[0, 5, 20, 20, 90]), source.millis(&[0, 10, 10, 60]))
        .showing_after(source.millis(&[0, 0, 7, 1_000]))
        .settings(|settings| settings_of_link(source, settings));
    let (is_carried, device) = (source.per_mille(500), source.below(devices));
    if devices > 0 && is_carried {
        link = link.device(format!("d{device}"));
    }
    link.seamless_group = source.per_mille(300).then(|| "group".into());
    let [start, stop, cancel] = [(); 3].map(|()| reaction(source));
    let (failing, with) = (pick(source, &[0, 100, 500]), outcome(source));
    let (after, lasting) = (source.millis(&[0, 30, 150]), source.millis(&[0, 1, 40]));
    let flap = Flap { after, lasting, times: 4 };
    if trouble {
        link = link.start(start).stop(stop).cancel(cancel).failing(failing, with);
        link.flap = source.per_mille(300).then_some(flap);
    }
    link
}

fn settings_of_link(source: &mut Source<'_>, settings: &mut Settings) {
    settings.bearer = source.pick(BearerType::ALL).copied();
    settings.shutdown = source.pick(ShutdownPolicy::ALL).copied();
    let (is_limited, capabilities) = (source.per_mille(350), capabilities(source));
    settings.capabilities = is_limited.then_some(capabilities);
    settings.polls = Some(source.per_mille(500));
    settings.connect_timeout = Some(source.millis(&[30_000, 30_000, 30_000, 50, 0]));
    settings.loss_grace = Some(source.millis(&[0, 0, 0, 20]));
    settings.counts_for_online = Some(!source.per_mille(200));
}

/// Those that matter here, each as often as not.
pub(super) fn capabilities(source: &mut Source<'_>) -> Capabilities {
    let all = Capabilities::all() - Capabilities::NETWORK_SESSION_REQUIRED;
    let (kind, any) = (source.below(6), source.byte() & 0x7F);
    match kind {
        0 => all,
        1 => all - Capabilities::CAN_START_AND_STOP_INTERFACES,
        2 => all - Capabilities::APPLICATION_LEVEL_ROAMING,
        3 => all - Capabilities::FORCED_ROAMING,
        4 => Capabilities::DATA_STATISTICS,
        _ => Capabilities::from_bits_truncate(any.into()),
    }
}

pub(super) fn reaction(source: &mut Source<'_>) -> Reaction {
    let (kind, outcome) = (source.below(10), outcome(source));
    match kind {
        0..=5 => Reaction::Works,
        6 => Reaction::Hangs,
        7 => Reaction::FallsBack,
        8 => Reaction::Fails(outcome),
        _ => Reaction::Fails(Outcome::Ok),
    }
}

fn outcome(source: &mut Source<'_>) -> Outcome {
    source.pick(&Outcome::ALL[1..]).copied().unwrap_or(Outcome::Failed)
}

fn service_network(source: &mut Source<'_>, id: Identifier, names: &[Identifier]) -> Add {
    let mut add = Add::service_network(id, members(source, names));
    add.settings.connect_timeout = Some(source.millis(&[30_000, 30_000, 70, 0]));
    if source.per_mille(300) {
        add.settings.hold_off = Some(perhaps(source, &[0, 10, 3_000]));
        add.settings.retry_after = Some(perhaps(source, &[0, 500, 30_000]));
        add.settings.answer_within = Some(perhaps(source, &[0, 100]));
    }
    add
}

/// Two to four of these in any order, seldom fewer or, in large worlds, most of them; and perhaps one that
/// does not exist.
pub(super) fn members(source: &mut Source<'_>, names: &[Identifier]) -> Vec<Identifier> {
    let wanted = match source.byte() {
        byte @ 0..208 => 2 + usize::from(byte) % 3,
        byte @ 208..232 => usize::from(byte) % 2,
        byte => usize::from(byte - 228),
    };
    let absent = source.per_mille(200).then(|| "absent".into());
    let mut left: Vec<Identifier> = names.iter().cloned().chain(absent).collect();
    let draw = |_| left.swap_remove(source.below(left.len()));
    (0..wanted.min(names.len())).map(draw).collect()
}

fn answers(source: &mut Source<'_>, trouble: bool) -> Answers {
    let answers = Answers::new().taking(Duration::ZERO..=source.millis(&[0, 1, 30]));
    if !trouble {
        return answers;
    }
    answers
        .late(pick(source, &[0, 100, 500]), source.millis(&[50, 400, 40_000]))
        .doubled(pick(source, &[0, 300, 1_000]))
        .lost(pick(source, &[0, 0, 100, 500]))
}
