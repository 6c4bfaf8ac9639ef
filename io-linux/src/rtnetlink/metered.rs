//! Which links are metered, where NetworkManager knows.
//!
//! It is looked for once: when the driver is made and whenever it is told to look at things again, by an update, by a
//! configuration or by a sleep of the machine. Whether a bus is there, lets us in and answers is none of the driver's
//! errors; without it links are what the configuration says of them.

use std::collections::BTreeSet;

use mio::Token;

use super::Rtnetlink;
use crate::network_manager::NetworkManager;

const BUS: Token = Token(4);

/// What listens to NetworkManager.
#[derive(Default)]
pub(super) struct Metering {
    /// Where the bus is; `None`: where the system bus is.
    pub(super) bus: Option<String>,
    /// Whoever made the driver lets it listen.
    pub(super) is_allowed: bool,
    /// The configuration does.
    pub(super) is_configured: bool,
    manager: Option<NetworkManager>,
}

impl Rtnetlink {
    /// Whether NetworkManager may be listened to, and on which bus if not the system's.
    pub(crate) fn use_network_manager(&mut self, is_allowed: bool, bus: Option<String>) {
        self.metering.is_allowed = is_allowed;
        self.metering.bus = bus;
    }

    /// Begins to listen if nobody does yet, or ends it, as is wanted.
    pub(super) fn look_for_network_manager(&mut self) {
        let Metering { bus, is_allowed, is_configured, manager } = &mut self.metering;
        if !*is_allowed || !*is_configured {
            *manager = None;
            self.table.take_metered(BTreeSet::new());
        } else if manager.is_none() {
            *manager = NetworkManager::open(&self.registry, BUS, bus.as_deref()).ok();
        }
    }

    /// `true`: something is left.
    pub(super) fn turn_network_manager(&mut self) -> bool {
        let Some(manager) = &mut self.metering.manager else { return false };
        let result = manager.turn();
        if let Some(metered) = manager.take_news() {
            self.table.take_metered(metered);
        }
        if result.is_err() {
            self.metering.manager = None;
            self.table.take_metered(BTreeSet::new());
        }
        result.unwrap_or(false)
    }
}
