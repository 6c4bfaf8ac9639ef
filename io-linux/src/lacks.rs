//! What a link lacks for traffic that is bound to it: a way out, and a way back in.
//!
//! A socket that is bound to an interface uses the routes of that interface and no others. Without a default
//! route there it reaches the interface's own network only: IPv6 says so at once, IPv4 asks for everybody on
//! the link in vain. And where the kernel is strict about the way that answers come by, it drops those that
//! come in by another interface than the one that the best route goes out by.

use std::fmt;

use netsession_core::Interface;

use crate::netlink::routes::{DefaultRoute, Family};

/// Something that an access point lacks. [`Display`](fmt::Display) says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// It has addresses of IPv4, but no default route for them in the main table.
    DefaultRouteIpv4 {
        /// Its interface.
        interface: String,
    },
    /// It has addresses of IPv6, but no default route for them in the main table.
    DefaultRouteIpv6 {
        /// Its interface.
        interface: String,
    },
    /// The kernel drops what comes in by it from afar, because the best default route of IPv4 goes by another
    /// interface (net.ipv4.conf.*.rp_filter, RFC 3704).
    WayBack {
        /// Its interface.
        interface: String,
        /// The interface that the best default route goes by.
        preferred: String,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultRouteIpv4 { interface } => write!(
                f,
                "{interface} has no default route for IPv4, so only its own network is reached by it; add one \
                 with a metric of its own (ip route add default via GATEWAY dev {interface} metric 200)"
            ),
            Self::DefaultRouteIpv6 { interface } => write!(
                f,
                "{interface} has no default route for IPv6, so only its own network is reached by it; add one \
                 with a metric of its own (ip -6 route add default via GATEWAY dev {interface} metric 200)"
            ),
            Self::WayBack { interface, preferred } => write!(
                f,
                "answers to {interface} are dropped while the best default route goes by {preferred}, because \
                 the kernel is strict about the way back; make it less strict (sysctl \
                 net.ipv4.conf.{}.rp_filter=2)",
                // As sysctl writes a name with a dot.
                interface.replace('.', "/")
            ),
        }
    }
}

/// What an interface lacks. `routes`: all default routes, the best of each family first.
pub(crate) fn lacks_of(
    interface: &Interface,
    routes: &[DefaultRoute],
    name_of: impl Fn(u32) -> Option<String>,
    is_strict: impl FnOnce() -> bool,
) -> Vec<Lack> {
    let name = || interface.name.clone();
    let needs = |family| interface.addresses.iter().any(|it| Family::of(it.address) == family);
    let has = |family| routes.iter().any(|it| it.family == family && it.index == interface.index);
    let mut lacks = Vec::new();
    if needs(Family::V4) && !has(Family::V4) {
        lacks.push(Lack::DefaultRouteIpv4 { interface: name() });
    }
    if needs(Family::V6) && !has(Family::V6) {
        lacks.push(Lack::DefaultRouteIpv6 { interface: name() });
    }
    let best = routes.iter().find(|it| it.family == Family::V4).filter(|_| needs(Family::V4));
    if let Some(best) = best.filter(|best| best.index != interface.index)
        && is_strict()
    {
        let preferred = name_of(best.index).unwrap_or_else(|| format!("interface {}", best.index));
        lacks.push(Lack::WayBack { interface: name(), preferred });
    }
    lacks
}

/// Whether the kernel is strict about the way back by an interface: the larger of two settings counts, and 1
/// is strict, 2 is not.
pub(crate) fn is_strict(interface: &str) -> bool {
    let setting = |name: &str| -> u8 {
        let path = format!("/proc/sys/net/ipv4/conf/{name}/rp_filter");
        std::fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    };
    setting("all").max(setting(interface)) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(addresses: &[&str]) -> Interface {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Interface::new(2, "wlan0.5").with_addresses(addresses)
    }

    fn lacks(addresses: &[&str], routes: &[(Family, u32, u32)], strict: bool) -> Vec<Lack> {
        let routes: Vec<_> = routes
            .iter()
            .map(|(family, index, metric)| DefaultRoute::ours(*family, *index, None, *metric))
            .collect();
        lacks_of(&interface(addresses), &routes, |_| Some("eth0".into()), || strict)
    }

    const V4: &str = "192.0.2.7/24";
    const V6: &str = "2001:db8::7/64";

    #[test]
    fn each_family_that_it_has_addresses_of_needs_a_default_route() {
        let (v4, v6) = ((Family::V4, 2, 200), (Family::V6, 2, 200));
        let words = |lacks: Vec<Lack>| lacks.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(lacks(&[V4, V6], &[v4, v6], true).is_empty());
        assert!(lacks(&[], &[], true).is_empty(), "nothing that could be sent");
        assert!(words(lacks(&[V4, V6], &[v4], true))[0].contains("ip -6 route add default"));
        assert!(words(lacks(&[V4, V6], &[v6], true))[0].contains("for IPv4"));
        assert!(lacks(&[V4], &[v4], true).is_empty());
        assert_eq!(lacks(&[V4], &[(Family::V4, 1, 100)], false).len(), 1, "that of another interface");
    }

    #[test]
    fn a_better_way_out_elsewhere_is_a_way_back_that_a_strict_kernel_wants() {
        let (own, better, worse) = ((Family::V4, 2, 200), (Family::V4, 1, 100), (Family::V4, 1, 300));
        let lack = lacks(&[V4], &[better, own], true);
        assert!(lack[0].to_string().contains("net.ipv4.conf.wlan0/5.rp_filter=2"), "{lack:?}");
        assert!(lacks(&[V4], &[better, own], false).is_empty());
        assert!(lacks(&[V4], &[own, worse], true).is_empty());
        assert!(lacks(&[V6], &[better, (Family::V6, 2, 200)], true).is_empty(), "of IPv4 only");
    }
}
