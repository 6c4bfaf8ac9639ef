//! A TCP connection on the link of a session: the standard library connects as soon as it makes a socket, so
//! the socket comes from the crate socket2 and becomes a `TcpStream` afterwards.
//!
//! `cargo run --example bind_socket2 -- eth0 192.0.2.1:7` opens a session on eth0, sends a line from there to
//! the echo service of 192.0.2.1, and prints what comes back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use netsession_io_linux::{Driver, WaitResult};
use socket2::{Domain, Protocol, Socket, Type};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [link, peer] = arguments.as_slice() else {
        return Err("usage: bind_socket2 LINK ADDRESS:PORT".into());
    };
    let peer: SocketAddr = peer.parse()?;

    let driver = Driver::new()?;
    let session = driver.session(&driver.find(link)?);
    session.open();
    if session.wait_for_opened(30_000) != WaitResult::Opened {
        return Err(session.error_string().unwrap_or_default().into());
    }

    let socket = Socket::new(Domain::for_address(peer), Type::STREAM, Some(Protocol::TCP))?;
    session.bind_to_session(&socket)?;
    socket.connect_timeout(&peer.into(), Duration::from_secs(5))?;
    let mut stream = TcpStream::from(socket);
    stream.write_all(b"from the link of the session\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    print!("{line}");
    Ok(())
}
