//! In which order one input is answered (R-REG-11).

use netsession_core::{ConfigurationId, Effect, Event, Identifier, OperationId, Output, SessionId};
use netsession_io_sim::explore::{Edge, Request};

use super::{Verdict, Violation};

/// Where an output has its place. Of two equal ones in a row only those of a session may be.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Removed,
    Added(bool, Option<ConfigurationId>),
    Changed(bool, Option<ConfigurationId>),
    Session(SessionId),
    Online,
    Completed(u64),
    CancelResolve(OperationId),
    Resolve(SessionId),
    Update,
    Link(Option<ConfigurationId>, Kind),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Cancel,
    Unwatch,
    Stop,
    Start,
    Watch,
    ReadCounters,
}

pub(super) fn check(edge: &Edge<'_>) -> Verdict {
    let outputs = &edge.taken.outputs;
    if outputs.len() < 2 {
        return Ok(());
    }
    let mut cancels = None;
    let (mut last, mut last_op): (Option<Place>, Option<OperationId>) = (None, None);
    for output in outputs {
        let place = match output {
            Output::Event(event) => place_of(edge, event),
            Output::Effect(effect) => {
                if effect.op().is_some() {
                    if effect.op() <= last_op {
                        return Err(broken(edge));
                    }
                    last_op = effect.op();
                }
                place_of_effect(edge, effect, &mut cancels)
            }
            Output::Idle { .. } => return Err(broken(edge)),
        };
        let may_repeat = matches!(place, Place::Session(_) | Place::Removed);
        if last.is_some_and(|last| last > place || last == place && !may_repeat) {
            return Err(broken(edge));
        }
        last = Some(place);
    }
    Ok(())
}

#[cold]
fn broken(edge: &Edge<'_>) -> Violation {
    Violation::new("R-REG-11", format!("out of order: {:?}", edge.taken.outputs))
}

fn place_of(edge: &Edge<'_>, event: &Event) -> Place {
    match event {
        Event::ConfigurationRemoved { .. } => Place::Removed,
        Event::ConfigurationAdded { id } => {
            let (is_network, id) = inserted(edge, id);
            Place::Added(is_network, id)
        }
        Event::ConfigurationChanged { id, .. } => {
            let (is_network, id) = inserted(edge, id);
            Place::Changed(is_network, id)
        }
        Event::OnlineStateChanged { .. } => Place::Online,
        Event::UpdateCompleted { token } => Place::Completed(token.0),
        Event::StateChanged { session, .. }
        | Event::Opened { session }
        | Event::Closed { session }
        | Event::Error { session, .. }
        | Event::PreferredConfigurationChanged { session, .. }
        | Event::OfferWithdrawn { session, .. }
        | Event::NewConfigurationActivated { session, .. }
        | Event::UsagePoliciesChanged { session, .. } => Place::Session(*session),
    }
}

/// Cancels of questions come first. `cancels`: how many of those are left, and the access points whose starts
/// are cancelled in this input, the first last.
fn place_of_effect(
    edge: &Edge<'_>,
    effect: &Effect,
    cancels: &mut Option<(usize, Vec<ConfigurationId>)>,
) -> Place {
    let link = |id: &Identifier, kind| Place::Link(inserted(edge, id).1, kind);
    match effect {
        Effect::Cancel { op, .. } => {
            let (questions, links) = cancels.get_or_insert_with(|| cancelled(edge));
            if *questions > 0 {
                *questions -= 1;
                return Place::CancelResolve(*op);
            }
            Place::Link(links.pop(), Kind::Cancel)
        }
        Effect::Resolve { session, .. } => Place::Resolve(*session),
        Effect::Update { .. } => Place::Update,
        Effect::Unwatch { id } => link(id, Kind::Unwatch),
        Effect::Stop { id, .. } => link(id, Kind::Stop),
        Effect::Start { id, .. } => link(id, Kind::Start),
        Effect::Watch { id } => link(id, Kind::Watch),
        Effect::ReadCounters { id } => link(id, Kind::ReadCounters),
    }
}

fn cancelled(edge: &Edge<'_>) -> (usize, Vec<ConfigurationId>) {
    let is_old = |request: &Request| edge.from.owed().any(|old| old == request);
    let new = edge.to.owed().filter(|request| matches!(request, Request::Cancel(_)) && !is_old(request));
    let mut all: Vec<_> = new
        .filter_map(|request| match request {
            Request::Cancel(id) => inserted(edge, id).1,
            Request::Start(_)
            | Request::Stop(_)
            | Request::CancelResolve
            | Request::Resolve(_)
            | Request::Update => None,
        })
        .collect();
    all.sort_unstable_by(|one, other| other.cmp(one));
    let cancels = edge.taken.effects().filter(|effect| matches!(effect, Effect::Cancel { .. })).count();
    (cancels.saturating_sub(all.len()), all)
}

/// Whether it comes after the access points, and when it was added.
fn inserted(edge: &Edge<'_>, id: &Identifier) -> (bool, Option<ConfigurationId>) {
    let found = edge.to.manager().configuration(id);
    found.map_or((false, None), |it| (it.link().is_none(), Some(it.handle())))
}
