//! The rows of the contract's section 5, as what is seen when one is taken.

use netsession_core::{
    Event, Fate, OfferKind, RoamingMode, RoamingStep, SessionError, SessionState, WakeReason,
};
use netsession_io_sim::explore::Command;

use super::marks::{Cause, Role, Sight};

/// A row: its name, and whether an edge takes it.
type Row = (&'static str, fn(&Sight<'_>) -> bool);

fn alive(sight: &Sight<'_>) -> bool {
    sight.before.fate == Fate::Alive
}

fn dead(sight: &Sight<'_>) -> bool {
    sight.before.fate == Fate::Dead
}

fn from(sight: &Sight<'_>, step: RoamingStep) -> bool {
    sight.before.step == step
}

fn to(sight: &Sight<'_>, step: RoamingStep) -> bool {
    sight.after.is_some_and(|after| after.step == step)
}

fn to_fate(sight: &Sight<'_>, fate: Fate) -> bool {
    sight.after.is_some_and(|after| after.fate == fate)
}

fn ended(sight: &Sight<'_>) -> bool {
    sight.after.is_none()
}

fn mode(sight: &Sight<'_>, mode: RoamingMode) -> bool {
    sight.before.mode == mode
}

fn asks(sight: &Sight<'_>) -> bool {
    mode(sight, RoamingMode::Application)
}

fn forced(sight: &Sight<'_>) -> bool {
    mode(sight, RoamingMode::Forced)
}

fn commanded(sight: &Sight<'_>, command: Command) -> bool {
    sight.cause == Cause::Command(command) && sight.edge.taken.result.is_ok()
}

/// It moved from A to B in this edge.
fn moved(sight: &Sight<'_>) -> bool {
    sight.a_after.is_some_and(|after| after != sight.a)
}

fn stays_on_a(sight: &Sight<'_>) -> bool {
    to(sight, RoamingStep::Settled) && !moved(sight)
}

fn says_error(sight: &Sight<'_>, wanted: SessionError) -> bool {
    sight.events().any(|event| matches!(event, Event::Error { error, .. } if *error == wanted))
}

fn says_withdrawn(sight: &Sight<'_>) -> bool {
    sight.events().any(|event| matches!(event, Event::OfferWithdrawn { .. }))
}

fn offers(sight: &Sight<'_>, wanted: OfferKind) -> bool {
    sight
        .events()
        .any(|event| matches!(event, Event::PreferredConfigurationChanged { kind, .. } if *kind == wanted))
}

fn activates(sight: &Sight<'_>, is_asked: bool) -> bool {
    sight.events().any(
        |event| matches!(event, Event::NewConfigurationActivated { decision_due, .. } if *decision_due == is_asked),
    )
}

fn says_state(sight: &Sight<'_>, wanted: SessionState) -> bool {
    sight.events().any(|event| matches!(event, Event::StateChanged { state, .. } if *state == wanted))
}

fn is_another_offer(sight: &Sight<'_>) -> bool {
    sight.after.is_some_and(|after| after.to != sight.before.to)
}

/// What becomes of a session whose B is no more while A is dead: the next is offered, taken, or it ends.
fn is_left_with_the_rest(sight: &Sight<'_>) -> bool {
    ended(sight)
        || to(sight, RoamingStep::Waiting)
        || (to(sight, RoamingStep::OfferedRescue) || to(sight, RoamingStep::Migrating))
            && !commanded(sight, Command::Migrate)
}

fn is_b_stopped_by_other(sight: &Sight<'_>) -> bool {
    sight.cause == Cause::StopByOther(Some(Role::B))
}

const ROWS: &[Row] = &[
    ("R-ROAM-1 an upgrade is offered", |it| {
        from(it, RoamingStep::Settled)
            && asks(it)
            && to(it, RoamingStep::OfferedUpgrade)
            && offers(it, OfferKind::Upgrade)
    }),
    ("R-ROAM-2 it is ignored", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && commanded(it, Command::Ignore)
            && to(it, RoamingStep::Settled)
    }),
    ("R-ROAM-3 it is withdrawn", |it| {
        from(it, RoamingStep::OfferedUpgrade) && says_withdrawn(it) && to(it, RoamingStep::Settled)
    }),
    ("R-ROAM-4 a better one is offered instead", |it| {
        from(it, RoamingStep::OfferedUpgrade) && to(it, RoamingStep::OfferedUpgrade) && is_another_offer(it)
    }),
    ("R-ROAM-5 migrate starts B", |it| commanded(it, Command::Migrate) && to(it, RoamingStep::Migrating)),
    ("R-ROAM-6 B is up and asks for a decision", |it| {
        from(it, RoamingStep::Migrating) && to(it, RoamingStep::Trial) && activates(it, true)
    }),
    ("R-ROAM-7 B fails, A is alive", |it| {
        from(it, RoamingStep::Migrating)
            && alive(it)
            && stays_on_a(it)
            && says_error(it, SessionError::Roaming)
    }),
    ("R-ROAM-8 B fails, A is dead, the application is asked", |it| {
        from(it, RoamingStep::Migrating)
            && dead(it)
            && asks(it)
            && says_error(it, SessionError::Roaming)
            && is_left_with_the_rest(it)
    }),
    ("R-ROAM-8 B fails, A is dead, forced: silent", |it| {
        from(it, RoamingStep::Migrating)
            && dead(it)
            && forced(it)
            && ended(it)
            && !says_error(it, SessionError::Roaming)
            && says_error(it, SessionError::SessionAborted)
    }),
    ("R-ROAM-9 accept", |it| from(it, RoamingStep::Trial) && commanded(it, Command::Accept) && moved(it)),
    ("R-ROAM-10 reject, A is alive", |it| {
        from(it, RoamingStep::Trial)
            && alive(it)
            && commanded(it, Command::Reject)
            && !moved(it)
            && says_state(it, SessionState::Connected)
    }),
    ("R-ROAM-11 reject, A is dead", |it| {
        from(it, RoamingStep::Trial)
            && dead(it)
            && commanded(it, Command::Reject)
            && is_left_with_the_rest(it)
    }),
    ("R-ROAM-12 B is lost in the trial, A is alive", |it| {
        from(it, RoamingStep::Trial) && alive(it) && stays_on_a(it) && says_error(it, SessionError::Roaming)
    }),
    ("R-ROAM-36 B is lost in the trial, A is dead", |it| {
        from(it, RoamingStep::Trial)
            && dead(it)
            && says_error(it, SessionError::Roaming)
            && is_left_with_the_rest(it)
    }),
    ("R-ROAM-13 A is lost, a rescue is offered", |it| {
        from(it, RoamingStep::Settled)
            && asks(it)
            && to(it, RoamingStep::OfferedRescue)
            && offers(it, OfferKind::Rescue)
            && says_state(it, SessionState::Roaming)
    }),
    ("R-ROAM-37 A is lost, nothing else is usable", |it| {
        from(it, RoamingStep::Settled)
            && alive(it)
            && asks(it)
            && ended(it)
            && says_error(it, SessionError::SessionAborted)
            && matches!(it.cause, Cause::Level(Role::A, _))
    }),
    ("R-ROAM-14 a rescue is ignored, nothing else is usable", |it| {
        from(it, RoamingStep::OfferedRescue) && commanded(it, Command::Ignore) && ended(it)
    }),
    ("R-ROAM-14 a rescue is ignored, the next is offered", |it| {
        from(it, RoamingStep::OfferedRescue)
            && commanded(it, Command::Ignore)
            && to(it, RoamingStep::OfferedRescue)
    }),
    ("R-ROAM-14 the offered rescue is no longer usable", |it| {
        from(it, RoamingStep::OfferedRescue)
            && matches!(it.cause, Cause::Level(Role::B, _))
            && is_left_with_the_rest(it)
            && (ended(it) || is_another_offer(it))
    }),
    ("R-ROAM-15 A is back while a rescue is offered", |it| {
        from(it, RoamingStep::OfferedRescue)
            && stays_on_a(it)
            && says_withdrawn(it)
            && says_state(it, SessionState::Connected)
    }),
    ("R-ROAM-16 A is lost while an upgrade is offered", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && to(it, RoamingStep::OfferedRescue)
            && offers(it, OfferKind::Rescue)
    }),
    ("R-ROAM-38 A is lost under way", |it| {
        alive(it)
            && (from(it, RoamingStep::Migrating) && to(it, RoamingStep::Migrating)
                || from(it, RoamingStep::Trial) && to(it, RoamingStep::Trial))
            && to_fate(it, Fate::Dead)
    }),
    ("R-ROAM-38 A is back under way", |it| {
        dead(it)
            && (from(it, RoamingStep::Migrating) && to(it, RoamingStep::Migrating)
                || from(it, RoamingStep::Trial) && to(it, RoamingStep::Trial))
            && to_fate(it, Fate::Alive)
    }),
    ("R-ROAM-17 a better one than B is noted", |it| {
        (from(it, RoamingStep::Migrating) || from(it, RoamingStep::Trial))
            && it.after.is_some_and(|after| after.step == it.before.step && after.to == it.before.to)
            && matches!(it.cause, Cause::Level(Role::Other, netsession_core::LinkState::Active))
    }),
    ("R-ROAM-18 an upgrade, forced", |it| {
        from(it, RoamingStep::Settled)
            && forced(it)
            && to(it, RoamingStep::Migrating)
            && to_fate(it, Fate::Alive)
    }),
    ("R-ROAM-18 it is done", |it| {
        from(it, RoamingStep::Migrating) && forced(it) && alive(it) && moved(it) && activates(it, false)
    }),
    ("R-ROAM-19 a rescue, forced", |it| {
        from(it, RoamingStep::Settled)
            && forced(it)
            && to(it, RoamingStep::Migrating)
            && to_fate(it, Fate::Dead)
    }),
    ("R-ROAM-19 it is done", |it| {
        from(it, RoamingStep::Migrating) && forced(it) && dead(it) && moved(it) && activates(it, false)
    }),
    ("R-ROAM-19 forced, nothing is left", |it| {
        from(it, RoamingStep::Settled)
            && forced(it)
            && alive(it)
            && ended(it)
            && says_error(it, SessionError::SessionAborted)
    }),
    ("R-ROAM-33 A is back first", |it| {
        from(it, RoamingStep::Migrating) && forced(it) && dead(it) && stays_on_a(it) && !activates(it, false)
    }),
    ("R-ROAM-33 another one is up first", |it| {
        from(it, RoamingStep::Migrating) && forced(it) && dead(it) && moved(it) && it.a_after != it.before.to
    }),
    ("R-ROAM-20 A is lost, suppressed", |it| {
        from(it, RoamingStep::Settled)
            && mode(it, RoamingMode::Suppressed)
            && ended(it)
            && says_error(it, SessionError::SessionAborted)
    }),
    ("R-ROAM-21 stop, Offered", |it| {
        from(it, RoamingStep::OfferedUpgrade) && commanded(it, Command::Stop) && ended(it)
    }),
    ("R-ROAM-21 stop, Migrating", |it| {
        from(it, RoamingStep::Migrating) && commanded(it, Command::Stop) && ended(it)
    }),
    ("R-ROAM-21 stop, Trial", |it| from(it, RoamingStep::Trial) && commanded(it, Command::Stop) && ended(it)),
    ("R-ROAM-22 another stops A", |it| {
        it.cause == Cause::StopByOther(Some(Role::A)) && to_fate(it, Fate::Victim)
    }),
    ("R-ROAM-22 another stops A, offered", |it| {
        from(it, RoamingStep::OfferedUpgrade) && to_fate(it, Fate::Victim) && says_withdrawn(it)
    }),
    ("R-ROAM-22 another stops B, offered", |it| {
        from(it, RoamingStep::OfferedUpgrade) && is_b_stopped_by_other(it) && says_withdrawn(it)
    }),
    ("R-ROAM-22 another stops B, in the trial", |it| {
        from(it, RoamingStep::Trial) && is_b_stopped_by_other(it) && says_error(it, SessionError::Roaming)
    }),
    ("R-ROAM-23 no answer to an offer", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && it.cause == Cause::Time(Some(WakeReason::Answer))
            && to(it, RoamingStep::Settled)
    }),
    ("R-ROAM-23 no answer to a rescue", |it| {
        from(it, RoamingStep::OfferedRescue)
            && it.cause == Cause::Time(Some(WakeReason::Answer))
            && is_left_with_the_rest(it)
    }),
    ("R-ROAM-23 no answer in a trial", |it| {
        from(it, RoamingStep::Trial)
            && it.cause == Cause::Time(Some(WakeReason::Answer))
            && !to(it, RoamingStep::Trial)
    }),
    ("R-ROAM-24 asked no more: Offered", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && it.cause == Cause::Mode(RoamingMode::Forced)
            && (to(it, RoamingStep::Migrating) || moved(it))
    }),
    ("R-ROAM-24 asked no more: Trial", |it| {
        from(it, RoamingStep::Trial) && it.cause == Cause::Mode(RoamingMode::Forced) && moved(it)
    }),
    ("R-ROAM-25 asked from now on", |it| {
        from(it, RoamingStep::Migrating)
            && forced(it)
            && it.cause == Cause::Mode(RoamingMode::Application)
            && to(it, RoamingStep::Migrating)
    }),
    ("R-ROAM-34 suppressed: Offered", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && it.cause == Cause::Mode(RoamingMode::Suppressed)
            && says_withdrawn(it)
    }),
    ("R-ROAM-34 suppressed: a rescue", |it| {
        from(it, RoamingStep::OfferedRescue) && it.cause == Cause::Mode(RoamingMode::Suppressed) && ended(it)
    }),
    ("R-ROAM-34 suppressed: Migrating", |it| {
        from(it, RoamingStep::Migrating)
            && it.cause == Cause::Mode(RoamingMode::Suppressed)
            && !to(it, RoamingStep::Migrating)
    }),
    ("R-ROAM-34 suppressed: Trial", |it| {
        from(it, RoamingStep::Trial)
            && it.cause == Cause::Mode(RoamingMode::Suppressed)
            && !to(it, RoamingStep::Trial)
    }),
    ("R-ROAM-26 an answer out of place", |it| {
        matches!(
            it.cause,
            Cause::Command(Command::Migrate | Command::Ignore | Command::Accept | Command::Reject)
        ) && it.edge.taken.result.is_err()
    }),
    ("R-ROAM-27 migrate_to", |it| {
        from(it, RoamingStep::Settled)
            && matches!(it.cause, Cause::MigrateTo(_))
            && it.edge.taken.result.is_ok()
            && (to(it, RoamingStep::Migrating) || to(it, RoamingStep::Trial) || moved(it))
    }),
    ("R-ROAM-44 something may come in a moment", |it| {
        to(it, RoamingStep::Waiting) && !from(it, RoamingStep::Waiting)
    }),
    ("R-ROAM-44 it came", |it| {
        from(it, RoamingStep::Waiting)
            && (to(it, RoamingStep::Migrating)
                || to(it, RoamingStep::OfferedRescue)
                || moved(it)
                || to(it, RoamingStep::Settled))
    }),
    ("R-ROAM-45 close, Offered", |it| {
        from(it, RoamingStep::OfferedUpgrade)
            && commanded(it, Command::Close)
            && ended(it)
            && !says_withdrawn(it)
    }),
    ("R-DEV-2 A goes first", |it| it.before.fate != Fate::Broken && to_fate(it, Fate::Broken)),
    ("R-DEV-2 the stop of A is refused", |it| {
        it.before.fate == Fate::Broken
            && to_fate(it, Fate::Alive)
            && matches!(it.cause, Cause::Stopped(Role::A, false))
    }),
    ("R-DEV-3 A is brought up again", |it| {
        to(it, RoamingStep::Restoring) && !from(it, RoamingStep::Restoring)
    }),
    ("R-DEV-3 it is", |it| from(it, RoamingStep::Restoring) && to(it, RoamingStep::Settled)),
    ("R-DEV-3 it cannot be", |it| {
        from(it, RoamingStep::Restoring)
            && says_error(it, SessionError::Roaming)
            && !to(it, RoamingStep::Settled)
    }),
];

/// All rows, in their order.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _)| *name)
}

/// The rows that this edge takes.
pub(super) fn taken<'a>(sight: &'a Sight<'_>) -> impl Iterator<Item = &'static str> + 'a {
    ROWS.iter().filter(|(_, is_taken)| is_taken(sight)).map(|(name, _)| *name)
}
