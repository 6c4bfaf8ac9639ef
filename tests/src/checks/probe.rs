//! What cannot be read of a machine, tried on a copy of it: whether an open() is under way, what a session on
//! an access point would see, and what is watched.

use netsession_core::{
    Accepted, ConfigurationId, Effect, Event, Identifier, Input, Manager, Output, SessionId, SessionState,
};
use netsession_io_sim::explore::{Request, State};

/// What was found out.
pub(super) struct Probe {
    /// Sessions that were opening, as bits by place.
    pub(super) opening: u64,
    /// What a session on each access point sees, in insertion order.
    pub(super) shown: Vec<(ConfigurationId, SessionState)>,
    pub(super) watched: Vec<Identifier>,
    /// Holders that are left when all sessions are closed.
    pub(super) left: usize,
}

impl Probe {
    pub(super) fn of(state: &State) -> Self {
        let mut copy = state.manager().clone();
        let mut found = Self { opening: 0, shown: Vec::new(), watched: Vec::new(), left: 0 };
        let links = state.manager().configurations(None).filter(|it| it.link().is_some());
        for link in links {
            let made = copy.handle_input(copy.now(), Input::Session { on: link.id().clone() });
            if let Ok(Accepted::Session(session)) = made
                && let Some(session) = copy.session(session)
            {
                found.shown.push((link.handle(), session.state()));
            }
        }
        // What is watched only since others were closed.
        let mut newly: Vec<Identifier> = Vec::new();
        for (place, &session) in state.sessions().iter().enumerate() {
            let is_open = state.session(place).is_some_and(|it| it.is_open());
            let is_closed = close(&mut copy, session, |effect| match effect {
                Effect::Watch { id } => newly.push(id),
                Effect::Unwatch { id } => match newly.iter().position(|it| *it == id) {
                    Some(at) => drop(newly.swap_remove(at)),
                    None => found.watched.push(id),
                },
                Effect::Start { .. }
                | Effect::Stop { .. }
                | Effect::Cancel { .. }
                | Effect::Resolve { .. }
                | Effect::Update { .. }
                | Effect::ReadCounters { .. } => {}
            });
            if is_closed && !is_open {
                found.opening |= bit(place);
            }
        }
        found.left = copy.configurations(None).map(|it| it.holders()).sum();
        found
    }

    /// What a session on this access point sees.
    pub(super) fn shown(&self, link: ConfigurationId) -> Option<SessionState> {
        self.shown.iter().find(|(id, _)| *id == link).map(|&(_, state)| state)
    }
}

/// Sessions that have an open() under way, as bits by place. Follows from the numbers of holders, but where more
/// sessions than one could be meant.
pub(super) fn opening(state: &State) -> u64 {
    let (mut asking, mut eligible, mut held_by_open, mut is_certain) = (0, 0_u64, 0, true);
    for request in state.owed() {
        if let Request::Resolve(place) = request {
            asking |= bit(*place);
        }
    }
    for (place, session) in (0..state.sessions().len()).filter_map(|at| Some((at, state.session(at)?))) {
        if session.is_open() {
            held_by_open += 1;
            is_certain &= session.state() != SessionState::Roaming;
        } else if matches!(session.state(), SessionState::Connecting | SessionState::Closing) {
            eligible |= bit(place);
        }
    }
    eligible &= !asking;
    if eligible == 0 {
        return asking;
    }
    if is_certain {
        let held: usize = state.manager().configurations(None).map(|it| it.holders()).sum();
        let opening = held.saturating_sub(held_by_open);
        if opening == 0 {
            return asking;
        }
        if opening == eligible.count_ones() as usize {
            return asking | eligible;
        }
    }
    let tried = state.sessions().iter().enumerate().filter(|&(place, &session)| {
        eligible & bit(place) != 0 && close(&mut state.manager().clone(), session, |_| {})
    });
    tried.fold(asking, |all, (place, _)| all | bit(place))
}

/// A session by its place.
pub(super) const fn bit(place: usize) -> u64 {
    if place < 64 { 1 << place } else { 0 }
}

/// Closes it. Whether that ended anything (R-CLOSE-1).
fn close(manager: &mut Manager, session: SessionId, mut hear: impl FnMut(Effect)) -> bool {
    let mut is_closed = false;
    // A session of this machine: never refused.
    let _ = manager.handle_input(manager.now(), Input::Close { session });
    loop {
        match manager.poll_output() {
            Output::Event(event) => is_closed |= event == Event::Closed { session },
            Output::Effect(effect) => hear(effect),
            Output::Idle { .. } => return is_closed,
        }
    }
}
