//! `netsession top`: what there is, on the whole terminal, as it changes.
//!
//! It carries the driver as any event loop would: one thread and one `poll`, on the driver's descriptor, its
//! next deadline, the signals, the keys, and the one timer of the program, by which it asks for byte counters.
//! The terminal is given back however it ends, and whenever it stops.

mod keys;
mod rates;
mod screen;

use std::collections::VecDeque;
use std::io::{IsTerminal, stdin, stdout};
use std::time::{Duration, Instant};

use netsession_core::{Identifier, SessionState};
use netsession_io_linux::{Driver, Session};
use ratatui::DefaultTerminal;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::{Position, Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{getpid, kill_process};

use super::arguments::{Common, TopArguments};
use super::config::{InForce, Overrides};
use super::host::driver_failed;
use super::journal::Journal;
use super::signals::{Arrived, ENDING, Signal, Signals};
use super::status::{Failure, Status};
use super::{list, narrate};
use keys::{Key, Keys};
use rates::Rates;
use screen::Screen;

/// More than any terminal has lines.
const EVENTS_KEPT: usize = 1000;
/// How long the end waits for links to go down.
const CLOSING_AT_MOST: Duration = Duration::from_secs(5);

/// Shows it until q is pressed or a signal arrives.
///
/// # Errors
/// There is no terminal, no such configuration, or the driver failed.
pub(crate) fn run(arguments: &TopArguments) -> Result<Status, Failure> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        let message = "top draws on a terminal, and standard input or output is none; netsession list and \
                       netsession monitor print lines";
        return Err(Failure::new(Status::USAGE, message));
    }
    let journal = Journal::open(&Common { json: false, trace: arguments.trace.clone() })?;
    let mut caught = ENDING.to_vec();
    caught.extend([Signal::TSTP, Signal::CONT, Signal::WINCH]);
    let signals = Signals::catch(&caught)
        .map_err(|error| Failure::new(Status::SYSTEM, format_args!("cannot catch signals: {error}")))?;
    let in_force = InForce::find(&arguments.file, Overrides::default())?;
    let builder = Driver::builder().configuration(in_force.configuration());
    let driver = builder.observer(Box::new(journal.clone())).build().map_err(driver_failed)?;
    let mut top = Top {
        driver,
        journal: journal.clone(),
        signals,
        keys: Keys::default(),
        began: Instant::now(),
        interval: Duration::from_millis(arguments.interval),
        rates: Rates::default(),
        sessions: Vec::new(),
        events: VecDeque::new(),
        chosen: None,
        is_help_shown: false,
    };
    if let Some(name) = &arguments.open {
        let id = top.driver.find(name).map_err(|error| Failure::new(Status::NOT_OPENED, error))?;
        top.open(id);
    }
    let shown = top.show();
    top.close();
    journal.end(shown.map(|()| Status::DONE))
}

/// What is shown, and what it is shown of.
struct Top {
    driver: Driver,
    journal: Journal,
    signals: Signals,
    keys: Keys,
    began: Instant,
    interval: Duration,
    rates: Rates,
    sessions: Vec<Session>,
    /// The last events, the newest last.
    events: VecDeque<String>,
    /// The configuration that keys act on; by its identifier, because the list changes.
    chosen: Option<Identifier>,
    is_help_shown: bool,
}

impl Top {
    /// Has the terminal until it returns, however it does.
    fn show(&mut self) -> Result<(), Failure> {
        // From here on a panic gives it back, too.
        let mut terminal = ratatui::try_init().map_err(|error| terminal_failed(&error))?;
        let shown = self.watch(&mut terminal);
        // One that cannot be given back has gone.
        let _ = ratatui::try_restore().and_then(|()| terminal.show_cursor());
        // Dropped, it would say so on standard error, and panic where that has gone with it.
        std::mem::forget(terminal);
        shown
    }

    fn watch(&mut self, terminal: &mut DefaultTerminal) -> Result<(), Failure> {
        let mut tick = Instant::now();
        loop {
            if tick <= Instant::now() {
                list::refresh_counters(&self.driver)?;
                self.take_counters();
                // After a pause not for each that was missed.
                tick = (tick + self.interval).max(Instant::now());
            }
            while let Some(signal) = self.signals.next() {
                if self.obey(signal, terminal)? {
                    return Ok(());
                }
            }
            while let Some(key) = self.keys.next() {
                if self.press(key, terminal)? {
                    return Ok(());
                }
            }
            self.take_news();
            terminal.draw(|frame| self.screen().draw(frame)).map_err(|error| terminal_failed(&error))?;
            if self.sleep(tick)? {
                return Ok(());
            }
        }
    }

    /// Sleeps until something may have happened. Whether the terminal has gone.
    fn sleep(&mut self, tick: Instant) -> Result<bool, Failure> {
        let input = stdin();
        let mut watched = [
            PollFd::new(&self.driver, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&input, PollFlags::IN),
        ];
        let wake = self.driver.next_deadline().map_or(tick, |deadline| deadline.min(tick));
        let left = Timespec::try_from(wake.saturating_duration_since(Instant::now())).ok();
        match poll(&mut watched, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                return Err(Failure::new(Status::SYSTEM, format_args!("cannot wait (poll): {error}")));
            }
        }
        let [_, _, keys] = &watched;
        Ok(!keys.revents().is_empty() && !self.keys.read(&input))
    }

    fn take_counters(&mut self) {
        let mut counters = self.journal.counters();
        let manager = self.driver.manager();
        counters.retain(|id, _| manager.configuration(id).is_some());
        self.rates.take(&counters, Instant::now());
    }

    /// Takes in what the kernel has said, and keeps what is told.
    fn take_news(&mut self) {
        // The driver mends itself.
        if let Err(error) = self.driver.turn() {
            self.tell(&error.to_string());
        }
        while let Some(event) = self.driver.next_event() {
            let told = narrate::told(&self.driver.manager(), &event);
            self.tell(&anstream::adapter::strip_str(&told).to_string());
        }
        if let Some(trouble) = self.journal.flushed() {
            self.tell(&trouble);
        }
    }

    fn tell(&mut self, what: &str) {
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
        }
        self.events.push_back(format!("{}  {what}", narrate::since(self.began)));
    }

    fn screen(&self) -> Screen<'_> {
        Screen {
            manager: self.driver.manager(),
            rates: &self.rates,
            sessions: &self.sessions,
            events: &self.events,
            chosen: self.chosen.as_ref(),
            interval: self.interval,
            is_help_shown: self.is_help_shown,
        }
    }

    /// Whether the signal ends it.
    fn obey(&mut self, signal: Arrived, terminal: &mut DefaultTerminal) -> Result<bool, Failure> {
        if signal.is(Signal::TSTP) {
            self.stop(terminal)?;
        } else if signal.is(Signal::CONT) {
            // Whoever had the terminal meanwhile may have left it otherwise.
            let mut take_again = || {
                disable_raw_mode()?;
                enable_raw_mode()?;
                execute!(stdout(), EnterAlternateScreen)?;
                redraw(terminal)
            };
            take_again().map_err(|error| terminal_failed(&error))?;
        }
        Ok(signal.ends())
    }

    /// Gives the terminal back and stops this process; SIGCONT tells that it goes on.
    fn stop(&self, terminal: &mut DefaultTerminal) -> Result<(), Failure> {
        ratatui::try_restore()
            .and_then(|()| terminal.show_cursor())
            .map_err(|error| terminal_failed(&error))?;
        kill_process(getpid(), Signal::STOP)
            .map_err(|error| Failure::new(Status::SYSTEM, format_args!("cannot stop this process: {error}")))
    }

    /// Whether the key ends it.
    fn press(&mut self, key: Key, terminal: &mut DefaultTerminal) -> Result<bool, Failure> {
        match key {
            Key::Quit => return Ok(true),
            Key::Stop => self.stop(terminal)?,
            Key::Redraw => redraw(terminal).map_err(|error| terminal_failed(&error))?,
            Key::Help => self.is_help_shown = !self.is_help_shown,
            Key::Escape => self.is_help_shown = false,
            Key::Up => self.choose(|at| at.saturating_sub(1)),
            Key::Down => self.choose(|at| at.saturating_add(1)),
            Key::Open => {
                let chosen = self.screen().chosen_id();
                chosen.into_iter().for_each(|id| self.open(id));
            }
            Key::Close => {
                let chosen = self.screen().chosen_id();
                let on_it = |session: &&Session| Some(session.configuration()) == chosen;
                self.sessions.iter().filter(on_it).for_each(Session::close);
            }
        }
        Ok(false)
    }

    fn choose(&mut self, step: impl FnOnce(usize) -> usize) {
        let screen = self.screen();
        let ids = screen.ids();
        let chosen = step(screen.chosen_at()).min(ids.len().saturating_sub(1));
        let chosen = ids.into_iter().nth(chosen);
        drop(screen);
        self.chosen = chosen;
    }

    /// Opens the session on a configuration, which is made if there is none.
    fn open(&mut self, id: Identifier) {
        let known = self.sessions.iter().position(|session| session.configuration() == id);
        let at = known.unwrap_or_else(|| {
            self.sessions.push(self.driver.session(&id));
            self.sessions.len() - 1
        });
        if let Some(session) = self.sessions.get(at) {
            session.open();
        }
        self.chosen = Some(id);
    }

    /// Closes all sessions and waits, within bounds, until their links are down; a signal ends that wait.
    fn close(&self) {
        self.sessions.iter().for_each(Session::close);
        let deadline = Instant::now() + CLOSING_AT_MOST;
        while self.sessions.iter().any(|session| session.state() == SessionState::Closing)
            && Instant::now() < deadline
            && !std::iter::from_fn(|| self.signals.next()).any(Arrived::ends)
        {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.driver.wait(Some(left)).and_then(|()| self.driver.turn()).is_err() {
                return;
            }
        }
    }
}

/// Draws everything anew the next time. `clear` would ask the terminal where its cursor is, and wait for an answer.
fn redraw(terminal: &mut DefaultTerminal) -> std::io::Result<()> {
    let size = terminal.size()?;
    terminal.resize(Rect::from((Position::ORIGIN, size)))
}

fn terminal_failed(error: &std::io::Error) -> Failure {
    Failure::new(Status::NOT_WRITTEN, format_args!("cannot use the terminal: {error}"))
}
