//! The border to C: memory that the caller lends, and the wall that no panic gets over.
//!
//! All `unsafe` of this crate is here, but for the names under which functions are exported. What the header asks of
//! pointers is what the blocks below rely on; what can be seen to be wrong is refused by code: NULL, and an address
//! at which no such value can lie.
#![allow(unsafe_code, reason = "pointers of C can be read and written in no other way")]

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use netsession_core::Identifier;

use crate::result::{Failure, NetsessionResult, remember};

/// One call from C, for as long as it takes: what the caller lends is lent for that long. Only [`guarded`] makes it, so
/// that no pointer is followed at any other time.
#[derive(Debug)]
pub(crate) struct Call {
    _only_here: (),
}

/// A place that can be written to.
pub(crate) struct Place<'call, T> {
    at: *mut T,
    lent: PhantomData<&'call Call>,
}

/// A place for a text of so many bytes, its NUL among them.
pub(crate) struct Buffer<'call> {
    at: *mut c_char,
    size: usize,
    lent: PhantomData<&'call Call>,
}

impl Call {
    /// A text of the caller.
    pub(crate) fn text(&self, text: *const c_char) -> Result<&str, Failure> {
        check(text, "a text")?;
        // SAFETY: not NULL, and the header asks for bytes that end with a NUL and stay as they are for this call.
        let bytes = unsafe { CStr::from_ptr(text) };
        bytes.to_str().map_err(|error| {
            Failure::new(NetsessionResult::InvalidUtf8, format!("a text is not UTF-8: {error}"))
        })
    }

    /// So many texts of the caller, one after the other.
    fn texts(&self, texts: *const *const c_char, count: usize) -> Result<Vec<&str>, Failure> {
        let bytes = count.checked_mul(size_of::<*const c_char>());
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(Failure::invalid_value(format!("there cannot be {count} texts")));
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        check(texts, "a list of texts")?;
        // SAFETY: not NULL, aligned, of a size that fits into memory; the header asks for so many pointers to
        // texts, which stay as they are for this call.
        let texts = unsafe { std::slice::from_raw_parts(texts, count) };
        texts.iter().map(|text| self.text(*text)).collect()
    }

    /// The same as identifiers.
    pub(crate) fn identifiers(
        &self,
        texts: *const *const c_char,
        count: usize,
    ) -> Result<Vec<Identifier>, Failure> {
        Ok(self.texts(texts, count)?.into_iter().map(Identifier::from).collect())
    }

    /// Where the caller wants an answer.
    pub(crate) fn place<T>(&self, at: *mut T) -> Result<Place<'_, T>, Failure> {
        check(at, "the place for an answer")?;
        Ok(Place { at, lent: PhantomData })
    }

    /// Where the caller wants a text.
    pub(crate) fn buffer(&self, at: *mut c_char, size: usize) -> Result<Buffer<'_>, Failure> {
        check(at, "the buffer for a text")?;
        Ok(Buffer { at, size, lent: PhantomData })
    }
}

impl<T> Place<'_, T> {
    pub(crate) fn put(self, value: T) {
        // SAFETY: not NULL and aligned, as `Call::place` has seen; the header asks for memory that one such value
        // fits into. What was there before is not looked at, and nothing refers to it.
        unsafe { self.at.write(value) }
    }
}

impl Buffer<'_> {
    /// Puts the text, or as many whole characters of it as fit, and a NUL behind it.
    pub(crate) fn fill(self, text: &str) -> Result<(), Failure> {
        let text = text.split('\0').next().unwrap_or_default();
        let room = self.size.checked_sub(1).ok_or_else(|| Failure::too_small(text.len()))?;
        let fitting = text.get(..floor_char_boundary(text, room)).unwrap_or_default();
        // SAFETY: not NULL, as `Call::buffer` has seen; the header asks for `size` bytes, and the text, which is
        // this library's and so not in them, and its NUL are no more than that.
        unsafe {
            self.at.copy_from_nonoverlapping(fitting.as_ptr().cast(), fitting.len());
            self.at.add(fitting.len()).write(0);
        }
        if fitting.len() == text.len() { Ok(()) } else { Err(Failure::too_small(text.len())) }
    }
}

/// The last place at or before `at` at which a character ends.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn check<T>(pointer: *const T, what: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::null_pointer(what));
    }
    if !pointer.is_aligned() {
        return Err(Failure::invalid_value(format!("{what} cannot lie at {pointer:p}: it is not aligned")));
    }
    Ok(())
}

/// Runs what a function does. A panic ends here and is a code like any other.
pub(crate) fn guarded(body: impl FnOnce(&Call) -> Result<(), Failure>) -> NetsessionResult {
    // What was under way when it panicked is in the cells of the driver, which are given back while it unwinds.
    let failure = match catch_unwind(AssertUnwindSafe(|| body(&Call { _only_here: () }))) {
        Ok(Ok(())) => return NetsessionResult::Ok,
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(
            NetsessionResult::Internal,
            "this is a bug in netsession, of which standard error has more; free the driver, and report it",
        ),
    };
    remember(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call = Call { _only_here: () };

    fn filled(size: usize, text: &str) -> (bool, String) {
        let mut bytes = vec![b'x'.cast_signed(); size + 1];
        let fits = CALL.buffer(bytes.as_mut_ptr(), size).unwrap().fill(text).is_ok();
        assert_eq!(bytes[size], b'x'.cast_signed(), "beyond the end");
        (fits, CALL.text(bytes.as_ptr()).unwrap().to_owned())
    }

    #[test]
    fn a_text_is_cut_between_characters_and_at_a_nul() {
        assert_eq!(filled(5, "eth0"), (true, "eth0".to_owned()));
        assert_eq!(filled(4, "eth0"), (false, "eth".to_owned()));
        assert_eq!(filled(1, "eth0"), (false, String::new()));
        assert_eq!(filled(1, ""), (true, String::new()));
        assert_eq!(filled(3, "aä"), (false, "a".to_owned()));
        assert_eq!(filled(4, "aä"), (true, "aä".to_owned()));
        assert_eq!(filled(9, "a\0b"), (true, "a".to_owned()));
        assert!(CALL.buffer([0].as_mut_ptr(), 0).unwrap().fill("").is_err(), "not even a NUL fits");
    }

    #[test]
    fn what_can_be_seen_to_be_wrong_is_refused() {
        assert!(CALL.text(std::ptr::null()).is_err());
        assert!(CALL.text(c"\xff".as_ptr()).is_err());
        assert!(CALL.buffer(std::ptr::null_mut(), 1).is_err());
        assert!(CALL.place::<u32>(std::ptr::null_mut()).is_err());
        assert!(CALL.place::<u32>(std::ptr::without_provenance_mut(6)).is_err());
        assert!(CALL.texts(std::ptr::null(), 1).is_err());
        assert!(CALL.texts(std::ptr::null(), 0).unwrap().is_empty());
        assert!(CALL.texts(std::ptr::without_provenance(8), usize::MAX).is_err());
    }
}
