//! What is said of configurations, of being online and of updates: edges only, and all of them.

use netsession_core::{
    Changes, ConfigurationState, ConfigurationView, Event, Identifier, Input, LinkState, Output,
};
use netsession_io_sim::explore::{Action, Edge, Request, SmallWorld, State, When};

use super::{Verdict, Violation};

pub(super) fn check(world: &SmallWorld, edge: &Edge<'_>) -> Verdict {
    check_online(edge)?;
    check_updates(edge)?;
    let mut changes = Said::of(&edge.taken.outputs);
    let (mut before, mut after) =
        (edge.from.manager().configurations(None), edge.to.manager().configurations(None));
    loop {
        match (before.next(), after.next()) {
            (Some(from), Some(to)) if from.handle() == to.handle() => changes.pair(edge, &from, &to)?,
            (None, None) => break,
            (Some(_), _) | (None, Some(_)) => {
                // One that came or went.
                changes = Said::of(&edge.taken.outputs);
                by_name(world, edge, &mut changes)?;
                break;
            }
        }
    }
    if changes.added != 0 || changes.removed != 0 || changes.changed != 0 {
        return Err(broken(edge, "R-REG-8", "a configuration is announced that nothing happened to"));
    }
    match edge.step.action {
        Action::Level(..) | Action::Snapshot(_) | Action::Add(_) | Action::Remove(_) | Action::Say(_) => {
            believes(world, edge.to)
        }
        Action::Command(..)
        | Action::MigrateTo(..)
        | Action::Roaming(..)
        | Action::Reopen(..)
        | Action::Drop(_)
        | Action::Make(_)
        | Action::Answer(..)
        | Action::Resolve(..)
        | Action::StaleAnswer
        | Action::LateAnswer(_)
        | Action::Update
        | Action::Pass => Ok(()),
    }
}

#[cold]
fn broken(edge: &Edge<'_>, rule: &'static str, saw: &str) -> Violation {
    Violation::new(rule, format!("{saw}, at {}: {:?}", edge.step, edge.taken.outputs))
}

/// R-REG-6.
fn check_online(edge: &Edge<'_>) -> Verdict {
    let (mut was, is) = (edge.from.manager().is_online(), edge.to.manager().is_online());
    for event in edge.taken.events() {
        if let Event::OnlineStateChanged { online } = event {
            if *online == was {
                return Err(broken(edge, "R-REG-6", "online is said twice"));
            }
            was = *online;
        }
    }
    if was == is { Ok(()) } else { Err(broken(edge, "R-REG-6", "online is not what was said")) }
}

/// R-REG-7.
fn check_updates(edge: &Edge<'_>) -> Verdict {
    let is_waiting = |state: &State| state.owed().any(|request| *request == Request::Update);
    let (before, after) = (is_waiting(edge.from), is_waiting(edge.to));
    let asked = usize::from(matches!(edge.taken.input, Input::Update {}));
    let completed =
        edge.taken.events().filter(|event| matches!(event, Event::UpdateCompleted { .. })).count();
    let is_fit = match (before, after) {
        (false, false) => completed == asked,
        (false, true) => completed == 0 && asked == 1,
        // Several may have asked.
        (true, false) => completed > 0,
        (true, true) => completed == 0 || edge.step.when != When::Now && asked > 0,
    };
    if is_fit { Ok(()) } else { Err(broken(edge, "R-REG-7", "an update is completed twice, or never")) }
}

/// How many announcements there are that nothing explains yet.
struct Said<'a> {
    outputs: &'a [Output],
    added: usize,
    removed: usize,
    changed: usize,
}

impl<'a> Said<'a> {
    fn of(outputs: &'a [Output]) -> Self {
        let mut said = Self { outputs, added: 0, removed: 0, changed: 0 };
        for output in outputs {
            match output {
                Output::Event(Event::ConfigurationAdded { .. }) => said.added += 1,
                Output::Event(Event::ConfigurationRemoved { .. }) => said.removed += 1,
                Output::Event(Event::ConfigurationChanged { .. }) => said.changed += 1,
                Output::Event(_) | Output::Effect(_) | Output::Idle { .. } => {}
            }
        }
        said
    }

    fn change(&self, id: &Identifier) -> Option<(ConfigurationState, Changes)> {
        self.outputs.iter().find_map(|output| match output {
            Output::Event(Event::ConfigurationChanged { id: of, state, changed }) if of == id => {
                Some((*state, *changed))
            }
            Output::Event(_) | Output::Effect(_) | Output::Idle { .. } => None,
        })
    }

    /// A configuration that was there and is: what changed was said, and nothing else.
    fn pair(&mut self, edge: &Edge<'_>, from: &ConfigurationView<'_>, to: &ConfigurationView<'_>) -> Verdict {
        let mut expected = Changes::empty();
        expected.set(Changes::STATE, from.state() != to.state());
        expected.set(Changes::INTERFACE, from.interface() != to.interface());
        if self.changed == 0 && expected.is_empty() {
            return Ok(());
        }
        let Some((state, said)) = self.change(to.id()) else {
            return if expected.is_empty() {
                Ok(())
            } else {
                Err(broken(edge, "R-REG-8", "a change is not said"))
            };
        };
        self.changed -= 1;
        expected.set(Changes::MEMBERS, !from.members().eq(to.members()));
        let seen = Changes::STATE | Changes::INTERFACE;
        let is_exact = said & seen == expected & seen
            && (!said.contains(Changes::MEMBERS) || has_new_members(edge, from, to))
            && said.contains(expected)
            && (!said.contains(Changes::CAPABILITIES) || from.capabilities() != to.capabilities())
            && (!said.contains(Changes::POLICIES) || from.usage_policies() != to.usage_policies())
            && (!said.contains(Changes::NAME) || from.name() != to.name())
            && (!said.contains(Changes::DEVICE) || from.device() != to.device());
        if state != to.state() || !is_exact || said.is_empty() {
            return Err(broken(
                edge,
                "R-REG-8",
                "what is said to have changed did not, or the other way round",
            ));
        }
        Ok(())
    }
}

/// Other members, or others under the same names.
fn has_new_members(edge: &Edge<'_>, from: &ConfigurationView<'_>, to: &ConfigurationView<'_>) -> bool {
    let is_other = |id: &Identifier| {
        let handle = |state: &State| state.manager().configuration(id).map(|it| it.handle());
        handle(edge.from) != handle(edge.to)
    };
    !from.members().eq(to.members()) || to.members().any(is_other)
}

/// The same where something came or went.
fn by_name(world: &SmallWorld, edge: &Edge<'_>, changes: &mut Said<'_>) -> Verdict {
    let listed = |state: &'_ State, id: &Identifier| {
        let it = state.manager().configuration(id)?;
        (it.kind() != netsession_core::ConfigurationType::UserChoice).then(|| it.handle())
    };
    for id in world.configurations.iter().map(|add| &add.id) {
        let (before, after) = (listed(edge.from, id), listed(edge.to, id));
        if before.is_some() && before == after {
            let views = (edge.from.manager().configuration(id), edge.to.manager().configuration(id));
            if let (Some(from), Some(to)) = views {
                changes.pair(edge, &from, &to)?;
            }
            continue;
        }
        for (is_expected, is_removal) in [(before.is_some(), true), (after.is_some(), false)] {
            if !is_expected {
                continue;
            }
            let is_it = |event: &Event| match event {
                Event::ConfigurationRemoved { id: of } => is_removal && of == id,
                Event::ConfigurationAdded { id: of } => !is_removal && of == id,
                Event::StateChanged { .. }
                | Event::Opened { .. }
                | Event::Closed { .. }
                | Event::Error { .. }
                | Event::PreferredConfigurationChanged { .. }
                | Event::OfferWithdrawn { .. }
                | Event::NewConfigurationActivated { .. }
                | Event::UsagePoliciesChanged { .. }
                | Event::ConfigurationChanged { .. }
                | Event::OnlineStateChanged { .. }
                | Event::UpdateCompleted { .. } => false,
            };
            if edge.taken.events().filter(|event| is_it(event)).count() != 1 {
                return Err(broken(edge, "R-REG-8", "it came or went, and that was not said once"));
            }
            let left = if is_removal { &mut changes.removed } else { &mut changes.added };
            *left = left.saturating_sub(1);
        }
    }
    Ok(())
}

/// R-GEN-7, R-GEN-4: what is believed is what was reported last, but within the grace of a loss.
pub(super) fn believes(world: &SmallWorld, state: &State) -> Verdict {
    for add in &world.configurations {
        let view = state.manager().configuration(&add.id);
        let believed = view.and_then(|view| Some((view.link()?, view.interface().map(|it| it.index))));
        let reported = state.link(&add.id).map(|(level, index)| (level, Some(index)));
        if believed == reported {
            continue;
        }
        let has_grace = add.settings.loss_grace.is_some_and(|grace| !grace.is_zero());
        let is_lost = reported.is_some_and(|(level, _)| level != LinkState::Active);
        if !(has_grace && is_lost && believed.is_some_and(|(level, _)| level == LinkState::Active)) {
            let saw = format!("{} is believed to be {believed:?}, and was reported {reported:?}", add.id);
            return Err(Violation::new("R-GEN-7", saw));
        }
    }
    Ok(())
}
