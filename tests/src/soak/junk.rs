//! What no link of a world stands behind: stale answers, reports that contradict the links, configurations
//! that come, change and go, and names of nothing.

use std::time::Duration;

use netsession_core::{
    Add, BearerType, Change, Config, ConfigurationType, Identifier, Input, Interface, LinkState, Observation,
    OperationId, Outcome, Purpose, Settings, ShutdownPolicy, SnapshotEntry, UsagePolicies,
};
use netsession_io_sim::{Record, World};

use super::Specification;
use super::source::Source;
use super::specification::{capabilities, members};

/// An input, as far as it can be said before the world runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Junk {
    /// As it is.
    Input(Box<Input>),
    /// An answer to the request that was made so many requests ago.
    Completed(u64, Outcome),
    /// The user's answer to such a request.
    Resolved(u64, Option<Identifier>),
    /// A snapshot of what is believed, but for this.
    Snapshot {
        /// Each access point whose place has its bit here is missing.
        without: u8,
        /// And one is so, whether it was there or not.
        with: Box<SnapshotEntry>,
    },
}

impl From<Input> for Junk {
    fn from(input: Input) -> Self {
        Self::Input(Box::new(input))
    }
}

impl Junk {
    /// An answer to nothing, or what a platform tells beside its links.
    pub(super) fn fact(source: &mut Source<'_>, world: &Specification) -> Self {
        let (kind, back) = (source.below(12), u64::from(source.byte() % 8));
        let id = any_name(source, world);
        match kind {
            0 => Input::Update {}.into(),
            1 => Input::Counters { id, received: source.pair().into(), sent: source.pair().into() }.into(),
            2 => Input::RefreshCounters { id }.into(),
            3 => Input::Default { id: (!source.per_mille(300)).then_some(id) }.into(),
            4 => Self::Resolved(back, (!source.per_mille(200)).then_some(id)),
            5 => Input::Tick {}.into(),
            6..=7 => {
                let policies = UsagePolicies::from_bits_truncate(source.byte().into());
                Input::Policies { id, policies }.into()
            }
            8 => Input::Config(Config::default()).into(),
            9 => Input::Adopt { id }.into(),
            _ => Self::Completed(back, source.pick(Outcome::ALL).copied().unwrap_or(Outcome::Ok)),
        }
    }

    /// Any field of anything is changed.
    pub(super) fn change(source: &mut Source<'_>, world: &Specification) -> Self {
        let is_network = source.per_mille(400);
        let network = source.pick(&world.service_networks).map(|add| add.id.clone());
        let id = network.filter(|_| is_network).unwrap_or_else(|| any_name(source, world));
        let mut settings = Settings::default();
        let what = if is_network { 10 + source.below(8) } else { source.below(12) };
        let number = source.byte();
        let millis = |among: [u64; 4]| Duration::from_millis(among[usize::from(number % 4)]);
        let override_of = |among: [u64; 4]| Some((number < 192).then(|| millis(among)));
        match what {
            0 => settings.shutdown = source.pick(ShutdownPolicy::ALL).copied(),
            1..=2 => settings.device = Some((number % 4 < 3).then(|| format!("d{}", number % 4).into())),
            3 => settings.loss_grace = Some(millis([0, 30, 1, 1_000])),
            4..=5 => settings.capabilities = Some(capabilities(source)),
            6 => settings.bearer = source.pick(BearerType::ALL).copied(),
            7 => settings.polls = Some(number.is_multiple_of(2)),
            8 => settings.counts_for_online = Some(number.is_multiple_of(2)),
            9 => settings.purpose = source.pick(Purpose::ALL).copied(),
            10 => settings.name = Some(format!("name {}", number % 3)),
            11 => settings.connect_timeout = Some(millis([20, 30_000, 100, 0])),
            12 => settings.hold_off = override_of([0, 30, 1, 3_000]),
            13 => settings.retry_after = override_of([500, 0, 10, 30_000]),
            14 => settings.answer_within = override_of([100, 0, 10, 30_000]),
            _ => settings.members = Some(members(source, &world.names())),
        }
        Input::Change(Change::new(id, settings)).into()
    }

    /// A level that no link is at, or a whole snapshot of such.
    pub(super) fn level(source: &mut Source<'_>, world: &Specification) -> Self {
        let is_snapshot = source.per_mille(300);
        let mut observation = Observation::new(any_name(source, world), any_level(source));
        let index = source.byte() % 4;
        observation.interface = (index > 0).then(|| Interface::new(index.into(), "other"));
        observation.seamless_group = source.per_mille(200).then(|| "group".into());
        if !is_snapshot {
            return Input::Observed(observation).into();
        }
        let mut with = SnapshotEntry::new(observation);
        let number = source.byte();
        with.settings.device = (number % 4 == 1).then(|| Some("d0".into()));
        with.settings.shutdown = (number % 8 == 2).then_some(ShutdownPolicy::LastClose);
        Self::Snapshot { without: source.byte() & source.byte(), with: Box::new(with) }
    }

    /// A configuration is added or removed.
    pub(super) fn configuration(source: &mut Source<'_>, world: &Specification) -> Self {
        let (kind, number) = (source.below(8), source.byte());
        let id = any_name(source, world);
        // A world cannot give a link the name of something else.
        let is_of_link = world.access_points.iter().any(|(link, _)| *link == id);
        let mut add = match kind {
            0..=2 => return Input::Remove { id }.into(),
            _ if is_of_link => Add::access_point(id),
            3..=4 => Add::access_point(id),
            5..=6 => Add::service_network(id, members(source, &world.names())),
            _ => Add::user_choice(id),
        };
        if add.kind == ConfigurationType::AccessPoint {
            add.link = any_level(source);
            add.settings.device = (number % 2 == 1).then(|| Some("d0".into()));
        }
        Input::Add(add).into()
    }

    pub(super) fn to_input(&self, world: &World) -> Input {
        match self {
            Self::Input(input) => (**input).clone(),
            Self::Completed(back, result) => {
                Input::Completed { op: request(world, *back), result: *result, reason: None }
            }
            Self::Resolved(back, choice) => {
                Input::Resolved { op: request(world, *back), choice: choice.clone() }
            }
            Self::Snapshot { without, with } => snapshot(world, *without, with),
        }
    }
}

fn any_level(source: &mut Source<'_>) -> LinkState {
    source.pick(LinkState::ALL).copied().unwrap_or(LinkState::Active)
}

/// Any configuration, others among them, and now and then none.
fn any_name(source: &mut Source<'_>, world: &Specification) -> Identifier {
    let names = world.identifiers();
    let (is_other, other) = (source.per_mille(200), source.below(5));
    let known = source.pick(&names).cloned();
    known.filter(|_| !is_other).unwrap_or_else(|| ["absent", "late", "later", "u", ""][other].into())
}

/// The request that was made so many requests ago.
fn request(world: &World, back: u64) -> OperationId {
    let made = world.records().iter().rev().find_map(|(_, record)| match record {
        Record::Output(netsession_core::Output::Effect(effect)) => effect.op(),
        Record::Output(_) | Record::Input(_) | Record::Result(_) => None,
    });
    OperationId(made.map_or(0, |op| op.0.saturating_sub(back)))
}

fn snapshot(world: &World, without: u8, with: &SnapshotEntry) -> Input {
    let all = world.manager().configurations(None).enumerate().filter_map(|(place, view)| {
        let mut seen = Observation::new(view.id().clone(), view.link()?);
        seen.interface = view.interface().cloned();
        let is_there = without >> (place % 8) & 1 == 0 && *view.id() != with.observation.id;
        is_there.then(|| SnapshotEntry::new(seen))
    });
    let mut entries: Vec<_> = all.collect();
    entries.push(with.clone());
    Input::Snapshot(entries)
}
