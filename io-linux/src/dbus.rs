//! A connection to a message bus, by D-Bus, for one thread: it is connected, lets itself in, sends calls, and takes
//! in what comes.
//!
//! It never blocks, has no thread and no timer, and does nothing but in [`Connection::receive`] and
//! [`Connection::call`]; its socket wakes the poll that it was opened for. What the bus sends is input like any other:
//! nothing of it makes this fail in another way than by [`Closed`], after which the connection is of no use. A
//! message may come in any pieces. What is kept is bounded: a message is at most [`LARGEST_BYTES`] long, where the
//! standard allows 128 MiB, and so much may wait to be sent.
//!
//! The bus finds out by the socket who we are (mechanism EXTERNAL, without a name of ours, which it might not know if
//! it is of another user namespace). Descriptors are neither sent nor taken.

mod address;
mod message;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::os::fd::{AsRawFd as _, OwnedFd};

use mio::unix::SourceFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with,
};
use serde::Serialize;
use zvariant::DynamicType;

pub(crate) use self::message::{Call, Kind, LARGEST_BYTES, Message};

/// The bus itself.
pub(crate) const BUS: &str = "org.freedesktop.DBus";
/// The address of the system bus where nothing else is said.
const SYSTEM_BUS: &str = "unix:path=/run/dbus/system_bus_socket";
const SYSTEM_BUS_VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";

const CHUNK_BYTES: usize = 16 * 1024;
const LONGEST_LINE_BYTES: usize = 1024;
const HELLO: u32 = 1;

/// Why there is no connection any more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    #[error("{0:?} names no Unix socket")]
    Address(String),
    #[error("cannot {doing}: {source}")]
    System { doing: &'static str, source: Errno },
    #[error("the bus closed the connection")]
    Ended,
    #[error("the bus refuses: {0}")]
    Refused(String),
    #[error("the bus sent what is no message: {0}")]
    Malformed(&'static str),
    #[error("the bus sent a message of {0} bytes; at most {LARGEST_BYTES} are taken")]
    TooLarge(u64),
    #[error("a call cannot be written: {0}")]
    Unwritable(String),
    #[error("the bus takes nothing")]
    Congested,
}

/// How far we have been let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The bus may want to hear again who we are.
    Asked,
    Answered,
    In,
}

pub(crate) struct Connection {
    socket: OwnedFd,
    step: Step,
    input: Vec<u8>,
    /// So much of it has been taken.
    taken: usize,
    output: VecDeque<u8>,
    /// Calls that wait to be let in.
    calls: Vec<u8>,
    last_serial: u32,
}

impl Connection {
    /// Connects to the first of these addresses, in the form of the standard, at which somebody listens; without any,
    /// to the system bus.
    pub(crate) fn open(
        registry: &mio::Registry,
        token: mio::Token,
        addresses: Option<&str>,
    ) -> Result<Self, Closed> {
        let of_system = || std::env::var(SYSTEM_BUS_VARIABLE).ok().filter(|it| !it.is_empty());
        let addresses = addresses.map(str::to_owned).or_else(of_system).unwrap_or(SYSTEM_BUS.to_owned());
        let mut result = Err(Closed::Address(addresses.clone()));
        for address in address::sockets(&addresses) {
            result = connected(&address);
            if result.is_ok() {
                break;
            }
        }
        let socket = result?;
        registry
            .register(
                &mut SourceFd(&socket.as_raw_fd()),
                token,
                mio::Interest::READABLE | mio::Interest::WRITABLE,
            )
            .map_err(|error| Closed::System {
                doing: "watch the socket of a bus",
                source: Errno::from_io_error(&error).unwrap_or(Errno::IO),
            })?;
        Self::on(socket)
    }

    fn on(socket: OwnedFd) -> Result<Self, Closed> {
        let mut connection = Self {
            socket,
            step: Step::Asked,
            input: Vec::new(),
            taken: 0,
            output: b"\0AUTH EXTERNAL\r\nDATA\r\n".iter().copied().collect(),
            calls: Vec::new(),
            last_serial: 0,
        };
        let hello = Call { destination: BUS, path: "/org/freedesktop/DBus", interface: BUS, member: "Hello" };
        connection.call(&hello, &())?;
        Ok(connection)
    }

    /// Calls a method, by a message that goes out with the next [`receive`](Self::receive). The answer to it is the
    /// message that replies to this number.
    pub(crate) fn call<B: Serialize + DynamicType>(
        &mut self,
        call: &Call<'_>,
        body: &B,
    ) -> Result<u32, Closed> {
        // Zero is no number.
        let serial = self.last_serial.checked_add(1).unwrap_or(HELLO + 1);
        let message =
            message::written(serial, call, body).map_err(|error| Closed::Unwritable(error.to_string()))?;
        self.last_serial = serial;
        if self.output.len() + self.calls.len() + message.len() > LARGEST_BYTES {
            return Err(Closed::Congested);
        }
        if self.step == Step::In {
            self.output.extend(message);
        } else {
            self.calls.extend(message);
        }
        Ok(serial)
    }

    /// Sends what waits, and gives the next message; `None`: nothing waits to be read.
    pub(crate) fn receive(&mut self) -> Result<Option<Message>, Closed> {
        loop {
            self.send()?;
            if self.step != Step::In {
                if self.enter()? {
                    continue;
                }
            } else if let Some(message) = self.next_message()? {
                if message.reply_to != Some(HELLO) {
                    return Ok(Some(message));
                }
                if let Some(error) = message.error {
                    return Err(Closed::Refused(error));
                }
                continue;
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    fn next_message(&mut self) -> Result<Option<Message>, Closed> {
        let bytes = self.input.get(self.taken..).unwrap_or_default();
        let Some(length) = message::length(bytes)? else { return Ok(None) };
        let Some(bytes) = bytes.get(..length) else { return Ok(None) };
        let message = message::read(bytes)?;
        self.taken += length;
        Ok(Some(message))
    }

    /// Takes a line of the talk before the first message. `false` if there is none yet.
    fn enter(&mut self) -> Result<bool, Closed> {
        let bytes = self.input.get(self.taken..).unwrap_or_default();
        let end = bytes.windows(2).take(LONGEST_LINE_BYTES).position(|pair| pair == b"\r\n");
        let Some(line) = end.and_then(|end| bytes.get(..end)) else {
            let is_too_long = bytes.len() > LONGEST_LINE_BYTES;
            return if is_too_long { Err(Closed::Malformed("a line without an end")) } else { Ok(false) };
        };
        let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let step = match (word, self.step) {
            (b"DATA", Step::Asked) => Step::Answered,
            (b"OK", _) => Step::In,
            (b"REJECTED" | b"ERROR", _) => {
                return Err(Closed::Refused(String::from_utf8_lossy(line).into_owned()));
            }
            _ => return Err(Closed::Malformed("another line than was waited for")),
        };
        self.taken += line.len() + b"\r\n".len();
        self.step = step;
        if step == Step::In {
            self.output.extend(b"BEGIN\r\n");
            self.output.extend(std::mem::take(&mut self.calls));
        }
        Ok(true)
    }

    /// `false` if nothing waits.
    fn read(&mut self) -> Result<bool, Closed> {
        self.input.drain(..self.taken);
        self.taken = 0;
        let mut chunk = [0; CHUNK_BYTES];
        loop {
            match recv(&self.socket, &mut chunk, RecvFlags::DONTWAIT) {
                Ok((0, _)) | Err(Errno::CONNRESET) => return Err(Closed::Ended),
                Ok((length, _)) => {
                    self.input.extend(chunk.get(..length).unwrap_or_default());
                    return Ok(true);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // A large message may have been the only one.
                    self.input.shrink_to(CHUNK_BYTES);
                    return Ok(false);
                }
                Err(source) => return Err(Closed::System { doing: "read from a bus", source }),
            }
        }
    }

    fn send(&mut self) -> Result<(), Closed> {
        while !self.output.is_empty() {
            // A program in which this is embedded may not ignore SIGPIPE.
            match send(&self.socket, self.output.as_slices().0, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(sent) => drop(self.output.drain(..sent)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                // What came before the end is still to be read.
                Err(Errno::PIPE | Errno::CONNRESET) => self.output.clear(),
                Err(source) => return Err(Closed::System { doing: "write to a bus", source }),
            }
        }
        Ok(())
    }
}

fn connected(address: &SocketAddrUnix) -> Result<OwnedFd, Closed> {
    let failed = |source| Closed::System { doing: "connect to a bus", source };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
    connect(&socket, address).map_err(failed)?;
    Ok(socket)
}
