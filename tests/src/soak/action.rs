//! What a soak does to a world: commands, faults, and answers that nobody asked for.

use std::time::Duration;

use netsession_core::{
    Accepted, Change, Identifier, Input, Interface, LinkState, Observation, OperationId, Outcome,
    PropertyValue, ReopenPolicy, RoamingMode, SessionId, Settings, ShutdownPolicy, UsagePolicies, property,
};
use netsession_io_sim::{Random, Reaction, World};

use super::specification::{capabilities, members, one_of, reaction};
use super::{Replies, Specification};

/// One thing that is done to a world. Sessions are named by their place among those made so far, round
/// and round, so that leaving an action out leaves the others with a meaning.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Time passes.
    Pass(Duration),
    /// A session is made.
    Make(Identifier),
    /// A command to a session, dropped ones included.
    Command(Command, usize),
    /// Every application that is asked something answers.
    Answer(Replies),
    /// A fault, or the doing of another process.
    Fault(Fault, Identifier),
    /// The link reacts so from now on to starts, stops and cancels.
    React(Identifier, [Reaction; 3]),
    /// Notifications are lost from now on.
    Deafen,
    /// A snapshot of everything.
    Resync,
    /// Something that has no room of its own.
    Say(Box<Input>),
}

/// A command to a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// open()
    Open,
    /// close()
    Close,
    /// stop()
    Stop,
    /// Drops it.
    Drop,
    /// migrate()
    Migrate,
    /// ignore()
    Ignore,
    /// accept()
    Accept,
    /// reject()
    Reject,
    /// migrate_to()
    MigrateTo(Identifier),
    /// Sets how it roams.
    Roaming(RoamingMode),
    /// Sets whether it re-opens.
    Reopen(ReopenPolicy),
    /// Writes a property.
    Property(&'static str, Option<PropertyValue>),
}

/// Something that becomes of a link.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The carrier goes.
    Pull,
    /// The carrier returns.
    Plug,
    /// The access point vanishes.
    Remove,
    /// The access point is back.
    AddBack,
    /// Another process brings it up.
    StartElsewhere,
    /// Another process takes it down.
    StopElsewhere,
    /// It is at this level, on the interface of this number.
    Observe(LinkState, u32),
}

/// How often each kind of action is drawn in this seed; some not at all.
pub(super) struct Knobs {
    weights: [u64; 11],
}

impl Knobs {
    pub(super) fn draw(random: &mut Random) -> Self {
        let mut weights = [30, 6, 30, 10, 8, 4, 2, 3, 16, 20, 10];
        for weight in weights.iter_mut().skip(3) {
            if random.per_mille(350) {
                *weight = 0;
            }
        }
        Self { weights }
    }

    pub(super) fn action(&self, random: &mut Random, world: &Specification) -> Action {
        let mut ticket = random.below(self.weights.iter().sum());
        let kind = self.weights.iter().position(|weight| {
            let drawn = ticket < *weight;
            ticket = ticket.saturating_sub(*weight);
            drawn
        });
        let access_points: Vec<Identifier> = world.access_points.iter().map(|(id, _)| id.clone()).collect();
        let id = random.pick(&access_points).cloned().unwrap_or_default();
        match kind.unwrap_or(0) {
            1 => Action::Make(made_on(random, world)),
            2 => Action::Command(command(random), place(random)),
            3 => Action::Fault(fault(random), id),
            4 => Action::Say(Box::new(platform_says(random, world, id))),
            5 => Action::Say(Box::new(change(random, world, &access_points))),
            6 => Action::React(id, [reaction(random), reaction(random), reaction(random)]),
            7 => [Action::Deafen, Action::Resync, Action::Resync]
                [usize::try_from(random.below(3)).unwrap_or(0)]
            .clone(),
            8 => Action::Fault(returning(random), id),
            9 => Action::Command(about_roaming(random, id), place(random)),
            10 => Action::Answer(
                [Replies::Yes, Replies::Yes, Replies::No][usize::try_from(random.below(3)).unwrap_or(0)],
            ),
            _ => Action::Pass(span(random)),
        }
    }
}

fn place(random: &mut Random) -> usize {
    usize::try_from(random.below(64)).unwrap_or(0)
}

/// The commands of sections 5 to 7 of the contract, in and out of place.
fn about_roaming(random: &mut Random, id: Identifier) -> Command {
    let value = |it: i64| Some(PropertyValue::Integer(it));
    match random.below(18) {
        0..=1 => Command::Migrate,
        2 => Command::Ignore,
        3..=4 => Command::Accept,
        5 => Command::Reject,
        6..=8 => Command::MigrateTo(id),
        9..=12 => Command::Roaming(random.pick(RoamingMode::ALL).copied().unwrap_or(RoamingMode::Forced)),
        13..=14 => {
            Command::Reopen(random.pick(ReopenPolicy::ALL).copied().unwrap_or(ReopenPolicy::WhenAvailable))
        }
        15 => Command::Property(
            property::CONNECT_IN_BACKGROUND,
            random.per_mille(600).then_some(PropertyValue::Bool(true)),
        ),
        16 => {
            Command::Property(property::AUTO_CLOSE_SESSION_TIMEOUT, value([0, 5, 500, -1][place(random) % 4]))
        }
        _ => Command::Property("own", value(1)),
    }
}

fn made_on(random: &mut Random, world: &Specification) -> Identifier {
    let unknown = random.per_mille(30);
    let id = random.pick(&world.identifiers()).cloned().filter(|_| !unknown);
    id.unwrap_or_else(|| "nothing".into())
}

fn span(random: &mut Random) -> Duration {
    let longest = random.pick(&[1, 10, 10, 100, 1_000, 100_000]).copied().unwrap_or(1);
    random.span(&(Duration::ZERO..=Duration::from_millis(longest)))
}

fn command(random: &mut Random) -> Command {
    match random.below(20) {
        0..=9 => Command::Open,
        10..=15 => Command::Close,
        16..=18 => Command::Stop,
        _ => Command::Drop,
    }
}

fn fault(random: &mut Random) -> Fault {
    match random.below(12) {
        0..=2 => Fault::Pull,
        3 => Fault::Remove,
        4..=6 => Fault::StartElsewhere,
        7..=8 => Fault::StopElsewhere,
        _ => {
            let level = random.pick(LinkState::ALL).copied().unwrap_or(LinkState::Active);
            Fault::Observe(level, 100 + u32::try_from(random.below(2)).unwrap_or(0))
        }
    }
}

fn returning(random: &mut Random) -> Fault {
    if random.per_mille(500) { Fault::Plug } else { Fault::AddBack }
}

fn platform_says(random: &mut Random, world: &Specification, id: Identifier) -> Input {
    let op = OperationId(random.below(40));
    match random.below(9) {
        0 => Input::Update {},
        1 => Input::Counters { id, received: random.below(1_000), sent: random.below(1_000) },
        2 => Input::RefreshCounters { id },
        3 => Input::Default { id: random.per_mille(700).then_some(id) },
        4 => {
            let named = random.pick(&world.identifiers()).cloned();
            Input::Resolved { op, choice: named.filter(|_| random.per_mille(800)) }
        }
        5 => Input::Tick {},
        6 => Input::Policies { id, policies: UsagePolicies::from_bits_truncate(random.below(2) as u16) },
        _ => {
            let result = random.pick(Outcome::ALL).copied().unwrap_or(Outcome::Ok);
            Input::Completed { op, result, reason: None }
        }
    }
}

fn change(random: &mut Random, world: &Specification, access_points: &[Identifier]) -> Input {
    let mut settings = Settings::default();
    let network = random.pick(&world.service_networks).map(|add| add.id.clone());
    let access_point = random.pick(access_points).cloned().unwrap_or_default();
    let (id, what) = (network.unwrap_or_else(|| access_point.clone()), random.below(7));
    match what {
        0 => settings.members = Some(members(random, access_points)),
        1 => settings.connect_timeout = Some(Duration::from_millis(20 + random.below(100))),
        2 => settings.hold_off = Some(random.per_mille(500).then(|| one_of(random, [0, 30]))),
        3 => settings.shutdown = random.pick(ShutdownPolicy::ALL).copied(),
        4 => settings.device = Some(random.per_mille(500).then(|| "d0".into())),
        5 => settings.loss_grace = Some(one_of(random, [0, 30])),
        _ => settings.capabilities = Some(capabilities(random)),
    }
    Input::Change(Change::new(if what < 3 { id } else { access_point }, settings))
}

impl Action {
    /// Does it. What is refused changes nothing, and that is checked elsewhere.
    pub(super) fn perform(&self, world: &mut World, sessions: &mut Vec<SessionId>) {
        match self {
            Self::Pass(span) => world.advance(*span),
            Self::Make(on) => {
                if let Ok(Accepted::Session(id)) = world.command(Input::Session { on: on.clone() }) {
                    sessions.push(id);
                }
            }
            Self::Command(command, place) => {
                let Some(session) = sessions.get(place % sessions.len().max(1)).copied() else { return };
                let _ = world.command(command.to(session));
            }
            // One at a time, each with a look after it.
            Self::Answer(_) => {}
            Self::Fault(fault, id) => fault.perform(world, id),
            Self::React(id, [start, stop, cancel]) => {
                let link = world.link_mut(id);
                (link.start, link.stop, link.cancel) = (*start, *stop, *cancel);
            }
            Self::Deafen => world.deafen(),
            Self::Resync => world.resync(),
            Self::Say(input) => {
                let _ = world.command((**input).clone());
            }
        }
    }
}

impl Command {
    fn to(&self, session: SessionId) -> Input {
        match self {
            Self::Open => Input::Open { session },
            Self::Close => Input::Close { session },
            Self::Stop => Input::Stop { session },
            Self::Drop => Input::Drop { session },
            Self::Migrate => Input::Migrate { session },
            Self::Ignore => Input::Ignore { session },
            Self::Accept => Input::Accept { session },
            Self::Reject => Input::Reject { session },
            Self::MigrateTo(member) => Input::MigrateTo { session, member: member.clone() },
            Self::Roaming(mode) => Input::Roaming { session, mode: *mode },
            Self::Reopen(policy) => Input::Reopen { session, policy: *policy },
            Self::Property(key, value) => {
                Input::Property { session, key: (*key).to_owned(), value: value.clone() }
            }
        }
    }
}

impl Replies {
    /// What the next application that is asked something says.
    pub(super) fn next(self, world: &World) -> Option<Input> {
        if self == Self::Nothing {
            return None;
        }
        let said = |view: netsession_core::SessionView<'_>| {
            let session = view.id();
            match (view.offer().is_some(), view.candidate().is_some()) {
                (true, _) if self == Self::No => Some(Input::Ignore { session }),
                (true, _) => Some(Input::Migrate { session }),
                (false, true) if self == Self::Yes => Some(Input::Accept { session }),
                (false, true) => Some(Input::Reject { session }),
                (false, false) => None,
            }
        };
        world.manager().sessions().find_map(said)
    }
}

impl Fault {
    fn perform(self, world: &mut World, id: &Identifier) {
        match self {
            Self::Pull => world.pull(id),
            Self::Plug => world.plug(id),
            Self::Remove => world.remove(id),
            Self::AddBack => world.add_back(id),
            Self::StartElsewhere => world.start_elsewhere(id),
            Self::StopElsewhere => world.stop_elsewhere(id),
            Self::Observe(level, index) => {
                // What is not there reports nothing.
                if world.level(id).is_some() && world.manager().configuration(id).is_some() {
                    let interface = Interface::new(index, id.as_str());
                    world.observe(Observation::new(id.clone(), level).with_interface(interface));
                }
            }
        }
    }
}
