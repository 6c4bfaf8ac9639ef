//! A small synchronous rtnetlink client for the demonstration: virtual cables, addresses, up and down.
//!
//! A socket stays in the network namespace in which it was opened, so one process can command several.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

/// One end of a virtual cable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    /// The kernel's number for it, in its namespace.
    pub(crate) index: u32,
    /// The kernel's name for it.
    pub(crate) name: &'static str,
}

impl End {
    fn message(self) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = self.index;
        message.attributes.push(LinkAttribute::IfName(self.name.to_owned()));
        message
    }
}

/// A connection to the kernel's routing tables, in the namespace in which it was opened.
pub(crate) struct Netlink {
    socket: Socket,
    /// Requests whose answers were not read yet.
    unanswered: u32,
}

impl Netlink {
    /// Connects to the namespace of this thread.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, unanswered: 0 })
    }

    /// Makes a virtual cable with one end here and the other in another namespace.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn add_cable(&mut self, here: End, there: End, namespace: impl AsFd) -> io::Result<()> {
        let mut far = there.message();
        far.attributes.push(LinkAttribute::NetNsFd(namespace.as_fd().as_raw_fd()));
        let mut near = here.message();
        near.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
        ]));
        self.send(RouteNetlinkMessage::NewLink(near), NLM_F_CREATE | NLM_F_EXCL)?;
        self.answer()
    }

    /// Gives an end an address.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn add_address(&mut self, end: End, address: Ipv4Addr, prefix_length: u8) -> io::Result<()> {
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.prefix_len = prefix_length;
        message.header.index = end.index;
        message.attributes =
            vec![AddressAttribute::Local(address.into()), AddressAttribute::Address(address.into())];
        self.send(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)?;
        self.answer()
    }

    /// Takes an end up.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn set_up(&mut self, end: End) -> io::Result<()> {
        self.send_up(end, true)?;
        self.answer()
    }

    /// Takes an end up or down. The kernel has done it when this returns; its answer waits to be read by
    /// [`answer`](Self::answer), so that reading it does not count as time until somebody was told.
    ///
    /// # Errors
    /// The request could not be sent.
    pub(crate) fn send_up(&mut self, end: End, up: bool) -> io::Result<()> {
        let mut message = LinkMessage::default();
        message.header.index = end.index;
        message.header.change_mask = LinkFlags::Up;
        message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
        self.send(RouteNetlinkMessage::SetLink(message), 0)
    }

    /// Reads the answers that wait.
    ///
    /// # Errors
    /// The kernel refused a request.
    pub(crate) fn answer(&mut self) -> io::Result<()> {
        while self.unanswered > 0 {
            let (bytes, _) = self.socket.recv_from_full()?;
            self.unanswered -= 1;
            let answer =
                NetlinkMessage::<RouteNetlinkMessage>::deserialize(&bytes).map_err(io::Error::other)?;
            if let NetlinkPayload::Error(error) = answer.payload
                && error.code.is_some()
            {
                return Err(error.to_io());
            }
        }
        Ok(())
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        self.unanswered += 1;
        Ok(())
    }
}
