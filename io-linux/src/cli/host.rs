//! A driver on this machine, and waiting for everything that may happen: events, signals, the end of input,
//! a deadline, and a reader of the output that goes away.
//!
//! One `poll` waits for all; while nothing happens no system call is made.

use std::io::{stdin, stdout};
use std::time::{Duration, Instant};

use netsession_core::trace::Query;
use netsession_core::{Config, Event, Identifier, SessionState};
use netsession_io_linux::{Builder, Driver, Error, Session};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::arguments::{Common, Here, Roaming, Target};
use super::complain;
use super::config::{InForce, Overrides};
use super::journal::{self, Journal};
use super::lines::Lines;
use super::narrate;
use super::notify::Notify;
use super::output::{FAINT, Output, styled};
use super::reasons;
use super::signals::{Arrived, Signal, Signals};
use super::status::{Failure, Status};

/// How long the end of a command waits for the link to go down.
const CLOSING_AT_MOST: Duration = Duration::from_secs(5);
/// An alternative name of an interface has at most so many bytes, its name 15.
const LONGEST_NAME: usize = 127;

/// Something to wait for happened.
pub(crate) enum Happening {
    /// The core told an event.
    Event(Event),
    /// A signal arrived.
    Signal(Arrived),
    /// A line was read from standard input.
    Line(String),
    /// Standard input ended.
    EndOfInput,
    /// Nothing happened in time.
    Deadline,
}

/// What else to watch while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    /// Nothing else.
    Nothing,
    /// Whether anybody still reads the output.
    Output,
    /// That, and standard input.
    InputAndOutput,
}

/// A driver on this machine, its signals, and where it writes.
pub(crate) struct Host {
    pub(crate) driver: Driver,
    pub(crate) output: Output,
    pub(crate) journal: Journal,
    in_force: InForce,
    /// The service manager that started the command, if one did.
    pub(crate) notify: Notify,
    signals: Signals,
    lines: Lines,
    began: Instant,
    watch: Watch,
    is_about_something_else: bool,
    is_muted: bool,
    /// Why lines were not printed that are not what the command is about: it ends a good run badly.
    unwritten: Option<Failure>,
}

impl Host {
    /// Starts a driver as the configuration file says, and catches these signals.
    ///
    /// # Errors
    /// The file is wrong, the trace cannot be opened, or the kernel refused what the driver needs.
    pub(crate) fn start(here: &Here, signals: &[Signal], watch: Watch) -> Result<Self, Failure> {
        let in_force = InForce::find(&here.file, Overrides::default())?;
        Self::start_with(Driver::builder(), in_force, &here.common, signals, watch)
    }

    /// The same with other settings.
    ///
    /// # Errors
    /// The trace cannot be opened, or the kernel refused what the driver needs.
    pub(crate) fn start_with(
        builder: Builder,
        in_force: InForce,
        common: &Common,
        signals: &[Signal],
        watch: Watch,
    ) -> Result<Self, Failure> {
        let journal = Journal::open(common)?;
        let signals = Signals::catch(signals)
            .map_err(|error| Failure::new(Status::SYSTEM, format_args!("cannot catch signals: {error}")))?;
        let builder = builder.configuration(in_force.configuration());
        let driver = builder.observer(Box::new(journal.clone())).build().map_err(driver_failed)?;
        let (output, began) = (Output::new(common.json), Instant::now());
        let is_about_something_else = watch == Watch::Nothing;
        let is_muted = is_about_something_else && !output.is_json();
        Ok(Self {
            driver,
            output,
            journal,
            in_force,
            notify: Notify::from_environment(),
            signals,
            lines: Lines::default(),
            began,
            watch,
            is_about_something_else,
            is_muted,
            unwritten: None,
        })
    }

    /// A session on what the command line names, that roams so.
    ///
    /// # Errors
    /// There is no such configuration, or more than one.
    pub(crate) fn session(&self, target: &Target, roaming: &Roaming) -> Result<Session, Failure> {
        let id = self.configuration(target)?;
        if roaming.default_route && *id != *target.config {
            let message =
                format!("--default-route needs the identifier: say {id:?} and not {:?}", target.config);
            return Err(Failure::new(Status::USAGE, message));
        }
        let session = self.driver.session(&id);
        session.set_roaming_mode(roaming.roam.into()).map_err(driver_failed)?;
        Ok(session)
    }

    /// What the command line names; made, if it names members.
    ///
    /// # Errors
    /// There is no such configuration, or more than one.
    pub(crate) fn configuration(&self, target: &Target) -> Result<Identifier, Failure> {
        if target.members.is_empty() {
            return self.find(&target.config);
        }
        let members = target.members.iter().map(|member| self.find(member)).collect::<Result<Vec<_>, _>>()?;
        self.driver.add_service_network(&target.config, &members).map_err(|error| {
            let message = format!("cannot make a service network named {:?}: {error}", target.config);
            Failure::new(Status::NOT_OPENED, message)
        })?;
        Ok(target.config.as_str().into())
    }

    /// What the candidate of a session lacks, in sentences for people.
    pub(crate) fn lacks(&self, session: &Session) -> Vec<String> {
        let lacks = session.trial().map_or_else(|| Ok(Vec::new()), |trial| trial.lacks());
        match lacks {
            Ok(lacks) => lacks.iter().map(ToString::to_string).collect(),
            Err(error) => vec![format!("what it lacks cannot be told: {error}")],
        }
    }

    fn find(&self, text: &str) -> Result<Identifier, Failure> {
        self.driver.find(text).map_err(|error| {
            if !matches!(error, Error::NotFound { .. }) || text.len() <= LONGEST_NAME {
                return Failure::new(Status::NOT_OPENED, error);
            }
            let start: String = text.chars().take(20).collect();
            let message = format!(
                "no configuration is called {start:?}… ({} bytes): an interface name has at most 15 bytes, an \
                 alternative name at most {LONGEST_NAME}; netsession list shows what there is",
                text.len()
            );
            Failure::new(Status::NOT_OPENED, message)
        })
    }

    /// Waits for the next thing to happen, at most until the deadline.
    ///
    /// # Errors
    /// Nobody reads the output any more, or it cannot be written.
    pub(crate) fn next(&mut self, deadline: Option<Instant>) -> Result<Happening, Failure> {
        loop {
            if let Some(event) = self.driver.next_event() {
                return Ok(Happening::Event(event));
            }
            if let Some(signal) = self.signals.next() {
                // A terminal that goes away hangs up, too.
                if !signal.is(Signal::HUP) || signal.by_kernel || !self.in_force.is_of_file() {
                    return Ok(Happening::Signal(signal));
                }
                self.in_force.read_again(&self.driver);
                continue;
            }
            if self.watch == Watch::InputAndOutput {
                if let Some(line) = self.lines.next() {
                    return Ok(Happening::Line(line));
                }
                if self.lines.has_ended() {
                    return Ok(Happening::EndOfInput);
                }
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(Happening::Deadline);
            }
            self.print_lines()?;
            self.journal.flush();
            if self.sleep(deadline)? {
                self.lines.read();
            }
            // The driver mends itself.
            if let Err(error) = self.driver.turn() {
                complain(&error.to_string());
            }
        }
    }

    /// The constants of the core.
    pub(crate) fn constants(&self) -> Config {
        self.in_force.configuration().driver
    }

    /// Sleeps until something may have happened. Whether there is something to read on standard input.
    fn sleep(&self, deadline: Option<Instant>) -> Result<bool, Failure> {
        let (input, output) = (stdin(), stdout());
        let mut watched = vec![
            PollFd::new(&self.driver, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
            // Asking for nothing still tells that the other end is gone.
            PollFd::new(&output, PollFlags::empty()),
            PollFd::new(&input, PollFlags::IN),
        ];
        let wanted =
            2 + usize::from(self.watch != Watch::Nothing) + usize::from(self.watch == Watch::InputAndOutput);
        watched.truncate(wanted);
        let wake = [deadline, self.driver.next_deadline()].into_iter().flatten().min();
        // A span that the kernel cannot count is as good as none.
        let left =
            wake.and_then(|wake| Timespec::try_from(wake.saturating_duration_since(Instant::now())).ok());
        match poll(&mut watched, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                return Err(Failure::new(Status::SYSTEM, format_args!("cannot wait (poll): {error}")));
            }
        }
        let [_, _, rest @ ..] = watched.as_slice() else { return Ok(false) };
        let mut happened = rest.iter().map(|watched| !watched.revents().is_empty());
        if happened.next() == Some(true) {
            return Err(Failure::OutputClosed);
        }
        Ok(happened.next() == Some(true))
    }

    /// Shows an event: a line with the time since the command began, or JSON lines. A command that is about
    /// something else prints JSON lines only, and goes on when nobody reads them any more.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn show(&mut self, event: &Event) -> Result<(), Failure> {
        if self.output.is_json() {
            let lines = self.journal.take_lines() + &self.view_after(event);
            return self.print(&lines);
        }
        let time = styled(FAINT, narrate::since(self.began));
        let told = narrate::told(&self.driver.manager(), event);
        self.print(&format!("{time}  {told}\n"))
    }

    /// Says something to a person, below the event that it belongs to.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), Failure> {
        if self.output.is_json() { Ok(()) } else { self.print(&format!("{:16}{line}\n", "")) }
    }

    /// The same for something that whoever reads JSON lines has to know, too.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn say_or_complain(&mut self, message: &str) -> Result<(), Failure> {
        if self.output.is_json() {
            complain(message);
            return Ok(());
        }
        self.say(message)
    }

    /// Answers a question why: with the members in sentences, or with the view.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn explain(&mut self, query: &Query) -> Result<(), Failure> {
        let text = {
            let manager = self.driver.manager();
            let view = self.journal.ask(&manager, query);
            if self.output.is_json() {
                self.journal.take_lines() + &view
            } else {
                let members = reasons::members(&manager, query);
                members.lines().map(|line| format!("{:14}{line}\n", "")).collect()
            }
        };
        self.print(&text)
    }

    /// Prints the JSON lines that no event followed yet.
    fn print_lines(&mut self) -> Result<(), Failure> {
        let lines = self.journal.take_lines();
        if lines.is_empty() { Ok(()) } else { self.print(&lines) }
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        let printed = if self.is_muted { Ok(()) } else { self.output.text(text) };
        match printed {
            Err(failure) if self.is_about_something_else => {
                self.is_muted = true;
                self.unwritten = Some(failure);
                Ok(())
            }
            printed => printed,
        }
    }

    /// With a configuration that is not what it was, what it is.
    fn view_after(&self, event: &Event) -> String {
        let (Event::ConfigurationAdded { id } | Event::ConfigurationChanged { id, .. }) = event else {
            return String::new();
        };
        let manager = self.driver.manager();
        if manager.configuration(id).is_some() { journal::configuration(&manager, id) } else { String::new() }
    }

    /// Closes the session and waits, within bounds, until its link is down. A second signal ends that wait;
    /// its number is the answer.
    ///
    /// # Errors
    /// The driver failed.
    pub(crate) fn close(&mut self, session: &Session) -> Result<Option<Arrived>, Failure> {
        session.close();
        let deadline = Instant::now() + CLOSING_AT_MOST;
        self.watch = Watch::Nothing;
        loop {
            if session.state() != SessionState::Closing {
                self.show_rest();
                return Ok(None);
            }
            match self.next(Some(deadline))? {
                Happening::Event(event) => drop(self.show(&event)),
                Happening::Signal(signal) if signal.ends() => return Ok(Some(signal)),
                Happening::Signal(_) | Happening::Line(_) | Happening::EndOfInput => {}
                Happening::Deadline => {
                    complain("the link does not go down; ended without waiting any longer");
                    return Ok(None);
                }
            }
        }
    }

    /// What the core has told and nobody has shown; that the output is gone does not matter any more.
    fn show_rest(&mut self) {
        while let Some(event) = self.driver.next_event() {
            if self.show(&event).is_err() {
                return;
            }
        }
    }

    /// Prints the lines that are left, and ends the trace.
    ///
    /// # Errors
    /// The one that the command ended with.
    pub(crate) fn end(mut self, ended: Result<Status, Failure>) -> Result<Status, Failure> {
        let printed = self.print_lines();
        let ended = match (ended.and_then(|status| printed.map(|()| status)), self.unwritten) {
            (Ok(Status::DONE), Some(failure)) => Err(failure),
            (ended, _) => ended,
        };
        self.journal.end(ended)
    }
}

/// A driver that cannot go on.
pub(crate) fn driver_failed(error: Error) -> Failure {
    Failure::new(Status::SYSTEM, error)
}
