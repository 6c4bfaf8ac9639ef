//! Keys, as a terminal in raw mode sends them.
//!
//! Read here, and not by crossterm: its reader has a poll of its own, blocks inside of a sequence that is not
//! complete, and spins when the terminal has gone.

use std::collections::VecDeque;
use std::os::fd::AsFd;

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Stop,
    Redraw,
    Help,
    Escape,
    Up,
    Down,
    Open,
    Close,
}

/// Bytes that were read and not looked at.
#[derive(Debug, Default)]
pub(super) struct Keys {
    bytes: VecDeque<u8>,
}

impl Keys {
    /// Reads what is there. `false`: the terminal has gone.
    pub(super) fn read(&mut self, terminal: impl AsFd) -> bool {
        let mut bytes = [0; 256];
        match rustix::io::read(terminal, &mut bytes) {
            Ok(0) => false,
            Ok(count) => {
                self.bytes.extend(bytes.get(..count).unwrap_or_default());
                true
            }
            Err(error) => matches!(error, rustix::io::Errno::AGAIN | rustix::io::Errno::INTR),
        }
    }

    /// The next key that means something.
    pub(super) fn next(&mut self) -> Option<Key> {
        loop {
            let key = match self.bytes.pop_front()? {
                b'q' | 0x03 => Key::Quit,
                0x1a => Key::Stop,
                0x0c => Key::Redraw,
                b'?' | b'h' => Key::Help,
                b'k' => Key::Up,
                b'j' => Key::Down,
                b'o' => Key::Open,
                b'c' => Key::Close,
                0x1b => match self.sequence() {
                    Some(key) => key,
                    None => continue,
                },
                _ => continue,
            };
            return Some(key);
        }
    }

    /// What follows an escape: nothing, if it was the key of that name; else a sequence up to its last byte.
    fn sequence(&mut self) -> Option<Key> {
        match self.bytes.front() {
            None => return Some(Key::Escape),
            Some(b'[' | b'O') => self.bytes.pop_front()?,
            Some(_) => return None,
        };
        while let Some(byte) = self.bytes.pop_front() {
            match byte {
                b'A' => return Some(Key::Up),
                b'B' => return Some(Key::Down),
                0x40..=0x7e => return None,
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys { bytes: bytes.iter().copied().collect() };
        std::iter::from_fn(|| keys.next()).collect()
    }

    #[test]
    fn keys_and_arrows_are_told_apart_from_what_means_nothing() {
        assert_eq!(keys(b"jk\x1b[A\x1bOB"), [Key::Down, Key::Up, Key::Up, Key::Down]);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b[1;5Cx\x1b[15~q"), [Key::Quit]);
        assert_eq!(keys(b"\x1b["), []);
        assert_eq!(keys("é?\u{3}".as_bytes()), [Key::Help, Key::Quit]);
    }
}
