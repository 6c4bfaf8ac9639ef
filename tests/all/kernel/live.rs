//! Programs that run beside a test, and the lines that they print.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::Signal;
use serde_json::Value;

use super::FOR_EVER;
use crate::program::support::{netsession, signal};

/// The line that `monitor --json` prints when it has printed all that there is.
const ALL_PRINTED: &str = r#""configurations":["#;

/// A program that runs.
pub(super) struct Live {
    child: Child,
    lines: Receiver<String>,
}

impl Live {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        // Only so that a line that never comes ends the test in place of keeping it.
        std::thread::spawn(move || out.lines().try_for_each(|line| sender.send(line.unwrap())));
        Self { child, lines }
    }

    /// `netsession monitor --json`, and what it printed of the present.
    pub(super) fn monitor() -> (Self, Vec<String>) {
        let mut monitor = Self::start(&mut netsession(&["monitor", "--json"]));
        let present = monitor.until_present();
        (monitor, present)
    }

    pub(super) fn until_present(&mut self) -> Vec<String> {
        self.until(ALL_PRINTED, |line| line.contains(ALL_PRINTED))
    }

    /// Reads on to the first line that is so, and gives all up to it.
    pub(super) fn until(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let mut read = Vec::new();
        loop {
            let line = match self.lines.recv_timeout(FOR_EVER) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("not printed: {what}; but {read:#?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {what}, after {read:#?}"),
            };
            read.push(line);
            if is_it(read.last().unwrap()) {
                return read;
            }
        }
    }

    pub(super) fn until_printed(&mut self, words: &str) -> Vec<String> {
        self.until(words, |line| line.contains(words))
    }

    /// Says a line to it.
    pub(super) fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The next line, if it has been printed already.
    pub(super) fn printed(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    pub(super) fn signal(&self, sent: Signal) {
        signal(&self.child, sent);
    }

    /// Ends its input, and gives what it still printed and its exit status.
    pub(super) fn end(mut self) -> (Vec<String>, Option<i32>) {
        drop(self.child.stdin.take());
        let rest = self.lines.iter().collect();
        (rest, self.child.wait().unwrap().code())
    }
}

/// A test that fails leaves nothing running.
impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The states that a configuration was said to change to, each once in a row.
pub(super) fn states_of(id: &str, lines: &[String]) -> Vec<String> {
    let mut states: Vec<String> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| line["out"]["event"]["configuration_changed"].clone())
        .filter(|changed| changed["id"] == id)
        .map(|changed| changed["state"].as_str().unwrap().to_owned())
        .collect();
    states.dedup();
    states
}
