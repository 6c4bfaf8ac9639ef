//! `netsession why`: which member a session uses, and what speaks against each of the others.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use netsession_core::trace::{Query, Subject};
use netsession_core::{Accepted, Identifier, Input, Instant, Manager, SessionId, SessionState};
use netsession_io_linux::Driver;
use netsession_io_linux::replay::{Audience, Outcome, ReplayError, replay};
use netsession_io_linux::trace::Saying;

use super::arguments::WhyArguments;
use super::config::InForce;
use super::host::{Host, Watch};
use super::output::Output;
use super::replay::{name, open};
use super::status::{Failure, Status};
use super::table::printable;
use super::{complain, journal, reasons};

/// Explains the choice of a session that would be opened now, or of one that was recorded.
///
/// # Errors
/// There is no such configuration or trace, the driver failed, or the output cannot be written.
pub(crate) fn run(arguments: &WhyArguments) -> Result<Status, Failure> {
    match &arguments.from {
        Some(path) => recorded(path, arguments),
        None => here(arguments),
    }
}

fn here(arguments: &WhyArguments) -> Result<Status, Failure> {
    let in_force = InForce::find(&arguments.file, arguments.preference.overrides())?;
    let mut host = Host::start_with(Driver::builder(), in_force, &arguments.common, &[], Watch::Output)?;
    let explained = host.configuration(&arguments.target).and_then(|id| {
        // How the driver came to know is of no interest.
        host.journal.take_lines();
        let query = Query::Why(Subject::Configuration(id.clone()));
        let text = {
            let manager = host.driver.manager();
            let view = host.journal.ask(&manager, &query);
            let heading = format!("A session that is opened on {} now:\n", printable(&id));
            if host.output.is_json() { view } else { heading + &reasons::members(&manager, &query) }
        };
        host.output.text(text)
    });
    host.end(explained.map(|()| Status::DONE))
}

fn recorded(path: &Path, arguments: &WhyArguments) -> Result<Status, Failure> {
    let mut listener = Listener {
        wanted: arguments.target.config.as_str().into(),
        until: arguments.at,
        is_json: arguments.common.json,
        configurations: BTreeSet::new(),
        being_made: false,
        session: None,
        latest: None,
    };
    match replay(whole_lines(path)?, &mut listener) {
        Ok(Outcome::Differs(difference)) if difference.expected.is_some() => {
            complain(&format!("{}: of another version of this program? {difference}", name(path)));
        }
        Ok(Outcome::Differs(_) | Outcome::Agrees { .. }) => {}
        Err(ReplayError::Write(error)) => return Err(Failure::writing(&error)),
        Err(error) => return Err(Failure::new(Status::USAGE, format_args!("{}: {error}", name(path)))),
    }
    Output::new(arguments.common.json).text(listener.explanation(path)?)?;
    Ok(Status::DONE)
}

/// The trace, without a last line that is still being written.
fn whole_lines(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path.as_os_str() == "-" {
        return open(path);
    }
    let unreadable =
        |error| Failure::new(Status::USAGE, format_args!("cannot open {}: {error}", path.display()));
    let mut file = File::open(path).map_err(unreadable)?;
    let end = end_of_last_line(&mut file).map_err(unreadable)?;
    Ok(Box::new(BufReader::new(file.take(end))))
}

/// Where the last whole line ends; leaves the file at its beginning.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut block = [0; 4096];
    while end > 0 {
        let begin = end.saturating_sub(4096);
        file.seek(SeekFrom::Start(begin))?;
        let length = usize::try_from(end - begin).unwrap_or(block.len());
        let Some(part) = block.get_mut(..length) else { break };
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            end = begin + u64::try_from(at).unwrap_or(0) + 1;
            break;
        }
        end = begin;
    }
    file.rewind()?;
    Ok(end)
}

/// Follows a replay, and keeps what explains the latest choice of the latest session that was wanted.
struct Listener {
    wanted: Identifier,
    until: Option<Instant>,
    is_json: bool,
    /// What there was to ask about.
    configurations: BTreeSet<Identifier>,
    /// The session that is made by the input at hand is one that is wanted.
    being_made: bool,
    session: Option<SessionId>,
    latest: Option<String>,
}

impl Listener {
    fn explanation(self, path: &Path) -> Result<String, Failure> {
        if let Some(latest) = self.latest {
            return Ok(latest);
        }
        let (wanted, path) = (printable(&self.wanted), name(path));
        if self.configurations.contains(&self.wanted) {
            let until = if self.until.is_some() { " until then" } else { "" };
            let message =
                format!("{path}: nothing was known of {wanted}{until}; look at another time (--at)");
            return Err(Failure::new(Status::NOT_OPENED, message));
        }
        let names: Vec<String> = self.configurations.iter().take(20).map(|id| printable(id)).collect();
        let message = format!("{path}: no configuration is called {wanted}; there are {}", names.join(", "));
        Err(Failure::new(Status::NOT_OPENED, message))
    }

    fn is_over(&self, at: Instant) -> bool {
        self.until.is_some_and(|until| at > until)
    }

    /// What explains the choice now, if there is one: a session that is closed has made none.
    fn look(&self, at: Instant, manager: &Manager) -> Option<String> {
        let session = self.session.and_then(|session| manager.session(session));
        let (query, heading) = match session {
            Some(view) if view.is_open() || view.state() == SessionState::Connecting => {
                let using = view.active_configuration().map(|id| format!(", open on {}", printable(id)));
                let state = using.unwrap_or_else(|| ", opening".to_owned());
                let number = view.id().number();
                let heading = format!("Session {number} on {}{state}, at {} s:", self.wanted, seconds(at));
                (Query::Why(Subject::Session(view.id())), heading)
            }
            Some(_) | None if self.latest.is_some() && self.session.is_some() => return None,
            Some(_) | None => {
                manager.configuration(&self.wanted)?;
                let heading = format!("A session opened on {} at {} s:", self.wanted, seconds(at));
                (Query::Why(Subject::Configuration(self.wanted.clone())), heading)
            }
        };
        Some(if self.is_json {
            journal::view(manager, &query)
        } else {
            format!("{}\n{}", printable(&heading), reasons::members(manager, &query))
        })
    }
}

impl Audience for Listener {
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()> {
        let Saying::Input(input) = saying else { return Ok(()) };
        self.being_made = matches!(input, Input::Session { on } if *on == self.wanted) && !self.is_over(at);
        if let Input::Add(add) = input {
            self.configurations.insert(add.id.clone());
        } else if let Input::Snapshot(entries) = input {
            self.configurations.extend(entries.iter().map(|entry| entry.observation.id.clone()));
        }
        Ok(())
    }

    fn on_output(&mut self, _at: Instant, saying: &Saying<'_>, _line: &str) -> io::Result<()> {
        if let (true, Saying::Answer(Ok(Accepted::Session(session)))) = (self.being_made, saying) {
            self.session = Some(*session);
        }
        Ok(())
    }

    fn on_rest(&mut self, at: Instant, manager: &Manager) -> io::Result<()> {
        if !self.is_over(at)
            && let Some(latest) = self.look(at, manager)
        {
            self.latest = Some(latest);
        }
        Ok(())
    }

    fn on_end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Seconds with microseconds, as `open` shows them.
fn seconds(at: Instant) -> String {
    let nanoseconds = at.as_nanos();
    format!("{}.{:06}", nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000 / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_being_written_is_left_out() {
        let path = std::env::temp_dir().join(format!("netsession-whole-lines-{}", std::process::id()));
        let long = "x".repeat(10_000);
        for (text, whole) in [
            ("", 0),
            ("a", 0),
            ("a\n", 2),
            ("a\nb", 2),
            (&format!("a\n{long}"), 2),
            (&format!("{long}\n"), 10_001),
            (&format!("{long}\n{}", &long[..4096]), 10_001),
        ] {
            std::fs::write(&path, text).unwrap();
            let mut read = String::new();
            whole_lines(&path).unwrap_or_else(|_| panic!("cannot read")).read_to_string(&mut read).unwrap();
            assert_eq!(read.len(), whole);
        }
        std::fs::remove_file(&path).unwrap();
    }
}
