//! Two cables to one far side, which answers at the same addresses on both: what a machine sees of the
//! Internet by two links.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use netsession_core::Identifier;
use netsession_io_linux::{Builder, Driver, Error};
use socket2::{Domain, Protocol, Socket, Type};

use super::namespace::Namespace;
use super::{catch_up, until};

/// Where the far side answers, whichever link is taken.
pub(super) const FAR: [&str; 2] = ["203.0.113.1", "2001:db8:ffff::1"];
/// The own addresses on each link.
pub(super) const NEAR: [[&str; 2]; 2] = [["10.0.0.1", "2001:db8::1"], ["10.0.1.1", "2001:db8:1::1"]];
/// The routers on each link.
pub(super) const GATEWAYS: [[&str; 2]; 2] =
    [["10.0.0.254", "2001:db8::fe"], ["10.0.1.254", "2001:db8:1::fe"]];
const LENGTHS: [u8; 2] = [24, 64];

/// Plugs in `eth0` and `eth1`; both are down on this side.
pub(super) fn plug_in(namespace: &Namespace) {
    namespace.far_ip("link set lo up");
    for (far, length) in FAR.into_iter().zip([32, 128]) {
        namespace.far_ip(&format!("addr add {far}/{length} dev lo"));
    }
    for (link, gateways) in GATEWAYS.iter().enumerate() {
        namespace.cable(&format!("eth{link}"));
        // An address of IPv6 can be used at once.
        std::fs::write(format!("/proc/sys/net/ipv6/conf/eth{link}/accept_dad"), "0").unwrap();
        for (gateway, length) in gateways.iter().zip(LENGTHS) {
            let nodad = if length == 64 { " nodad" } else { "" };
            namespace.far_ip(&format!("addr add {gateway}/{length} dev eth{link}p{nodad}"));
        }
    }
}

/// Makes the cables such on which there is nobody to ask for the way: what goes in at one end comes out at the
/// other, for that one.
pub(super) fn make_point_to_point(namespace: &Namespace) {
    for link in 0..2 {
        let settings = format!("address 02:00:00:00:00:0{link} arp off");
        namespace.ip(&format!("link set eth{link} {settings}"));
        namespace.far_ip(&format!("link set eth{link}p {settings}"));
    }
}

/// A driver that gives each link its addresses and its gateways when it starts it.
pub(super) fn with_addresses_and_gateways(builder: Builder) -> Builder {
    each(with_addresses(builder), |builder, name, link, family| {
        builder.gateway(name, GATEWAYS[link][family].parse().unwrap())
    })
}

/// A driver that gives each link its addresses when it starts it.
pub(super) fn with_addresses(builder: Builder) -> Builder {
    each(builder, |builder, name, link, family| {
        let address = format!("{}/{}", NEAR[link][family], LENGTHS[family]);
        builder.address(name, address.parse().unwrap())
    })
}

fn each(builder: Builder, give: impl Fn(Builder, &str, usize, usize) -> Builder) -> Builder {
    let both = |builder, link| {
        let name = format!("eth{link}");
        (0..2).fold(builder, |builder, family| give(builder, &name, link, family))
    };
    (0..2).fold(builder, both)
}

/// The service network `wan` of both, `eth0` preferred, which is offered as soon as it can be used.
pub(super) fn wan(builder: Builder) -> Builder {
    let mut config = Builder::default_config();
    config.hold_off = std::time::Duration::ZERO;
    builder.config(config).service_network("wan", &[Identifier::from("eth0"), Identifier::from("eth1")])
}

/// A socket of this kind that is bound by `bind` before it is connected.
pub(super) fn connect_bound(
    peer: SocketAddr,
    bind: impl FnOnce(&Socket) -> Result<(), Error>,
) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
    bind(&socket).unwrap();
    socket.connect(&peer.into())?;
    Ok(socket.into())
}

/// Waits until a link that was down is watched, and the carrier that it has is seen: just brought up it shows none.
pub(super) fn until_watched(namespace: &Namespace, driver: &Driver, name: &str) {
    until(driver, "watched", |_| namespace.ip(&format!("link show {name}")).contains("state UP"));
    catch_up(driver);
}

/// Listeners on the far side, one for each family.
pub(super) fn listen(namespace: &Namespace) -> [TcpListener; 2] {
    namespace.on_far_side(|| FAR.map(|far| TcpListener::bind((far.parse::<IpAddr>().unwrap(), 0)).unwrap()))
}

/// Both ends of a connection that is bound by `bind`.
pub(super) fn connect_to(
    listener: &TcpListener,
    bind: impl FnOnce(&Socket) -> Result<(), Error>,
) -> (TcpStream, TcpStream) {
    let near = connect_bound(listener.local_addr().unwrap(), bind).unwrap();
    let (far, from) = listener.accept().unwrap();
    assert_eq!(from, near.local_addr().unwrap());
    (near, far)
}

/// Whether bytes go both ways.
pub(super) fn converse(near: &TcpStream, far: &TcpStream) {
    for (mut from, mut to) in [(near, far), (far, near)] {
        from.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        to.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }
}

/// The default routes of IPv4 and IPv6, without what depends on the version of `ip`.
pub(super) fn default_routes(namespace: &Namespace) -> Vec<String> {
    let mut lines = Vec::new();
    for command in ["-j route show default", "-j -6 route show default"] {
        let routes: Vec<serde_json::Value> = serde_json::from_str(&namespace.ip(command)).unwrap();
        lines.extend(routes.iter().map(|route| {
            format!(
                "{} via {} metric {}",
                route["dev"].as_str().unwrap(),
                route["gateway"].as_str().unwrap_or("-"),
                route["metric"]
            )
        }));
    }
    lines
}

/// As [`default_routes`] should say of a link.
pub(super) fn routes_by(link: usize, metric: u32) -> [String; 2] {
    GATEWAYS[link].map(|gateway| format!("eth{link} via {gateway} metric {metric}"))
}

/// Opens a session on `configuration` and waits.
pub(super) fn open(driver: &Driver, configuration: &str) -> netsession_io_linux::Session {
    let session = driver.session(configuration);
    session.open();
    assert_eq!(session.wait_for_opened(-1), netsession_io_linux::WaitResult::Opened);
    session
}
