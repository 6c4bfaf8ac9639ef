//! `update_configurations()`: the platform is asked once, however many ask for it (R-REG-7).

use alloc::vec::Vec;

use crate::reconcile::Operation;
use crate::timers::Timer;
use crate::{Effect, Manager, OperationId, UpdateToken};

/// An update that the platform was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    /// `None` until it is said.
    pub(crate) op: Option<OperationId>,
    pub(crate) tokens: Vec<UpdateToken>,
}

impl Manager {
    pub(crate) fn request_update(&mut self) -> UpdateToken {
        self.last_token += 1;
        let token = UpdateToken(self.last_token);
        if let Some(update) = &mut self.update {
            update.tokens.push(token);
            return token;
        }
        self.update = Some(Update { op: None, tokens: alloc::vec![token] });
        self.timers.set(Timer::Update, Some(self.now + self.config.update_timeout));
        token
    }

    /// Numbers an update that the platform has not been asked for yet.
    pub(crate) fn number_update(&mut self) {
        if self.update.as_ref().is_none_or(|update| update.op.is_some()) {
            return;
        }
        let op = self.number_operation(Operation::Update);
        if let Some(update) = &mut self.update {
            update.op = Some(op);
        }
        self.work.platform.push(Effect::Update { op });
    }

    /// The platform answered, or its time is over: every token gets its event after what changed.
    pub(crate) fn complete_update(&mut self) {
        // Even if there was no time at all, the platform was asked.
        self.number_update();
        let Some(update) = self.update.take() else { return };
        if let Some(op) = update.op {
            self.operations.remove(&op);
        }
        self.timers.set(Timer::Update, None);
        self.work.completed_updates.extend(update.tokens);
    }
}
