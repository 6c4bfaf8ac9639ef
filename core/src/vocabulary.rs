//! The words of the contract, section 1: types, states, bearers, errors, capabilities.
//!
//! The numbers are Qt's and part of the contract. The serde names are those of the trace.

use core::fmt;

/// Declares an enum whose values have the documented number and one word in the trace.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal, $word:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[allow(clippy::exhaustive_enums, reason = "the documented values are all there will ever be")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vmeta])* #[cfg_attr(feature = "serde", serde(rename = $word))] $variant = $number,)*
        }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that the trace uses.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The documented number.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What a configuration is.
    ConfigurationType {
        /// Something a link is made through: an interface, a Wi-Fi network, a mobile subscription.
        AccessPoint = 0, "access_point";
        /// Access points that lead to the same place, in order of preference.
        ServiceNetwork = 1, "service_network";
        /// Whatever the user picks when the session is opened.
        UserChoice = 2, "user_choice";
        /// The configuration is gone or never was.
        Invalid = 3, "invalid";
    }
}

words! {
    /// How near a configuration is to being usable: a ladder, in which each state includes those below.
    ConfigurationState {
        /// Seen, but not configured.
        Undefined = 0x1, "undefined";
        /// Configured, not in reach.
        Defined = 0x2, "defined";
        /// In reach: a session can be opened, if the platform can start it.
        Discovered = 0x6, "discovered";
        /// Up.
        Active = 0xE, "active";
    }
}

impl ConfigurationState {
    /// Whether this state's bits include those of `filter`.
    #[must_use]
    pub const fn includes(self, filter: Self) -> bool {
        self as u8 & filter as u8 == filter as u8
    }
}

words! {
    /// The level at which a driver sees a link.
    LinkState {
        /// Seen, but not configured.
        Undefined = 0, "undefined";
        /// Configured, not in reach.
        Defined = 1, "defined";
        /// In reach and down.
        Discovered = 2, "discovered";
        /// On its way up, whoever brings it up.
        Connecting = 3, "connecting";
        /// Up and usable.
        Active = 4, "active";
        /// On its way down, whoever takes it down.
        Closing = 5, "closing";
    }
}

words! {
    /// What a network is for.
    Purpose {
        /// Not known.
        Unknown = 0, "unknown";
        /// The Internet.
        Public = 1, "public";
        /// A closed network, such as an office's.
        Private = 2, "private";
        /// One service, such as an operator's.
        ServiceSpecific = 3, "service_specific";
    }
}

words! {
    /// The kind of link that carries an access point.
    BearerType {
        /// Not known.
        Unknown = 0, "unknown";
        /// Wired Ethernet.
        Ethernet = 1, "ethernet";
        /// Wireless LAN.
        Wlan = 2, "wlan";
        /// CSD, GPRS, HSCSD, EDGE or cdmaOne.
        Bearer2G = 3, "2g";
        /// CDMA2000.
        Cdma2000 = 4, "cdma2000";
        /// W-CDMA, UMTS.
        Wcdma = 5, "wcdma";
        /// High-speed packet access.
        Hspa = 6, "hspa";
        /// Bluetooth.
        Bluetooth = 7, "bluetooth";
        /// WiMAX.
        WiMax = 8, "wimax";
        /// CDMA2000 EV-DO.
        Evdo = 9, "evdo";
        /// LTE.
        Lte = 10, "lte";
        /// Third generation, not known more exactly.
        Bearer3G = 11, "3g";
        /// Fourth generation, not known more exactly.
        Bearer4G = 12, "4g";
    }
}

impl BearerType {
    /// The documented name: "Ethernet", "WLAN", "3G" …
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Ethernet => "Ethernet",
            Self::Wlan => "WLAN",
            Self::Bearer2G => "2G",
            Self::Cdma2000 => "CDMA2000",
            Self::Wcdma => "WCDMA",
            Self::Hspa => "HSPA",
            Self::Bluetooth => "Bluetooth",
            Self::WiMax => "WiMAX",
            Self::Evdo => "EVDO",
            Self::Lte => "LTE",
            Self::Bearer3G => "3G",
            Self::Bearer4G => "4G",
        }
    }

    /// The generation of a mobile bearer; every other bearer is its own family.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::Cdma2000 | Self::Wcdma | Self::Hspa | Self::Evdo | Self::Bearer3G => Self::Bearer3G,
            Self::WiMax | Self::Lte | Self::Bearer4G => Self::Bearer4G,
            Self::Unknown | Self::Ethernet | Self::Wlan | Self::Bearer2G | Self::Bluetooth => self,
        }
    }
}

words! {
    /// What a session is in (R-ST-2, R-ST-3).
    SessionState {
        /// Its configuration is gone or never was.
        Invalid = 0, "invalid";
        /// Its configuration is known but not in reach.
        NotAvailable = 1, "not_available";
        /// The link is on its way up.
        Connecting = 2, "connecting";
        /// The link is up. Only an open session may use it: see `is_open`.
        Connected = 3, "connected";
        /// The link is on its way down.
        Closing = 4, "closing";
        /// The link is down and could be started.
        Disconnected = 5, "disconnected";
        /// Between two access points of a service network.
        Roaming = 6, "roaming";
    }
}

words! {
    /// What went wrong with a session, by its documented number.
    SessionError {
        /// Anything else, deadlines included.
        Unknown = 0, "unknown";
        /// The user, the system or another session ended it.
        SessionAborted = 1, "session_aborted";
        /// Roaming failed, or the session cannot roam any further.
        Roaming = 2, "roaming";
        /// The platform cannot do it.
        OperationNotSupported = 3, "operation_not_supported";
        /// The configuration is gone, or not in reach.
        InvalidConfiguration = 4, "invalid_configuration";
    }
}

words! {
    /// How a session on a service network roams.
    RoamingMode {
        /// The application is asked before and after.
        Application = 0, "application";
        /// It roams by itself.
        Forced = 1, "forced";
        /// It does not roam.
        Suppressed = 2, "suppressed";
    }
}

words! {
    /// What the last close does to a link (R-CLOSE-8).
    ShutdownPolicy {
        /// Stops what this system started, keeps what it found running.
        OwnedOnly = 0, "owned_only";
        /// Always stops it.
        LastClose = 1, "last_close";
        /// Always keeps it.
        Never = 2, "never";
    }
}

words! {
    /// Whether a session that was lost opens again by itself (R-LOSS-4).
    ReopenPolicy {
        /// It stays closed.
        Never = 0, "never";
        /// It opens as soon as its configuration is in reach.
        WhenAvailable = 1, "when_available";
    }
}

words! {
    /// Why a session is offered another access point (R-ROAM-41).
    OfferKind {
        /// A member preferred to the one in use is usable.
        Upgrade = 0, "upgrade";
        /// The member in use was lost.
        Rescue = 1, "rescue";
    }
}

words! {
    /// How a request to the platform ended.
    Outcome {
        /// It was carried out, or is on its way. Proves nothing about the link (R-GEN-4).
        Ok = 0, "ok";
        /// The platform, or this user, cannot do that.
        NotSupported = 1, "not_supported";
        /// The user or the system said no.
        Refused = 2, "refused";
        /// What was asked for no longer exists.
        Gone = 3, "gone";
        /// The platform gave up waiting.
        TimedOut = 4, "timed_out";
        /// Anything else.
        Failed = 5, "failed";
    }
}

words! {
    /// What an error event was caused by: one word, finer than [`SessionError`].
    Cause {
        /// No capability to start the link.
        NotPossible = 0, "not_possible";
        /// The device carries another access point.
        DeviceTaken = 1, "device_taken";
        /// The configuration is not in reach.
        ConfigurationUnavailable = 2, "configuration_unavailable";
        /// The configuration was removed, or never was.
        Removed = 3, "removed";
        /// The platform refused.
        Refused = 4, "refused";
        /// The user cancelled.
        Cancelled = 5, "cancelled";
        /// The platform tried and failed.
        Failed = 6, "failed";
        /// A deadline passed.
        TimedOut = 7, "timed_out";
        /// The link went down.
        LinkLost = 8, "link_lost";
        /// Another session stopped the link.
        StoppedByOther = 9, "stopped_by_other";
        /// No capability to stop the link.
        CannotStop = 10, "cannot_stop";
        /// The platform refused to stop the link.
        StopRefused = 11, "stop_refused";
        /// The link did not go down in time.
        StopTimedOut = 12, "stop_timed_out";
        /// A migration failed; the session lives on.
        RoamingFailed = 13, "roaming_failed";
    }
}

words! {
    /// What the next deadline is for.
    WakeReason {
        /// An attempt to open, or to start a link.
        ConnectTimeout = 0, "connect_timeout";
        /// A stop, or a cancel.
        StopTimeout = 1, "stop_timeout";
        /// `update_configurations`.
        UpdateTimeout = 2, "update_timeout";
        /// A better member must have been usable for so long.
        HoldOff = 3, "hold_off";
        /// A member that failed may be tried again.
        Retry = 4, "retry";
        /// The application's answer to an offer or a trial.
        Answer = 5, "answer";
        /// A lost session tries again.
        Reopen = 6, "reopen";
        /// `AutoCloseSessionTimeout`.
        AutoClose = 7, "auto_close";
        /// A lost link may come back.
        LossGrace = 8, "loss_grace";
        /// Another link may come up.
        RescueGrace = 9, "rescue_grace";
        /// The user's answer.
        AskTimeout = 10, "ask_timeout";
    }
}

/// Declares a set of flags with the documented bits, written in the trace as an array of words.
macro_rules! flags {
    ($(#[$($meta:tt)*])* $name:ident { $($(#[$($fmeta:tt)*])* $flag:ident = $bits:literal, $word:literal;)* }) => {
        bitflags::bitflags! {
            $(#[$($meta)*])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name: u16 { $($(#[$($fmeta)*])* const $flag = $bits;)* }
        }

        impl $name {
            /// The words of the flags that are set, in the order of the contract.
            pub fn words(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$flag, $word)),*].into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, word)| word)
            }

            /// The flag that a word of the trace stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$flag),)* _ => None }
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.words())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let words = alloc::vec::Vec::<alloc::string::String>::deserialize(deserializer)?;
                words.iter().try_fold(Self::empty(), |set, word| {
                    Self::from_word(word).map(|flag| set | flag).ok_or_else(|| {
                        serde::de::Error::unknown_variant(word, &[$($word),*])
                    })
                })
            }
        }
    };
}

flags! {
    /// What the platform can do with an access point (R-REG-9).
    Capabilities {
        /// Links can be started and stopped.
        CAN_START_AND_STOP_INTERFACES = 0x01, "can_start_and_stop_interfaces";
        /// Traffic can be bound to a link.
        DIRECT_CONNECTION_ROUTING = 0x02, "direct_connection_routing";
        /// Sessions are counted over all processes of the system.
        SYSTEM_SESSION_SUPPORT = 0x04, "system_session_support";
        /// The application is asked before it is moved.
        APPLICATION_LEVEL_ROAMING = 0x08, "application_level_roaming";
        /// Sessions can be moved without asking.
        FORCED_ROAMING = 0x10, "forced_roaming";
        /// Bytes are counted.
        DATA_STATISTICS = 0x20, "data_statistics";
        /// Nothing can be sent without an open session.
        NETWORK_SESSION_REQUIRED = 0x40, "network_session_required";
    }
}

flags! {
    /// How a link should be used.
    UsagePolicies {
        /// Not for traffic that the user did not ask for: metered, or low battery.
        NO_BACKGROUND_TRAFFIC = 0x01, "no_background_traffic";
    }
}

flags! {
    /// What changed about a configuration, in the order in which the trace names it.
    Changes {
        /// Its state.
        STATE = 0x001, "state";
        /// Its name for people.
        NAME = 0x002, "name";
        /// Its members.
        MEMBERS = 0x004, "members";
        /// Its interface.
        INTERFACE = 0x008, "interface";
        /// Its usage policies.
        POLICIES = 0x010, "policies";
        /// Its bearer.
        BEARER = 0x020, "bearer";
        /// Its purpose.
        PURPOSE = 0x040, "purpose";
        /// Its connect timeout.
        CONNECT_TIMEOUT = 0x080, "connect_timeout";
        /// Its capabilities.
        CAPABILITIES = 0x100, "capabilities";
        /// Its shutdown policy.
        SHUTDOWN = 0x200, "shutdown";
        /// Its device.
        DEVICE = 0x400, "device";
    }
}
