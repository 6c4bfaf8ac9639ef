//! The address of a packet socket (`struct sockaddr_ll`), which no safe library has.
//!
//! Promises that a socket is bound to one interface by its number, and tells what the kernel says of that.
#![expect(unsafe_code, reason = "socket2 knows addresses of other families by their bytes only")]

use std::io;

use socket2::{SockAddr, SockAddrStorage, Socket};

const AF_PACKET: u16 = 17;
/// Nothing but the hardware address of Ethernet is asked for here.
const ETHERNET_ADDRESS_BYTES: u8 = 6;

/// `struct sockaddr_ll` of linux/if_packet.h.
#[repr(C)]
struct LinkLayerAddress {
    family: u16,
    /// In the byte order of the network.
    protocol: u16,
    index: i32,
    layer: u16,
    kind: u8,
    length: u8,
    octets: [u8; 8],
}

/// From now on the socket hears frames of this protocol (ETH_P_…) on this interface, and sends there.
pub(super) fn bind(socket: &Socket, index: u32, protocol: u16) -> io::Result<()> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: the type is what the kernel takes for this family, smaller than the storage, and any bytes are one.
    let address = unsafe { storage.view_as::<LinkLayerAddress>() };
    address.family = AF_PACKET;
    address.protocol = protocol.to_be();
    address.index = i32::try_from(index).map_err(io::Error::other)?;
    let length = u32::try_from(size_of::<LinkLayerAddress>()).map_err(io::Error::other)?;
    // SAFETY: the storage holds an address of this family, which has this length.
    socket.bind(&unsafe { SockAddr::new(storage, length) })
}

/// The Ethernet address of the interface that a socket is bound to; `None` if it has another layer.
pub(super) fn ethernet_address(socket: &Socket) -> io::Result<Option<[u8; 6]>> {
    const ARPHRD_ETHER: u16 = 1;
    let mut storage = socket.local_addr()?.as_storage();
    // SAFETY: as above; what the kernel has not written is zero.
    let address = unsafe { storage.view_as::<LinkLayerAddress>() };
    let is_ethernet =
        (address.family, address.layer, address.length) == (AF_PACKET, ARPHRD_ETHER, ETHERNET_ADDRESS_BYTES);
    Ok(address.octets.first_chunk().copied().filter(|_| is_ethernet))
}
