//! Replays a trace: feeds what was said to a machine to a fresh one, and compares what it says.
//!
//! The lines of a trace that a machine said are compared as JSON values, in order, all of them between one
//! input (or query) and the next, or none at all: an input that none follows is not compared. A trace of
//! inputs alone is a scenario.

use std::fmt;
use std::io::{self, BufRead, Write};

use netsession_core::trace::{Query, answer};
use netsession_core::{Accepted, Input, Instant, Manager, Output, SessionId};

use crate::trace::{BadLine, Reader, Said, Saying, TraceError, Word, parse};

/// Who is shown a replay while it runs.
pub trait Audience {
    /// An input or a query is about to be given to the machine.
    ///
    /// # Errors
    /// An error ends the replay.
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()>;

    /// The machine said something: `line` is the line of the trace for it.
    ///
    /// # Errors
    /// An error ends the replay.
    fn on_output(&mut self, at: Instant, saying: &Saying<'_>, line: &str) -> io::Result<()>;

    /// The machine has said all that it had to say to an input.
    ///
    /// # Errors
    /// An error ends the replay.
    fn on_rest(&mut self, at: Instant, manager: &Manager) -> io::Result<()>;

    /// The trace has ended, and had no bad line.
    ///
    /// # Errors
    /// An error ends the replay.
    fn on_end(&mut self) -> io::Result<()>;
}

/// Prints what the machine says as JSON Lines.
#[derive(Debug)]
pub struct Transcript<W>(pub W);

impl<W: Write> Audience for Transcript<W> {
    fn on_input(&mut self, _at: Instant, _saying: &Saying<'_>) -> io::Result<()> {
        Ok(())
    }

    fn on_output(&mut self, _at: Instant, _saying: &Saying<'_>, line: &str) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }

    fn on_rest(&mut self, _at: Instant, _manager: &Manager) -> io::Result<()> {
        Ok(())
    }

    fn on_end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "two exit statuses")]
pub enum Outcome {
    /// All lines that could be compared agree.
    Agrees {
        /// How many those were; 0 for a scenario.
        compared: u64,
    },
    /// The machine said something else.
    Differs(Difference),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agrees { compared: 0 } => f.write_str("a scenario: the trace has nothing to compare with"),
            Self::Agrees { compared } => {
                write!(f, "all agrees: the machine said what the trace has, in {compared} lines")
            }
            Self::Differs(difference) => difference.fmt(f),
        }
    }
}

/// The first place where the machine says something else than the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The line of the trace, counted from 1: the one that differs, or the last before one that is missing.
    pub line: u64,
    /// What the trace has there; `None` if it has nothing more before the next input.
    pub expected: Option<String>,
    /// What the machine said; `None` if it said nothing more.
    pub got: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.expected.is_some() { "line" } else { "after line" };
        let or_nothing = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing more".to_owned());
        writeln!(f, "{place} {}: the machine says something else than the trace", self.line)?;
        writeln!(f, "  expected: {}", or_nothing(&self.expected))?;
        write!(f, "  got:      {}", or_nothing(&self.got))
    }
}

/// Why a replay did not reach the end of the trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The trace is broken.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The audience could not be shown more.
    #[error("what the machine says could not be written: {0}")]
    Write(#[from] io::Error),
}

impl From<BadLine> for ReplayError {
    fn from(bad: BadLine) -> Self {
        Self::Trace(bad.into())
    }
}

/// Replays the trace in `input` on a fresh machine, to its end even where it differs.
///
/// # Errors
/// The first line that is broken, or that names a session that was never made. The audience is shown
/// nothing after it.
pub fn replay(input: impl BufRead, audience: &mut impl Audience) -> Result<Outcome, ReplayError> {
    let mut manager = Manager::new();
    let mut sessions = Vec::new();
    let mut comparison = Comparison::default();
    for line in Reader::new(input) {
        let line = line?;
        match line.word {
            Word::In(mut input) => {
                comparison.close();
                resolve(input.session_mut(), &sessions)
                    .map_err(|what| BadLine::new(line.number, format!("in: {what}")))?;
                audience.on_input(line.at, &Saying::Input(&input))?;
                let mut stage = Stage { at: line.at, audience, said: &mut comparison.said };
                sessions.extend(stage.give(&mut manager, input)?);
                audience.on_rest(line.at, &manager)?;
            }
            Word::Query(mut query) => {
                comparison.close();
                resolve(query.session_mut(), &sessions)
                    .map_err(|what| BadLine::new(line.number, format!("query: {what}")))?;
                audience.on_input(line.at, &Saying::Query(&query))?;
                Stage { at: line.at, audience, said: &mut comparison.said }.ask(&manager, &query)?;
            }
            Word::Out(said) => comparison.compare(line.number, (line.at, Word::Out(said))),
            Word::View(said) => comparison.compare(line.number, (line.at, Word::View(said))),
        }
    }
    comparison.close();
    audience.on_end()?;
    Ok(comparison.outcome())
}

/// Puts the machine's handle in place of a number.
fn resolve(named: Option<&mut SessionId>, made: &[SessionId]) -> Result<(), String> {
    let Some(named) = named else { return Ok(()) };
    let position = named.number().checked_sub(1).and_then(|before| usize::try_from(before).ok());
    match position.and_then(|position| made.get(position)) {
        Some(session) => *named = *session,
        None => {
            return Err(format!(
                "session {} was never made; expected a session from 1 to the number made so far, which is {}",
                named.number(),
                made.len()
            ));
        }
    }
    Ok(())
}

/// Where one input is played.
struct Stage<'a, A> {
    at: Instant,
    audience: &'a mut A,
    said: &'a mut Vec<String>,
}

impl<A: Audience> Stage<'_, A> {
    fn give(&mut self, manager: &mut Manager, input: Input) -> io::Result<Option<SessionId>> {
        let answer = manager.handle_input(self.at, input);
        self.show(&Saying::Answer(&answer))?;
        loop {
            let output = manager.poll_output();
            self.show(&Saying::Output(&output))?;
            if matches!(output, Output::Idle { .. }) {
                break;
            }
        }
        Ok(match answer {
            Ok(Accepted::Session(session)) => Some(session),
            Ok(Accepted::Done | Accepted::Update(_)) | Err(_) => None,
        })
    }

    fn ask(&mut self, manager: &Manager, query: &Query) -> io::Result<()> {
        self.show(&Saying::View(&answer(manager, query)))
    }

    fn show(&mut self, saying: &Saying<'_>) -> io::Result<()> {
        if let Some(line) = saying.line(self.at)? {
            self.audience.on_output(self.at, saying, &line)?;
            self.said.push(line);
        }
        Ok(())
    }
}

/// What the machine said to the latest input, and how much of it the trace has had.
#[derive(Default)]
struct Comparison {
    said: Vec<String>,
    had: usize,
    latest: u64,
    compared: u64,
    difference: Option<Difference>,
}

impl Comparison {
    fn compare(&mut self, line: u64, expected: (Instant, Word)) {
        let got = self.said.get(self.had);
        self.had += 1;
        self.latest = line;
        self.compared += 1;
        if got.is_some_and(|text| parse(text).is_ok_and(|got| got == expected)) {
            return;
        }
        let got = got.cloned();
        let expected = match expected.1 {
            Word::Out(Said { text, .. }) | Word::View(Said { text, .. }) => Some(text),
            Word::In(_) | Word::Query(_) => None,
        };
        self.difference.get_or_insert(Difference { line, expected, got });
    }

    /// Ends what belongs to one input: where some of it was compared, nothing may be missing.
    fn close(&mut self) {
        if let (true, Some(missing)) = (self.had > 0, self.said.get(self.had)) {
            let got = Some(missing.clone());
            self.difference.get_or_insert(Difference { line: self.latest, expected: None, got });
        }
        self.said.clear();
        self.had = 0;
    }

    fn outcome(self) -> Outcome {
        match self.difference {
            Some(difference) => Outcome::Differs(difference),
            None => Outcome::Agrees { compared: self.compared },
        }
    }
}

#[cfg(test)]
mod tests {
    use netsession_core::trace::answer as answer_to;

    use super::*;
    use crate::trace::Recorder;

    const IDLE: &str = r#"{"t":0,"out":{"idle":{"wake":null,"why":null}}}"#;

    fn run(text: &str) -> (Result<Outcome, ReplayError>, String) {
        let mut transcript = Transcript(Vec::new());
        let outcome = replay(text.as_bytes(), &mut transcript);
        (outcome, String::from_utf8(transcript.0).unwrap())
    }

    fn outcome(text: &str) -> Outcome {
        run(text).0.unwrap()
    }

    fn differs(text: &str) -> (u64, Option<String>, Option<String>) {
        match outcome(text) {
            Outcome::Differs(Difference { line, expected, got }) => (line, expected, got),
            Outcome::Agrees { compared } => panic!("all {compared} lines agree in {text}"),
        }
    }

    fn tick(at: u64) -> String {
        format!("{{\"t\":{at},\"in\":{{\"tick\":{{}}}}}}\n")
    }

    fn idle(at: u64) -> String {
        IDLE.replacen('0', &at.to_string(), 1)
    }

    #[test]
    fn a_scenario_is_not_compared_and_prints_what_was_said() {
        let (outcome, printed) = run(&format!("{}{}", tick(0), tick(5)));
        assert_eq!(outcome.unwrap(), Outcome::Agrees { compared: 0 });
        assert_eq!(printed, format!("{IDLE}\n{}\n", idle(5)));
    }

    #[test]
    fn lines_of_the_machine_are_compared_as_values() {
        let spaced = r#"{ "out": {"idle": {"why": null, "wake": null}}, "t": 0.0 }"#;
        assert_eq!(outcome(&format!("{}{spaced}\n", tick(0))), Outcome::Agrees { compared: 1 });
        // An input that no output follows is not compared, wherever it stands.
        let text = format!("{}{}{}\n{}", tick(0), tick(5), idle(5), tick(6));
        assert_eq!(outcome(&text), Outcome::Agrees { compared: 1 });
    }

    #[test]
    fn the_first_difference_is_told() {
        let other = IDLE.replace("\"wake\":null", "\"wake\":7");
        let text = format!("{}{}{other}\n{}{other}", tick(0), tick(0), tick(0));
        assert_eq!(differs(&text), (3, Some(other), Some(IDLE.to_owned())));
        let late = idle(1);
        assert_eq!(differs(&format!("{}{late}", tick(0))), (2, Some(late), Some(IDLE.to_owned())));
        let view = IDLE.replace("\"out\"", "\"view\"");
        assert_eq!(differs(&format!("{}{view}", tick(0))), (2, Some(view), Some(IDLE.to_owned())));
    }

    #[test]
    fn missing_and_surplus_lines_are_differences() {
        let text = format!("{}{IDLE}\n{IDLE}\n", tick(0));
        assert_eq!(differs(&text), (3, Some(IDLE.to_owned()), None));
        assert_eq!(differs(&format!("{IDLE}\n{}", tick(0))), (1, Some(IDLE.to_owned()), None));
        let refused = r#"{"t":0,"out":{"refused":{"why":"unknown_configuration"}}}"#;
        let text = format!("{{\"t\":0,\"query\":{{\"configuration\":\"x\"}}}}\n{refused}\n{}", tick(0));
        assert_eq!(outcome(&text), Outcome::Agrees { compared: 1 });
        let mut comparison = Comparison { said: vec![IDLE.to_owned(), idle(1)], ..Comparison::default() };
        comparison.compare(2, parse(IDLE).unwrap());
        comparison.close();
        let got = Some(idle(1));
        assert_eq!(comparison.difference, Some(Difference { line: 2, expected: None, got }));
    }

    #[test]
    fn a_difference_reads_well() {
        let text = format!("{}{IDLE}\n{IDLE}\n", tick(0));
        let Outcome::Differs(difference) = outcome(&text) else { panic!("agrees") };
        let expected = format!(
            "line 3: the machine says something else than the trace\n  expected: {IDLE}\n  got:      nothing more"
        );
        assert_eq!(difference.to_string(), expected);
    }

    #[test]
    fn the_whole_trace_is_played_even_where_it_differs() {
        let (_, printed) = run(&format!("{}{}\n{}", tick(0), idle(1), tick(2)));
        assert_eq!(printed.lines().count(), 2);
    }

    #[test]
    fn nothing_is_printed_after_a_bad_line() {
        for (bad, part) in [
            ("nonsense", "line 2: not JSON"),
            (r#"{"t":1,"in":{"tick":{"x":1}}}"#, "line 2: in.tick"),
            (r#"{"t":1,"in":{"open":{"session":"1"}}}"#, "line 2: in.open.session: invalid type"),
            (r#"{"t":0,"in":{"tick":{}}}"#, "line 2: t: time goes back"),
            (
                r#"{"t":1,"in":{"open":{"session":1}}}"#,
                "line 2: in: session 1 was never made; expected a session from 1 to the number made so far, which is 0",
            ),
            (r#"{"t":1,"in":{"open":{"session":0}}}"#, "line 2: in: session 0 was never made"),
            (r#"{"t":1,"query":{"session":1}}"#, "line 2: query: session 1 was never made"),
            (r#"{"t":1,"query":{"why":{"session":18446744073709551615}}}"#, "was never made"),
        ] {
            let (outcome, printed) = run(&format!("{}{bad}\n{}", tick(1), tick(2)));
            let error = outcome.unwrap_err();
            assert!(matches!(error, ReplayError::Trace(TraceError::Bad(_))), "{error:?}");
            assert!(error.to_string().contains(part), "{error}\n not {part}");
            assert_eq!(printed.lines().count(), 1, "{bad}");
        }
    }

    #[test]
    fn an_audience_that_has_gone_ends_the_replay() {
        let outcome = replay(tick(0).as_bytes(), &mut Transcript(&mut [0; 3][..]));
        assert!(matches!(outcome, Err(ReplayError::Write(_))), "{outcome:?}");
    }

    /// What a driver would do that records its run.
    fn record(inputs: &str) -> String {
        let mut recorder = Recorder::new(Vec::new());
        let mut manager = Manager::new();
        let mut sessions = Vec::new();
        for line in Reader::new(inputs.as_bytes()) {
            let line = line.unwrap();
            let Word::In(mut input) = line.word else { panic!("not an input") };
            resolve(input.session_mut(), &sessions).unwrap();
            recorder.input(line.at, &input);
            let answer = manager.handle_input(line.at, input);
            recorder.accepted(manager.now(), &answer);
            if let Ok(Accepted::Session(session)) = answer {
                sessions.push(session);
            }
            loop {
                let output = manager.poll_output();
                recorder.output(manager.now(), &output);
                if matches!(output, Output::Idle { .. }) {
                    break;
                }
            }
            let query = Query::Manager {};
            recorder.query(manager.now(), &query);
            recorder.view(manager.now(), &answer_to(&manager, &query));
        }
        String::from_utf8(recorder.finish().unwrap()).unwrap()
    }

    const RUN: &str = r#"
{"t":0,"in":{"add":{"id":"eth0","type":"access_point","link":"discovered"}}}
{"t":0,"in":{"add":{"id":"wan","type":"service_network","members":["eth0","later"],"hold_off_ms":null}}}
{"t":0.000001,"in":{"session":{"on":"wan"}}}
{"t":0.5,"in":{"open":{"session":1}}}
{"t":30,"in":{"observed":{"id":"eth0","link":"active"}}}
{"t":30,"in":{"migrate":{"session":1}}}
{"t":40,"in":{"update":{}}}
{"t":50,"in":{"snapshot":[{"id":"eth0","link":"defined"}]}}
{"t":60,"in":{"drop":{"session":1}}}
{"t":70,"in":{"open":{"session":1}}}
{"t":99999.5,"in":{"tick":{}}}
"#;

    #[test]
    fn a_recorded_run_replays_to_the_same() {
        let recorded = record(RUN);
        for part in [r#"{"made":{"session":1}}"#, r#""start":"eth0""#, "session_aborted", "not_roaming"] {
            assert!(recorded.contains(part), "no {part} in\n{recorded}");
        }
        assert!(
            recorded.contains(r#"{"refused":{"why":"unknown_session"}}"#),
            "a dropped session:\n{recorded}"
        );
        let said = recorded.lines().filter(|line| line.contains("\"out\"") || line.contains("\"view\""));
        let said: Vec<_> = said.collect();
        let (outcome, printed) = run(&recorded);
        assert_eq!(outcome.unwrap(), Outcome::Agrees { compared: said.len().try_into().unwrap() });
        assert_eq!(printed.lines().collect::<Vec<_>>(), said);
    }

    #[test]
    fn every_line_of_a_recorded_run_counts() {
        let recorded = record(RUN);
        let lines: Vec<_> = recorded.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let is_said = |line: &&str| line.contains("\"out\"") || line.contains("\"view\"");
            let stands_alone = is_said(line)
                && !lines.get(at.wrapping_sub(1)).is_some_and(is_said)
                && !lines.get(at + 1).is_some_and(is_said);
            if !is_said(line) || stands_alone {
                continue;
            }
            let without: Vec<_> = [&lines[..at], &lines[at + 1..]].concat();
            let difference = differs(&without.join("\n"));
            assert!(difference.2.is_some(), "without line {}: {difference:?}", at + 1);
        }
    }
}
