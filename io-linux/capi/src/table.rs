//! The handles of a thread, and what they stand for.
//!
//! Numbers are given out once in a process, so that what another thread has made is not found here, and what is
//! gone is never found again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::ptr::without_provenance_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use netsession_core::SessionId;
use netsession_io_linux::{Builder, Driver, Offer, Session, Trial};

use crate::builder::NetsessionBuilder;
use crate::driver::NetsessionDriver;
use crate::result::{Failure, NetsessionResult};
use crate::session::NetsessionSession;

/// What a driver's handle stands for.
#[derive(Debug)]
pub(crate) struct DriverEntry {
    pub(crate) driver: Driver,
    /// The handles of its sessions, as events name them.
    pub(crate) handles: BTreeMap<SessionId, usize>,
    /// The texts of the event that was taken last.
    pub(crate) texts: [Option<CString>; 2],
}

/// What a session's handle stands for.
#[derive(Debug)]
pub(crate) struct SessionEntry {
    pub(crate) session: Session,
    /// The offer and the trial that were shown last: what an answer is for.
    pub(crate) offer: Option<Offer>,
    pub(crate) trial: Option<Trial>,
    driver: usize,
}

#[derive(Debug, Default)]
struct Table {
    builders: BTreeMap<usize, Builder>,
    drivers: BTreeMap<usize, DriverEntry>,
    sessions: BTreeMap<usize, SessionEntry>,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

static LAST_NUMBER: AtomicUsize = AtomicUsize::new(0);

fn next_number() -> Result<usize, Failure> {
    let next = |last: usize| last.checked_add(1);
    let last = LAST_NUMBER.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    last.map(|last| last + 1).map_err(|_| Failure::new(NetsessionResult::Internal, "all handles are used up"))
}

fn in_table<T>(look: impl FnOnce(&mut Table) -> Result<T, Failure>) -> Result<T, Failure> {
    TABLE
        .try_with(|table| {
            let mut table = table.try_borrow_mut().map_err(|_| {
                let words =
                    "another call of this thread is under way; a signal handler must not call netsession";
                Failure::new(NetsessionResult::Internal, words)
            })?;
            look(&mut table)
        })
        .unwrap_or_else(|_| Err(unknown("handle")))
}

fn unknown(what: &str) -> Failure {
    let words =
        format!("there is no such {what} in this thread: it was freed, or another thread has made it");
    Failure::new(NetsessionResult::UnknownHandle, words)
}

fn key<T>(handle: *mut T, what: &str) -> Result<usize, Failure> {
    if handle.is_null() { Err(Failure::null_pointer(&format!("the {what}"))) } else { Ok(handle.addr()) }
}

pub(crate) fn add_builder(builder: Builder) -> Result<*mut NetsessionBuilder, Failure> {
    let number = next_number()?;
    in_table(|table| {
        table.builders.insert(number, builder);
        Ok(without_provenance_mut(number))
    })
}

pub(crate) fn take_builder(handle: *mut NetsessionBuilder) -> Result<Builder, Failure> {
    let number = key(handle, "builder")?;
    in_table(|table| table.builders.remove(&number).ok_or_else(|| unknown("builder")))
}

pub(crate) fn change_builder(
    handle: *mut NetsessionBuilder,
    change: impl FnOnce(Builder) -> Builder,
) -> Result<(), Failure> {
    let number = key(handle, "builder")?;
    in_table(|table| {
        let builder = table.builders.remove(&number).ok_or_else(|| unknown("builder"))?;
        table.builders.insert(number, change(builder));
        Ok(())
    })
}

pub(crate) fn add_driver(driver: Driver) -> Result<*mut NetsessionDriver, Failure> {
    let number = next_number()?;
    in_table(|table| {
        let entry = DriverEntry { driver, handles: BTreeMap::new(), texts: [None, None] };
        table.drivers.insert(number, entry);
        Ok(without_provenance_mut(number))
    })
}

/// Its sessions go with it.
pub(crate) fn remove_driver(handle: *mut NetsessionDriver) -> Result<(), Failure> {
    let number = key(handle, "driver")?;
    in_table(|table| {
        let gone = table.drivers.remove(&number).ok_or_else(|| unknown("driver"))?;
        table.sessions.retain(|_, entry| entry.driver != number);
        drop(gone);
        Ok(())
    })
}

pub(crate) fn with_driver<T>(
    handle: *mut NetsessionDriver,
    work: impl FnOnce(&mut DriverEntry) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let number = key(handle, "driver")?;
    in_table(|table| work(table.drivers.get_mut(&number).ok_or_else(|| unknown("driver"))?))
}

pub(crate) fn add_session(
    handle: *mut NetsessionDriver,
    configuration: &str,
) -> Result<*mut NetsessionSession, Failure> {
    let driver = key(handle, "driver")?;
    let number = next_number()?;
    in_table(|table| {
        let entry = table.drivers.get_mut(&driver).ok_or_else(|| unknown("driver"))?;
        let session = entry.driver.session(configuration);
        entry.handles.insert(session.id(), number);
        table.sessions.insert(number, SessionEntry { session, offer: None, trial: None, driver });
        Ok(without_provenance_mut(number))
    })
}

pub(crate) fn remove_session(handle: *mut NetsessionSession) -> Result<(), Failure> {
    let number = key(handle, "session")?;
    in_table(|table| {
        let gone = table.sessions.remove(&number).ok_or_else(|| unknown("session"))?;
        if let Some(driver) = table.drivers.get_mut(&gone.driver) {
            driver.handles.remove(&gone.session.id());
        }
        drop(gone);
        Ok(())
    })
}

pub(crate) fn with_session<T>(
    handle: *mut NetsessionSession,
    work: impl FnOnce(&mut SessionEntry) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let number = key(handle, "session")?;
    in_table(|table| work(table.sessions.get_mut(&number).ok_or_else(|| unknown("session"))?))
}
