//! Where a session stands in the table of roaming: for those who count which rows were walked.

use crate::roaming::{Life, Step};
use crate::{Identifier, OfferKind, RoamingMode, SessionView};

/// The step of an open session, as the contract's section 5 calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "who counts rows wants to see a new one at compile time")]
pub enum RoamingStep {
    /// It uses A and considers nothing else.
    Settled,
    /// B is offered in place of A, which is up.
    OfferedUpgrade,
    /// B is offered because A was lost.
    OfferedRescue,
    /// B is being brought up.
    Migrating,
    /// Both are held, and the application tries B.
    Trial,
    /// A went down for B, in vain, and is brought up again.
    Restoring,
    /// A was lost, and something may come in a moment.
    Waiting,
}

/// What became of A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "as above")]
pub enum Fate {
    /// It is up.
    Alive,
    /// Another session stopped it.
    Victim,
    /// It goes down, or is down, for B of the same device.
    Broken,
    /// It was lost.
    Dead,
}

/// Where an open session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what there is to say of it")]
pub struct Standing<'a> {
    /// Its step.
    pub step: RoamingStep,
    /// What became of A.
    pub fate: Fate,
    /// How it roams, as far as its service network can.
    pub mode: RoamingMode,
    /// B, if it exists.
    pub to: Option<&'a Identifier>,
}

impl<'a> SessionView<'a> {
    /// Where it stands while it is open.
    #[must_use]
    pub fn standing(&self) -> Option<Standing<'a>> {
        let open = self.session.open()?;
        let (step, to) = match open.step {
            Step::Settled => (RoamingStep::Settled, None),
            Step::Offered { to, kind: OfferKind::Upgrade } => (RoamingStep::OfferedUpgrade, Some(to)),
            Step::Offered { to, kind: OfferKind::Rescue } => (RoamingStep::OfferedRescue, Some(to)),
            Step::Migrating { to, .. } => (RoamingStep::Migrating, Some(to)),
            Step::Trial { to, .. } => (RoamingStep::Trial, Some(to)),
            Step::Restoring { .. } => (RoamingStep::Restoring, None),
            Step::Waiting => (RoamingStep::Waiting, None),
        };
        let fate = match open.life {
            Life::Alive => Fate::Alive,
            Life::Stopped => Fate::Victim,
            Life::Leaving | Life::Restorable => Fate::Broken,
            Life::Dead { .. } => Fate::Dead,
        };
        let to = to.and_then(|to| self.manager.configuration_ref(to)).map(|to| &to.identifier);
        Some(Standing { step, fate, mode: open.mode, to })
    }
}
