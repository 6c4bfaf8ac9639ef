//! The crate rtnetlink, on the runtime that costs least.

use futures::StreamExt;
use latency_peers::{EXTRA, NEAR, now, ready, tell};
use rtnetlink::packet_core::NetlinkPayload;
use rtnetlink::packet_route::RouteNetlinkMessage as Message;
use rtnetlink::packet_route::link::LinkFlags;
use rtnetlink::{MulticastGroup, new_multicast_connection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let groups = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
    let (connection, _handle, mut messages) = new_multicast_connection(&groups)?;
    tokio::spawn(connection);
    ready();
    while let Some((message, _)) = messages.next().await {
        let at = now();
        let NetlinkPayload::InnerMessage(message) = message.payload else { continue };
        match message {
            Message::NewLink(link) if link.header.index == NEAR => {
                tell(at, if link.header.flags.contains(LinkFlags::Running) { "up" } else { "down" })
            }
            Message::NewLink(link) if link.header.index == EXTRA => tell(at, "new"),
            Message::DelLink(link) if link.header.index == EXTRA => tell(at, "gone"),
            Message::NewAddress(_) | Message::DelAddress(_) => tell(at, "address"),
            _ => {}
        }
    }
    Ok(())
}
