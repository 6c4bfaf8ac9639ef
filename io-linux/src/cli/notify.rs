//! What a service manager is told: that the command is ready, how it stands, and that it stops.
//!
//! The protocol is that of `sd_notify(3)`: lines of text in a datagram to the socket that NOTIFY_SOCKET names. The
//! standard library has what it takes; the crates for it know no abstract sockets, and wait for a manager that does
//! not read. Nobody waits here for a manager to hear of a status, and without NOTIFY_SOCKET nothing is done.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind, Result};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use super::complain;

/// Where the manager listens.
pub(crate) const SOCKET: &str = "NOTIFY_SOCKET";
/// How long a manager may take to make room for what it must know.
const PATIENCE: Duration = Duration::from_secs(5);

/// The manager, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Notify {
    to: Option<Manager>,
    /// The status that was told last.
    status: String,
}

#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notify {
    /// The manager that the environment names. Where it cannot be reached, that is said, and all goes on without.
    pub(crate) fn from_environment() -> Self {
        let Some(name) = std::env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        let to = Manager::new(&name);
        let to = to.map_err(|error| complain(&format!("cannot notify {}: {error}", name.display())));
        Self { to: to.ok(), status: String::new() }
    }

    /// The command does what it is for.
    pub(crate) fn ready(&mut self, status: &str) {
        let status = one_line(status);
        self.tell(&format!("READY=1\nSTATUS={status}"), true);
        self.status = status;
    }

    /// How it stands. What has been told already is not told again.
    pub(crate) fn status(&mut self, status: &str) {
        let status = one_line(status);
        if self.to.is_some() && self.status != status && self.tell(&format!("STATUS={status}"), false) {
            self.status = status;
        }
    }

    /// It ends.
    pub(crate) fn stopping(&mut self) {
        self.tell("STOPPING=1", true);
    }

    /// Whether the manager has it. One that cannot be told is not told anything any more.
    fn tell(&mut self, text: &str, must_arrive: bool) -> bool {
        let Some(manager) = &self.to else { return false };
        match manager.send(text, must_arrive) {
            Ok(()) => true,
            // It has no room for a status now; the next one says what will be true then.
            Err(error) if error.kind() == ErrorKind::WouldBlock && !must_arrive => false,
            Err(error) => {
                complain(&format!("cannot notify {:?}: {error}; it is told nothing more", manager.address));
                self.to = None;
                false
            }
        }
    }
}

impl Manager {
    fn new(name: &OsStr) -> Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            [..] => return Err(Error::new(ErrorKind::Unsupported, "expected /PATH or @NAME")),
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, address })
    }

    fn send(&self, text: &str, may_wait: bool) -> Result<()> {
        self.socket.set_nonblocking(!may_wait)?;
        self.socket.send_to_addr(text.as_bytes(), &self.address).map(drop)
    }
}

/// A line that ends nowhere but at its end: what follows would be taken for something else.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str) -> (Notify, UnixDatagram) {
        let name = format!("netsession-notify-{}-{name}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        let to = Manager::new(OsStr::new(&format!("@{name}"))).unwrap();
        (Notify { to: Some(to), status: String::new() }, manager)
    }

    fn heard(manager: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let length = manager.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_status_is_one_line_and_is_told_once() {
        let (mut notify, manager) = pair("once");
        notify.ready("open\nSTOPPING=1");
        notify.status("open\nSTOPPING=1");
        notify.status("lost");
        notify.stopping();
        assert_eq!(heard(&manager), "READY=1\nSTATUS=open STOPPING=1");
        assert_eq!(heard(&manager), "STATUS=lost");
        assert_eq!(heard(&manager), "STOPPING=1");
    }

    #[test]
    fn a_manager_that_does_not_read_keeps_nobody_waiting_and_hears_the_next_status() {
        let (mut notify, manager) = pair("full");
        // More than any queue of the kernel holds.
        (0..20_000).for_each(|number| notify.status(&number.to_string()));
        assert!(notify.to.is_some());
        manager.set_nonblocking(true).unwrap();
        while manager.recv(&mut [0; 16]).is_ok() {}
        manager.set_nonblocking(false).unwrap();
        notify.status("19999");
        assert_eq!(heard(&manager), "STATUS=19999");
    }

    #[test]
    fn without_a_manager_nothing_is_done_and_one_that_is_gone_is_let_go() {
        let mut nobody = Notify::default();
        nobody.ready("open");
        nobody.status("lost");
        nobody.stopping();
        let (mut notify, manager) = pair("gone");
        drop(manager);
        notify.status("lost");
        assert!(notify.to.is_none());
        assert!(Manager::new(OsStr::new("vsock:2:1")).is_err());
    }
}
