//! Sessions: opened, waited for, closed, and asked what they are and where they should go.
#![allow(unsafe_code, reason = "names are exported, and nothing else here is unsafe: a test looks")]

use std::ffi::{c_char, c_int};

use crate::border::guarded;
use crate::driver::NetsessionDriver;
use crate::result::{Failure, NetsessionResult};
use crate::table::{self, SessionEntry};
use crate::words::{
    NetsessionError, NetsessionOfferKind, NetsessionRoamingMode, NetsessionState, roaming_mode,
};

use netsession_core::Interface;
use netsession_io_linux::{Session, WaitResult};

/// A hold on a configuration.
#[derive(Debug)]
pub struct NetsessionSession {
    _nowhere: (),
}

/// Makes a session on a configuration, by its identifier (see netsession_driver_find()). On one that does not exist it
/// is in the state NETSESSION_STATE_INVALID for ever. To be freed by netsession_session_free().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_new(
    driver: *mut NetsessionDriver,
    configuration: *const c_char,
    session: *mut *mut NetsessionSession,
) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(session)?;
        place.put(table::add_session(driver, call.text(configuration)?)?);
        Ok(())
    })
}

/// Ends a session; it is closed without events.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_free(session: *mut NetsessionSession) -> NetsessionResult {
    guarded(|_| table::remove_session(session))
}

/// Asks for the link. It is answered by exactly one of the events NETSESSION_EVENT_KIND_OPENED, …_ERROR and …_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_open(session: *mut NetsessionSession) -> NetsessionResult {
    command(session, Session::open)
}

/// Gives the hold back; the last one takes the link down if netsession brought it up.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_close(session: *mut NetsessionSession) -> NetsessionResult {
    command(session, Session::close)
}

/// Takes the link down, for every session on it.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_stop(session: *mut NetsessionSession) -> NetsessionResult {
    command(session, Session::stop)
}

/// Makes the driver run until the session is open (NETSESSION_RESULT_OK), could not be opened
/// (NETSESSION_RESULT_NOT_OPENED), is not being opened, also because that failed at once
/// (NETSESSION_RESULT_NOT_OPENING), or `timeout_ms` milliseconds are over (NETSESSION_RESULT_TIMED_OUT; a negative
/// number sets no limit). Events queue meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_wait_for_opened(
    session: *mut NetsessionSession,
    timeout_ms: i64,
) -> NetsessionResult {
    guarded(|_| {
        table::with_session(session, |entry| {
            let (code, words) = match entry.session.wait_for_opened(timeout_ms) {
                WaitResult::Opened => return Ok(()),
                WaitResult::NotOpening => {
                    (NetsessionResult::NotOpening, "the session is not being opened".to_owned())
                }
                WaitResult::Failed(_) => {
                    let words = entry.session.error_string();
                    (NetsessionResult::NotOpened, words.unwrap_or_else(|| "no reason was given".to_owned()))
                }
                WaitResult::TimedOut => {
                    (NetsessionResult::TimedOut, format!("not open after {timeout_ms} ms; it goes on"))
                }
            };
            Err(Failure::new(code, words))
        })
    })
}

/// Its state.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_state(
    session: *mut NetsessionSession,
    state: *mut NetsessionState,
) -> NetsessionResult {
    read(session, state, |session| Ok(session.state().into()))
}

/// Whether it holds a link that is up, from NETSESSION_EVENT_KIND_OPENED to NETSESSION_EVENT_KIND_CLOSED.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_is_open(
    session: *mut NetsessionSession,
    is_open: *mut bool,
) -> NetsessionResult {
    read(session, is_open, |session| Ok(session.is_open()))
}

/// The last error, until the next; NETSESSION_RESULT_NOTHING if there was none.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_error(
    session: *mut NetsessionSession,
    error: *mut NetsessionError,
) -> NetsessionResult {
    read(session, error, |session| {
        session.error().map(NetsessionError::from).ok_or(Failure::nothing("there was no error"))
    })
}

/// Copies the last error in words; NETSESSION_RESULT_NOTHING if there was none, or no words came with it.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_error_string(
    session: *mut NetsessionSession,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    copy(session, buffer, size, |session| {
        session.error_string().ok_or(Failure::nothing("there are no words for an error"))
    })
}

/// Copies the name of the interface, which it has exactly while its state is NETSESSION_STATE_CONNECTED; else
/// NETSESSION_RESULT_NOTHING. No name is longer than IF_NAMESIZE of <net/if.h>.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_interface_name(
    session: *mut NetsessionSession,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    copy(session, buffer, size, |session| interface(session).map(|interface| interface.name))
}

/// The index of the interface, by which a socket can be bound to it (SO_BINDTOIFINDEX), as
/// netsession_session_interface_name().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_interface_index(
    session: *mut NetsessionSession,
    index: *mut u32,
) -> NetsessionResult {
    read(session, index, |session| interface(session).map(|interface| interface.index))
}

/// Copies the identifier of the access point in use; NETSESSION_RESULT_NOTHING if the session is not open.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_active_configuration(
    session: *mut NetsessionSession,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    copy(session, buffer, size, |session| {
        let active = session.active_configuration().ok_or(Failure::nothing("the session is not open"))?;
        Ok(active.as_str().to_owned())
    })
}

/// How it roams.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_roaming_mode(
    session: *mut NetsessionSession,
    mode: *mut NetsessionRoamingMode,
) -> NetsessionResult {
    read(session, mode, |session| Ok(session.roaming_mode().into()))
}

/// Sets how it roams: a netsession_roaming_mode.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_set_roaming_mode(
    session: *mut NetsessionSession,
    mode: c_int,
) -> NetsessionResult {
    guarded(|_| {
        let mode = roaming_mode(mode)?;
        table::with_session(session, |entry| Ok(entry.session.set_roaming_mode(mode)?))
    })
}

/// Shows the offer that waits for an answer: why, whether connections survive the move by themselves, and the
/// identifier of where to. NETSESSION_RESULT_NOTHING if there is none. Where it does not end with
/// NETSESSION_RESULT_OK, the offer was not shown.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_offer(
    session: *mut NetsessionSession,
    kind: *mut NetsessionOfferKind,
    is_seamless: *mut bool,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    guarded(|call| {
        let (kind, is_seamless) = (call.place(kind)?, call.place(is_seamless)?);
        let buffer = call.buffer(buffer, size)?;
        table::with_session(session, |entry| {
            let offer = entry.session.offer().ok_or(Failure::nothing("the session is offered nothing"))?;
            buffer.fill(offer.id())?;
            kind.put(offer.kind().into());
            is_seamless.put(offer.is_seamless());
            entry.offer = Some(offer);
            Ok(())
        })
    })
}

/// Takes the offer that netsession_session_offer() has shown last: the other link is brought up beside the one in use.
/// NETSESSION_RESULT_REFUSED if it does not stand any more, or was answered or never shown.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_migrate(session: *mut NetsessionSession) -> NetsessionResult {
    answer(session, |entry| {
        // The move goes on without somebody who waits for it.
        Ok(entry.offer.take().ok_or_else(|| never_shown("offer"))?.migrate().map(drop)?)
    })
}

/// Declines the offer that netsession_session_offer() has shown last. NETSESSION_RESULT_REFUSED as there.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_ignore(session: *mut NetsessionSession) -> NetsessionResult {
    answer(session, |entry| Ok(entry.offer.take().ok_or_else(|| never_shown("offer"))?.ignore()?))
}

/// Shows the candidate that is on trial and waits for a decision: the index of its interface, 0 if that is not known,
/// and its identifier. NETSESSION_RESULT_NOTHING if there is none. Where it does not end with NETSESSION_RESULT_OK, the
/// candidate was not shown.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_candidate(
    session: *mut NetsessionSession,
    interface_index: *mut u32,
    buffer: *mut c_char,
    size: usize,
) -> NetsessionResult {
    guarded(|call| {
        let (interface_index, buffer) = (call.place(interface_index)?, call.buffer(buffer, size)?);
        table::with_session(session, |entry| {
            let trial = entry.session.trial().ok_or(Failure::nothing("the session tries nothing"))?;
            buffer.fill(&trial.candidate().id)?;
            interface_index.put(trial.candidate().interface.as_ref().map_or(0, |it| it.index));
            entry.trial = Some(trial);
            Ok(())
        })
    })
}

/// Keeps the candidate that netsession_session_candidate() has shown last; the other link is let go.
/// NETSESSION_RESULT_REFUSED if it is not on trial any more, or was decided or never shown.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_accept(session: *mut NetsessionSession) -> NetsessionResult {
    answer(session, |entry| Ok(entry.trial.take().ok_or_else(|| never_shown("candidate"))?.accept()?))
}

/// Goes back to the link in use, and lets the candidate that netsession_session_candidate() has shown last go.
/// NETSESSION_RESULT_REFUSED as there.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_session_reject(session: *mut NetsessionSession) -> NetsessionResult {
    answer(session, |entry| Ok(entry.trial.take().ok_or_else(|| never_shown("candidate"))?.reject()?))
}

fn never_shown(what: &str) -> Failure {
    let words = format!(
        "no {what} was shown that has no answer yet; call netsession_session_{what}() before it is answered"
    );
    Failure::new(NetsessionResult::Refused, words)
}

fn interface(session: &Session) -> Result<Interface, Failure> {
    session.interface().ok_or(Failure::nothing("the session has no interface: it is not connected"))
}

fn command(session: *mut NetsessionSession, command: impl FnOnce(&Session)) -> NetsessionResult {
    answer(session, |entry| {
        command(&entry.session);
        Ok(())
    })
}

fn answer(
    session: *mut NetsessionSession,
    answer: impl FnOnce(&mut SessionEntry) -> Result<(), Failure>,
) -> NetsessionResult {
    guarded(|_| table::with_session(session, answer))
}

fn read<T>(
    session: *mut NetsessionSession,
    out: *mut T,
    read: impl FnOnce(&Session) -> Result<T, Failure>,
) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(out)?;
        place.put(table::with_session(session, |entry| read(&entry.session))?);
        Ok(())
    })
}

fn copy(
    session: *mut NetsessionSession,
    buffer: *mut c_char,
    size: usize,
    read: impl FnOnce(&Session) -> Result<String, Failure>,
) -> NetsessionResult {
    guarded(|call| {
        let buffer = call.buffer(buffer, size)?;
        buffer.fill(&table::with_session(session, |entry| read(&entry.session))?)
    })
}
