//! Any bytes as a trace: read, written, read again, replayed.
//!
//! What holds of all bytes: nothing panics and nothing loops; a bad line is named with its number, in one
//! line of plain text; what was accepted is the same when it has been written and read again; a replay says
//! the same each time; and what is recorded of it replays without a difference, to the same.

use std::io;

use netsession_core::{Instant, Manager};
use netsession_io_linux::explain::Explainer;
use netsession_io_linux::replay::{Audience, Outcome, Transcript, replay};
use netsession_io_linux::trace::{Line, Reader, Recorder, Saying, TraceError, Word};

/// Reads and replays the bytes.
///
/// # Panics
/// If something of the above does not hold.
pub fn trace(bytes: &[u8]) {
    let lines = read(bytes);
    let written: Vec<String> = lines.iter().map(written).collect();
    let again = read(written.join("\n").as_bytes());
    assert_eq!(lines.len(), again.len(), "lines were lost between {lines:?} and {again:?}");
    for (line, again) in lines.iter().zip(&again) {
        assert_eq!((line.at, &line.word), (again.at, &again.word), "written and read again");
    }

    let mut explained = Vec::new();
    let first = Played::of(bytes, Explainer::new(&mut explained));
    let explained = text(explained);
    let strange = |c: char| c.is_control() && c != '\n';
    assert!(!explained.contains(strange), "not plain text: {explained:?}");
    let second = Played::of(first.recorded.as_bytes(), Transcript(io::sink()));
    assert_eq!(second.ended, Ok(Outcome::Agrees { compared: first.said }), "{}", first.recorded);
    assert_eq!(second.recorded, first.recorded, "a replay of what a replay recorded");
}

/// The lines up to the end or the first bad one.
fn read(bytes: &[u8]) -> Vec<Line> {
    let mut reader = Reader::new(bytes);
    let mut lines: Vec<Line> = Vec::new();
    while let Some(line) = reader.next() {
        match line {
            Ok(line) => {
                let latest = lines.last().map_or((0, Instant::ZERO), |line| (line.number, line.at));
                assert!(line.number > latest.0 && line.at >= latest.1, "{line:?} after {latest:?}");
                lines.push(line);
            }
            Err(error) => {
                check_error(bytes, &error, lines.last().map_or(0, |line| line.number));
                assert!(reader.next().is_none(), "the reader goes on after {error}");
            }
        }
    }
    lines
}

#[expect(clippy::panic, reason = "how a fuzzer is told")]
fn check_error(bytes: &[u8], error: &TraceError, latest: u64) {
    let TraceError::Bad(bad) = error else { panic!("bytes can always be read: {error}") };
    let last = u64::try_from(bytes.split(|byte| *byte == b'\n').count()).unwrap_or(u64::MAX);
    assert!((latest + 1..=last).contains(&bad.line), "of {last} lines, after {latest}: {error}");
    check_text(&error.to_string(), bad.line);
}

fn check_text(text: &str, line: u64) {
    let what = text.strip_prefix(&format!("line {line}: "));
    assert!(what.is_some_and(|what| !what.trim().is_empty()), "it does not say where and what: {text}");
    assert!(!text.contains(char::is_control), "not one line of plain text: {text:?}");
}

/// A line as the recorder writes it; what a machine said is kept as it stands.
#[expect(clippy::panic, reason = "how a fuzzer is told")]
fn written(line: &Line) -> String {
    let saying = match &line.word {
        Word::In(input) => Saying::Input(input),
        Word::Query(query) => Saying::Query(query),
        Word::Out(said) | Word::View(said) => return said.text.clone(),
    };
    match saying.line(line.at) {
        Ok(Some(text)) => text,
        other => panic!("{line:?} cannot be written: {other:?}"),
    }
}

/// What came of a replay.
struct Played {
    /// Of both sides, as a trace.
    recorded: String,
    /// How many lines of it the machine said.
    said: u64,
    ended: Result<Outcome, String>,
}

impl Played {
    fn of(bytes: &[u8], other: impl Audience) -> Self {
        let mut witness = Witness { recorder: Recorder::new(Vec::new()), other, said: 0 };
        let ended = replay(bytes, &mut witness).map_err(|error| error.to_string());
        if let Err(error) = &ended {
            let number = error.strip_prefix("line ").and_then(|rest| rest.split_once(':'));
            check_text(error, number.and_then(|(number, _)| number.parse().ok()).unwrap_or_default());
        }
        let recorded = text(witness.recorder.finish().unwrap_or_default());
        Self { recorded, said: witness.said, ended }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// Records a replay that another sees too.
struct Witness<A> {
    recorder: Recorder<Vec<u8>>,
    other: A,
    said: u64,
}

impl<A: Audience> Audience for Witness<A> {
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()> {
        self.recorder.say(at, saying);
        self.other.on_input(at, saying)
    }

    fn on_output(&mut self, at: Instant, saying: &Saying<'_>, line: &str) -> io::Result<()> {
        self.said += 1;
        self.recorder.say(at, saying);
        self.other.on_output(at, saying, line)
    }

    fn on_rest(&mut self, at: Instant, manager: &Manager) -> io::Result<()> {
        self.other.on_rest(at, manager)
    }

    fn on_end(&mut self) -> io::Result<()> {
        self.other.on_end()
    }
}
