//! A netlink socket that never blocks, and a walk over what it brings that never fails.
//!
//! Messages and attributes are read where they lie, without a type for each: this is the path of every
//! event and every dump. Whatever is malformed ends the walk.

pub(crate) mod request;
pub(crate) mod routes;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;

use mio::unix::SourceFd;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::net::{RecvFlags, sockopt};

use crate::Error;

pub(crate) const NLMSG_ERROR: u16 = 2;
pub(crate) const NLMSG_DONE: u16 = 3;
/// A dump that was changed while it was read.
pub(crate) const NLM_F_DUMP_INTR: u16 = 0x10;
/// An error message that does not repeat the whole request.
const NLM_F_CAPPED: u16 = 0x100;
/// An error message with attributes behind it.
const NLM_F_ACK_TLVS: u16 = 0x200;
/// The attribute with the kernel's own words.
const NLMSGERR_ATTR_MSG: u16 = 1;
const HEADER_LENGTH: usize = 16;

/// The kernel never makes a part of a dump larger.
const BUFFER_BYTES: usize = 32 * 1024;
/// No message is larger; what claims to be is not believed.
const LARGEST_BUFFER_BYTES: usize = 1024 * 1024;

/// What a read brought.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received {
    /// Nothing is waiting.
    Nothing,
    /// Messages were lost; more that are older are waiting.
    Lost,
    /// Messages, in so many bytes at the buffer's beginning.
    Messages(usize),
}

/// A buffer to read into. One serves several sockets.
pub(crate) fn buffer() -> Vec<u8> {
    vec![0; BUFFER_BYTES]
}

/// An rtnetlink socket in the calling thread's network namespace.
pub(crate) struct NetlinkSocket {
    socket: Socket,
}

impl NetlinkSocket {
    /// A socket that hears these multicast groups, and wakes the poll.
    pub(crate) fn open(registry: &mio::Registry, token: mio::Token, groups: &[u32]) -> Result<Self, Error> {
        let socket = Self::unpolled(groups)?;
        registry
            .register(&mut SourceFd(&socket.socket.as_raw_fd()), token, mio::Interest::READABLE)
            .map_err(|e| Error::system("watch an rtnetlink socket", e))?;
        Ok(socket)
    }

    /// A socket that hears these multicast groups; what it is asked has been answered when it has been sent.
    pub(crate) fn unpolled(groups: &[u32]) -> Result<Self, Error> {
        let mut socket =
            Socket::new(NETLINK_ROUTE).map_err(|e| Error::system("open an rtnetlink socket", e))?;
        let configure = |socket: &mut Socket| -> io::Result<()> {
            socket.set_non_blocking(true)?;
            socket.bind_auto()?;
            for group in groups {
                socket.add_membership(*group)?;
            }
            // Without these the kernel is less strict and says less; everything works all the same.
            let _: io::Result<()> = socket.set_ext_ack(true);
            let _: io::Result<()> = socket.set_cap_ack(true);
            let _: io::Result<()> = socket.set_netlink_get_strict_chk(true);
            Ok(())
        };
        configure(&mut socket).map_err(|e| Error::system("set up an rtnetlink socket", e))?;
        Ok(Self { socket })
    }

    /// Sets how many bytes of messages may wait. The kernel keeps twice as many, and at least 2 304.
    pub(crate) fn set_receive_buffer(&self, bytes: usize) -> Result<(), Error> {
        // Refused without CAP_NET_ADMIN in the first user namespace; then the system's limit holds.
        if sockopt::set_socket_recv_buffer_size_force(&self.socket, bytes).is_ok() {
            return Ok(());
        }
        sockopt::set_socket_recv_buffer_size(&self.socket, bytes)
            .map_err(|e| Error::system("set the receive buffer of an rtnetlink socket", e))
    }

    /// Reads one datagram.
    pub(crate) fn receive(&self, buffer: &mut Vec<u8>) -> io::Result<Received> {
        let flags = i32::try_from(RecvFlags::TRUNC.bits()).unwrap_or_default();
        let length = loop {
            match self.socket.recv_from(&mut buffer.as_mut_slice(), flags) {
                // Whatever another process sends is none of ours.
                Ok((_, sender)) if sender.port_number() != 0 => {}
                Ok((length, _)) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Nothing),
                Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error()) => {
                    return Ok(Received::Lost);
                }
                Err(error) => return Err(error),
            }
        };
        if length > buffer.len() {
            buffer.resize(length.min(LARGEST_BUFFER_BYTES).max(buffer.len()), 0);
            return Ok(Received::Lost);
        }
        Ok(Received::Messages(length))
    }

    /// Sends one request and reads the answer. For a socket on which nothing else waits.
    pub(crate) fn ask(&self, buffer: &mut Vec<u8>, request: &[u8]) -> Result<(), Failure> {
        let failure = |error: io::Error| Failure {
            error: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
            text: None,
        };
        self.send(request).map_err(failure)?;
        match self.receive(buffer).map_err(failure)? {
            Received::Messages(length) => {
                messages(buffer.get(..length).unwrap_or_default()).try_for_each(|message| answer(&message))
            }
            Received::Nothing | Received::Lost => {
                Err(Failure { error: rustix::io::Errno::NOBUFS, text: None })
            }
        }
    }

    /// Sends one request. The kernel has carried it out when this returns.
    pub(crate) fn send(&self, request: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send_to(request, &SocketAddr::new(0, 0), 0) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The poll forgets the socket.
    pub(crate) fn close(self, registry: &mio::Registry) {
        // Closing the descriptor does the same.
        let _: io::Result<()> = registry.deregister(&mut SourceFd(&self.socket.as_raw_fd()));
    }
}

/// One message of a datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    /// What follows the netlink header.
    pub(crate) payload: &'a [u8],
}

/// The messages of a datagram.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
        let message = Message {
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            sequence: u32_at(bytes, 8)?,
            payload: bytes.get(HEADER_LENGTH..length)?,
        };
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some(message)
    })
}

/// The attributes of a message or of a nest: kind and value.
pub(crate) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The upper bits tell of nesting and byte order.
    const KIND: u16 = 0x3fff;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        let attribute = (u16_at(bytes, 2)? & KIND, bytes.get(4..length)?);
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some(attribute)
    })
}

/// An answer to a request: `Ok` or what the kernel says.
pub(crate) fn answer(message: &Message<'_>) -> Result<(), Failure> {
    let code = u32_at(message.payload, 0).map_or(0, u32::cast_signed);
    if code == 0 {
        return Ok(());
    }
    // The request comes next: its header alone if capped or, what the kernel does to a request that was
    // refused before it was understood, all of it.
    let request = if message.flags & NLM_F_CAPPED == 0 {
        u32_at(message.payload, 4).and_then(|length| usize::try_from(length).ok()).unwrap_or(HEADER_LENGTH)
    } else {
        HEADER_LENGTH
    };
    let text = (message.flags & NLM_F_ACK_TLVS != 0)
        .then(|| message.payload.get(4_usize.saturating_add(aligned(request))..))
        .flatten()
        .and_then(|rest| attributes(rest).find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG))
        .map(|(_, text)| text_of(text));
    Err(Failure { error: rustix::io::Errno::from_raw_os_error(code.saturating_neg()), text })
}

/// Why the kernel refused a request.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: rustix::io::Errno,
    /// The kernel's own words, where it has any.
    pub(crate) text: Option<String>,
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Self {
        Self { error, text: None }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{text} ({})", io::Error::from(self.error)),
            None => write!(f, "{}", io::Error::from(self.error)),
        }
    }
}

/// Text that ends with a zero byte, or does not.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// An address of this family, by its number.
pub(crate) fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    match family {
        AF_INET => <[u8; 4]>::try_from(value).ok().map(|octets| Ipv4Addr::from(octets).into()),
        AF_INET6 => <[u8; 16]>::try_from(value).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_ne_bytes(*bytes))
}

/// Everything in netlink begins at a multiple of four.
const fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

/// An attribute as the kernel writes it, for tests that build messages.
#[cfg(test)]
pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap().to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_that_lie_end_the_walk() {
        for length in [0_u32, 1, 15, 17, 1000, u32::MAX] {
            let mut bytes = vec![0; 16];
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&bytes).count(), 0, "{length}");
        }
        for length in [0_u16, 3, 9, u16::MAX] {
            let mut bytes = vec![0; 8];
            bytes[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&bytes).count(), 0, "{length}");
        }
        assert_eq!(attributes(&4_u32.to_ne_bytes()).count(), 1, "an empty value is one");
    }

    #[test]
    fn refusals_carry_the_words_of_the_kernel() {
        let mut payload = (-1_i32).to_ne_bytes().to_vec();
        payload.extend([0; 16]);
        payload.extend([8, 0, 1, 0]);
        payload.extend(b"no!\0");
        let message = Message {
            kind: NLMSG_ERROR,
            flags: NLM_F_CAPPED | NLM_F_ACK_TLVS,
            sequence: 1,
            payload: &payload,
        };
        let failure = answer(&message).unwrap_err();
        assert_eq!(failure.error, rustix::io::Errno::PERM);
        assert!(failure.to_string().starts_with("no! (Operation not permitted"), "{failure}");
        let plain = answer(&Message { flags: 0, ..message }).unwrap_err();
        assert_eq!(plain.text, None);
        assert!(answer(&Message { payload: &[0; 20], ..message }).is_ok());
    }
}
