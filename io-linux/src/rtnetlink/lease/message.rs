//! The messages by which an address is given back (DHCPRELEASE) or refused (DHCPDECLINE), which smoltcp can write but
//! does not send.
//!
//! Each is sent once and not answered. Where a release is lost the lease ends by itself; where a refusal is, the server
//! may offer the same address again, and it is refused again.

use std::net::Ipv4Addr;

use smoltcp::phy::{Device as _, TxToken as _};
use smoltcp::time::Instant;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress,
    EthernetFrame, EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::port::Port;

const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

impl Port {
    /// Tells the server that this address is free.
    pub(super) fn release(&mut self, address: Ipv4Addr, server: Ipv4Addr) {
        let Some(peer) = self.peer else { return };
        let message = DhcpRepr { client_ip: address, ..self.message(DhcpMessageType::Release, server) };
        self.send(&message, peer, address, server);
    }

    /// Tells the server that somebody else uses this address, from no address and to all, as RFC 2131 wants it.
    pub(super) fn decline(&mut self, address: Ipv4Addr, server: Ipv4Addr) {
        let message =
            DhcpRepr { requested_ip: Some(address), ..self.message(DhcpMessageType::Decline, server) };
        self.send(&message, EthernetAddress::BROADCAST, NONE, Ipv4Addr::BROADCAST);
    }

    fn send(&mut self, dhcp: &DhcpRepr<'_>, peer: EthernetAddress, from: Ipv4Addr, to: Ipv4Addr) {
        let udp = UdpRepr { src_port: DHCP_CLIENT_PORT, dst_port: DHCP_SERVER_PORT };
        let ipv4 = Ipv4Repr {
            src_addr: from,
            dst_addr: to,
            next_header: IpProtocol::Udp,
            payload_len: udp.header_len() + dhcp.buffer_len(),
            hop_limit: 64,
        };
        let ethernet = EthernetRepr { src_addr: self.own, dst_addr: peer, ethertype: EthernetProtocol::Ipv4 };
        let length = ethernet.buffer_len() + ipv4.buffer_len() + ipv4.payload_len;
        let checksums = self.capabilities().checksum;
        let Some(sender) = self.transmit(Instant::ZERO) else { return };
        sender.consume(length, |bytes| {
            let mut frame = EthernetFrame::new_unchecked(bytes);
            ethernet.emit(&mut frame);
            let mut packet = Ipv4Packet::new_unchecked(frame.payload_mut());
            ipv4.emit(&mut packet, &checksums);
            let mut datagram = UdpPacket::new_unchecked(packet.payload_mut());
            let write = |bytes: &mut [u8]| {
                // There is room for it: its length is counted above.
                let _ = dhcp.emit(&mut DhcpPacket::new_unchecked(bytes));
            };
            udp.emit(&mut datagram, &from.into(), &to.into(), dhcp.buffer_len(), write, &checksums);
        });
    }

    fn message(&self, message_type: DhcpMessageType, server: Ipv4Addr) -> DhcpRepr<'static> {
        DhcpRepr {
            message_type,
            // Nobody answers to it.
            transaction_id: 0,
            secs: 0,
            client_hardware_address: self.own,
            client_ip: NONE,
            your_ip: NONE,
            server_ip: NONE,
            router: None,
            subnet_mask: None,
            relay_agent_ip: NONE,
            broadcast: false,
            requested_ip: None,
            client_identifier: Some(self.own),
            server_identifier: Some(server),
            parameter_request_list: None,
            dns_servers: None,
            max_size: None,
            lease_duration: None,
            renew_duration: None,
            rebind_duration: None,
            additional_options: &[],
        }
    }
}
