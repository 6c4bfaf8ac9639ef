//! A TCP connection of tokio on the link of a session.
//!
//! `cargo run --example bind_tokio -- eth0 192.0.2.1:7` opens a session on eth0, sends a line from there to
//! the echo service of 192.0.2.1, and prints what comes back.

use std::net::SocketAddr;

use netsession_io_linux::{Driver, WaitResult};
use tokio::net::{TcpSocket, TcpStream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [link, peer] = arguments.as_slice() else {
        return Err("usage: bind_tokio LINK ADDRESS:PORT".into());
    };
    let peer: SocketAddr = peer.parse()?;

    let driver = Driver::new()?;
    let session = driver.session(&driver.find(link)?);
    session.open();
    if session.wait_for_opened(30_000) != WaitResult::Opened {
        return Err(session.error_string().unwrap_or_default().into());
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let socket = if peer.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        session.bind_to_session(&socket)?;
        echo(&socket.connect(peer).await?).await
    })
}

async fn echo(stream: &TcpStream) -> Result<(), Box<dyn std::error::Error>> {
    stream.writable().await?;
    stream.try_write(b"from the link of the session\n")?;
    let mut answer = [0; 2048];
    let length = loop {
        stream.readable().await?;
        match stream.try_read(&mut answer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            read => break read?,
        }
    };
    print!("{}", String::from_utf8_lossy(answer.get(..length).unwrap_or_default()));
    Ok(())
}
