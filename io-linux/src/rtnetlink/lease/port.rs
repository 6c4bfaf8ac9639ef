//! Where the frames of a lease go in and out: a packet socket on one interface that hears answers of DHCP and
//! ARP, and nothing else. It never blocks, and what cannot be sent is lost as on a wire.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use mio::unix::SourceFd;
use rustix::io::Errno;
use smoltcp::phy::{self, Checksum, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};
use smoltcp::wire::{Ipv4Packet, UdpPacket};
use socket2::{Domain, SockFilter, Socket, Type};

use super::packet;
use super::probe::claimant;
use crate::netlink::Failure;

/// linux/if_ether.h: every protocol, of which the filter leaves two.
const ETH_P_ALL: u16 = 3;
/// The header, and the largest packet that an Ethernet must carry: nothing here is larger.
const FRAME_BYTES: usize = 14 + 1500;
/// A lease is a handful of frames; more are left for the next turn.
const FRAMES_PER_TURN: usize = 32;
/// RFC 2131 gives none to a lease without a time; what smoltcp takes it for.
const LEASE_BY_DEFAULT: Duration = Duration::from_secs(120);

pub(super) struct Port {
    socket: Socket,
    received: Vec<u8>,
    /// How many frames may still be read in this turn.
    budget: usize,
    /// What the last confirmation said: whose it is, and for how long.
    confirmed: Option<(Ipv4Addr, Duration)>,
    /// Who sent it: the server, or the relay before it.
    pub(super) peer: Option<EthernetAddress>,
    pub(super) own: EthernetAddress,
    /// An address that others may say is theirs.
    probed: Option<Ipv4Addr>,
    /// Who has said so.
    claimed_by: Option<EthernetAddress>,
}

impl Port {
    /// A socket on this interface, which wakes the poll, and the interface's own address.
    pub(super) fn open(
        registry: &mio::Registry,
        token: mio::Token,
        index: u32,
    ) -> Result<(Self, [u8; 6]), Failure> {
        let failure = |error: std::io::Error| Failure {
            error: Errno::from_io_error(&error).unwrap_or(Errno::IO),
            text: None,
        };
        let open = || {
            // Of no protocol until it is bound: nothing gets past the filter.
            let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None)?;
            socket.attach_filter(&filter(None))?;
            packet::bind(&socket, index, ETH_P_ALL)?;
            let own = packet::ethernet_address(&socket)?;
            // Closing the descriptor makes the poll forget it.
            registry.register(&mut SourceFd(&socket.as_raw_fd()), token, mio::Interest::READABLE)?;
            Ok((socket, own))
        };
        let (socket, own) = open().map_err(failure)?;
        let text = || Some("it is no Ethernet".to_owned());
        let own = own.ok_or_else(|| Failure { error: Errno::OPNOTSUPP, text: text() })?;
        Ok((
            Self {
                socket,
                received: vec![0; FRAME_BYTES],
                budget: 0,
                confirmed: None,
                peer: None,
                own: EthernetAddress(own),
                probed: None,
                claimed_by: None,
            },
            own,
        ))
    }

    pub(super) fn begin_turn(&mut self) {
        self.budget = FRAMES_PER_TURN;
    }

    /// Frames may be left.
    pub(super) const fn is_exhausted(&self) -> bool {
        self.budget == 0
    }

    pub(super) fn take_confirmed(&mut self) -> Option<(Ipv4Addr, Duration)> {
        self.confirmed.take()
    }

    /// From now on it is heard who says that this address is its own.
    pub(super) fn begin_probing(&mut self, address: Ipv4Addr) {
        (self.probed, self.claimed_by) = (Some(address), None);
        // If it is refused, answers are heard all the same.
        let _: std::io::Result<()> = self.socket.attach_filter(&filter(self.probed));
    }

    pub(super) fn end_probing(&mut self) {
        self.claimed_by = None;
        if self.probed.take().is_some() {
            let _: std::io::Result<()> = self.socket.attach_filter(&filter(None));
        }
    }

    pub(super) const fn is_claimed(&self) -> bool {
        self.claimed_by.is_some()
    }

    pub(super) fn take_claim(&mut self) -> Option<EthernetAddress> {
        self.claimed_by.take()
    }

    /// Notes who says by this frame that the address is its own.
    fn note_claim(&mut self, length: usize) {
        let Some(address) = self.probed else { return };
        let frame = self.received.get(..length).unwrap_or_default();
        let Ok(frame) = EthernetFrame::new_checked(frame) else { return };
        let is_arp = frame.ethertype() == EthernetProtocol::Arp;
        let by = is_arp.then(|| claimant(frame.payload(), address)).flatten();
        self.claimed_by = self.claimed_by.or(by.filter(|by| *by != self.own));
    }

    /// Reads the next frame that is good to look at; its length.
    fn read(&mut self) -> Option<usize> {
        while self.budget > 0 {
            self.budget -= 1;
            match (&self.socket).read(&mut self.received) {
                Ok(length) => match look_at(self.received.get(..length).unwrap_or_default()) {
                    Seen::Bad => {}
                    Seen::Other => {
                        self.note_claim(length);
                        return Some(length);
                    }
                    Seen::Confirmed(address, time) => {
                        self.confirmed = Some((address, time));
                        self.peer = Some(EthernetFrame::new_unchecked(&self.received).src_addr());
                        return Some(length);
                    }
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                // The interface went down; told once.
                Err(_) => {}
            }
        }
        None
    }
}

impl phy::Device for Port {
    type RxToken<'a> = Frame<'a>;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Frame<'_>, Sender<'_>)> {
        let length = self.read()?;
        let frame = self.received.get(..length).unwrap_or_default();
        Some((Frame(frame), Sender(&self.socket)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sender<'_>> {
        Some(Sender(&self.socket))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_BYTES;
        // What comes from this very machine has none yet: a device would put it in.
        capabilities.checksum.udp = Checksum::Tx;
        capabilities
    }
}

pub(super) struct Frame<'a>(&'a [u8]);

impl phy::RxToken for Frame<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

pub(super) struct Sender<'a>(&'a Socket);

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        let mut socket = self.0;
        let _: std::io::Result<usize> = socket.write(&frame);
        result
    }
}

/// What a frame is to a lease.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// Times that contradict each other, which the lease machine takes for granted.
    Bad,
    Other,
    Confirmed(Ipv4Addr, Duration),
}

fn look_at(frame: &[u8]) -> Seen {
    let read = || {
        let ethernet = EthernetFrame::new_checked(frame).ok()?;
        if ethernet.ethertype() != EthernetProtocol::Ipv4 {
            return None;
        }
        let ipv4 = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
        let udp = UdpPacket::new_checked(ipv4.payload()).ok()?;
        let dhcp = DhcpPacket::new_checked(udp.payload()).ok()?;
        DhcpRepr::parse(&dhcp).ok().map(|it| seen(&it))
    };
    read().unwrap_or(Seen::Other)
}

fn seen(message: &DhcpRepr<'_>) -> Seen {
    let seconds = |number: Option<u32>| number.map(|number| Duration::from_secs(number.into()));
    let lease = seconds(message.lease_duration).unwrap_or(LEASE_BY_DEFAULT);
    let rebind = seconds(message.rebind_duration).unwrap_or(lease);
    let renew = seconds(message.renew_duration).unwrap_or_else(|| rebind.min(lease / 2));
    if message.message_type != DhcpMessageType::Ack {
        return Seen::Other;
    }
    // Without a second in between two machines would talk as fast as they can.
    if renew < Duration::from_millis(500) || renew > rebind || rebind > lease {
        return Seen::Bad;
    }
    Seen::Confirmed(message.your_ip, lease)
}

/// Lets through what others send: answers of ARP, whatever of it tells that `probed` is somebody's, and whole packets of
/// UDP from port 67 to port 68.
fn filter(probed: Option<Ipv4Addr>) -> [SockFilter; 22] {
    // linux/bpf_common.h, linux/filter.h
    const LOAD_WORD: u16 = 0x20;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF_BEHIND: u16 = 0x48;
    const LOAD_HEADER_LENGTH: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const KIND_OF_PACKET: u32 = 0xffff_f004;
    const OUTGOING: u32 = 4;
    let step = |code, value| SockFilter::new(code, 0, 0, value);
    // How many steps are left out if it is so, and if not.
    let branch = |code, value, yes, no| SockFilter::new(code, yes, no, value);
    // Nobody has or asks for the address of all.
    let probed = probed.unwrap_or(Ipv4Addr::BROADCAST).to_bits();
    [
        step(LOAD_WORD, KIND_OF_PACKET),
        branch(IF_EQUAL, OUTGOING, 19, 0),
        step(LOAD_HALF, 12),
        branch(IF_EQUAL, 0x0806, 0, 6),
        step(LOAD_HALF, 20),
        branch(IF_EQUAL, 2, 14, 0),
        step(LOAD_WORD, 28),
        branch(IF_EQUAL, probed, 12, 0),
        step(LOAD_WORD, 38),
        branch(IF_EQUAL, probed, 10, 11),
        branch(IF_EQUAL, 0x0800, 0, 10),
        step(LOAD_BYTE, 23),
        branch(IF_EQUAL, 17, 0, 8),
        step(LOAD_HALF, 20),
        // Part of something larger.
        branch(IF_ANY_BIT, 0x3fff, 6, 0),
        step(LOAD_HEADER_LENGTH, 14),
        step(LOAD_HALF_BEHIND, 14),
        branch(IF_EQUAL, 67, 0, 3),
        step(LOAD_HALF_BEHIND, 16),
        branch(IF_EQUAL, 68, 0, 1),
        step(RETURN, u32::MAX),
        step(RETURN, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a confirmation is taken for that says these seconds: until the end, to renew, to rebind.
    fn seen_with(lease: Option<u32>, renew: Option<u32>, rebind: Option<u32>) -> Seen {
        let none = Ipv4Addr::UNSPECIFIED;
        seen(&DhcpRepr {
            message_type: DhcpMessageType::Ack,
            transaction_id: 1,
            secs: 0,
            client_hardware_address: EthernetAddress([2, 0, 0, 0, 0, 1]),
            client_ip: none,
            your_ip: Ipv4Addr::new(192, 0, 2, 7),
            server_ip: none,
            router: None,
            subnet_mask: None,
            relay_agent_ip: none,
            broadcast: false,
            requested_ip: None,
            client_identifier: None,
            server_identifier: None,
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: lease,
            renew_duration: renew,
            rebind_duration: rebind,
            additional_options: &[],
        })
    }

    #[test]
    fn a_confirmation_says_whose_and_how_long() {
        let confirmed = |seconds| Seen::Confirmed(Ipv4Addr::new(192, 0, 2, 7), Duration::from_secs(seconds));
        for (lease, renew, rebind, seconds) in [
            (Some(1), None, None, 1),
            (Some(60), Some(30), Some(50), 60),
            (Some(60), Some(60), Some(60), 60),
            (Some(60), Some(59), None, 60),
            (None, None, Some(10), 120),
            (Some(u32::MAX), None, None, u32::MAX.into()),
        ] {
            assert_eq!(seen_with(lease, renew, rebind), confirmed(seconds), "{lease:?} {renew:?} {rebind:?}");
        }
    }

    #[test]
    fn times_that_contradict_each_other_never_reach_the_machine() {
        for (lease, renew, rebind) in [
            (Some(0), None, None),
            (Some(60), Some(0), None),
            (Some(60), None, Some(0)),
            // Taken from the time of the lease this would be less than nothing.
            (Some(60), Some(61), None),
            (None, Some(121), None),
            // Due, and never done.
            (Some(60), Some(50), Some(40)),
            (Some(60), Some(50), Some(61)),
        ] {
            assert_eq!(seen_with(lease, renew, rebind), Seen::Bad, "{lease:?} {renew:?} {rebind:?}");
        }
    }

    #[test]
    fn frames_that_are_no_lease_are_left_to_the_machine() {
        for frame in [&[][..], &[0xff; 14], &[0; 64], &[0x45; 1514]] {
            assert_eq!(look_at(frame), Seen::Other);
        }
    }
}
