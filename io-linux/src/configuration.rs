//! The configuration file: which access points and service networks there are, what is ignored, and the
//! constants of the core.
//!
//! A [`Configuration`] is what the file says, whole and valid: [`Configuration::from_toml`] gives one, or all
//! that is wrong with the text, each with its line and column. It is given to a driver by
//! [`Builder::configuration`](crate::Builder::configuration), and put in place of another while it runs by
//! [`Driver::reconfigure`](crate::Driver::reconfigure). Without a file the default holds: every link but those of
//! containers and virtual machines, as the kernel names them.
//!
//! | table | what it says |
//! |---|---|
//! | `[access-point.ID]` | which interface is called ID, and what is to be known about it |
//! | `[service-network.ID]` | access points that lead to the same place, most preferred first |
//! | `[ignore]` | interfaces that are no access points |
//! | `[driver]` | constants of the core, and whether NetworkManager is asked |
//!
//! An access point that the file names always exists: Defined while its interface is absent. Interfaces are
//! never told by their number. Which table an interface belongs to is decided in this order: a table that names
//! it alone (`interface`, `mac`, `path`); what the file ignores; a table for many (`pattern`, `kind`); what is
//! ignored by default. Of two tables of one rank the first in the file counts, and the driver says so
//! ([`Conflict`]).

mod check;
mod matching;
mod parse;
mod show;

use std::fmt;
use std::time::Duration;

use netsession_core::{BearerType, Config, Identifier, InterfaceAddress, Purpose, Settings, ShutdownPolicy};

pub use self::check::EXAMPLE;
pub(crate) use self::check::is_in_network;
pub use self::matching::{Conflict, Ignored, Pattern, Selector};
pub(crate) use self::matching::{Facts, HARDWARE, Owner, known_kind};
pub use self::parse::{Fault, Faults};

/// R-REG-10.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What a configuration file says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Configuration {
    /// The constants of the core: `[driver]`. They hold from the start of a driver to its end.
    pub driver: Config,
    /// Whether NetworkManager is asked which links are metered, where it runs: `network_manager` in `[driver]`. Unlike
    /// the constants it can be changed while a driver runs. Without the feature `network-manager` it means nothing.
    pub network_manager: bool,
    /// Interfaces that are no access points: `[ignore]`.
    pub ignored: Ignored,
    /// `[access-point.ID]`, in the order of the file.
    pub access_points: Vec<AccessPoint>,
    /// `[service-network.ID]`, in the order of the file.
    pub service_networks: Vec<ServiceNetwork>,
}

/// The configuration without a file.
impl Default for Configuration {
    fn default() -> Self {
        Self {
            driver: crate::Builder::default_config(),
            network_manager: true,
            ignored: Ignored::default(),
            access_points: Vec::new(),
            service_networks: Vec::new(),
        }
    }
}

/// Which interface is called so, and what is to be known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessPoint {
    /// Its identifier. If the table is for many interfaces, that of the first one; the others are `ID#2`, `ID#3` ….
    pub id: Identifier,
    /// Which interface it is.
    pub selector: Selector,
    /// The name for people. Default: the identifier.
    pub name: Option<String>,
    /// The kind of link. Default: as the kernel says.
    pub bearer: Option<BearerType>,
    /// What the network is for.
    pub purpose: Option<Purpose>,
    /// Whether traffic costs money, so that none should be caused that the user did not ask for. Default: as
    /// NetworkManager says, where it runs and manages the interface; else it is not.
    pub metered: Option<bool>,
    /// The exclusive device that carries it, if others share that.
    pub device: Option<Identifier>,
    /// What the last close does.
    pub shutdown: Option<ShutdownPolicy>,
    /// The deadline of an attempt to open; zero means none.
    pub connect_timeout: Option<Duration>,
    /// Whether it counts for being online. Default: hardware does, what software makes does not.
    pub counts_for_online: Option<bool>,
    /// Where its addresses come from.
    pub addresses: Addresses,
    /// The metric of the default routes that it is given. Default: by its place in its service network.
    pub metric: Option<u32>,
    /// Whether it is brought up while a session could roam to it, to see its carrier. Default: what
    /// [`Builder::watch_carrier`](crate::Builder::watch_carrier) says.
    pub watch_carrier: Option<bool>,
}

/// Where the addresses of an access point come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses {
    /// Somebody else gives them, such as a network manager: a start brings the link up and waits for one.
    #[default]
    External,
    /// The kernel makes them from what routers announce: a start brings the link up and waits for one.
    Slaac,
    /// A start asks for one of IPv4 by DHCP, and gives it with a default route by the router that the server names;
    /// a stop takes them back. It is asked for again before its end, and taken back when that comes, by the kernel if
    /// nobody else does; so is the route, which has the address as its source. A new address is used when for 200 ms
    /// nobody has said that it is his; otherwise it is declined, [`Driver::turn`](crate::Driver::turn) says whose it is
    /// ([`Error::AddressInUse`](crate::Error::AddressInUse)), and another is asked for after 10 s. Servers of names and
    /// whatever else the server says are not looked at. Needs CAP_NET_RAW beside CAP_NET_ADMIN.
    Dhcp,
    /// A start gives these, and default routes by these gateways; a stop takes them back.
    Static {
        /// At least one.
        addresses: Vec<InterfaceAddress>,
        /// Each is in one of the networks of the addresses, or link-local.
        gateways: Vec<std::net::IpAddr>,
    },
}

/// Access points that lead to the same place.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceNetwork {
    /// Its identifier.
    pub id: Identifier,
    /// The name for people. Default: the identifier.
    pub name: Option<String>,
    /// What the network is for.
    pub purpose: Option<Purpose>,
    /// Access points of the configuration, most preferred first. One that is for many interfaces stands for all of
    /// them.
    pub members: Vec<Identifier>,
    /// The deadline of an attempt to open; zero means none.
    pub connect_timeout: Option<Duration>,
    /// Overrides the constant of the core.
    pub hold_off: Option<Duration>,
    /// Overrides the constant of the core.
    pub retry_after: Option<Duration>,
    /// Overrides the constant of the core.
    pub answer_within: Option<Duration>,
}

/// What a new configuration could not change at once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Postponed {
    /// A constant of the core holds until the program starts anew.
    Constants,
    /// An access point or a service network stays as it is until no session uses it any more.
    InUse(Identifier),
    /// A link keeps the addresses and routes that it has until it is started the next time.
    Addresses(Identifier),
    /// The core refuses a service network: something else is called so.
    Refused(Identifier, netsession_core::Refused),
}

impl Configuration {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the text.
    pub fn from_toml(text: &str) -> Result<Self, Faults> {
        check::configuration(text)
    }

    /// All of it as the text of a file, defaults included.
    #[must_use]
    pub fn to_toml(&self) -> String {
        show::configuration(self)
    }
}

impl AccessPoint {
    /// One about which nothing is said but which interface it is.
    #[must_use]
    pub fn new(id: impl Into<Identifier>, selector: Selector) -> Self {
        Self {
            id: id.into(),
            selector,
            name: None,
            bearer: None,
            purpose: None,
            metered: None,
            device: None,
            shutdown: None,
            connect_timeout: None,
            counts_for_online: None,
            addresses: Addresses::External,
            metric: None,
            watch_carrier: None,
        }
    }

    /// Whether only one interface can be it: because it says which, or because a name or addresses cannot be
    /// those of two.
    #[must_use]
    pub fn is_for_one(&self) -> bool {
        let is_static = matches!(self.addresses, Addresses::Static { .. });
        self.selector.names_one() || self.name.is_some() || is_static
    }

    /// What the file says, and where it says nothing what holds then, but for what the kernel may say.
    pub(crate) fn settings(&self, id: &Identifier) -> Settings {
        let mut settings = Settings::default();
        settings.name = Some(self.name.clone().unwrap_or_else(|| id.as_str().to_owned()));
        settings.bearer = self.bearer;
        settings.purpose = Some(self.purpose.unwrap_or(Purpose::Unknown));
        settings.device = Some(self.device.clone());
        settings.shutdown = Some(self.shutdown.unwrap_or(ShutdownPolicy::OwnedOnly));
        settings.connect_timeout = Some(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        settings.counts_for_online = self.counts_for_online;
        settings
    }
}

impl ServiceNetwork {
    /// One of these members, most preferred first.
    #[must_use]
    pub fn new<M: Into<Identifier>>(id: impl Into<Identifier>, members: impl IntoIterator<Item = M>) -> Self {
        Self {
            id: id.into(),
            name: None,
            purpose: None,
            members: members.into_iter().map(Into::into).collect(),
            connect_timeout: None,
            hold_off: None,
            retry_after: None,
            answer_within: None,
        }
    }

    /// What the file says, and where it says nothing what holds then.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.name = Some(self.name.clone().unwrap_or_else(|| self.id.as_str().to_owned()));
        settings.purpose = Some(self.purpose.unwrap_or(Purpose::Unknown));
        settings.connect_timeout = Some(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        settings.members = Some(self.members.clone());
        settings.hold_off = Some(self.hold_off);
        settings.retry_after = Some(self.retry_after);
        settings.answer_within = Some(self.answer_within);
        settings
    }
}

impl fmt::Display for Postponed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constants => {
                f.write_str("[driver] has changed: that takes effect when the program starts anew")
            }
            Self::InUse(id) => {
                write!(f, "{id} is in use: what has changed about it takes effect when no session uses it")
            }
            Self::Addresses(id) => {
                write!(f, "{id} keeps its addresses and routes until it is started the next time")
            }
            Self::Refused(id, why) => write!(f, "the service network {id} is not there: {why}"),
        }
    }
}
