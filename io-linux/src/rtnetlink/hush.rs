//! Keeping IPv6 from giving addresses to a link that is only watched.
//!
//! As soon as a link is up the kernel makes a link-local address for it, looks for a router, and makes more addresses
//! of what that says. For as long as a watch lasts it is told not to (`addr_gen_mode`), and afterwards to do as before:
//! then it makes up for it at once, which it does for a value that comes through `/proc` and not for one that comes by
//! netlink. A link that somebody else keeps from that already is left as it is, and so is a kernel without IPv6. Where
//! it cannot be written (a container, a service that does not see `/proc/sys`) the link is not watched.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, netdevice, socket};

use super::Rtnetlink;
use crate::netlink::Failure;

/// IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const NONE: u8 = 1;

/// What `addr_gen_mode` was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hushed(pub(super) u8);

impl Rtnetlink {
    /// What there is to keep it from; nothing where nobody makes addresses.
    pub(super) fn mode(&self, index: u32) -> Result<Option<Hushed>, Failure> {
        match fs::read_to_string(self.mode_path(index)?) {
            Ok(text) => Ok(text.trim().parse().ok().filter(|mode| *mode != NONE).map(Hushed)),
            // Not if all of this is hidden from us.
            Err(error) if error.kind() == ErrorKind::NotFound && Path::new("/proc/sys/net").exists() => {
                Ok(None)
            }
            Err(error) => Err(failure(&error)),
        }
    }

    pub(super) fn hush(&self, index: u32) -> Result<(), Failure> {
        let is_wanted = self.given.get(&index).is_some_and(|given| given.hushed.is_some());
        if is_wanted {
            fs::write(self.mode_path(index)?, NONE.to_string()).map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    /// Done in any case: what is gone makes no addresses.
    pub(super) fn unhush(&mut self, index: u32) -> Result<(), Failure> {
        let hushed = self.given.get_mut(&index).and_then(|given| given.hushed.take());
        let Some(Hushed(mode)) = hushed else { return Ok(()) };
        let path = self.mode_path(index)?;
        fs::write(path, mode.to_string()).map_err(|error| failure(&error))
    }

    /// `/proc` shows the network namespace of the calling thread, which need not be that of our sockets any more: it is
    /// believed where it has an interface of this name and index.
    fn mode_path(&self, index: u32) -> Result<PathBuf, Failure> {
        let name = self.table.name_of(index).ok_or(Errno::NODEV)?;
        let here = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
        if netdevice::name_to_index(&here, name)? != index {
            return Err(Errno::NODEV.into());
        }
        Ok(["/proc/sys/net/ipv6/conf", name, "addr_gen_mode"].iter().collect())
    }
}

fn failure(error: &std::io::Error) -> Failure {
    Errno::from_io_error(error).unwrap_or(Errno::IO).into()
}
