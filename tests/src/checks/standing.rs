//! What holds in a state, however it came about: the states of sessions as computed from the links, who holds
//! what, what is watched, and that nothing is half-way for no reason.

use netsession_core::{
    Because, Capabilities, ConfigurationState, ConfigurationType, ConfigurationView, Identifier, LinkState,
    PropertyValue, RoamingMode, SessionState, SessionView, property,
};
use netsession_io_sim::explore::{Request, SmallWorld, State};

use super::probe::{Probe, bit, opening};
use super::{Verdict, Violation, chosen, registry};

pub(super) fn check(world: &SmallWorld, state: &State) -> Verdict {
    let manager = state.manager();
    if state.wake().is_some_and(|wake| wake.at <= manager.now()) {
        return Err(Violation::new("R-GEN-2", format!("the next deadline is due: {:?}", state.wake())));
    }
    registry::believes(world, state)?;
    check_requests(world, state)?;
    let probe = Probe::of(state);
    if probe.opening != opening(state) {
        let saw = format!("{:b} open by the holders, {:b} in truth", opening(state), probe.opening);
        return Err(Violation::new("R-ROAM-28", saw));
    }
    if probe.left != 0 {
        return Err(Violation::new("R-CLOSE-9", format!("{} holders without a session", probe.left)));
    }
    let sessions = sessions(state, &probe);
    for link in manager.configurations(None) {
        if link.link().is_some() {
            check_link(state, &probe, &link)?;
            check_holders(&sessions, &link)?;
            check_watch(state, &probe, &sessions, &link)?;
        } else {
            check_network(state, &link)?;
        }
    }
    let counts = |it: &ConfigurationView<'_>| {
        let add = world.configurations.iter().find(|add| add.id == *it.id());
        add.and_then(|add| add.settings.counts_for_online).unwrap_or(true)
    };
    let mut up = manager.configurations(Some(ConfigurationState::Active)).filter(|it| it.link().is_some());
    if up.any(|it| counts(&it)) != manager.is_online() {
        return Err(Violation::new("R-REG-6", format!("online is {}", manager.is_online())));
    }
    sessions.iter().try_for_each(|session| {
        let verdict = check_session(state, &probe, session);
        verdict.map_err(|mut violation| {
            violation.saw += &format!("; session {}", session.view.id().number());
            violation
        })
    })
}

/// A session, and what is worked out of it once.
pub(super) struct Session<'a> {
    view: SessionView<'a>,
    is_opening: bool,
    chosen: Option<&'a Identifier>,
    /// What it uses is a member of what it is about.
    uses_member: bool,
    /// What it is about: what a user choice was resolved to, else what it was made on.
    target: Option<ConfigurationView<'a>>,
}

fn sessions<'a>(state: &'a State, probe: &Probe) -> Vec<Session<'a>> {
    let all = (0..state.sessions().len()).filter_map(|place| Some((place, state.session(place)?)));
    all.map(|(place, view)| Session {
        view,
        is_opening: probe.opening & bit(place) != 0,
        chosen: chosen(&view),
        uses_member: view.why().iter().any(|row| row.because == Because::InUse),
        target: target_of(state, &view),
    })
    .collect()
}

fn target_of<'a>(state: &'a State, view: &SessionView<'a>) -> Option<ConfigurationView<'a>> {
    let on = state.manager().configuration(view.configuration())?;
    if on.kind() != ConfigurationType::UserChoice {
        return Some(on);
    }
    match view.property(property::USER_CHOICE_CONFIGURATION) {
        Some(PropertyValue::Text(id)) => state.manager().configuration(&id),
        _ => None,
    }
}

/// R-GEN-5: one request on a link at a time. R-GEN-4: each has a deadline.
fn check_requests(world: &SmallWorld, state: &State) -> Verdict {
    for request in state.owed() {
        let id = match request {
            Request::Start(id) | Request::Stop(id) | Request::Cancel(id) => Some(id),
            Request::CancelResolve | Request::Resolve(_) | Request::Update => None,
        };
        let is_on = |other: &&Request| match other {
            Request::Start(of) | Request::Stop(of) | Request::Cancel(of) => Some(of) == id,
            Request::CancelResolve | Request::Resolve(_) | Request::Update => false,
        };
        if id.is_some() && state.owed().filter(is_on).count() != 1 {
            return Err(Violation::new("R-GEN-5", format!("two requests on one link: {request}")));
        }
        let zero = |add: &netsession_core::Add| add.settings.connect_timeout.is_some_and(|it| it.is_zero());
        let may_wait = matches!(request, Request::Start(_)) && world.configurations.iter().any(zero);
        if state.wake().is_none() && !may_wait {
            return Err(Violation::new("R-GEN-4", format!("{request} has no deadline")));
        }
    }
    Ok(())
}

fn owes(state: &State, wanted: &Request) -> bool {
    state.owed().any(|request| request == wanted)
}

/// R-ST-2, R-GEN-10, R-CLOSE-11: what a session on it sees, by its level and the request under way; and its
/// state as a configuration.
fn check_link(state: &State, probe: &Probe, link: &ConfigurationView<'_>) -> Verdict {
    let (Some(level), Some(shown)) = (link.link(), probe.shown(link.handle())) else { return Ok(()) };
    let id = link.id();
    let [starts, stops, cancels] =
        [Request::Start(id.clone()), Request::Stop(id.clone()), Request::Cancel(id.clone())]
            .map(|request| owes(state, &request));
    // A request that was answered is still under way, and is not owed any more.
    let has_wake = state.wake().is_some();
    let fits = match level {
        LinkState::Undefined | LinkState::Defined | LinkState::Discovered => match shown {
            SessionState::Connecting => starts || link.holders() > 0 && !stops && !cancels,
            SessionState::Disconnected => level == LinkState::Discovered && !starts,
            SessionState::NotAvailable => level != LinkState::Discovered && !starts,
            SessionState::Invalid
            | SessionState::Connected
            | SessionState::Closing
            | SessionState::Roaming => false,
        },
        LinkState::Connecting => match shown {
            SessionState::Connecting => !stops,
            SessionState::Closing => stops || has_wake && !starts && !cancels,
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connected
            | SessionState::Disconnected
            | SessionState::Roaming => false,
        },
        LinkState::Active => match shown {
            SessionState::Connected => !stops && !starts,
            SessionState::Closing => stops || has_wake && !cancels,
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Connecting
            | SessionState::Disconnected
            | SessionState::Roaming => false,
        },
        LinkState::Closing => shown == SessionState::Closing,
    };
    if !fits {
        let owed: Vec<_> = state.owed().map(ToString::to_string).collect();
        return Err(Violation::new("R-ST-2", format!("{id} at {level} shows {shown}, with {owed:?}")));
    }
    let expected = match level {
        LinkState::Undefined => ConfigurationState::Undefined,
        LinkState::Defined => ConfigurationState::Defined,
        LinkState::Discovered | LinkState::Connecting => ConfigurationState::Discovered,
        LinkState::Active | LinkState::Closing => ConfigurationState::Active,
    };
    if link.state() == expected {
        return Ok(());
    }
    Err(Violation::new("R-REG-8", format!("{id} at {level} is {}", link.state())))
}

/// The state of a service network is that of its best member, and at least Defined.
fn check_network(state: &State, network: &ConfigurationView<'_>) -> Verdict {
    let members = network.members().filter_map(|id| Some(state.manager().configuration(id)?.state()));
    let expected = members.max().unwrap_or(ConfigurationState::Defined).max(ConfigurationState::Defined);
    if network.kind() == ConfigurationType::ServiceNetwork && network.state() != expected {
        return Err(Violation::new("R-REG-8", format!("{} is {}", network.id(), network.state())));
    }
    Ok(())
}

/// R-ROAM-28, R-ROAM-32: who holds an access point follows from what the sessions do.
fn check_holders(sessions: &[Session<'_>], link: &ConfigurationView<'_>) -> Verdict {
    let (mut surely, mut perhaps) = (0, 0);
    for session in sessions {
        let view = &session.view;
        let is_chosen = session.chosen == Some(link.id());
        if !view.is_open() {
            let asks = view.state() == SessionState::Connecting && session.chosen.is_none();
            surely += usize::from(session.is_opening && is_chosen && !asks && !session.is_user_choice());
            perhaps += usize::from(session.is_opening && session.is_user_choice());
            continue;
        }
        let is_used = view.active_configuration() == Some(link.id());
        // What it used was removed, or left its network: what bears that name now may be another.
        let is_certain = session.uses_member || view.state() != SessionState::Roaming;
        let moves = view.state() == SessionState::Roaming && view.offer().is_none() && is_chosen;
        if moves || is_used && is_certain {
            surely += 1;
        } else if is_used {
            perhaps += 1;
        }
    }
    let held = link.holders();
    if (surely..=surely + perhaps).contains(&held) {
        return Ok(());
    }
    let saw = format!("{} has {held} holders, not {surely} to {}", link.id(), surely + perhaps);
    Err(Violation::new("R-ROAM-28", saw))
}

/// R-ROAM-39.
fn check_watch(
    state: &State,
    probe: &Probe,
    sessions: &[Session<'_>],
    link: &ConfigurationView<'_>,
) -> Verdict {
    let (Some(level), Some(shown)) = (link.link(), probe.shown(link.handle())) else { return Ok(()) };
    let is_member = sessions
        .iter()
        .filter(|it| it.view.is_open())
        .any(|session| session.target.is_some_and(|target| target.members().any(|id| id == link.id())));
    let id = link.id();
    let is_owed = state.owed().any(|request| match request {
        Request::Start(of) | Request::Stop(of) | Request::Cancel(of) => of == id,
        Request::CancelResolve | Request::Resolve(_) | Request::Update => false,
    });
    let is_busy = is_owed
        || level < LinkState::Connecting && shown == SessionState::Connecting
        || matches!(level, LinkState::Connecting | LinkState::Active) && shown == SessionState::Closing;
    // A start or stop that was answered cannot be told from a link that moves by itself.
    let may_be_busy = match level {
        LinkState::Connecting => link.is_ours(),
        LinkState::Closing => state.wake().is_some(),
        LinkState::Undefined | LinkState::Defined | LinkState::Discovered | LinkState::Active => false,
    };
    let is_uncertain = !is_busy && may_be_busy;
    let expected = is_member && level != LinkState::Active && !is_busy;
    if is_uncertain || probe.watched.contains(id) == expected {
        return Ok(());
    }
    Err(Violation::new("R-ROAM-39", format!("{id} is to be watched: {expected}")))
}

impl Session<'_> {
    fn is_user_choice(&self) -> bool {
        self.target.is_none_or(|target| target.id() != self.view.configuration())
    }

    fn is_on_network(&self) -> bool {
        self.target.is_some_and(|target| target.kind() == ConfigurationType::ServiceNetwork)
    }
}

fn check_session(state: &State, probe: &Probe, session: &Session<'_>) -> Verdict {
    let view = &session.view;
    let is = view.state();
    if view.is_open() != view.active_configuration().is_some() {
        return Err(Violation::new("R-PROP-1", format!("open on {:?}", view.active_configuration())));
    }
    if view.interface().is_some() != (is == SessionState::Connected) {
        return Err(Violation::new("R-ST-6", format!("in {is} with interface {:?}", view.interface())));
    }
    let fits =
        if view.is_open() { fits_open(state, probe, session) } else { fits_not_open(state, probe, session) };
    if !fits {
        let (level, opening) = (session.target.and_then(|it| it.link()), session.is_opening);
        let saw = format!("in {is} at {level:?}, open: {}, opening: {opening}", view.is_open());
        return Err(Violation::new("R-ST-1", saw));
    }
    if is == SessionState::Connected && view.interface() != expected_interface(state, probe, session) {
        return Err(Violation::new("R-ST-6", format!("interface {:?}", view.interface())));
    }
    check_step(state, probe, session)?;
    has_a_reason(state, session)
}

/// R-ST-3, R-LOSS-1: open, it is Connected or Closing with its link, or Roaming.
fn fits_open(state: &State, probe: &Probe, session: &Session<'_>) -> bool {
    let view = &session.view;
    match view.state() {
        SessionState::Connected | SessionState::Closing => {
            let used = view.active_configuration().and_then(|id| state.manager().configuration(id));
            session.uses_member && used.and_then(|it| probe.shown(it.handle())) == Some(view.state())
        }
        SessionState::Roaming => session.target.is_none() || session.is_on_network(),
        SessionState::Invalid
        | SessionState::NotAvailable
        | SessionState::Connecting
        | SessionState::Disconnected => false,
    }
}

/// R-ST-2, R-ST-3, R-ST-4.
fn fits_not_open(state: &State, probe: &Probe, session: &Session<'_>) -> bool {
    let is = session.view.state();
    let manager = state.manager();
    let on = manager.configuration(session.view.configuration());
    if is == SessionState::Invalid {
        return !session.is_opening && session.view.why().is_empty();
    }
    let Some(on) = on else { return false };
    match on.kind() {
        ConfigurationType::UserChoice if session.is_opening => is == SessionState::Connecting,
        ConfigurationType::UserChoice => {
            let mut near = manager.configurations(Some(ConfigurationState::Discovered));
            let any = near.any(|it| it.link().is_some());
            is == if any { SessionState::Disconnected } else { SessionState::NotAvailable }
        }
        ConfigurationType::AccessPoint => {
            let shown = probe.shown(on.handle());
            match shown {
                Some(SessionState::Closing) => is == SessionState::Closing,
                Some(_) if session.is_opening => is == SessionState::Connecting,
                Some(shown) => is == shown,
                None => false,
            }
        }
        ConfigurationType::ServiceNetwork => {
            let shown = || {
                let members = on.members().filter_map(|id| manager.configuration(id));
                members.filter_map(|it| probe.shown(it.handle()))
            };
            let order = [
                SessionState::Connected,
                SessionState::Connecting,
                SessionState::Closing,
                SessionState::Disconnected,
            ];
            let best = order.into_iter().find(|&wanted| shown().any(|it| it == wanted));
            let waits = session.is_opening
                && (is == SessionState::Connecting
                    || is == SessionState::Closing && shown().any(|it| it == SessionState::Closing));
            waits || !session.is_opening && is == best.unwrap_or(SessionState::NotAvailable)
        }
        ConfigurationType::Invalid => false,
    }
}

/// R-ST-6.
fn expected_interface<'a>(
    state: &'a State,
    probe: &Probe,
    session: &Session<'a>,
) -> Option<&'a netsession_core::Interface> {
    let manager = state.manager();
    if let Some(used) = session.view.active_configuration() {
        return manager.configuration(used)?.interface();
    }
    let target = session.target?;
    let is_up = |it: &ConfigurationView<'_>| probe.shown(it.handle()) == Some(SessionState::Connected);
    let mut members = target.members().filter_map(|id| manager.configuration(id));
    if target.link().is_some() { target.interface() } else { members.find(is_up)?.interface() }
}

/// R-ROAM-1, R-ROAM-3, R-ROAM-12, R-ROAM-40, R-ROAM-42: what it is offered can be had, and what it tries is up.
fn check_step(state: &State, probe: &Probe, session: &Session<'_>) -> Verdict {
    let view = &session.view;
    let (offer, trial) = (view.offer(), view.candidate());
    if offer.is_none() && trial.is_none() {
        return Ok(());
    }
    let place = |id: &Identifier| session.target.and_then(|it| it.members().position(|member| member == id));
    let shown = |id: &Identifier| state.manager().configuration(id).and_then(|it| probe.shown(it.handle()));
    let is_roaming = view.state() == SessionState::Roaming;
    if !view.is_open() || offer.is_some() && trial.is_some() {
        return Err(Violation::new("R-ROAM-26", "a step that it cannot be in"));
    }
    if let Some(trial) = trial {
        let is_up = matches!(shown(trial.id), Some(SessionState::Connected | SessionState::Closing));
        if !is_up || place(trial.id).is_none() || !is_roaming {
            return Err(Violation::new(
                "R-ROAM-12",
                format!("{} is tried, and shows {:?}", trial.id, shown(trial.id)),
            ));
        }
    }
    let Some(offer) = offer else { return Ok(()) };
    let can_start = state
        .manager()
        .configuration(offer.id)
        .is_some_and(|it| it.capabilities().contains(Capabilities::CAN_START_AND_STOP_INTERFACES));
    let is_usable = match shown(offer.id) {
        Some(SessionState::Connected | SessionState::Connecting) => true,
        Some(SessionState::Disconnected) => can_start,
        Some(
            SessionState::Invalid
            | SessionState::NotAvailable
            | SessionState::Closing
            | SessionState::Roaming,
        )
        | None => false,
    };
    let used = view.active_configuration();
    if !is_usable || place(offer.id).is_none() || session.uses_member && used == Some(offer.id) {
        let saw = format!("{} is offered, and shows {:?}", offer.id, shown(offer.id));
        return Err(Violation::new("R-ROAM-42", saw));
    }
    let asks =
        session.target.is_some_and(|it| it.capabilities().contains(Capabilities::APPLICATION_LEVEL_ROAMING));
    if view.roaming_mode() != RoamingMode::Application || !asks {
        return Err(Violation::new("R-ROAM-40", format!("an offer in mode {}", view.roaming_mode())));
    }
    let is_upgrade = offer.kind == netsession_core::OfferKind::Upgrade;
    if is_upgrade == is_roaming {
        return Err(Violation::new("R-ROAM-13", format!("{:?} is offered in {}", offer.kind, view.state())));
    }
    if is_upgrade && used.and_then(place).is_some_and(|used| place(offer.id) > Some(used)) {
        return Err(Violation::new("R-ROAM-41", format!("{} is no upgrade", offer.id)));
    }
    Ok(())
}

/// R-GEN-9: nothing is half-way without something that will end it.
pub(super) fn has_a_reason(state: &State, session: &Session<'_>) -> Verdict {
    let view = &session.view;
    let is_half_way =
        matches!(view.state(), SessionState::Connecting | SessionState::Closing | SessionState::Roaming);
    let awaits = state.wake().is_some()
        || state.owed().next().is_some()
        || view.offer().is_some()
        || view.candidate().is_some();
    if !is_half_way && !session.is_opening || awaits {
        return Ok(());
    }
    // The link itself is half-way, and nobody waits for it.
    let moves = |id: &Identifier| {
        let level = state.manager().configuration(id).and_then(|it| it.link());
        matches!(level, Some(LinkState::Connecting | LinkState::Closing))
    };
    let follows = match view.active_configuration() {
        Some(used) => view.state() == SessionState::Closing && moves(used),
        None => {
            let target = session.target;
            !session.is_opening && target.is_some_and(|it| moves(it.id()) || it.members().any(moves))
        }
    };
    if follows {
        return Ok(());
    }
    let saw = format!("it is {} for no reason, opening: {}", view.state(), session.is_opening);
    Err(Violation::new("R-GEN-9", saw))
}

/// What holds in addition when nothing is owed and no deadline is set.
pub(super) fn rests(state: &State) -> Verdict {
    let probe = Probe::of(state);
    for session in sessions(state, &probe) {
        has_a_reason(state, &session)?;
        let view = &session.view;
        if session.is_opening {
            let saw = format!("an open() of session {} has no end", view.id().number());
            return Err(Violation::new("R-OPEN-11", saw));
        }
        let waits = view.offer().is_some() || view.candidate().is_some();
        if view.state() == SessionState::Roaming && !waits {
            let saw = format!("session {} rests in Roaming", view.id().number());
            return Err(Violation::new("R-ROAM-30", saw));
        }
        rests_on_the_best(&session)?;
    }
    Ok(())
}

/// R-ROAM-41: at rest nothing preferred that can be had is left aside, unless it is offered.
fn rests_on_the_best(session: &Session<'_>) -> Verdict {
    let view = &session.view;
    let able = session.target.map_or(Capabilities::empty(), |it| it.capabilities());
    let moves = match view.roaming_mode() {
        RoamingMode::Application => {
            able.intersects(Capabilities::APPLICATION_LEVEL_ROAMING | Capabilities::FORCED_ROAMING)
        }
        RoamingMode::Forced => able.contains(Capabilities::FORCED_ROAMING),
        RoamingMode::Suppressed => false,
    };
    let is_settled = view.is_open() && view.state() == SessionState::Connected && view.offer().is_none();
    if !moves || !is_settled || !session.is_on_network() {
        return Ok(());
    }
    for row in view.why() {
        match row.because {
            Because::InUse => break,
            Because::Best | Because::LessPreferred | Because::HoldOff => {
                let saw =
                    format!("session {} rests beside {}: {}", view.id().number(), row.id, row.because.word());
                return Err(Violation::new("R-ROAM-41", saw));
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
