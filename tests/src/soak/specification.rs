//! What a random world is made of.

use std::time::Duration;

use netsession_core::{
    Add, BearerType, Capabilities, Config, Identifier, LinkState, Outcome, Settings, ShutdownPolicy,
};
use netsession_io_sim::{Answers, Flap, Link, Random, Reaction, World};

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
    /// How requests are answered.
    pub answers: Answers,
    /// The manager's deadline of a stop.
    pub stop_timeout: Duration,
}

impl Specification {
    pub(super) fn draw(random: &mut Random) -> Self {
        let trouble = random.below(3) > 0;
        let names: Vec<Identifier> = (0..=random.below(4)).map(|n| format!("a{n}").into()).collect();
        let access_points = names.iter().map(|id| (id.clone(), link(random, trouble))).collect();
        let service_networks =
            (0..random.below(3)).map(|n| service_network(random, format!("n{n}").into(), &names)).collect();
        Self {
            seed: random.number(),
            access_points,
            service_networks,
            answers: answers(random, trouble),
            stop_timeout: one_of(random, [30_000, 200]),
        }
    }

    /// Everything that a session can be made on.
    pub(super) fn identifiers(&self) -> Vec<Identifier> {
        let access_points = self.access_points.iter().map(|(id, _)| id.clone());
        let service_networks = self.service_networks.iter().map(|add| add.id.clone());
        access_points.chain(service_networks).collect()
    }

    pub(super) fn world(&self) -> World {
        let mut config = Config::default();
        config.stop_timeout = self.stop_timeout;
        let mut builder = World::builder().seed(self.seed).config(config).answers(self.answers.clone());
        for (id, link) in &self.access_points {
            builder = builder.access_point(id.clone(), link.clone());
        }
        for add in &self.service_networks {
            builder = builder.configuration(add.clone());
        }
        builder.build()
    }
}

fn one_of<const N: usize>(random: &mut Random, millis: [u64; N]) -> Duration {
    Duration::from_millis(random.pick(&millis).copied().unwrap_or(0))
}

fn pick<T: Copy + Default>(random: &mut Random, from: &[T]) -> T {
    random.pick(from).copied().unwrap_or_default()
}

fn link(random: &mut Random, trouble: bool) -> Link {
    let up_after = one_of(random, [0, 5, 20, 20, 90]);
    let in_reach = random.per_mille(500);
    let initial = random.pick(LinkState::ALL).copied().filter(|_| !in_reach);
    let mut link = Link::new()
        .initially(initial.unwrap_or(LinkState::Discovered))
        .taking(up_after, one_of(random, [0, 10, 10, 60]))
        .showing_after(one_of(random, [0, 0, 7, 1_000]))
        .settings(|settings| settings_of_link(random, settings));
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
    if random.per_mille(150) {
        settings.capabilities = Some(Capabilities::DATA_STATISTICS);
    }
    settings.connect_timeout = Some(one_of(random, [30_000, 30_000, 50]));
    settings.loss_grace = Some(one_of(random, [0, 0, 0, 20]));
    settings.counts_for_online = Some(!random.per_mille(200));
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
    add
}

/// Some of these in any order, and perhaps one that does not exist.
pub(super) fn members(random: &mut Random, names: &[Identifier]) -> Vec<Identifier> {
    let mut left: Vec<Identifier> = names.iter().cloned().chain(["absent".into()]).collect();
    let mut members = Vec::new();
    for _ in 0..random.below(names.len() as u64 + 1) {
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
