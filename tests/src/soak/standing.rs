//! What stands after an input: each session and each access point, against what was said of them.

use std::collections::{BTreeMap, BTreeSet};

use netsession_core::{
    Capabilities, ConfigurationState, ConfigurationType, ConfigurationView, Identifier, Input, LinkState,
    Output, PropertyValue, ReopenPolicy, RoamingMode, SessionState, SessionView, property,
};
use netsession_io_sim::World;

use super::invariants::Invariants;
use super::requests::Requests;

/// After every so many looks the machine is told what it believes, which costs as much as all the rest.
const LOOKS_PER_BELIEF: u32 = 4;

/// How many sessions hold an access point, at least and at most, and how many use it.
#[derive(Clone, Copy, Debug, Default)]
struct Holds {
    surely: usize,
    perhaps: usize,
    used: usize,
}

impl Invariants {
    pub(super) fn stand(&mut self, world: &World) -> Result<(), String> {
        let sessions: Vec<SessionView<'_>> = world.manager().sessions().collect();
        for view in &sessions {
            self.look(world, view).map_err(|what| format!("{what}, session {}", view.id().number()))?;
        }
        let holds = self.holds(world, &sessions);
        let open = sessions.iter().filter(|session| session.is_open());
        let networks = open.filter_map(|session| network_of(world, session).map(|it| (it.handle(), it)));
        let networks: BTreeMap<_, _> = networks.collect();
        let members: BTreeSet<_> = networks.values().flat_map(ConfigurationView::members).collect();
        for view in world.manager().configurations(None).filter(|view| view.link().is_some()) {
            self.look_at_holders(&view, holds.get(view.id()).copied().unwrap_or_default())?;
            self.look_at_watch(&view, members.contains(view.id()))?;
        }
        self.started.iter().try_for_each(|id| self.is_wanted(&sessions, id))?;
        self.stopped.iter().try_for_each(|id| self.is_unwanted(&sessions, id))?;
        self.looks = self.looks.wrapping_add(1);
        if self.looks.is_multiple_of(LOOKS_PER_BELIEF) { self.believe(world) } else { Ok(()) }
    }

    fn look(&mut self, world: &World, view: &SessionView<'_>) -> Result<(), String> {
        let state = view.state();
        let requests = &self.requests;
        let session = self.sessions.entry(view.id()).or_default();
        if *session.state.get_or_insert(state) != state {
            return Err(format!("R-ST-1: it is {state}, and was said to be {:?}", session.state));
        }
        if session.is_open != view.is_open() {
            return Err(format!("R-OPEN-11: is_open is {}, which was not said", view.is_open()));
        }
        if !shows_its_interface(world, view, requests) {
            return Err(format!("R-ST-6: it is {state}, its interface {:?}", view.interface()));
        }
        if view.is_open() != view.active_configuration().is_some() {
            return Err("R-PROP-1: it is open on nothing, or uses something while it is not open".into());
        }
        session.reopens = view.reopen_policy() == ReopenPolicy::WhenAvailable;
        session.gone = match (view.active_configuration(), state) {
            (Some(used), SessionState::Roaming) if !requests.exists(used) => Some(used.clone()),
            (Some(used), SessionState::Roaming) => session.gone.take().filter(|gone| gone == used),
            _ => None,
        };
        let (offer, trial) = (view.offer().map(|it| it.id), view.candidate().map(|it| it.id));
        if offer.is_some() && offer != session.offer.as_ref() {
            return Err(format!("R-ROAM-1: the offer of {offer:?} was not said"));
        }
        if trial.is_some() && trial != session.trial.as_ref() {
            return Err(format!("R-ROAM-6: the trial of {trial:?} was not said"));
        }
        (session.offer, session.trial) = (offer.cloned(), trial.cloned());
        self.look_at_step(world, view)?;
        match state {
            SessionState::Connecting | SessionState::Closing | SessionState::Roaming => {
                self.has_a_reason(world, view)
            }
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connected
            | SessionState::Disconnected => Ok(()),
        }
    }

    /// What it is offered can be had, what it tries is up, and what it uses is a member.
    fn look_at_step(&self, world: &World, view: &SessionView<'_>) -> Result<(), String> {
        if !view.is_open() {
            let roams = view.state() == SessionState::Roaming;
            return if roams { Err("R-ST-1: it is Roaming, and not open".into()) } else { Ok(()) };
        }
        let Some(network) = network_of(world, view) else { return Ok(()) };
        let members: Vec<&Identifier> = network.members().collect();
        let place = |id: &Identifier| members.iter().position(|&member| member == id);
        let level = |id: &Identifier| world.manager().configuration(id).and_then(|it| it.link());
        if let Some(offer) = view.offer() {
            let is_reachable = level(offer.id)
                .is_some_and(|it| it >= LinkState::Discovered && it != LinkState::Closing)
                && !self.requests.stop_on(offer.id);
            if !is_reachable || place(offer.id).is_none() {
                return Err(format!("R-ROAM-3: {} is offered, at {:?}", offer.id, level(offer.id)));
            }
            if view.roaming_mode() != RoamingMode::Application {
                return Err(format!("R-ROAM-40: an offer in mode {}", view.roaming_mode()));
            }
            let used = view.active_configuration().and_then(place);
            if view.state() != SessionState::Roaming && used.is_some_and(|used| place(offer.id) > Some(used))
            {
                return Err(format!("R-ROAM-41: {} is no upgrade", offer.id));
            }
        }
        if let Some(trial) = view.candidate() {
            let is_up = level(trial.id) >= Some(LinkState::Active);
            if !is_up || place(trial.id).is_none() || view.state() != SessionState::Roaming {
                return Err(format!("R-ROAM-12: {} is tried, at {:?}", trial.id, level(trial.id)));
            }
        }
        if view.state() == SessionState::Connected {
            let used = view.active_configuration();
            if used.and_then(place).is_none() || used.and_then(level) != Some(LinkState::Active) {
                return Err(format!("R-ST-3: it is connected by {used:?}"));
            }
        }
        Ok(())
    }

    /// Who holds which access point follows from what the sessions do (R-ROAM-28, R-ROAM-32).
    fn holds<'a>(&self, world: &World, sessions: &[SessionView<'a>]) -> BTreeMap<&'a Identifier, Holds> {
        let mut all: BTreeMap<&Identifier, Holds> = BTreeMap::new();
        for session in sessions {
            let Some(known) = self.sessions.get(&session.id()) else { continue };
            let (used, chosen) = (session.active_configuration(), chosen(session));
            for id in used.into_iter().chain(chosen.filter(|_| used != chosen)) {
                let (is_used, is_chosen) = (used == Some(id), chosen == Some(id));
                let is_opening = known.is_opening && known.reopening.is_none();
                let holds = if session.is_open() {
                    let goes =
                        session.state() == SessionState::Roaming && session.offer().is_none() && is_chosen;
                    is_used && known.gone.as_ref() != Some(id) || goes
                } else {
                    is_opening && is_chosen && !is_user_choice(world, session)
                };
                let opens = known.is_opening || known.reopening.is_some();
                let may_hold = !session.is_open() && opens && is_chosen;
                let of_this = all.entry(id).or_default();
                of_this.surely += usize::from(holds);
                of_this.perhaps += usize::from(may_hold && !holds);
                of_this.used += usize::from(is_used && session.state() != SessionState::Roaming);
            }
        }
        all
    }

    fn look_at_holders(&self, view: &ConfigurationView<'_>, holds: Holds) -> Result<(), String> {
        let Holds { surely, perhaps, used } = holds;
        let held = view.holders();
        if held < surely || held > surely + perhaps {
            return Err(format!(
                "R-ROAM-28: {} has {held} holders, not {surely} to {}",
                view.id(),
                surely + perhaps
            ));
        }
        if used > 0 && view.state() != ConfigurationState::Active && !self.requests.stop_on(view.id()) {
            return Err(format!("R-LOSS-1: {} is {}, with {used} sessions open", view.id(), view.state()));
        }
        Ok(())
    }

    /// R-ROAM-39.
    fn look_at_watch(&self, view: &ConfigurationView<'_>, is_member: bool) -> Result<(), String> {
        let Some(is_busy) = self.requests.is_busy(view.id()) else { return Ok(()) };
        let expected = is_member && view.link() != Some(LinkState::Active) && !is_busy;
        if self.requests.is_watched(view.id()) != expected {
            return Err(format!("R-ROAM-39: {} is to be watched: {expected}", view.id()));
        }
        Ok(())
    }

    /// R-GEN-5, R-ROAM-32: a start follows from a session that wants it.
    fn is_wanted(&self, sessions: &[SessionView<'_>], id: &Identifier) -> Result<(), String> {
        let wants = |session: &SessionView<'_>| {
            let opens = self
                .sessions
                .get(&session.id())
                .is_some_and(|known| known.is_opening || known.reopening.is_some());
            let moves = session.state() == SessionState::Roaming
                && session.offer().is_none()
                && session.candidate().is_none();
            chosen(session) == Some(id) && if session.is_open() { moves } else { opens }
        };
        if sessions.iter().any(wants) {
            return Ok(());
        }
        Err(format!("R-GEN-5: {id} is started, and nobody wants it"))
    }

    /// R-GEN-10, R-ROAM-32: a stop is said by a session, or follows from nobody's wanting it.
    fn is_unwanted(&self, sessions: &[SessionView<'_>], id: &Identifier) -> Result<(), String> {
        // One that is late at once leaves nothing behind that would tell what it was for.
        if matches!(self.input, Some(Input::Stop { .. })) || self.requests.stops_are_late_at_once() {
            return Ok(());
        }
        let uses = |session: &&SessionView<'_>| {
            let chosen = chosen(session);
            if session.active_configuration() == Some(id) {
                // One that lets go of it for another of its device keeps its hold (R-DEV-2).
                let gives_way = session.state() == SessionState::Roaming
                    && chosen.is_some_and(|other| self.requests.share_device(id, other));
                return !gives_way && self.sessions.get(&session.id()).is_some_and(|it| it.gone.is_none());
            }
            session.candidate().is_some_and(|candidate| candidate.id == id)
        };
        match sessions.iter().find(uses) {
            Some(session) => {
                Err(format!("R-GEN-10: {id} is stopped, and session {} has it", session.id().number()))
            }
            None => Ok(()),
        }
    }

    /// R-GEN-9: nothing is half-way without something that will end it.
    fn has_a_reason(&self, world: &World, view: &SessionView<'_>) -> Result<(), String> {
        let target = target_of(world, view);
        let members = target.iter().flat_map(ConfigurationView::members);
        let half_way = |id: &str| {
            let link = world.manager().configuration(id).and_then(|view| view.link());
            let moves = matches!(link, Some(LinkState::Connecting | LinkState::Closing));
            moves || self.requests.any_on(id)
        };
        let waits_for = |id: &str| half_way(id) || self.requests.siblings(id).any(half_way);
        // What a user choice was resolved to is not told before it is open.
        let resolves = target.is_none() && self.requests.any();
        if world.wake().is_some()
            || resolves
            || view.offer().is_some()
            || view.candidate().is_some()
            || self.requests.asks()
            || target.is_some_and(|target| waits_for(target.id()))
            || members.into_iter().any(|id| waits_for(id))
        {
            return Ok(());
        }
        Err(format!("R-GEN-9: it is {} for no reason", view.state()))
    }

    /// R-GEN-7: a snapshot of what is believed changes nothing.
    fn believe(&self, world: &World) -> Result<(), String> {
        let mut manager = world.manager().clone();
        let before = world.wake();
        let result = manager.handle_input(manager.now(), self.requests.belief());
        let said = manager.poll_output();
        if result.is_err() || said != (Output::Idle { wake: before }) {
            return Err(format!("R-GEN-7: a snapshot of what is believed: {result:?}, {said:?}"));
        }
        Ok(())
    }

    /// What holds in addition when nothing is under way.
    pub(super) fn check_rest(&self, world: &World, is_healed: bool) -> Result<(), String> {
        let waits = self.requests.has_no_limit();
        if !waits {
            self.check_ends()?;
        }
        for view in world.manager().configurations(None).filter(|view| view.link().is_some()) {
            if view.link() != world.level(view.id()) {
                return Err(format!("R-GEN-7: {} is believed to be at {:?}", view.id(), view.link()));
            }
        }
        for view in world.manager().sessions() {
            let rests = match view.state() {
                SessionState::Roaming => waits || view.offer().is_some() || view.candidate().is_some(),
                SessionState::Connecting | SessionState::Closing => waits || !is_healed,
                SessionState::Invalid
                | SessionState::NotAvailable
                | SessionState::Connected
                | SessionState::Disconnected => true,
            };
            if !rests {
                return Err(format!("R-GEN-9: session {} rests in {}", view.id().number(), view.state()));
            }
            rests_on_the_best(world, &view)?;
        }
        Ok(())
    }
}

/// R-ROAM-41: at rest nothing preferred that can be had is left aside, unless it is offered.
fn rests_on_the_best(world: &World, view: &SessionView<'_>) -> Result<(), String> {
    let able = network_of(world, view).map_or(Capabilities::empty(), |network| network.capabilities());
    let moves = match view.roaming_mode() {
        RoamingMode::Application => {
            able.intersects(Capabilities::APPLICATION_LEVEL_ROAMING | Capabilities::FORCED_ROAMING)
        }
        RoamingMode::Forced => able.contains(Capabilities::FORCED_ROAMING),
        RoamingMode::Suppressed => false,
    };
    if !moves || !view.is_open() || view.state() != SessionState::Connected || view.offer().is_some() {
        return Ok(());
    }
    for row in view.why() {
        use netsession_core::Because;
        match row.because {
            Because::InUse => break,
            Because::Best | Because::LessPreferred | Because::HoldOff => {
                return Err(format!(
                    "R-ROAM-41: session {} rests beside {}: {}",
                    view.id().number(),
                    row.id,
                    row.because.word()
                ));
            }
            Because::RefusedByApplication
            | Because::RefusedByFailure
            | Because::NotAvailable
            | Because::NotStartable
            | Because::GoingDown
            | Because::DeviceTaken
            | Because::MustBreakFirst => {}
        }
    }
    Ok(())
}

/// What the session is about: what a user choice was resolved to, else what it was made on.
fn target_of<'a>(world: &'a World, view: &SessionView<'a>) -> Option<ConfigurationView<'a>> {
    let on = world.manager().configuration(view.configuration())?;
    if on.kind() != ConfigurationType::UserChoice {
        return Some(on);
    }
    match view.property(property::USER_CHOICE_CONFIGURATION) {
        Some(PropertyValue::Text(id)) => world.manager().configuration(&id),
        _ => None,
    }
}

/// R-ST-6: the interface of what it uses, else of the first that is up of what it was made on.
fn shows_its_interface(world: &World, view: &SessionView<'_>, requests: &Requests) -> bool {
    let shown = view.interface();
    if view.state() != SessionState::Connected {
        return shown.is_none();
    }
    let configuration = |id: &Identifier| world.manager().configuration(id);
    let Some(on) = configuration(view.active_configuration().unwrap_or_else(|| view.configuration())) else {
        return false;
    };
    if on.link().is_some() {
        return shown == on.interface();
    }
    let is_up =
        |it: &ConfigurationView<'_>| it.link() == Some(LinkState::Active) && !requests.stop_on(it.id());
    // One within the grace of a loss may be on its way down, which this account cannot tell.
    let counts = |it: &ConfigurationView<'_>| {
        shown == it.interface() || requests.level(it.id()) == Some(LinkState::Active)
    };
    let first = on.members().filter_map(configuration).filter(is_up).find(counts);
    first.is_some_and(|it| shown == it.interface())
}

/// The service network that an open session roams on.
fn network_of<'a>(world: &'a World, view: &SessionView<'a>) -> Option<ConfigurationView<'a>> {
    target_of(world, view).filter(|it| it.kind() == ConfigurationType::ServiceNetwork)
}

fn is_user_choice(world: &World, view: &SessionView<'_>) -> bool {
    let on = world.manager().configuration(view.configuration());
    on.is_some_and(|on| on.kind() == ConfigurationType::UserChoice)
}

/// What it goes for, or uses.
fn chosen<'a>(view: &SessionView<'a>) -> Option<&'a Identifier> {
    view.why().into_iter().find(|row| row.chosen).map(|row| row.id)
}
