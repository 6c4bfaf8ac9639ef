//! A small world as data: what there is, and what may happen to it.

use core::time::Duration;

use netsession_core::{
    Add, Config, ConfigurationType, Identifier, Input, LinkState, Outcome, ReopenPolicy, RoamingMode,
};

use super::Command;

/// A few configurations and sessions, and what may happen to them. The defaults keep the number of states
/// small: all constants are one tick of a millisecond, so that few deadlines lie apart, and a member is given up
/// after one failure.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "worlds are written as what differs from others")]
pub struct SmallWorld {
    /// The constants of the machine.
    pub config: Config,
    /// What there is, in the order in which it is added.
    pub configurations: Vec<Add>,
    /// What sessions are made on, and how they roam.
    pub sessions: Vec<(Identifier, RoamingMode)>,
    /// What may happen.
    pub alphabet: Alphabet,
}

/// What may happen in a small world; an empty list or `false` leaves a kind of step out.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "worlds are written as what differs from others")]
pub struct Alphabet {
    /// What every session may be told.
    pub commands: Vec<Command>,
    /// The levels at which a link may be.
    pub levels: Vec<LinkState>,
    /// From which level to which.
    pub moves: Moves,
    /// How requests may be answered.
    pub outcomes: Vec<Outcome>,
    /// To which modes of roaming sessions may be set.
    pub modes: Vec<RoamingMode>,
    /// To which policies of re-opening sessions may be set.
    pub reopen_policies: Vec<ReopenPolicy>,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// Configurations go, and access points come back.
    pub removal: bool,
    /// Sessions are dropped and made again.
    pub drops: bool,
    /// A link that is up may change the number of its interface (R-GEN-11).
    pub replaced_links: bool,
    /// Answers that come twice, late, or to nothing.
    pub stale_answers: bool,
    /// Updates are asked for, one at a time.
    pub updates: bool,
    /// What else may be said; a session is named by its place, from 1.
    pub inputs: Vec<Input>,
    /// Everything may also happen exactly when the next deadline is due.
    pub at_deadlines: bool,
    /// Time may move far beyond all deadlines at once.
    pub beyond_deadlines: bool,
}

/// Which level of a link may follow which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all there is to say")]
pub enum Moves {
    /// Any, in one report: a driver may have missed what lay between.
    Any,
    /// As links do when every report arrives: up and down by way of Connecting and Closing, though a link may
    /// be lost at once.
    Steps,
}

/// Which snapshots are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "all there is to say")]
pub enum Snapshots {
    /// None.
    No,
    /// What is believed anyway.
    Believed,
    /// Every combination of levels, in one input.
    All,
}

impl SmallWorld {
    /// A world of these configurations, with one session on each of those named, where everything happens.
    #[must_use]
    pub fn new<S: Into<Identifier>>(
        configurations: impl IntoIterator<Item = Add>,
        sessions: impl IntoIterator<Item = S>,
    ) -> Self {
        let tick = Duration::from_millis(1);
        let mut config = Config::default();
        for span in [
            &mut config.stop_timeout,
            &mut config.update_timeout,
            &mut config.ask_timeout,
            &mut config.retry_after,
            &mut config.rescue_answer_within,
        ] {
            *span = tick;
        }
        config.give_up_after = 1;
        let brief = |mut add: Add| {
            // A tick for each member: the shares of R-OPEN-12 are whole, or ever finer deadlines come about.
            let members = add.settings.members.as_ref().map_or(1, Vec::len).max(1);
            let ticks = tick * u32::try_from(members).unwrap_or(1);
            add.settings.connect_timeout.get_or_insert(ticks);
            add
        };
        Self {
            config,
            configurations: configurations.into_iter().map(brief).collect(),
            sessions: sessions.into_iter().map(|on| (on.into(), RoamingMode::Forced)).collect(),
            alphabet: Alphabet::default(),
        }
    }

    /// The same with these modes of roaming, session by session.
    #[must_use]
    pub fn roaming(mut self, modes: impl IntoIterator<Item = RoamingMode>) -> Self {
        for ((_, mode), given) in self.sessions.iter_mut().zip(modes) {
            *mode = given;
        }
        self
    }

    /// The same with another alphabet.
    #[must_use]
    pub fn alphabet(self, alphabet: Alphabet) -> Self {
        Self { alphabet, ..self }
    }

    /// Its access points, in insertion order. Their interfaces are numbered from 1.
    pub(super) fn links(&self) -> impl Iterator<Item = &Add> {
        self.configurations.iter().filter(|add| add.kind == ConfigurationType::AccessPoint)
    }
}

impl Default for Alphabet {
    /// Everything but re-opening, changes of mode, combined snapshots, and updates.
    fn default() -> Self {
        Self {
            commands: Command::ALL.to_vec(),
            levels: LinkState::ALL.to_vec(),
            moves: Moves::Any,
            outcomes: Outcome::ALL.to_vec(),
            modes: Vec::new(),
            reopen_policies: Vec::new(),
            snapshots: Snapshots::Believed,
            removal: true,
            drops: true,
            replaced_links: true,
            stale_answers: true,
            updates: false,
            inputs: Vec::new(),
            at_deadlines: true,
            beyond_deadlines: true,
        }
    }
}

impl Alphabet {
    /// Nothing happens. A beginning for a world in which little does.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            commands: Vec::new(),
            levels: Vec::new(),
            moves: Moves::Any,
            outcomes: Vec::new(),
            modes: Vec::new(),
            reopen_policies: Vec::new(),
            snapshots: Snapshots::No,
            removal: false,
            drops: false,
            replaced_links: false,
            stale_answers: false,
            updates: false,
            inputs: Vec::new(),
            at_deadlines: false,
            beyond_deadlines: false,
        }
    }
}

impl Moves {
    pub(super) const fn allows(self, from: LinkState, to: LinkState) -> bool {
        use LinkState::{Active, Closing, Connecting, Defined, Discovered, Undefined};
        match self {
            Self::Any => true,
            Self::Steps => match from {
                Undefined => matches!(to, Defined),
                Defined => matches!(to, Undefined | Discovered),
                Discovered => matches!(to, Defined | Connecting),
                Connecting => matches!(to, Defined | Discovered | Active),
                Active => matches!(to, Defined | Discovered | Closing),
                Closing => matches!(to, Defined | Discovered),
            },
        }
    }
}
