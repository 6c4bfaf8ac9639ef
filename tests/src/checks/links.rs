//! Requests to links: made because somebody wants the link, or nobody does; one at a time; one on a device.

use netsession_core::{
    Accepted, Cause, ConfigurationType, Effect, Event, Identifier, Input, LinkState, Outcome, ReopenPolicy,
    SessionState, SessionView,
};
use netsession_io_sim::explore::{Action, Edge, Request, SmallWorld, State, When};

use super::probe::{Probe, bit, opening};
use super::{Verdict, Violation, chosen};

pub(super) fn check(world: &SmallWorld, edge: &Edge<'_>, has_devices: bool) -> Verdict {
    for effect in edge.taken.effects() {
        match effect {
            Effect::Start { id, .. } => {
                check_start(edge, id)?;
                if has_devices {
                    check_device(world, edge, id)?;
                }
            }
            Effect::Stop { id, .. } => check_stop(edge, id, has_devices)?,
            Effect::Cancel { .. } => check_cancel(edge)?,
            Effect::Resolve { session, among, .. } => {
                let is_asked =
                    edge.to.manager().session(*session).is_some_and(|session| {
                        session.state() == SessionState::Connecting && !session.is_open()
                    });
                // What there was to choose from may go by a deadline in the same input.
                if !is_asked || among.is_empty() && edge.step.when == When::Now {
                    return Err(Violation::new("R-OPEN-10", format!("{effect:?} for who does not open")));
                }
            }
            Effect::Watch { .. } | Effect::Unwatch { .. } | Effect::Update { .. } => {}
            Effect::ReadCounters { id } => {
                let is_asked_for = matches!(edge.taken.input, Input::RefreshCounters { .. });
                if level(edge.to, id) != Some(LinkState::Active) && !is_asked_for {
                    return Err(Violation::new(
                        "R-STAT-3",
                        format!("{id} is not up, and its counters are read"),
                    ));
                }
            }
        }
    }
    check_stop_command(edge, has_devices)
}

/// R-GEN-5, R-GEN-10, R-ROAM-32: a start follows from a session that wants it, and from no request before.
fn check_start(edge: &Edge<'_>, id: &Identifier) -> Verdict {
    if level(edge.to, id) != Some(LinkState::Discovered) {
        let saw = format!("{id} is started at {:?}", level(edge.to, id));
        return Err(Violation::new("R-OPEN-8", saw));
    }
    if !wants(edge.to, id) {
        return Err(Violation::new("R-GEN-5", format!("{id} is started, and nobody wants it")));
    }
    let is_now = edge.step.when == When::Now;
    for request in edge.from.owed() {
        let (rule, may) = match request {
            Request::Start(of) if of == id => ("R-GEN-5", is_answered(edge, request, true)),
            Request::Cancel(of) if of == id => ("R-GEN-10", is_answered(edge, request, false) || !is_now),
            Request::Stop(of) if of == id => {
                let is_clean_up = level(edge.from, id) < Some(LinkState::Connecting);
                let is_down = level(edge.to, id) < Some(LinkState::Connecting);
                ("R-GEN-5", is_clean_up || is_down || is_answered(edge, request, false) || !is_now)
            }
            Request::Start(_)
            | Request::Stop(_)
            | Request::Cancel(_)
            | Request::CancelResolve
            | Request::Resolve(_)
            | Request::Update => continue,
        };
        if !may {
            return Err(Violation::new(rule, format!("{id} is started while there is a request: {request}")));
        }
    }
    // A start that failed is not repeated at once, but for a session that has lost what it used in this moment.
    let failed = matches!(
        &edge.step.action,
        Action::Answer(Request::Start(of), outcome) if of == id && *outcome != Outcome::Ok
    );
    if failed && is_now && !edge.taken.events().any(|event| begins_anew(edge, event)) {
        return Err(Violation::new("R-GEN-5", format!("{id} failed, and is started again at once")));
    }
    Ok(())
}

/// Whether this is the end of a session that opens again (R-X-41), or what it used could not be brought back
/// (R-DEV-3), which ends what it refused (R-ROAM-43).
fn begins_anew(edge: &Edge<'_>, event: &Event) -> bool {
    let state = |session| edge.to.manager().session(session).map(|it| (it.state(), it.reopen_policy()));
    if let Event::Closed { session } = event {
        return state(*session) == Some((SessionState::Connecting, ReopenPolicy::WhenAvailable));
    }
    let Event::Error { session, cause: Cause::RoamingFailed, .. } = event else { return false };
    state(*session).is_some_and(|(state, _)| state == SessionState::Roaming)
}

/// Whether this input answers the request.
fn is_answered(edge: &Edge<'_>, request: &Request, with_failure: bool) -> bool {
    matches!(
        &edge.step.action,
        Action::Answer(answered, outcome) if answered == request && !(with_failure && *outcome == Outcome::Ok)
    )
}

/// R-GEN-10, R-ROAM-32: a stop is said by a session, or follows from nobody's having the link.
fn check_stop(edge: &Edge<'_>, id: &Identifier, has_devices: bool) -> Verdict {
    let is_low = level(edge.to, id) < Some(LinkState::Connecting);
    let start = edge.from.owed().find(|request| matches!(request, Request::Start(of) if of == id));
    if is_low && start.is_some_and(|start| !is_answered(edge, start, false)) {
        return Err(Violation::new(
            "R-GEN-10",
            format!("{id} is stopped where its start is to be cancelled"),
        ));
    }
    let again = edge.from.owed().find(|request| matches!(request, Request::Stop(of) if of == id));
    if edge.step.when == When::Now
        && let Some(stop) = again
        && !is_answered(edge, stop, false)
        && level(edge.from, id) >= Some(LinkState::Connecting)
        && !is_low
    {
        return Err(Violation::new("R-GEN-5", format!("{id} is stopped while it is being stopped")));
    }
    let is_said = matches!(edge.taken.input, Input::Stop { .. }) && edge.taken.result.is_ok();
    if is_said {
        return Ok(());
    }
    for session in (0..edge.to.sessions().len()).filter_map(|place| edge.to.session(place)) {
        let in_use = session.active_configuration();
        let roams = session.state() == SessionState::Roaming;
        let may = || has_devices || is_another(edge.to, &session) || was_starting(edge.from, id);
        let uses = in_use == Some(id) && !(roams && may());
        let moves = roams && session.offer().is_none() && in_use != Some(id) && chosen(&session) == Some(id);
        if uses || moves {
            let saw = format!("{id} is stopped, and session {} has it", session.id().number());
            return Err(Violation::new("R-GEN-10", saw));
        }
    }
    Ok(())
}

/// Whether a start of it was under way, which ends with this stop (R-GEN-10); one that is answered cannot be told
/// from a link of ours that moves by itself.
fn was_starting(state: &State, id: &Identifier) -> bool {
    if state.owed().any(|request| matches!(request, Request::Start(of) if of == id)) {
        return true;
    }
    let Some(link) = state.manager().configuration(id) else { return false };
    match link.link() {
        Some(LinkState::Connecting | LinkState::Closing) => link.is_ours(),
        Some(LinkState::Undefined | LinkState::Defined | LinkState::Discovered) => {
            Probe::of(state).shown(link.handle()) == Some(SessionState::Connecting)
        }
        Some(LinkState::Active) | None => false,
    }
}

/// What it uses was removed or left its network: what bears the name now may be another.
fn is_another(state: &State, session: &SessionView<'_>) -> bool {
    use netsession_core::Because;
    let on = state.manager().configuration(session.configuration());
    let is_network = on.is_some_and(|on| on.kind() != ConfigurationType::AccessPoint);
    is_network && !session.why().iter().any(|row| row.because == Because::InUse)
}

/// R-GEN-10: what is cancelled nobody wants any more, or somebody stopped it.
fn check_cancel(edge: &Edge<'_>) -> Verdict {
    if matches!(edge.taken.input, Input::Stop { .. }) {
        return Ok(());
    }
    for request in edge.to.owed() {
        let Request::Cancel(id) = request else { continue };
        if edge.from.owed().any(|old| old == request) {
            continue;
        }
        // One that re-opens wants it only once it is cancelled.
        let reopens = (0..edge.to.sessions().len()).filter_map(|place| edge.to.session(place));
        let mut reopens = reopens.filter(|it| it.reopen_policy() == ReopenPolicy::WhenAvailable);
        if reopens.next().is_none() && wants(edge.to, id) {
            return Err(Violation::new("R-GEN-10", format!("{id} is cancelled, and somebody wants it")));
        }
        if level(edge.to, id) >= Some(LinkState::Connecting) {
            return Err(Violation::new("R-GEN-10", format!("{id} is cancelled, and is to be stopped")));
        }
    }
    Ok(())
}

/// Whether some session wants it to come up.
fn wants(state: &State, id: &Identifier) -> bool {
    let opens = opening(state);
    (0..state.sessions().len()).filter_map(|place| Some((place, state.session(place)?))).any(|(place, it)| {
        let wants = if it.is_open() {
            it.state() == SessionState::Roaming && it.offer().is_none() && it.candidate().is_none()
        } else {
            opens & bit(place) != 0
        };
        wants && chosen(&it) == Some(id)
    })
}

/// R-DEV-4: one device carries one link.
fn check_device(world: &SmallWorld, edge: &Edge<'_>, started: &Identifier) -> Verdict {
    let manager = edge.to.manager();
    let Some(device) = manager.configuration(started).and_then(|it| it.device()) else { return Ok(()) };
    for other in world.configurations.iter().map(|add| &add.id).filter(|&id| id != started) {
        let Some(view) = manager.configuration(other).filter(|it| it.device() == Some(device)) else {
            continue;
        };
        let is_started = edge.to.owed().any(|request| matches!(request, Request::Start(id) if id == other));
        if is_started || view.link() >= Some(LinkState::Connecting) {
            let saw = format!("{started} is started while {other} has the device");
            return Err(Violation::new("R-DEV-2", saw));
        }
    }
    Ok(())
}

/// R-STOP-1, R-STOP-6: after stop() of a link that was up all who had it open see Closing, and the one who said
/// it is closed.
fn check_stop_command(edge: &Edge<'_>, has_devices: bool) -> Verdict {
    let Input::Stop { session } = edge.taken.input else { return Ok(()) };
    if edge.taken.result != Ok(Accepted::Done) || edge.step.when != When::Now {
        return Ok(());
    }
    let stops = |effect: &Effect| if let Effect::Stop { id, .. } = effect { Some(id.clone()) } else { None };
    for id in edge.taken.effects().filter_map(stops) {
        if level(edge.from, &id) != Some(LinkState::Active) {
            continue;
        }
        for it in (0..edge.to.sessions().len()).filter_map(|place| edge.to.session(place)) {
            // One that is leaving it for another of its device goes on leaving it (R-DEV-2).
            let leaves = has_devices && it.state() == SessionState::Roaming;
            let has_it = it.active_configuration() == Some(&id) && !leaves && !is_another(edge.to, &it);
            if has_it && (it.id() == session || it.state() != SessionState::Closing) {
                let (number, state) = (it.id().number(), it.state());
                let saw = format!("{id} is stopped, and session {number} has it open in {state}");
                return Err(Violation::new("R-STOP-1", saw));
            }
            if it.candidate().is_some_and(|candidate| candidate.id == &id) {
                return Err(Violation::new("R-ROAM-22", format!("{id} is stopped, and on trial")));
            }
        }
    }
    Ok(())
}

pub(super) fn level(state: &State, id: &str) -> Option<LinkState> {
    state.manager().configuration(id)?.link()
}
