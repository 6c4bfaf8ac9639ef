//! A datagram on the link of a session, with nothing but the standard library.
//!
//! `cargo run --example bind_std -- eth0 192.0.2.1:7` opens a session on eth0, sends a line from there to the
//! echo service of 192.0.2.1, and prints what comes back. No other link is used, whatever the routes say.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use netsession_io_linux::{Driver, WaitResult};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [link, peer] = arguments.as_slice() else { return Err("usage: bind_std LINK ADDRESS:PORT".into()) };
    let peer: SocketAddr = peer.parse()?;

    let driver = Driver::new()?;
    let session = driver.session(&driver.find(link)?);
    session.open();
    if session.wait_for_opened(30_000) != WaitResult::Opened {
        return Err(session.error_string().unwrap_or_default().into());
    }

    // The library makes a socket and gives it a port in one step; the interface may come after that, but has
    // to come before `connect`.
    let socket = match peer {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
    };
    session.bind_to_session(&socket)?;
    socket.connect(peer)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.send(b"from the link of the session\n")?;
    let mut answer = [0; 2048];
    let length = socket.recv(&mut answer)?;
    print!("{}", String::from_utf8_lossy(answer.get(..length).unwrap_or_default()));
    Ok(())
}
