//! What functions return, and the words for it.
#![allow(unsafe_code, reason = "names are exported, and nothing else here is unsafe: a test looks")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::ffi::c_char;

use netsession_io_linux::Error;

use crate::border::guarded;

/// How a call ended. Where it is not NETSESSION_RESULT_OK, netsession_last_error() has words for it, and nothing has
/// changed, unless the code says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub enum NetsessionResult {
    /// It was done.
    Ok = 0,
    /// There is none: no event, no offer, no error, no interface.
    Nothing = 1,
    /// The time is over; what was waited for goes on.
    TimedOut = 2,
    /// The session could not be opened: see netsession_session_error().
    NotOpened = 3,
    /// The session is not being opened: nobody has asked for it, that failed at once, or it was closed meanwhile.
    NotOpening = 4,
    /// The text did not fit: the buffer has its beginning, in whole characters.
    BufferTooSmall = 5,
    /// A pointer that is needed is NULL.
    NullPointer = 6,
    /// The handle is none of this thread: it was freed, was made by another thread, or never was a handle.
    UnknownHandle = 7,
    /// A text is not UTF-8.
    InvalidUtf8 = 8,
    /// A number or address that cannot be.
    InvalidValue = 9,
    /// No configuration has this name.
    NotFound = 10,
    /// More than one configuration has this name.
    Ambiguous = 11,
    /// The session does not take this now, such as an answer to an offer that no longer stands.
    Refused = 12,
    /// The kernel refused something. The driver goes on.
    System = 13,
    /// A bug in the library, or a call out of a signal handler during another call.
    Internal = 14,
}

/// A code that is not OK, and the words for it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: NetsessionResult,
    words: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(code: NetsessionResult, words: impl Into<Cow<'static, str>>) -> Self {
        Self { code, words: words.into() }
    }

    pub(crate) fn nothing(words: &'static str) -> Self {
        Self::new(NetsessionResult::Nothing, words)
    }

    pub(crate) fn null_pointer(what: &str) -> Self {
        Self::new(NetsessionResult::NullPointer, format!("{what} is NULL"))
    }

    pub(crate) fn invalid_value(words: String) -> Self {
        Self::new(NetsessionResult::InvalidValue, words)
    }

    pub(crate) fn too_small(bytes: usize) -> Self {
        let words = format!("the text does not fit into the buffer; it needs {} bytes", bytes + 1);
        Self::new(NetsessionResult::BufferTooSmall, words)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::NotFound { .. } => NetsessionResult::NotFound,
            Error::Ambiguous { .. } => NetsessionResult::Ambiguous,
            Error::Refused(_) | Error::NoLink { .. } | Error::Bind { .. } => NetsessionResult::Refused,
            Error::Conflict(ref conflict) if conflict.is_fatal() => NetsessionResult::Refused,
            Error::Conflict(_) => NetsessionResult::Ambiguous,
            Error::System { .. } | Error::Kernel { .. } | Error::DefaultRoute { .. } | _ => {
                NetsessionResult::System
            }
        };
        Self::new(code, error.to_string())
    }
}

thread_local! {
    static LAST: RefCell<Cow<'static, str>> = const { RefCell::new(Cow::Borrowed("")) };
}

/// Keeps the words for later. A thread that is about to end has nobody to ask for them.
pub(crate) fn remember(failure: Failure) -> NetsessionResult {
    let Failure { code, words } = failure;
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = words));
    code
}

/// Copies the words for the last call in this thread that did not end with NETSESSION_RESULT_OK: what failed, on what, why,
/// and what to do. Empty if there was none. This call is not counted.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_last_error(buffer: *mut c_char, size: usize) -> NetsessionResult {
    let words = LAST.try_with(|last| last.try_borrow().map(|last| last.clone()));
    let words = words.ok().and_then(Result::ok).unwrap_or_default();
    let result = guarded(|call| call.buffer(buffer, size)?.fill(&words));
    let _ = LAST.try_with(|last| last.try_borrow_mut().map(|mut last| *last = words));
    result
}
