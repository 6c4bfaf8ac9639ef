//! What the driver adds is marked as its own in the kernel: routes by their protocol, addresses by theirs.
//!
//! `ip` shows the mark of addresses in few versions, so they are dumped here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketType, netlink::SocketAddrNetlink, recv, sendto, socket,
};

use super::two_links::open;
use super::*;
use crate::program::support;

/// The number in `ip route show proto 78`.
pub(super) const OURS: u8 = 78;

/// The addresses of this namespace with the protocol that each is marked with.
pub(super) fn marks() -> BTreeMap<IpAddr, Option<u8>> {
    const RTM_GETADDR: u16 = 22;
    const NLM_F_REQUEST_AND_DUMP: u16 = 0x301;
    const LENGTH_BYTES: u32 = 24;
    let netlink = socket(AddressFamily::NETLINK, SocketType::RAW, None).unwrap();
    let mut request = LENGTH_BYTES.to_ne_bytes().to_vec();
    request.extend(RTM_GETADDR.to_ne_bytes());
    request.extend(NLM_F_REQUEST_AND_DUMP.to_ne_bytes());
    request.resize(usize::try_from(LENGTH_BYTES).unwrap(), 0);
    sendto(&netlink, &request, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).unwrap();
    let (mut marks, mut buffer) = (BTreeMap::new(), vec![0; 32 * 1024]);
    loop {
        let (length, _) = recv(&netlink, &mut buffer[..], RecvFlags::empty()).unwrap();
        if !take(&buffer[..length], &mut marks) {
            return marks;
        }
    }
}

/// `false` at the end of a dump.
fn take(mut datagram: &[u8], marks: &mut BTreeMap<IpAddr, Option<u8>>) -> bool {
    const NLMSG_DONE: u16 = 3;
    const HEADERS_BYTES: usize = 24;
    const IFA_ADDRESS: u16 = 1;
    const IFA_PROTO: u16 = 11;
    let u16_at = |bytes: &[u8], at: usize| u16::from_ne_bytes(bytes[at..at + 2].try_into().unwrap());
    while !datagram.is_empty() {
        let length = usize::from(u16_at(datagram, 0));
        if u16_at(datagram, 4) == NLMSG_DONE {
            return false;
        }
        let (mut attributes, mut address, mut mark) = (&datagram[HEADERS_BYTES..length], None, None);
        while !attributes.is_empty() {
            let length = usize::from(u16_at(attributes, 0));
            let value = &attributes[4..length];
            match (u16_at(attributes, 2), value.len()) {
                (IFA_ADDRESS, 4) => {
                    address = Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).unwrap()).into());
                }
                (IFA_ADDRESS, _) => {
                    address = Some(Ipv6Addr::from(<[u8; 16]>::try_from(value).unwrap()).into());
                }
                (IFA_PROTO, _) => mark = Some(value[0]),
                _ => {}
            }
            attributes = &attributes[length.next_multiple_of(4).min(attributes.len())..];
        }
        marks.extend(address.map(|address| (address, mark)));
        datagram = &datagram[length.next_multiple_of(4)..];
    }
    true
}

kernel_tests! {
    fn what_a_start_gives_is_marked_as_ours(namespace) {
        const OTHERS: &str = "198.51.100.1";
        namespace.cable("eth0");
        std::fs::write("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0").unwrap();
        namespace.ip(&format!("addr add {OTHERS}/24 dev eth0"));
        namespace.ip("link set lo up");
        let ours = ["192.0.2.7", "2001:db8::7"];
        let driver = Driver::builder()
            .address("eth0", format!("{}/24", ours[0]).parse().unwrap())
            .address("eth0", format!("{}/64", ours[1]).parse().unwrap())
            .gateway("eth0", "192.0.2.1".parse().unwrap())
            .build()
            .unwrap();
        let session = open(&driver, "eth0");
        let before = marks();
        // It marks what it makes itself, if it marks anything.
        if before[&IpAddr::from(Ipv6Addr::LOCALHOST)].is_none() {
            support::cannot_run("the kernel knows no marks of addresses (IFA_PROTO): it is older than Linux 5.18");
        } else {
            for address in ours {
                assert_eq!(before[&address.parse::<IpAddr>().unwrap()], Some(OURS), "{address}");
            }
        }
        assert_ne!(before[&OTHERS.parse::<IpAddr>().unwrap()], Some(OURS));
        assert!(namespace.ip(&format!("route show default proto {OURS}")).contains("192.0.2.1"));
        session.close();
        until(&driver, "down", |_| session.state() == netsession_core::SessionState::Disconnected);
        let after = marks();
        assert!(ours.iter().all(|address| !after.contains_key(&address.parse::<IpAddr>().unwrap())), "{after:?}");
        assert!(after.contains_key(&OTHERS.parse::<IpAddr>().unwrap()), "what others gave stays");
    }
}
