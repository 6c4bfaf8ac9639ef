//! Whether somebody else uses an address that was leased (RFC 5227), before it is used here; and telling all others
//! afterwards whose it is.
//!
//! It costs every start with a new address [`PROBES`] times [`INTERVAL`]. RFC 5227 would take four to nine seconds, made
//! for networks of its time; where an answer takes milliseconds, a fifth of a second finds as much, and that is what
//! other clients have come to. Two questions, because a wireless network loses a broadcast now and then. An address that
//! is renewed, or leased again while the interface has it, is not asked for.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use smoltcp::phy::{Device as _, TxToken as _};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr,
};

use super::port::Port;

/// How often it is asked.
const PROBES: u32 = 2;
/// How long an answer is waited for, each time.
const INTERVAL: Duration = Duration::from_millis(100);

/// How far asking has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    left: u32,
    pub(super) due: Instant,
}

impl Probe {
    pub(super) const fn begin(now: Instant) -> Self {
        Self { left: PROBES, due: now }
    }

    /// Asks if it is time to. `true`: nobody has answered, and it was asked often enough.
    pub(super) fn go_on(&mut self, now: Instant, port: &mut Port, address: Ipv4Addr) -> bool {
        if now < self.due {
            return false;
        }
        if self.left == 0 {
            return true;
        }
        self.left -= 1;
        // A span that short does not lead out of time.
        self.due = now.checked_add(INTERVAL).unwrap_or(now);
        // A question that nobody takes for a claim: it comes from no address.
        port.ask(Ipv4Addr::UNSPECIFIED, address);
        false
    }
}

impl Port {
    /// Tells all others that this address is here now; what they remember of it is replaced.
    pub(super) fn announce(&mut self, address: Ipv4Addr) {
        self.ask(address, address);
    }

    fn ask(&mut self, sender: Ipv4Addr, target: Ipv4Addr) {
        let arp = ArpRepr::EthernetIpv4 {
            operation: ArpOperation::Request,
            source_hardware_addr: self.own,
            source_protocol_addr: sender,
            target_hardware_addr: EthernetAddress([0; 6]),
            target_protocol_addr: target,
        };
        let (src_addr, dst_addr) = (self.own, EthernetAddress::BROADCAST);
        let ethernet = EthernetRepr { src_addr, dst_addr, ethertype: EthernetProtocol::Arp };
        let Some(sender) = self.transmit(smoltcp::time::Instant::ZERO) else { return };
        sender.consume(ethernet.buffer_len() + arp.buffer_len(), |bytes| {
            let mut frame = EthernetFrame::new_unchecked(bytes);
            ethernet.emit(&mut frame);
            arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        });
    }
}

/// Who says by this packet of ARP that an address is its own, or is about to say so.
pub(super) fn claimant(packet: &[u8], address: Ipv4Addr) -> Option<EthernetAddress> {
    let ArpRepr::EthernetIpv4 {
        source_hardware_addr: by,
        source_protocol_addr: sender,
        target_protocol_addr: target,
        ..
    } = ArpRepr::parse(&ArpPacket::new_checked(packet).ok()?).ok()?
    else {
        return None;
    };
    let asks_too = sender.is_unspecified() && target == address;
    (sender == address || asks_too).then_some(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answers_announces_or_asks_too_claims_the_address() {
        const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
        const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 8);
        const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
        let by = EthernetAddress([2, 0, 0, 0, 0, 1]);
        for (operation, sender, target, is_claim) in [
            (ArpOperation::Reply, ADDRESS, NONE, true),
            (ArpOperation::Request, ADDRESS, ADDRESS, true),
            (ArpOperation::Request, ADDRESS, OTHER, true),
            (ArpOperation::Request, NONE, ADDRESS, true),
            (ArpOperation::Request, OTHER, ADDRESS, false),
            (ArpOperation::Request, NONE, OTHER, false),
            (ArpOperation::Reply, OTHER, ADDRESS, false),
        ] {
            let mut packet = vec![0; 28];
            let arp = ArpRepr::EthernetIpv4 {
                operation,
                source_hardware_addr: by,
                source_protocol_addr: sender,
                target_hardware_addr: EthernetAddress([0; 6]),
                target_protocol_addr: target,
            };
            arp.emit(&mut ArpPacket::new_unchecked(&mut packet[..]));
            assert_eq!(claimant(&packet, ADDRESS), is_claim.then_some(by), "{arp}");
            assert_eq!(claimant(&packet[..27], ADDRESS), None);
        }
    }
}
