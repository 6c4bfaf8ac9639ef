//! What a link is, from what the kernel and sysfs say of it; never all Ethernet.
//!
//! | class | from |
//! |---|---|
//! | Ethernet | hardware with Ethernet frames of which sysfs says nothing else |
//! | Wlan | hardware with Ethernet frames and DEVTYPE `wlan`; kind `virt_wifi` |
//! | Mobile | hardware with DEVTYPE `wwan` or raw IP frames; kinds `wwan` and `rmnet` |
//! | Bluetooth | hardware with DEVTYPE `bluetooth` |
//! | Vpn | kinds of links that carry packets inside of others: `wireguard`, `tun` (also a tap) … |
//! | Virtual | all other kinds that software makes: `veth`, `bridge`, `bond` … |
//! | Other | hardware with any other frames |
//!
//! PPP frames say nothing: a leased line has them as a modem has.

use std::fmt;

use netsession_core::BearerType;

use super::links::Link;
use crate::configuration::HARDWARE;

// linux/if_arp.h
pub(super) const ARPHRD_ETHER: u16 = 1;
const ARPHRD_RAWIP: u16 = 519;

const KINDS_OF_VPN: [&str; 21] = [
    "amt",
    "bareudp",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "ip6erspan",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ovpn",
    "sit",
    "tun",
    "vti",
    "vti6",
    "vxlan",
    "wireguard",
    "xfrm",
    "batadv",
];

/// What sysfs calls a device of which netlink does not say what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceType {
    /// A radio of a wireless LAN.
    Wlan,
    /// A modem of a mobile network.
    Wwan,
    /// A network over Bluetooth.
    Bluetooth,
}

/// What a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// A cable.
    Ethernet,
    /// A wireless LAN.
    Wlan,
    /// A mobile network.
    Mobile,
    /// A network over Bluetooth.
    Bluetooth,
    /// A tunnel: it carries packets inside of others.
    Vpn,
    /// Made by software, and no tunnel.
    Virtual,
    /// Hardware of another kind.
    Other,
}

/// What a link is, and what the kernel calls what made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kind {
    /// What it is.
    pub class: Class,
    /// The kernel's word for what made it, such as `bridge` or `wireguard`; `None` for hardware.
    pub software: Option<&'static str>,
}

impl Class {
    /// The word of it, which `kind` of a configuration file takes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Wlan => "wlan",
            Self::Mobile => "mobile",
            Self::Bluetooth => "bluetooth",
            Self::Vpn => "vpn",
            Self::Virtual => "virtual",
            Self::Other => HARDWARE,
        }
    }

    /// Whether carrier comes by itself, once both ends are up.
    pub(crate) const fn is_cable(self) -> bool {
        matches!(self, Self::Ethernet | Self::Virtual)
    }

    /// `device_type` is asked only of hardware: of all else the kernel has said it.
    pub(super) fn of(link: &Link, device_type: impl FnOnce() -> Option<DeviceType>) -> Self {
        match link.kind {
            HARDWARE => {}
            "virt_wifi" => return Self::Wlan,
            "wwan" | "rmnet" => return Self::Mobile,
            kind if KINDS_OF_VPN.contains(&kind) => return Self::Vpn,
            _ => return Self::Virtual,
        }
        match (device_type(), link.layer) {
            (Some(DeviceType::Bluetooth), _) => Self::Bluetooth,
            (Some(DeviceType::Wwan), _) | (_, ARPHRD_RAWIP) => Self::Mobile,
            // One that only listens has other frames.
            (Some(DeviceType::Wlan), ARPHRD_ETHER) => Self::Wlan,
            (None, ARPHRD_ETHER) => Self::Ethernet,
            (Some(DeviceType::Wlan) | None, _) => Self::Other,
        }
    }

    /// The kernel does not know the generation of a mobile network: it is called 3G, the least of those whose
    /// modems have an interface of their own. A configuration file may say more. A tunnel has no bearer, whatever
    /// its frames; what else software makes passes for Ethernet if it has its frames.
    pub(super) const fn bearer(self, link: &Link) -> BearerType {
        match (self, link.layer) {
            (Self::Ethernet, _) | (Self::Virtual, ARPHRD_ETHER) => BearerType::Ethernet,
            (Self::Wlan, _) => BearerType::Wlan,
            (Self::Mobile, _) => BearerType::Bearer3G,
            (Self::Bluetooth, _) => BearerType::Bluetooth,
            (Self::Vpn | Self::Virtual | Self::Other, _) => BearerType::Unknown,
        }
    }
}

impl Kind {
    pub(super) fn of(link: &Link, class: Class) -> Self {
        Self { class, software: Some(link.kind).filter(|kind| *kind != HARDWARE) }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.software {
            Some(software) => write!(f, "{} ({software})", self.class.word()),
            None => f.write_str(self.class.word()),
        }
    }
}
