//! Inputs that change nothing but the time, and answers that are taken in their step only.

use netsession_core::{Accepted, Event, Input, LinkState, Refused, SessionState, SessionView};
use netsession_io_sim::explore::{Action, Edge, State, When};

use super::{Pass, Verdict, Violation, named};

pub(super) fn check(edge: &Edge<'_>, pass: Option<&Pass>) -> Verdict {
    let taken = edge.taken;
    if edge.to.wake().is_some_and(|wake| wake.at <= edge.to.manager().now()) {
        return Err(Violation::new("R-GEN-2", format!("the next deadline is due: {:?}", edge.to.wake())));
    }
    if taken.at != edge.to.manager().now() {
        return Err(Violation::new(
            "R-GEN-2",
            format!("it is {}, not {}", edge.to.manager().now(), taken.at),
        ));
    }
    if taken.result.is_err() {
        check_idle(edge, pass, "R-GEN-6")?;
    }
    check_fit(edge)?;
    match &edge.step.action {
        Action::StaleAnswer | Action::LateAnswer(_) => check_idle(edge, pass, "R-GEN-3"),
        Action::Snapshot(links) if is_believed(edge.from, links) => check_idle(edge, pass, "R-GEN-7"),
        Action::Answer(..) | Action::Resolve(..) => check_answer(edge),
        Action::Snapshot(_)
        | Action::Command(..)
        | Action::MigrateTo(..)
        | Action::Roaming(..)
        | Action::Reopen(..)
        | Action::Drop(_)
        | Action::Make(_)
        | Action::Level(..)
        | Action::Remove(_)
        | Action::Add(_)
        | Action::Update
        | Action::Say(_)
        | Action::Pass => Ok(()),
    }
}

/// It changes nothing but the time: as if only that had passed.
fn check_idle(edge: &Edge<'_>, pass: Option<&Pass>, rule: &'static str) -> Verdict {
    let outputs = &edge.taken.outputs;
    match edge.step.when {
        When::Now if !outputs.is_empty() || edge.to_place != Some(edge.from_place) => {
            Err(Violation::new(rule, format!("{} changes something, and says {outputs:?}", edge.step)))
        }
        When::Deadline => match pass {
            // A snapshot makes all sessions look, before the deadlines that others have in the same moment.
            Some(_) if rule == "R-GEN-7" => Ok(()),
            Some(pass) if pass.to_place != edge.to_place || pass.outputs != *outputs => {
                let said = &pass.outputs;
                Err(Violation::new(rule, format!("{}: {outputs:?}; time alone: {said:?}", edge.step)))
            }
            Some(_) | None => Ok(()),
        },
        When::Now | When::Beyond => Ok(()),
    }
}

fn is_believed(state: &State, links: &[(netsession_core::Identifier, LinkState, u32)]) -> bool {
    let known = state.manager().configurations(None).filter(|it| it.link().is_some()).count();
    known == links.len() && links.iter().all(|(id, level, index)| state.link(id) == Some((*level, *index)))
}

/// R-GEN-4: an answer is no evidence that a link changed.
fn check_answer(edge: &Edge<'_>) -> Verdict {
    let changed = |event: &Event| matches!(event, Event::ConfigurationChanged { .. });
    // The last holder's going may end the grace of a loss.
    let has_grace = || {
        let links = edge.from.manager().configurations(None);
        links
            .filter(|it| it.link() == Some(LinkState::Active))
            .any(|it| edge.from.link(it.id()).is_some_and(|(level, _)| level != LinkState::Active))
    };
    if edge.step.when == When::Now && edge.taken.events().any(changed) && !has_grace() {
        return Err(Violation::new(
            "R-GEN-4",
            format!("an answer changed a level: {:?}", edge.taken.outputs),
        ));
    }
    Ok(())
}

/// R-ROAM-26, R-ROAM-27: an answer is taken exactly in its step.
fn check_fit(edge: &Edge<'_>) -> Verdict {
    let (input, result) = (&edge.taken.input, &edge.taken.result);
    let Some(session) = named(input).and_then(|id| edge.from.manager().session(id)) else { return Ok(()) };
    let is_taken = match result {
        Ok(Accepted::Done | Accepted::Session(_) | Accepted::Update(_)) => true,
        Err(Refused::NotRoaming) => false,
        Err(Refused::NotUsable(_) | Refused::UnknownConfiguration(_))
            if matches!(input, Input::MigrateTo { .. }) =>
        {
            true
        }
        Err(_) if matches!(input, Input::Property { .. }) => return Ok(()),
        Err(refused) => {
            return Err(Violation::new("R-GEN-6", format!("{}: {refused}", edge.step)));
        }
    };
    let is_fit = if matches!(input, Input::Migrate { .. } | Input::Ignore { .. }) {
        session.offer().is_some()
    } else if matches!(input, Input::Accept { .. } | Input::Reject { .. }) {
        session.candidate().is_some()
    } else if matches!(input, Input::MigrateTo { .. }) {
        // Besides, there must be a network that can roam.
        return check_own_choice(edge, &session, is_taken);
    } else {
        return Ok(());
    };
    if is_fit == is_taken {
        return Ok(());
    }
    let (offer, trial) = (session.offer().map(|it| it.id), session.candidate().map(|it| it.id));
    let saw = format!("{} with offer {offer:?} and trial {trial:?}: {result:?}", edge.step);
    Err(Violation::new("R-ROAM-26", saw))
}

fn check_own_choice(edge: &Edge<'_>, session: &SessionView<'_>, is_taken: bool) -> Verdict {
    let is_settled = session.is_open()
        && session.state() != SessionState::Roaming
        && session.offer().is_none()
        && session.candidate().is_none();
    if is_taken && !is_settled {
        let saw = format!("{} in state {}: {:?}", edge.step, session.state(), edge.taken.result);
        return Err(Violation::new("R-ROAM-27", saw));
    }
    Ok(())
}
