//! Which table of a configuration an interface belongs to.
//!
//! Pure, and the same for every order in which links are seen; what decides between two tables stands in the
//! module above.

use std::fmt;
use std::sync::LazyLock;

use netsession_core::Identifier;

use super::{AccessPoint, Configuration};

/// What the kernel calls kinds of links that software makes, as `ip -details link` shows them.
pub(super) const KINDS: [&str; 45] = [
    "amt",
    "bareudp",
    "batadv",
    "bond",
    "bridge",
    "can",
    "dsa",
    "dummy",
    "erspan",
    "geneve",
    "gre",
    "gretap",
    "gtp",
    "hsr",
    "ifb",
    "ip6erspan",
    "ip6gre",
    "ip6gretap",
    "ip6tnl",
    "ipip",
    "ipoib",
    "ipvlan",
    "ipvtap",
    "macsec",
    "macvlan",
    "macvtap",
    "netdevsim",
    "netkit",
    "ovpn",
    "ppp",
    "rmnet",
    "sit",
    "team",
    "tun",
    "vcan",
    "veth",
    "virt_wifi",
    "vlan",
    "vrf",
    "vti",
    "vti6",
    "vxlan",
    "wireguard",
    "wwan",
    "xfrm",
];
/// What links are, whatever made them: the words of [`Class`](crate::link_table::Class).
pub(super) const CLASSES: [&str; 7] =
    ["ethernet", "wlan", "hardware", "mobile", "bluetooth", "vpn", "virtual"];
/// The kind of a link that no software made.
pub(crate) const HARDWARE: &str = "hardware";
/// A kind that is not in the list.
const OTHER: &str = "other";

/// Names that container runtimes and hypervisors make up for the links of what they run, which come and go with
/// it: Docker, LXC and CNI (`veth` and at least six more), Docker's bridges (`br-` and twelve hexadecimal digits),
/// systemd-nspawn, Kubernetes by Calico, Cilium, AWS and Azure, libvirt, Proxmox, Xen. What they make once,
/// such as docker0 or virbr0, is not among them.
const CHURN: [&str; 14] = [
    "veth??????*",
    "br-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]",
    "ve-*",
    "vb-*",
    "cali???????????",
    "lxc????????????",
    "eni???????????",
    "azv???????????",
    "vnet[0-9]*",
    "tap[0-9]*i[0-9]*",
    "fwbr[0-9]*i[0-9]*",
    "fwpr[0-9]*p[0-9]*",
    "fwln[0-9]*i[0-9]*",
    "vif[0-9]*.[0-9]*",
];

/// The same, read once: reading them for each link made nineteen in twenty allocations of a start with thousands.
static CHURN_PATTERNS: LazyLock<Vec<Pattern>> =
    LazyLock::new(|| CHURN.iter().filter_map(|text| Pattern::new(text).ok()).collect());

/// The word for a kind that the kernel names.
pub(crate) fn known_kind(word: &[u8]) -> &'static str {
    KINDS.iter().find(|kind| kind.as_bytes() == word).copied().unwrap_or(OTHER)
}

/// A pattern like a shell's, for names of interfaces: `*`, `?`, `[a-z]`, `[!0-9]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is none, and the character of it that is wrong, from 0.
    pub fn new(text: &str) -> Result<Self, (usize, &'static str)> {
        glob::Pattern::new(text).map(Self).map_err(|error| (error.pos, error.msg))
    }

    /// Whether a name is so.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }

    /// The text that it was read from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Which interface an access point is: all that is said has to fit, and something has to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Selector {
    /// Its name, or an alternative name.
    pub interface: Option<Identifier>,
    /// Its name, or an alternative name, is so.
    pub pattern: Option<Pattern>,
    /// Its permanent hardware address: `52:54:00:12:34:56`.
    pub mac: Option<Identifier>,
    /// The device that carries it, with its bus: `pci/0000:00:1f.6`.
    pub path: Option<Identifier>,
    /// What it is: `ethernet`, `wlan`, `mobile`, `bluetooth`, `vpn`, `virtual`; `hardware` for all that no software
    /// made; or what made it, such as `bridge` or `wireguard`.
    pub kind: Option<Identifier>,
}

impl Selector {
    /// The interface of this name.
    #[must_use]
    pub fn interface(name: &str) -> Self {
        Self { interface: Some(name.into()), ..Self::default() }
    }

    /// All interfaces whose name is so.
    #[must_use]
    pub fn pattern(pattern: Pattern) -> Self {
        Self { pattern: Some(pattern), ..Self::default() }
    }

    /// Whether it names one interface, and not many that are alike.
    #[must_use]
    pub const fn names_one(&self) -> bool {
        self.interface.is_some() || self.mac.is_some() || self.path.is_some()
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        let says = |wanted: &Option<Identifier>, is_so: &dyn Fn(&Identifier) -> bool| {
            wanted.as_ref().is_none_or(is_so)
        };
        let is_any = self.names_one() || self.pattern.is_some() || self.kind.is_some();
        is_any
            && says(&self.interface, &|name| facts.is_named(|other| name == other))
            && self.pattern.as_ref().is_none_or(|pattern| facts.is_named(|name| pattern.matches(name)))
            && says(&self.mac, &|mac| facts.permanent == Some(mac))
            && says(&self.path, &|path| facts.parent == Some(path))
            && says(&self.kind, &|kind| facts.is_kind(kind))
    }
}

/// Interfaces that are no access points.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ignored {
    /// By name, or alternative name.
    pub patterns: Vec<Pattern>,
    /// By kind: see [`Selector::kind`].
    pub kinds: Vec<Identifier>,
    /// Besides: what containers and virtual machines make up names for.
    pub defaults: bool,
}

impl Default for Ignored {
    fn default() -> Self {
        Self { patterns: Vec::new(), kinds: Vec::new(), defaults: true }
    }
}

impl Ignored {
    /// The patterns that are ignored by default.
    #[must_use]
    pub const fn default_patterns() -> &'static [&'static str] {
        &CHURN
    }

    fn is_named(&self, facts: &Facts<'_>) -> bool {
        self.patterns.iter().any(|pattern| facts.is_named(|name| pattern.matches(name)))
            || self.kinds.iter().any(|kind| facts.is_kind(kind))
    }

    fn is_churn(&self, facts: &Facts<'_>) -> bool {
        self.defaults && CHURN_PATTERNS.iter().any(|pattern| pattern.matches(facts.name))
    }
}

/// What is known of a link when it is decided whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a str,
    pub(crate) alternative_names: &'a [Identifier],
    pub(crate) permanent: Option<&'a Identifier>,
    pub(crate) parent: Option<&'a Identifier>,
    /// A word of [`KINDS`], [`HARDWARE`], or [`OTHER`].
    pub(crate) kind: &'a str,
    /// A word of [`CLASSES`].
    pub(crate) class: &'a str,
}

impl Facts<'_> {
    fn is_named(&self, is_so: impl Fn(&str) -> bool) -> bool {
        is_so(self.name) || self.alternative_names.iter().any(|name| is_so(name))
    }

    fn is_kind(&self, kind: &str) -> bool {
        self.kind == kind || self.class == kind
    }
}

/// Whose a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner<'a> {
    /// Nobody's: it is no access point.
    Ignored,
    /// No table names it: it is called by what it is.
    Itself,
    /// This table's.
    Table(&'a AccessPoint),
}

impl Configuration {
    /// Whose a link is, and which other table wants it just as much.
    pub(crate) fn owner(&self, facts: &Facts<'_>) -> (Owner<'_>, Option<&AccessPoint>) {
        let of_rank = |names_one: bool| {
            let tables = self.access_points.iter().filter(move |it| it.selector.names_one() == names_one);
            let mut fitting = tables.filter(|it| it.selector.fits(facts));
            fitting.next().map(|first| (Owner::Table(first), fitting.next()))
        };
        let ignored = |is_ignored: bool| is_ignored.then_some((Owner::Ignored, None));
        of_rank(true)
            .or_else(|| ignored(self.ignored.is_named(facts)))
            .or_else(|| of_rank(false))
            .or_else(|| ignored(self.ignored.is_churn(facts)))
            .unwrap_or((Owner::Itself, None))
    }

    /// The table of this identifier.
    pub(crate) fn access_point(&self, id: &str) -> Option<&AccessPoint> {
        self.access_points.iter().find(|it| it.id == *id)
    }

    /// Whether a link may have this identifier only if a table gives it.
    pub(crate) fn reserves(&self, id: &str) -> bool {
        self.access_point(id).is_some() || self.service_networks.iter().any(|it| it.id == *id)
    }
}

/// An interface and tables that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflict {
    /// Two tables name one interface.
    TwoTables {
        /// The name of the interface.
        interface: Identifier,
        /// The one that counts, because it comes first.
        first: Identifier,
        /// The other.
        second: Identifier,
    },
    /// A table for one interface names two.
    TwoInterfaces {
        /// The table.
        access_point: Identifier,
        /// The one that it stands for.
        first: Identifier,
        /// The other.
        second: Identifier,
        /// What the other is called instead.
        called: Identifier,
    },
    /// A table wants an address by DHCP for an interface on which none can be asked for.
    NoEthernet {
        /// The table.
        access_point: Identifier,
        /// The name of the interface.
        interface: Identifier,
    },
}

impl Conflict {
    /// Whether a link cannot be started because of it. Otherwise all works, if perhaps not as it was meant.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        match self {
            Self::TwoTables { .. } | Self::TwoInterfaces { .. } => false,
            Self::NoEthernet { .. } => true,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoTables { interface, first, second } => write!(
                f,
                "{interface} is named by [access-point.{first}] and by [access-point.{second}]: the first counts; \
                 say in one of them more exactly which interface it is"
            ),
            Self::TwoInterfaces { access_point, first, second, called } => write!(
                f,
                "[access-point.{access_point}] is for one interface and names two: it stands for {first}, and \
                 {second} is called {called}; say in it more exactly which interface it is"
            ),
            Self::NoEthernet { access_point, interface } => write!(
                f,
                "[access-point.{access_point}] asks for an address by DHCP on {interface}, which is no Ethernet: it \
                 cannot be started; give it address, or addresses = \"external\""
            ),
        }
    }
}
