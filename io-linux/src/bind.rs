//! Binding a socket to the link that a session uses, so that its traffic takes that link and no other.
//!
//! By SO_BINDTOIFINDEX, which any user may set on a socket that has no interface yet, and which no rename can
//! mislead. It belongs before `connect` or `bind`: a connection stays on the link that it was made on.

use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};

use netsession_core::Interface;
use rustix::io::Errno;
use socket2::SockRef;

use crate::Error;

pub(crate) fn bind_to_interface(socket: BorrowedFd<'_>, interface: &Interface) -> Result<(), Error> {
    let refused = |reason: String| Error::Bind { interface: interface.name.clone(), reason };
    let options = SockRef::from(&socket);
    let (index, error_of) =
        (NonZeroU32::new(interface.index), |error: std::io::Error| refused(words(&error)));
    // The kernel takes any number; what the socket itself says of it is true in the socket's namespace.
    match rustix::net::netdevice::index_to_name(socket.as_fd(), interface.index) {
        Ok(_) => {}
        Err(Errno::NODEV) => return Err(refused("the interface is gone".to_owned())),
        Err(error) => return Err(error_of(error.into())),
    }
    // The same option serves both families.
    if options.device_index_v4().map_err(error_of)? == index {
        return Ok(());
    }
    options.bind_device_by_index_v4(index).map_err(error_of)
}

fn words(error: &std::io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::PERM) => "the socket is bound to another interface already, and to change that needs \
                              CAP_NET_RAW; bind a new socket"
            .to_owned(),
        Some(Errno::NOTSOCK | Errno::NOTTY) => "it is not a network socket".to_owned(),
        _ => error.to_string(),
    }
}
