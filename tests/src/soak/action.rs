//! What a soak does to a world: commands, faults, and answers that nobody asked for.

use std::time::Duration;

use netsession_core::{
    Identifier, Input, Interface, LinkState, Observation, PropertyValue, ReopenPolicy, RoamingMode,
    SessionId, property,
};
use netsession_io_sim::{Reaction, World};

use super::junk::Junk;
use super::source::Source;
use super::specification::reaction;
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
    /// The same command to every session.
    Everyone(Command),
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
    /// Something that no link of this world stands behind.
    Say(Junk),
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

/// What a session may be of that was never made.
const NO_SESSION: u64 = 1_000_000;

/// How often each kind of action is drawn, and whether it can be switched off.
const KINDS: [(Kind, usize); 14] = [
    (Kind::Pass, 50),
    (Kind::Make, 10),
    (Kind::Command, 50),
    (Kind::Fault, 16),
    (Kind::Return, 26),
    (Kind::Roam, 32),
    (Kind::Answer, 16),
    (Kind::React, 3),
    (Kind::Snapshot, 5),
    (Kind::Everyone, 3),
    (Kind::Facts, 12),
    (Kind::Settings, 9),
    (Kind::Levels, 9),
    (Kind::Configurations, 5),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pass,
    Make,
    Command,
    Fault,
    Return,
    Roam,
    Answer,
    React,
    Snapshot,
    Everyone,
    Facts,
    Settings,
    Levels,
    Configurations,
}

/// Which kinds of action are switched off in this scenario.
#[derive(Debug)]
pub(super) struct Knobs([bool; KINDS.len()]);

impl Knobs {
    pub(super) fn decode(source: &mut Source<'_>) -> Self {
        let off = KINDS.map(|(kind, _)| match kind {
            Kind::Pass | Kind::Make | Kind::Command => false,
            Kind::Fault | Kind::Return | Kind::Roam | Kind::Answer | Kind::React => source.per_mille(350),
            // What a world cannot do of itself leaves less of it: not in most of them.
            Kind::Snapshot | Kind::Everyone | Kind::Facts | Kind::Settings => source.per_mille(500),
            Kind::Levels | Kind::Configurations => source.per_mille(700),
        });
        Self(off)
    }

    /// What this record says. What is switched off is a command or a wait in its place.
    pub(super) fn action(&self, source: &mut Source<'_>, world: &Specification) -> Action {
        let mut ticket = usize::from(source.byte()) * KINDS.iter().map(|(_, weight)| weight).sum::<usize>();
        let kind = KINDS.into_iter().zip(self.0).find(|((_, weight), _)| {
            let is_drawn = ticket < weight * 0x100;
            ticket = ticket.saturating_sub(weight * 0x100);
            is_drawn
        });
        let kind = match kind {
            Some(((kind, _), false)) => kind,
            Some(_) | None => [Kind::Pass, Kind::Command][ticket % 2],
        };
        decode(kind, source, world)
    }
}

fn decode(kind: Kind, source: &mut Source<'_>, world: &Specification) -> Action {
    match kind {
        Kind::Pass => Action::Pass(span(source)),
        Kind::Make => Action::Make(made_on(source, world)),
        Kind::Command => Action::Command(command(source), source.byte().into()),
        Kind::Fault => Action::Fault(fault(source), world.access_point(source)),
        Kind::Return => {
            let fault = [Fault::Plug, Fault::AddBack][source.below(2)];
            Action::Fault(fault, world.access_point(source))
        }
        Kind::Roam => {
            let (place, to) = (source.byte(), world.access_point(source));
            Action::Command(about_roaming(source, to), place.into())
        }
        Kind::Answer => Action::Answer([Replies::Yes, Replies::Yes, Replies::No][source.below(3)]),
        Kind::React => {
            let id = world.access_point(source);
            Action::React(id, [reaction(source), reaction(source), reaction(source)])
        }
        Kind::Snapshot => match source.below(3) {
            0 => Action::Deafen,
            _ => Action::Resync,
        },
        Kind::Everyone => {
            let to = world.access_point(source);
            let is_roaming = source.per_mille(500);
            Action::Everyone(if is_roaming { about_roaming(source, to) } else { command(source) })
        }
        Kind::Facts => Action::Say(Junk::fact(source, world)),
        Kind::Settings => Action::Say(Junk::change(source, world)),
        Kind::Levels => Action::Say(Junk::level(source, world)),
        Kind::Configurations => Action::Say(Junk::configuration(source, world)),
    }
}

/// The commands of sections 5 to 7 of the contract, in and out of place.
fn about_roaming(source: &mut Source<'_>, to: Identifier) -> Command {
    let kind = source.below(18);
    match kind {
        0..=1 => Command::Migrate,
        2 => Command::Ignore,
        3..=4 => Command::Accept,
        5 => Command::Reject,
        6..=8 => Command::MigrateTo(to),
        9..=12 => Command::Roaming(source.pick(RoamingMode::ALL).copied().unwrap_or(RoamingMode::Forced)),
        13..=14 => {
            Command::Reopen(source.pick(ReopenPolicy::ALL).copied().unwrap_or(ReopenPolicy::WhenAvailable))
        }
        15 => Command::Property(
            property::CONNECT_IN_BACKGROUND,
            (!source.per_mille(400)).then_some(PropertyValue::Bool(true)),
        ),
        16 => {
            let millis = [0, 5, 500, -1][source.below(4)];
            Command::Property(property::AUTO_CLOSE_SESSION_TIMEOUT, Some(PropertyValue::Integer(millis)))
        }
        _ => any_property(source),
    }
}

/// Of any key and type, too large ones included.
fn any_property(source: &mut Source<'_>) -> Command {
    const LONG: &str = concat!(
        "a key of far too many bytes, which is refused, .................................................",
        "................................................................................................",
        "................................................................................................"
    );
    let keys = [
        "own",
        "",
        LONG,
        property::ACTIVE_CONFIGURATION,
        property::USER_CHOICE_CONFIGURATION,
        property::CONNECT_IN_BACKGROUND,
        property::AUTO_CLOSE_SESSION_TIMEOUT,
    ];
    let key = keys[source.below(keys.len())];
    let number = i64::from(source.byte()) - 2;
    let value = match source.below(5) {
        0 => Some(PropertyValue::Integer(number)),
        1 => Some(PropertyValue::Bool(false)),
        2 => Some(PropertyValue::Text("text".into())),
        3 => Some(PropertyValue::Text("x".repeat(4_000 + usize::from(source.byte())))),
        _ => None,
    };
    Command::Property(key, value)
}

fn made_on(source: &mut Source<'_>, world: &Specification) -> Identifier {
    let id = source.pick(&world.identifiers()).cloned();
    let is_unknown = source.per_mille(30);
    id.filter(|_| !is_unknown).unwrap_or_else(|| "nothing".into())
}

fn span(source: &mut Source<'_>) -> Duration {
    let longest = source.millis(&[1, 10, 10, 100, 1_000, 100_000]);
    source.span(Duration::ZERO..=longest)
}

fn command(source: &mut Source<'_>) -> Command {
    match source.below(20) {
        0..=9 => Command::Open,
        10..=15 => Command::Close,
        16..=18 => Command::Stop,
        _ => Command::Drop,
    }
}

fn fault(source: &mut Source<'_>) -> Fault {
    let level = source.pick(LinkState::ALL).copied().unwrap_or(LinkState::Active);
    let index = 100 + u32::from(source.byte()) % 2;
    match source.below(12) {
        0..=2 => Fault::Pull,
        3 => Fault::Remove,
        4..=6 => Fault::StartElsewhere,
        7..=8 => Fault::StopElsewhere,
        _ => Fault::Observe(level, index),
    }
}

/// The session of this place. One past the last is none.
pub(super) fn at(sessions: &[SessionId], place: usize) -> SessionId {
    let found = sessions.get(place % (sessions.len() + 1)).copied();
    found.unwrap_or(SessionId::unresolved(NO_SESSION))
}

impl Action {
    /// Does what is no input, or comes from a link.
    pub(super) fn perform(&self, world: &mut World) {
        match self {
            Self::Fault(fault, id) => fault.perform(world, id),
            Self::React(id, [start, stop, cancel]) => {
                let link = world.link_mut(id);
                (link.start, link.stop, link.cancel) = (*start, *stop, *cancel);
            }
            Self::Deafen => world.deafen(),
            Self::Resync => world.resync(),
            // One input at a time, each with a look after it.
            Self::Pass(_)
            | Self::Make(_)
            | Self::Command(..)
            | Self::Everyone(_)
            | Self::Answer(_)
            | Self::Say(_) => {}
        }
    }
}

impl Command {
    pub(super) fn to(&self, session: SessionId) -> Input {
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
                let is_link = world.manager().configuration(id).is_some_and(|view| view.link().is_some());
                if world.level(id).is_some() && is_link {
                    let interface = Interface::new(index, id.as_str());
                    world.observe(Observation::new(id.clone(), level).with_interface(interface));
                }
            }
        }
    }
}
