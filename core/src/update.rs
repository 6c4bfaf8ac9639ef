//! `update_configurations()`: the platform is asked once, however many ask for it (R-REG-7).

use alloc::vec::Vec;

use crate::reconcile::Operation;
use crate::timers::Timer;
use crate::{Effect, Manager, OperationId, UpdateToken};

/// An update that the platform was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    op: OperationId,
    tokens: Vec<UpdateToken>,
}

impl Manager {
    pub(crate) fn request_update(&mut self) -> UpdateToken {
        self.last_token += 1;
        let token = UpdateToken(self.last_token);
        if let Some(update) = &mut self.update {
            update.tokens.push(token);
            return token;
        }
        let op = self.number_operation(Operation::Update);
        self.update = Some(Update { op, tokens: alloc::vec![token] });
        self.timers.set(Timer::Update, Some(self.now + self.config.update_timeout));
        self.work.update = Some(Effect::Update { op });
        token
    }

    /// The platform answered, or its time is over: every token gets its event after what changed.
    pub(crate) fn complete_update(&mut self) {
        let Some(update) = self.update.take() else { return };
        self.operations.remove(&update.op);
        self.timers.set(Timer::Update, None);
        self.work.completed_updates.extend(update.tokens);
    }
}
