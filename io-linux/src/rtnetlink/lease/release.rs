//! The message by which an address is given back (DHCPRELEASE), which smoltcp can write but does not send.
//!
//! It is sent once and not answered: where it is lost the lease ends by itself.

use std::net::Ipv4Addr;

use smoltcp::phy::{Device as _, TxToken as _};
use smoltcp::time::Instant;
use smoltcp::wire::{
    DHCP_CLIENT_PORT, DHCP_SERVER_PORT, DhcpMessageType, DhcpPacket, DhcpRepr, EthernetFrame,
    EthernetProtocol, EthernetRepr, IpProtocol, Ipv4Packet, Ipv4Repr, UdpPacket, UdpRepr,
};

use super::port::Port;

impl Port {
    /// Tells the server that this address is free.
    pub(super) fn release(&mut self, address: Ipv4Addr, server: Ipv4Addr) {
        let Some(peer) = self.peer else { return };
        let dhcp = self.message(address, server);
        let udp = UdpRepr { src_port: DHCP_CLIENT_PORT, dst_port: DHCP_SERVER_PORT };
        let ipv4 = Ipv4Repr {
            src_addr: address,
            dst_addr: server,
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
            udp.emit(&mut datagram, &address.into(), &server.into(), dhcp.buffer_len(), write, &checksums);
        });
    }

    fn message(&self, address: Ipv4Addr, server: Ipv4Addr) -> DhcpRepr<'static> {
        DhcpRepr {
            message_type: DhcpMessageType::Release,
            // Nobody answers to it.
            transaction_id: 0,
            secs: 0,
            client_hardware_address: self.own,
            client_ip: address,
            your_ip: Ipv4Addr::UNSPECIFIED,
            server_ip: Ipv4Addr::UNSPECIFIED,
            router: None,
            subnet_mask: None,
            relay_agent_ip: Ipv4Addr::UNSPECIFIED,
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
