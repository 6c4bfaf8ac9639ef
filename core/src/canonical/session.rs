//! What can still matter of a session: times as what is left, counts up to where more make no difference.

use alloc::vec::Vec;
use core::time::Duration;

use super::Writer;
use crate::refusal::{Record, Refusal, Refusals};
use crate::reopening::Reopening;
use crate::roaming::{Life, Step};
use crate::session::{Open, Opening, Request, Session};
use crate::{Manager, PropertyValue};

/// What the times of a session are measured against.
pub(super) struct Surroundings {
    /// Whether it is about several members.
    is_network: bool,
    hold_off: Duration,
    retry_after: Duration,
    rescue_grace: Duration,
    give_up_after: u32,
}

impl Surroundings {
    pub(super) fn of(manager: &Manager, session: &Session) -> Self {
        let config = &manager.config;
        let network = session.target().and_then(|target| manager.network_of(target));
        Self {
            is_network: network.is_some(),
            hold_off: network.and_then(|network| network.hold_off).unwrap_or(config.hold_off),
            retry_after: network.and_then(|network| network.retry_after).unwrap_or(config.retry_after),
            rescue_grace: config.rescue_grace,
            give_up_after: config.give_up_after,
        }
    }
}

impl Writer<'_> {
    pub(super) fn session(&mut self, session: &Session, around: &Surroundings) {
        let Session {
            // Its place tells.
            id: _,
            configuration,
            on,
            resolved,
            is_null,
            request,
            roaming_mode,
            refusals,
            reopen_policy,
            reopening,
            auto_close,
            properties,
            // Read, and never acted on.
            steps: _,
            error: _,
            connected_since: _,
            reported,
            reported_policies,
        } = session;
        self.text(configuration);
        self.option(*on, Self::configuration_id);
        self.option(*resolved, Self::configuration_id);
        self.flag(*is_null);
        self.request(request, around);
        self.byte(roaming_mode.number());
        self.refusals(refusals, around);
        self.byte(reopen_policy.number());
        self.option(reopening.as_ref(), |writer, Reopening { failures, not_before }| {
            // After so many it waits for no time, and more make no difference.
            let limit = around.give_up_after.max(1);
            writer.number(u64::from(*failures.min(&limit)));
            writer.option((*failures < limit).then_some(*not_before), Self::due);
        });
        self.option(*auto_close, Self::span);
        self.length(properties.len());
        for (key, value) in properties {
            self.text(key);
            self.property(value);
        }
        self.byte(reported.number());
        self.number(u64::from(reported_policies.bits()));
    }

    fn request(&mut self, request: &Request, around: &Surroundings) {
        match request {
            Request::None => self.byte(0),
            Request::Asking(op) => {
                self.byte(1);
                self.option(*op, Self::operation_id);
            }
            // Whether it waits in a grace follows from the access point.
            Request::Opening(Opening { on, since, due, after_closing, in_grace: _, tried }) => {
                self.byte(2);
                self.configuration_id(*on);
                // Only an attempt on one member of several is measured.
                self.option(around.is_network.then_some(*since), Self::past);
                self.option(due.filter(|_| around.is_network), Self::due);
                self.flag(*after_closing);
                // In which order they were tried, and which of them are gone, does not matter.
                let mut tried: Vec<_> = tried.iter().filter_map(|&id| self.place_of(id)).collect();
                tried.sort_unstable();
                self.list(&tried, |writer, &place| writer.length(place));
            }
            Request::Open(open) => {
                self.byte(3);
                self.open(open, around);
            }
        }
    }

    /// Times stand as what is left of the span that they are measured against.
    fn open(&mut self, open: &Open, around: &Surroundings) {
        let Open {
            on,
            // Read, and never acted on.
            identifier: _,
            since: _,
            settled_at,
            was_started,
            life,
            mode,
            step,
            offered,
            usable,
        } = open;
        self.configuration_id(*on);
        self.due(open.earliest_offer());
        let lasts_at = *settled_at + around.retry_after;
        self.option((*was_started && lasts_at > self.now).then_some(lasts_at), Self::due);
        match life {
            Life::Alive => self.byte(0),
            Life::Stopped => self.byte(1),
            Life::Leaving => self.byte(2),
            Life::Restorable => self.byte(3),
            Life::Dead { since } => {
                self.byte(4);
                self.due(*since + around.rescue_grace);
            }
        }
        self.byte(mode.number());
        self.step(*step, offered);
        self.list(usable, |writer, &(member, since)| {
            writer.configuration_id(member);
            writer.due(since + around.hold_off);
        });
    }

    fn step(&mut self, step: Step, offered: &str) {
        match step {
            Step::Settled => self.byte(0),
            Step::Offered { to, kind } => {
                self.byte(1);
                self.configuration_id(to);
                self.byte(kind.number());
                self.text(offered);
            }
            Step::Migrating { to, is_own_choice } => {
                self.byte(2);
                self.configuration_id(to);
                self.flag(is_own_choice);
            }
            Step::Trial { to, is_own_choice } => {
                self.byte(3);
                self.configuration_id(to);
                self.flag(is_own_choice);
            }
            Step::Restoring { failure } => {
                self.byte(4);
                self.flag(failure);
            }
            Step::Waiting => self.byte(5),
        }
    }

    /// Members that are gone cannot come back under the same handle.
    fn refusals(&mut self, refusals: &Refusals, around: &Surroundings) {
        let Refusals(members) = refusals;
        for (&member, Record { refused, is_stopped, failures, fell }) in members {
            // When the next one is the last, more make no difference.
            let failures = (*failures).min(around.give_up_after.saturating_sub(1));
            let is_refused = refused.is_some() || *is_stopped;
            if self.place_of(member).is_none() || !is_refused && failures == 0 {
                continue;
            }
            self.flag(true);
            self.configuration_id(member);
            self.number(u64::from(failures));
            self.option(*refused, |writer, refusal| match refusal {
                Refusal::Application => writer.byte(0),
                Refusal::Stop => writer.byte(1),
                Refusal::Failure(until) => {
                    writer.byte(2);
                    writer.option(until, Self::due);
                }
            });
            // It counts from the refusal on.
            self.flag(*fell && is_refused);
            self.flag(*is_stopped);
        }
        self.flag(false);
    }

    fn property(&mut self, value: &PropertyValue) {
        match value {
            PropertyValue::Bool(value) => {
                self.byte(0);
                self.flag(*value);
            }
            PropertyValue::Integer(value) => {
                self.byte(1);
                self.number(value.cast_unsigned());
            }
            PropertyValue::Text(value) => {
                self.byte(2);
                self.text(value);
            }
        }
    }
}
