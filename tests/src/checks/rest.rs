//! What comes next when nobody commands any more, and what holds when nothing does: liveness is that following
//! [`next`] from every state ends, within a bound, where [`is_at_rest`] holds.
//!
//! A platform is a function of the state, so that its steps can be followed in the graph of a search. All
//! let time pass to the next deadline when they have nothing else to do.

use netsession_core::{ConfigurationState, LinkState, Outcome, SessionState};
use netsession_io_sim::explore::{Action, Request, SmallWorld, State, Step, When};

use super::probe::Probe;
use super::{Verdict, Violation, standing};

/// What a platform does with what it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who follows them follows all")]
pub enum Platform {
    /// It answers ok, then brings the link to the level asked for; its user chooses the first that there is.
    Obliging,
    /// It answers that everything failed, and its user cancels.
    Failing,
    /// It never answers.
    Silent,
}

impl Platform {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Obliging, Self::Failing, Self::Silent];
}

/// The next step of this platform, one of the world's own; `None` at rest.
#[must_use]
pub fn next(world: &SmallWorld, state: &State, platform: Platform) -> Option<Step> {
    let mut steps = world.steps(state);
    let place = next_among(&steps, state, platform)?;
    Some(steps.swap_remove(place))
}

/// The same as a place among the steps of that state.
#[must_use]
pub fn next_among(steps: &[Step], state: &State, platform: Platform) -> Option<usize> {
    let find = |is_it: &dyn Fn(&Step) -> bool| steps.iter().position(is_it);
    let answer = || {
        let mut owed = state.owed();
        owed.find_map(|request| find(&|step| is_answer(step, request, state, platform)))
    };
    let arrival = || {
        let Arrival { id, level } = arrival(state)?;
        let reports = |step: &Step, wanted: LinkState| {
            step.when == When::Now
                && matches!(&step.action, Action::Level(of, to, _) if *of == id && *to == wanted)
        };
        // Links that move step by step pass the level between.
        let between = if level == LinkState::Active { LinkState::Connecting } else { LinkState::Closing };
        find(&|step| reports(step, level)).or_else(|| find(&|step| reports(step, between)))
    };
    let pass = || find(&|step| step.when == When::Deadline && step.action == Action::Pass);
    match platform {
        Platform::Obliging => answer().or_else(arrival).or_else(pass),
        Platform::Failing => answer().or_else(pass),
        Platform::Silent => pass(),
    }
}

fn is_answer(step: &Step, request: &Request, state: &State, platform: Platform) -> bool {
    let wanted = if platform == Platform::Obliging { Outcome::Ok } else { Outcome::Failed };
    if step.when != When::Now {
        return false;
    }
    match &step.action {
        Action::Answer(answered, outcome) => answered == request && *outcome == wanted,
        Action::Resolve(place, choice) => {
            let chosen = choice.as_ref().and_then(|id| state.manager().configuration(id));
            let is_near = chosen.is_some_and(|it| it.state() >= ConfigurationState::Discovered);
            let is_wanted = if platform == Platform::Obliging { is_near } else { choice.is_none() };
            *request == Request::Resolve(*place) && is_wanted
        }
        Action::Command(..)
        | Action::MigrateTo(..)
        | Action::Roaming(..)
        | Action::Reopen(..)
        | Action::Drop(_)
        | Action::Make(_)
        | Action::Level(..)
        | Action::Snapshot(_)
        | Action::Remove(_)
        | Action::Add(_)
        | Action::StaleAnswer
        | Action::LateAnswer(_)
        | Action::Update
        | Action::Say(_)
        | Action::Pass => false,
    }
}

/// A link that is on its way, and where it gets.
struct Arrival {
    id: netsession_core::Identifier,
    level: LinkState,
}

/// The first link that is on its way, by a request that was answered or by itself.
fn arrival(state: &State) -> Option<Arrival> {
    let probe = Probe::of(state);
    state.manager().configurations(None).find_map(|link| {
        let level = match probe.shown(link.handle())? {
            SessionState::Connecting if state.link(link.id())?.0 != LinkState::Active => LinkState::Active,
            SessionState::Closing => LinkState::Discovered,
            SessionState::Connecting
            | SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connected
            | SessionState::Disconnected
            | SessionState::Roaming => return None,
        };
        Some(Arrival { id: link.id().clone(), level })
    })
}

/// What holds where no platform has a next step.
///
/// # Errors
/// The rule that does not hold.
pub fn is_at_rest(state: &State) -> Verdict {
    if let Some(wake) = state.wake() {
        return Err(Violation::new("R-GEN-9", format!("a deadline is left: {wake:?}")));
    }
    if let Some(request) = state.owed().next() {
        return Err(Violation::new("R-GEN-4", format!("a request is left: {request}")));
    }
    standing::rests(state)
}
