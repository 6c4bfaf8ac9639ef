//! TCP connections of the demonstration: bound to a link at this end, echoed at the far one.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use super::stage::Cable;

/// Longer than anything takes on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);
const WORDS: &[u8] = b"do you hear me?";

/// Somebody at the far ends who listens.
pub(crate) struct Streams {
    listener: TcpListener,
    port: u16,
}

impl Streams {
    /// Listens in the network namespace of this thread; a socket stays in the one in which it was opened.
    ///
    /// # Errors
    /// The kernel refused.
    pub(crate) fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        SockRef::from(&listener).set_read_timeout(Some(PATIENCE))?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    /// Connects over each cable, by the number of its interface here, and when all connections stand, sends
    /// something there and back over each.
    ///
    /// # Errors
    /// A connection could not be made, or did not carry what was sent.
    pub(crate) fn talk(&self, over: &[(&Cable, u32)]) -> io::Result<Vec<String>> {
        let connections = over.iter().map(|(cable, index)| Ok((*cable, self.connect(cable, *index)?)));
        let connections: Vec<_> = connections.collect::<io::Result<_>>()?;
        connections.into_iter().map(|(cable, (here, there))| echo(cable, here, there)).collect()
    }

    fn connect(&self, cable: &Cable, index: u32) -> io::Result<(TcpStream, TcpStream)> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        // Whatever the routes say, this connection takes this link.
        socket.bind_device_by_index_v4(NonZeroU32::new(index))?;
        socket.connect_timeout(&SocketAddr::from((cable.far, self.port)).into(), PATIENCE)?;
        let here = TcpStream::from(socket);
        let (there, _) = self.listener.accept()?;
        for stream in [&here, &there] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
        }
        Ok((here, there))
    }
}

fn echo(cable: &Cable, mut here: TcpStream, mut there: TcpStream) -> io::Result<String> {
    let began = Instant::now();
    let mut heard = [0; WORDS.len()];
    here.write_all(WORDS)?;
    there.read_exact(&mut heard)?;
    there.write_all(&heard)?;
    here.read_exact(&mut heard)?;
    if heard != *WORDS {
        return Err(io::Error::other(format!("{} garbles what it carries", cable.name)));
    }
    let (from, to) = (here.local_addr()?, here.peer_addr()?);
    let took = began.elapsed().as_micros();
    Ok(format!("TCP over {}: {from} to {to}, {} bytes there and back in {took} µs", cable.name, WORDS.len()))
}
