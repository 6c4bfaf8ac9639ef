//! Writes a run down while it happens.

use std::io::{self, Write};

use netsession_core::trace::{Query, View};
use netsession_core::{Accepted, Input, Instant, Output, Refused};

use super::Saying;

/// Writes the lines of a run.
///
/// Say everything to it in the order in which it happens, and drain the machine after each input; `now` is
/// [`Manager::now`](netsession_core::Manager::now), so that a line of the machine bears the time of the
/// input that caused it. Then the trace replays to the same outputs. An input that was refused as
/// [`OutputsFull`](Refused::OutputsFull) was not looked at: record it when it is given again.
///
/// A run is worth more than its record: the first error ends the recording and nothing else. It is kept,
/// and [`error`](Self::error) and [`finish`](Self::finish) tell it.
#[derive(Debug)]
pub struct Recorder<W> {
    writer: W,
    latest: Instant,
    error: Option<io::Error>,
}

impl<W: Write> Recorder<W> {
    /// Records to `writer`, one write a line: give it a [`BufWriter`](io::BufWriter) for speed, or the
    /// file itself to lose nothing in a crash.
    pub const fn new(writer: W) -> Self {
        Self { writer, latest: Instant::ZERO, error: None }
    }

    /// Records what is said to the machine.
    pub fn input(&mut self, now: Instant, input: &Input) {
        self.say(now, &Saying::Input(input));
    }

    /// Records the machine's answer to an input.
    pub fn accepted(&mut self, now: Instant, answer: &Result<Accepted, Refused>) {
        self.say(now, &Saying::Answer(answer));
    }

    /// Records what the machine says.
    pub fn output(&mut self, now: Instant, output: &Output) {
        self.say(now, &Saying::Output(output));
    }

    /// Records a question.
    pub fn query(&mut self, now: Instant, query: &Query) {
        self.say(now, &Saying::Query(query));
    }

    /// Records the answer to a question.
    pub fn view(&mut self, now: Instant, view: &Result<View<'_>, Refused>) {
        self.say(now, &Saying::View(view));
    }

    /// Records any line. A time before the latest counts as that, as it does in the machine (R-GEN-2).
    pub fn say(&mut self, now: Instant, saying: &Saying<'_>) {
        self.latest = self.latest.max(now);
        if self.error.is_none() {
            self.error = self.write(saying).err();
        }
    }

    /// Sends what is buffered on its way.
    pub fn flush(&mut self) {
        if self.error.is_none() {
            self.error = self.writer.flush().err();
        }
    }

    /// The error that ended the recording, if one did.
    #[must_use]
    pub const fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// The first error that writing met: the trace holds what was written before it.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush();
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.writer),
        }
    }

    fn write(&mut self, saying: &Saying<'_>) -> io::Result<()> {
        match saying.line(self.latest)? {
            Some(line) => self.writer.write_all(format!("{line}\n").as_bytes()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netsession_core::{Effect, Event, Identifier, OperationId, SessionId, UpdateToken, Wake, WakeReason};

    /// Takes so many bytes, then the disk is full.
    struct Disk {
        room: usize,
        written: Vec<u8>,
        attempts_when_full: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                self.attempts_when_full += 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let len = bytes.len().min(self.room);
            self.room -= len;
            self.written.extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn every_kind_of_line() {
        let mut recorder = Recorder::new(Vec::new());
        let now = Instant::from_nanos(1_500_000);
        let session = SessionId::unresolved(1);
        recorder.input(now, &Input::Session { on: "wan".into() });
        recorder.accepted(now, &Ok(Accepted::Session(session)));
        recorder.accepted(now, &Ok(Accepted::Done));
        recorder.accepted(now, &Ok(Accepted::Update(UpdateToken(2))));
        recorder.accepted(now, &Err(Refused::NotRoaming));
        recorder.output(now, &Output::Effect(Effect::Start { op: OperationId(1), id: "eth0".into() }));
        recorder.output(now, &Output::Event(Event::Opened { session }));
        let wake = Some(Wake { at: Instant::from_nanos(30_000_000_001), why: WakeReason::ConnectTimeout });
        recorder.output(now, &Output::Idle { wake });
        recorder.output(now, &Output::Idle { wake: None });
        recorder.query(now, &Query::Configuration(Identifier::from("x")));
        recorder.view(now, &Err(Refused::UnknownConfiguration("x".into())));
        let lines = String::from_utf8(recorder.finish().unwrap()).unwrap();
        let expected = [
            r#"{"t":1.5,"in":{"session":{"on":"wan"}}}"#,
            r#"{"t":1.5,"out":{"made":{"session":1}}}"#,
            r#"{"t":1.5,"out":{"made":{"update":2}}}"#,
            r#"{"t":1.5,"out":{"refused":{"why":"not_roaming"}}}"#,
            r#"{"t":1.5,"out":{"effect":{"op":1,"start":"eth0"}}}"#,
            r#"{"t":1.5,"out":{"event":{"opened":{"session":1}}}}"#,
            r#"{"t":1.5,"out":{"idle":{"wake":30000.000001,"why":"connect_timeout"}}}"#,
            r#"{"t":1.5,"out":{"idle":{"wake":null,"why":null}}}"#,
            r#"{"t":1.5,"query":{"configuration":"x"}}"#,
            r#"{"t":1.5,"out":{"refused":{"why":"unknown_configuration"}}}"#,
        ];
        assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn recorded_time_never_goes_back() {
        let mut recorder = Recorder::new(Vec::new());
        for millis in [5, 3, 6] {
            recorder.input(Instant::from_millis(millis), &Input::Tick {});
        }
        let lines = String::from_utf8(recorder.finish().unwrap()).unwrap();
        let times: Vec<_> = lines.lines().map(|line| &line[..6]).collect();
        assert_eq!(times, [r#"{"t":5"#, r#"{"t":5"#, r#"{"t":6"#]);
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_is_told() {
        let mut recorder = Recorder::new(Disk { room: 30, written: Vec::new(), attempts_when_full: 0 });
        recorder.input(Instant::ZERO, &Input::Tick {});
        assert!(recorder.error().is_none());
        for _ in 0..3 {
            recorder.input(Instant::ZERO, &Input::Tick {});
        }
        assert_eq!(recorder.error().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
        assert_eq!(recorder.writer.attempts_when_full, 1);
        assert!(recorder.writer.written.starts_with(b"{\"t\":0,\"in\":{\"tick\":{}}}\n"));
        assert_eq!(recorder.finish().map(|_| ()).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
