//! The five edges of the roaming diagram that Qt documented, and whether they were really walked.

use netsession_core::{Event, Identifier, LinkState, Manager, SessionId, SessionState, SessionView};

use super::stage::{COPPER, FIBRE};

/// An edge: D1 to D5 of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    /// An access point is preferred, and ignored.
    Ignored,
    /// An access point is preferred, and the session migrates.
    Started,
    /// The new access point is up.
    Activated,
    /// It is accepted.
    Accepted,
    /// It is rejected.
    Rejected,
}

impl Edge {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 5] =
        [Self::Ignored, Self::Started, Self::Activated, Self::Accepted, Self::Rejected];

    /// Its name in the contract, and what it is.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ignored => ("D1", "preferred → ignore → the session has not moved"),
            Self::Started => ("D2", "preferred → migrate → the new access point is started"),
            Self::Activated => ("D3", "started → the new access point is reported as activated"),
            Self::Accepted => ("D4", "activated → accept → the old access point is taken down"),
            Self::Rejected => (
                "D5",
                "activated → reject → the new access point is taken down, and the session has not moved",
            ),
        }
    }

    /// Whether it was walked in a step from copper to fibre: by what the session was told, and by how the session
    /// and both links stand after it.
    pub(crate) fn is_walked(self, manager: &Manager, session: SessionId, told: &[Event]) -> bool {
        let Some(view) = manager.session(session) else { return false };
        let uses = |id: &str| view.active_configuration().is_some_and(|active| active == id);
        let link = |id: &str| manager.configuration(id).and_then(|it| it.link());
        let is_connected = view.state() == SessionState::Connected && candidate(&view).is_none();
        let was_told = |is: fn(&Event) -> bool| told.iter().any(is);
        match self {
            Self::Ignored => is_connected && uses(COPPER) && view.offer().is_none() && told.is_empty(),
            Self::Started => {
                let is_ours = manager.configuration(FIBRE).is_some_and(|it| it.is_ours());
                is_ours && was_told(|it| is_state(it, SessionState::Roaming))
            }
            Self::Activated => {
                let is_tried = candidate(&view).is_some_and(|id| id == FIBRE) && uses(COPPER);
                let both_up = [COPPER, FIBRE].iter().all(|id| link(id) == Some(LinkState::Active));
                is_tried
                    && both_up
                    && was_told(
                        |it| matches!(it, Event::NewConfigurationActivated { id, decision_due: true, .. } if id == FIBRE),
                    )
            }
            Self::Accepted => {
                is_connected
                    && uses(FIBRE)
                    && link(COPPER).is_some_and(|it| it < LinkState::Connecting)
                    && was_told(|it| is_state(it, SessionState::Connected))
            }
            Self::Rejected => {
                is_connected
                    && uses(COPPER)
                    && link(FIBRE).is_some_and(|it| it < LinkState::Connecting)
                    && was_told(|it| is_state(it, SessionState::Connected))
            }
        }
    }
}

fn candidate<'a>(view: &SessionView<'a>) -> Option<&'a Identifier> {
    view.candidate().map(|candidate| candidate.id)
}

fn is_state(event: &Event, wanted: SessionState) -> bool {
    matches!(event, Event::StateChanged { state, .. } if *state == wanted)
}
