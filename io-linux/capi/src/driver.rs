//! Drivers: made, waited for, made to run.
#![allow(unsafe_code, reason = "names are exported, and nothing else here is unsafe: a test looks")]

use std::ffi::{c_char, c_int};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::{Duration, Instant};

use netsession_io_linux::Driver;

use crate::border::guarded;
use crate::result::NetsessionResult;
use crate::table;

/// All links of the network namespace of the thread that made it.
#[derive(Debug)]
pub struct NetsessionDriver {
    _nowhere: (),
}

/// Makes a driver without settings (else see netsession_builder_new()), and returns when all links are known. To be freed by netsession_driver_free().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_new(driver: *mut *mut NetsessionDriver) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(driver)?;
        place.put(table::add_driver(Driver::new()?)?);
        Ok(())
    })
}

/// Ends a driver. Its sessions are closed without events, and their handles are gone with it.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_free(driver: *mut NetsessionDriver) -> NetsessionResult {
    guarded(|_| table::remove_driver(driver))
}

/// The descriptor that is readable (POLLIN) when netsession_driver_turn() has work. It belongs to the driver: do
/// nothing with it but wait.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_fd(driver: *mut NetsessionDriver, fd: *mut c_int) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(fd)?;
        place.put(table::with_driver(driver, |entry| Ok(entry.driver.as_fd().as_raw_fd()))?);
        Ok(())
    })
}

/// In how many milliseconds netsession_driver_turn() is to be called even if the descriptor is not readable, as
/// poll() takes it: 0 is now, -1 never. To be asked anew before every wait.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_next_deadline(
    driver: *mut NetsessionDriver,
    timeout_ms: *mut c_int,
) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(timeout_ms)?;
        let deadline = table::with_driver(driver, |entry| Ok(entry.driver.next_deadline()))?;
        place.put(deadline.map_or(-1, |at| milliseconds(at.saturating_duration_since(Instant::now()))));
        Ok(())
    })
}

/// Rounded up: who wakes too early would have to wait again.
pub(crate) fn milliseconds(left: Duration) -> c_int {
    c_int::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
}

/// Blocks until netsession_driver_turn() has work, for programs without a loop of their own: at most `timeout_ms`
/// milliseconds, without limit if that is negative. A signal ends it, too.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_wait(driver: *mut NetsessionDriver, timeout_ms: i64) -> NetsessionResult {
    guarded(|_| {
        let timeout = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
        table::with_driver(driver, |entry| Ok(entry.driver.wait(timeout)?))
    })
}

/// Takes in what the kernel has said, and meets the deadlines that are due. Never blocks. Then take the events, by
/// netsession_driver_next_event().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_turn(driver: *mut NetsessionDriver) -> NetsessionResult {
    // That something was left is told by the next deadline, which is now.
    guarded(|_| table::with_driver(driver, |entry| Ok(entry.driver.turn().map(drop)?)))
}

/// Copies the identifier of the one configuration that has this identifier, name, interface name or alternative
/// interface name.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_find(
    driver: *mut NetsessionDriver,
    text: *const c_char,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    guarded(|call| {
        let (text, buffer) = (call.text(text)?, call.buffer(buffer, size)?);
        buffer.fill(&table::with_driver(driver, |entry| Ok(entry.driver.find(text)?))?)
    })
}

/// Makes a service network of `count` members, by identifier, the most preferred first: a session on it moves between
/// them.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_driver_add_service_network(
    driver: *mut NetsessionDriver,
    identifier: *const c_char,
    members: *const *const c_char,
    count: usize,
) -> NetsessionResult {
    guarded(|call| {
        let (identifier, members) = (call.text(identifier)?, call.identifiers(members, count)?);
        table::with_driver(driver, |entry| Ok(entry.driver.add_service_network(identifier, &members)?))
    })
}
