//! Standard input as lines, read when there is something to read and never before.

use std::io::stdin;

use rustix::io::Errno;

/// An answer is a few words; of a longer line only so much is kept.
const LONGEST_LINE_BYTES: usize = 4096;

/// What was read of standard input, and not asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Lines {
    /// Reads what waits. Blocks where nothing does.
    pub(crate) fn read(&mut self) {
        let mut buffer = [0; LONGEST_LINE_BYTES];
        match rustix::io::read(stdin(), &mut buffer) {
            Ok(0) => self.end(),
            Ok(count) => self.take(buffer.get(..count).unwrap_or_default()),
            Err(Errno::INTR | Errno::AGAIN) => {}
            // What cannot be read does not tell when it ends: as if it had.
            Err(_) => self.end(),
        }
    }

    /// The next line, without its end.
    pub(crate) fn next(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
        let line: Vec<u8> = self.bytes.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim().to_owned())
    }

    /// Whether all has been said.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended && self.bytes.is_empty()
    }

    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let begun = self.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let room = LONGEST_LINE_BYTES.saturating_sub(self.bytes.len() - begun);
            let (text, end) = part.strip_suffix(b"\n").map_or((part, &[][..]), |text| (text, b"\n"));
            self.bytes.extend_from_slice(text.get(..room).unwrap_or(text));
            self.bytes.extend_from_slice(end);
        }
    }

    /// A last line without an end is a line.
    fn end(&mut self) {
        if self.bytes.last().is_some_and(|byte| *byte != b'\n') {
            self.bytes.push(b'\n');
        }
        self.has_ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_the_last_one_needs_no_end() {
        let mut lines = Lines::default();
        lines.take(b"migr");
        assert_eq!(lines.next(), None);
        lines.take(b"ate\r\n\n why");
        assert_eq!(lines.next().as_deref(), Some("migrate"));
        assert_eq!(lines.next().as_deref(), Some(""));
        assert_eq!(lines.next(), None);
        lines.end();
        assert!(!lines.has_ended());
        assert_eq!(lines.next().as_deref(), Some("why"));
        assert!(lines.has_ended());
    }

    #[test]
    fn an_endless_line_takes_no_more_memory() {
        let mut lines = Lines::default();
        for _ in 0..3 {
            lines.take(&[b'x'; LONGEST_LINE_BYTES]);
        }
        lines.take(b"\na\n");
        assert_eq!(lines.next().map(|line| line.len()), Some(LONGEST_LINE_BYTES));
        assert_eq!(lines.next().as_deref(), Some("a"));
    }
}
