//! What the demonstration shows, step by step, on any [`Stage`](super::stage::Stage).

use netsession_core::RoamingMode;

use super::edges::Edge;
use super::stage::{CABLE, COPPER, FIBRE, HOME, NETWORK};

/// Somebody in the story who holds a session.
pub(crate) struct Program {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it opens.
    pub(crate) on: &'static str,
    /// How its session roams.
    pub(crate) roams: RoamingMode,
}

const fn program(name: &'static str, on: &'static str, roams: RoamingMode) -> Program {
    Program { name, on, roams }
}

/// All of them.
pub(crate) const PROGRAMS: [Program; 4] = [
    program("mail", CABLE, RoamingMode::Forced),
    program("music", CABLE, RoamingMode::Forced),
    program("backup", NETWORK, RoamingMode::Forced),
    program("call", HOME, RoamingMode::Application),
];
const MAIL: usize = 0;
const MUSIC: usize = 1;
const BACKUP: usize = 2;
/// The one that is asked.
pub(crate) const CALL: usize = 3;

/// What somebody does, or is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Makes a session, if there is none, and opens it.
    Open(usize),
    Close(usize),
    /// Gives up a session that is closed: it would go on to tell the state of its link.
    Forget(usize),
    Stop(usize),
    Migrate(usize),
    Ignore(usize),
    Accept(usize),
    Reject(usize),
    Pull(&'static str),
    Plug(&'static str),
    /// Talks over all of these at a time.
    Talk(&'static [&'static str]),
    /// Waits until this was told.
    Until(Told),
}

impl Act {
    /// What is done, for people; `None` where nothing changes.
    pub(crate) fn in_words(self) -> Option<String> {
        let does = |program: usize, what| PROGRAMS.get(program).map(|it| format!("{} {what}", it.name));
        match self {
            Self::Open(program) => does(program, "opens"),
            Self::Close(program) => does(program, "closes"),
            Self::Stop(program) => does(program, "stops the link"),
            Self::Migrate(program) => does(program, "migrates"),
            Self::Ignore(program) => does(program, "ignores the offer"),
            Self::Accept(program) => does(program, "accepts"),
            Self::Reject(program) => does(program, "rejects"),
            Self::Pull(cable) => Some(format!("the plug of {cable} is pulled")),
            Self::Plug(cable) => Some(format!("the plug of {cable} is put in")),
            Self::Forget(_) | Self::Talk(_) | Self::Until(_) => None,
        }
    }
}

/// What must be told before the story goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Opened(usize),
    Closed(usize),
    Disconnected(usize),
    Offered(usize),
    Activated(usize),
    Connected(usize),
    /// A link is no longer up.
    Down(&'static str),
    /// A link is out of reach.
    Dead(&'static str),
}

/// One step.
pub(crate) struct Step {
    /// What is done, for people.
    pub(crate) heading: &'static str,
    pub(crate) acts: &'static [Act],
    /// The edges of the documented diagram that it is to walk.
    pub(crate) edges: &'static [Edge],
    /// What is to be seen in it.
    pub(crate) moral: &'static str,
}

const fn step(heading: &'static str, acts: &'static [Act], moral: &'static str) -> Step {
    Step { heading, acts, edges: &[], moral }
}

impl Step {
    const fn walking(self, edges: &'static [Edge]) -> Self {
        Self { edges, ..self }
    }
}

use Act::{Accept, Close, Forget, Ignore, Migrate, Open, Plug, Pull, Reject, Stop, Talk, Until};
use Told::{Activated, Closed, Connected, Dead, Disconnected, Down, Offered, Opened};

/// The whole story: first how links are shared, then how a session roams.
pub(crate) const STORY: &[Step] = &[
    step(
        "mail opens a session on cable0, whose link is down",
        &[Open(MAIL), Until(Opened(MAIL))],
        "Opening started the link. mail was told the moment that it could be used.",
    ),
    step(
        "music opens a session on cable0 too",
        &[Open(MUSIC), Until(Opened(MUSIC))],
        "The link is shared: nothing had to be started, and mail need not know.",
    ),
    step(
        "music closes its session",
        &[Close(MUSIC), Until(Closed(MUSIC))],
        "mail still holds the link, so it stays up, and mail was told nothing.",
    ),
    step(
        "mail closes its session, the last one",
        &[Forget(MUSIC), Close(MAIL), Until(Closed(MAIL)), Until(Disconnected(MAIL))],
        "The last close took down the link, because opening had started it.",
    ),
    step(
        "both open again",
        &[Open(MAIL), Open(MUSIC), Until(Opened(MAIL)), Until(Opened(MUSIC))],
        "One start served both.",
    ),
    step(
        "somebody pulls the plug of cable0 at its far end",
        &[Pull(CABLE), Until(Closed(MAIL)), Until(Closed(MUSIC))],
        "Everybody who held the link was told why, at once; nobody had to ask or poll.",
    ),
    step(
        "backup opens a session on the service network office: cable0, else cable1",
        &[Open(BACKUP), Until(Opened(BACKUP))],
        "cable0 is dead, so the service network chose cable1.",
    ),
    step(
        "backup closes",
        &[Close(BACKUP), Until(Closed(BACKUP))],
        "cable1 was found running, so the last close leaves it running.",
    ),
    step(
        "the plug is back; mail and music open again",
        &[Forget(BACKUP), Plug(CABLE), Open(MAIL), Open(MUSIC), Until(Opened(MAIL)), Until(Opened(MUSIC))],
        "A session that was lost opens again when its program says so, never by itself.",
    ),
    step(
        "mail stops the link, for everybody",
        &[Stop(MAIL), Until(Closed(MAIL)), Until(Closed(MUSIC)), Until(Disconnected(MAIL))],
        "mail wanted it and sees no error; music is told that its session was aborted, and why.",
    ),
    step(
        "call opens a session on home: fibre, else copper; the plug of fibre is out",
        &[Forget(MAIL), Forget(MUSIC), Open(CALL), Until(Opened(CALL)), Talk(&[COPPER])],
        "The best cannot be used, so copper was started. call wants to be asked before it is moved.",
    ),
    step(
        "the plug of fibre is put in",
        &[Plug(FIBRE), Until(Offered(CALL))],
        "call is asked, when fibre could be used for 50 ms. Nothing was started for that.",
    ),
    step(
        "call ignores the offer",
        &[Ignore(CALL)],
        "Nothing moved, and fibre is not offered again before it has been away.",
    )
    .walking(&[Edge::Ignored]),
    step(
        "fibre goes away and comes back",
        &[Pull(FIBRE), Until(Dead(FIBRE)), Plug(FIBRE), Until(Offered(CALL))],
        "call is asked again.",
    ),
    step(
        "call migrates",
        &[Migrate(CALL), Until(Activated(CALL)), Talk(&[COPPER, FIBRE])],
        "Both links are up, and call can try the new one while it still uses the old one.",
    )
    .walking(&[Edge::Started, Edge::Activated]),
    step(
        "call accepts",
        &[Accept(CALL), Until(Connected(CALL)), Until(Down(COPPER)), Talk(&[FIBRE])],
        "Only now was copper taken down.",
    )
    .walking(&[Edge::Accepted]),
    step(
        "somebody pulls the plug of fibre, which is in use",
        &[Pull(FIBRE), Until(Offered(CALL))],
        "The session is not lost: it is Roaming, and call is asked whether copper will do.",
    ),
    step(
        "call migrates, and accepts what it finds",
        &[Migrate(CALL), Until(Activated(CALL)), Talk(&[COPPER]), Accept(CALL), Until(Connected(CALL))],
        "call was never closed.",
    ),
    step(
        "the plug of fibre is back; call migrates, does not like what it finds, and rejects it",
        &[
            Plug(FIBRE),
            Until(Offered(CALL)),
            Migrate(CALL),
            Until(Activated(CALL)),
            Talk(&[COPPER, FIBRE]),
            Reject(CALL),
            Until(Connected(CALL)),
            Until(Down(FIBRE)),
        ],
        "fibre was taken down again, and copper never went away.",
    )
    .walking(&[Edge::Rejected]),
    step(
        "call closes",
        &[Close(CALL), Until(Closed(CALL)), Until(Down(COPPER))],
        "And the last close took copper down, because the session had started it.",
    ),
];
