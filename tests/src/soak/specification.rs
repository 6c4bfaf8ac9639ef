//! What a random world is made of.

use std::time::Duration;

use netsession_core::{
    Add, BearerType, Capabilities, Config, Identifier, LinkState, Outcome, Settings, ShutdownPolicy,
};
use netsession_io_sim::{Answers, Choice, Flap, Link, Random, Reaction, World};

/// A small world, drawn at random.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Specification {
    /// Where the world's own chance comes from.
    pub seed: u64,
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
    pub(super) fn draw(random: &mut Random) -> Self {
        let trouble = random.below(3) > 0;
        let names: Vec<Identifier> = (0..=1 + random.below(4)).map(|n| format!("a{n}").into()).collect();
        let devices = random.below(3);
        let access_points: Vec<_> =
            names.iter().map(|id| (id.clone(), link(random, trouble, devices))).collect();
        let service_networks: Vec<_> =
            (0..=random.below(3)).map(|n| service_network(random, format!("n{n}").into(), &names)).collect();
        let user_choice = random.per_mille(400).then(|| Add::user_choice("u"));
        let choice = choice(random, &names, &service_networks);
        let ending = if random.per_mille(600) { Ending::Healed } else { Ending::Frozen };
        let replies = [Replies::Yes, Replies::Yes, Replies::No, Replies::YesThenNo, Replies::Nothing];
        Self {
            seed: random.number(),
            access_points,
            service_networks,
            user_choice,
            answers: answers(random, trouble),
            choice,
            config: config(random),
            ending,
            replies: random.pick(&replies).copied().unwrap_or(Replies::Yes),
        }
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
fn config(random: &mut Random) -> Config {
    let mut config = Config::default();
    config.hold_off = one_of(random, [0, 0, 1, 50, 2_000]);
    config.retry_after = one_of(random, [30_000, 30_000, 1_000, 10, 0]);
    config.give_up_after = random.pick(&[5, 5, 2, 1, 0]).copied().unwrap_or(5);
    config.answer_within = perhaps(random, [0, 20, 5_000]);
    config.rescue_answer_within = one_of(random, [30_000, 30_000, 100, 0]);
    // Never 0: a stop that is late at once may be asked for again in the same input.
    config.stop_timeout = one_of(random, [30_000, 30_000, 200, 1]);
    config.update_timeout = one_of(random, [30_000, 50, 0]);
    config.ask_timeout = one_of(random, [300_000, 100, 0]);
    config.rescue_grace = one_of(random, [0, 0, 30, 1_000]);
    config.can_ask_user = !random.per_mille(200);
    config
}

fn choice(random: &mut Random, names: &[Identifier], networks: &[Add]) -> Choice {
    let mut named: Vec<Identifier> = networks.iter().map(|add| add.id.clone()).collect();
    named.extend(names.iter().cloned().chain(["u".into(), "nothing".into()]));
    match random.below(6) {
        0 => Choice::First,
        1 => Choice::Cancels,
        2 => Choice::Never,
        _ => random.pick(&named).cloned().map_or(Choice::First, Choice::Named),
    }
}

/// None half of the time.
fn perhaps<const N: usize>(random: &mut Random, millis: [u64; N]) -> Option<Duration> {
    random.per_mille(500).then(|| one_of(random, millis))
}

pub(super) fn one_of<const N: usize>(random: &mut Random, millis: [u64; N]) -> Duration {
    Duration::from_millis(random.pick(&millis).copied().unwrap_or(0))
}

fn pick<T: Copy + Default>(random: &mut Random, from: &[T]) -> T {
    random.pick(from).copied().unwrap_or_default()
}

fn link(random: &mut Random, trouble: bool, devices: u64) -> Link {
    let up_after = one_of(random, [0, 5, 20, 20, 90]);
    let in_reach = random.per_mille(500);
    let initial = random.pick(LinkState::ALL).copied().filter(|_| !in_reach);
    let mut link = Link::new()
        .initially(initial.unwrap_or(LinkState::Discovered))
        .taking(up_after, one_of(random, [0, 10, 10, 60]))
        .showing_after(one_of(random, [0, 0, 7, 1_000]))
        .settings(|settings| settings_of_link(random, settings));
    if devices > 0 && random.per_mille(500) {
        link = link.device(format!("d{}", random.below(devices)));
    }
    link.seamless_group = random.per_mille(300).then(|| "group".into());
    if trouble {
        link = link.start(reaction(random)).stop(reaction(random)).cancel(reaction(random));
        link = link.failing(pick(random, &[0, 100, 500]), outcome(random));
        if random.per_mille(300) {
            let (after, lasting) = (one_of(random, [0, 30, 150]), one_of(random, [0, 1, 40]));
            link = link.flapping(Flap { after, lasting, times: 4 });
        }
    }
    link
}

fn settings_of_link(random: &mut Random, settings: &mut Settings) {
    settings.bearer = random.pick(BearerType::ALL).copied();
    settings.shutdown = random.pick(ShutdownPolicy::ALL).copied();
    if random.per_mille(350) {
        settings.capabilities = Some(capabilities(random));
    }
    settings.polls = Some(random.per_mille(500));
    settings.connect_timeout = Some(one_of(random, [30_000, 30_000, 30_000, 50, 0]));
    settings.loss_grace = Some(one_of(random, [0, 0, 0, 20]));
    settings.counts_for_online = Some(!random.per_mille(200));
}

/// Those that matter here, each as often as not.
pub(super) fn capabilities(random: &mut Random) -> Capabilities {
    let all = Capabilities::all() - Capabilities::NETWORK_SESSION_REQUIRED;
    match random.below(6) {
        0 => Capabilities::DATA_STATISTICS,
        1 => all - Capabilities::CAN_START_AND_STOP_INTERFACES,
        2 => all - Capabilities::APPLICATION_LEVEL_ROAMING,
        3 => all - Capabilities::FORCED_ROAMING,
        4 => all,
        _ => Capabilities::from_bits_truncate(u16::try_from(random.below(0x80)).unwrap_or(0)),
    }
}

pub(super) fn reaction(random: &mut Random) -> Reaction {
    match random.below(10) {
        0 => Reaction::Hangs,
        1 => Reaction::FallsBack,
        2 => Reaction::Fails(outcome(random)),
        3 => Reaction::Fails(Outcome::Ok),
        _ => Reaction::Works,
    }
}

fn outcome(random: &mut Random) -> Outcome {
    random.pick(&Outcome::ALL[1..]).copied().unwrap_or(Outcome::Failed)
}

fn service_network(random: &mut Random, id: Identifier, names: &[Identifier]) -> Add {
    let mut add = Add::service_network(id, members(random, names));
    add.settings.connect_timeout = Some(one_of(random, [30_000, 30_000, 70, 0]));
    if random.per_mille(300) {
        add.settings.hold_off = Some(perhaps(random, [0, 10, 3_000]));
        add.settings.retry_after = Some(perhaps(random, [0, 500, 30_000]));
        add.settings.answer_within = Some(perhaps(random, [0, 100]));
    }
    add
}

/// Two to four of these in any order, seldom fewer, and perhaps one that does not exist.
pub(super) fn members(random: &mut Random, names: &[Identifier]) -> Vec<Identifier> {
    let absent = random.per_mille(200).then(|| "absent".into());
    let mut left: Vec<Identifier> = names.iter().cloned().chain(absent).collect();
    let mut members = Vec::new();
    let wanted = if random.per_mille(100) { random.below(2) } else { 2 + random.below(3) };
    for _ in 0..wanted.min(left.len() as u64) {
        let index = usize::try_from(random.below(left.len() as u64)).unwrap_or(0);
        members.push(left.swap_remove(index));
    }
    members
}

fn answers(random: &mut Random, trouble: bool) -> Answers {
    let answers = Answers::new().taking(Duration::ZERO..=one_of(random, [0, 1, 30]));
    if !trouble {
        return answers;
    }
    answers
        .late(pick(random, &[0, 100, 500]), one_of(random, [50, 400, 40_000]))
        .doubled(pick(random, &[0, 300, 1_000]))
        .lost(pick(random, &[0, 0, 100, 500]))
}
