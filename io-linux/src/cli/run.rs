//! `netsession run`: a session for as long as a command runs.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use netsession_core::{Event, Identifier, Interface, SessionError};
use netsession_io_linux::Session;
use rustix::process::{Pid, kill_process};

use super::arguments::{Roam, RunArguments};
use super::complain;
use super::config::InForce;
use super::host::{Happening, Host, Watch};
use super::narrate;
use super::news::News;
use super::notify;
use super::open::not_opened;
use super::signals::{Arrived, Signal};
use super::status::{Failure, Status};

/// What is passed on to the command, and the news of its end.
const CAUGHT: &[Signal] = &[
    Signal::CHILD,
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::WINCH,
];

/// Runs a command in a session, and ends as it ended.
///
/// # Errors
/// The session cannot be opened, the command cannot be started, or the driver failed.
pub(crate) fn run(arguments: &RunArguments) -> Result<Status, Failure> {
    if arguments.roaming.roam == Roam::Application {
        let message = "run cannot ask: its command has the terminal. Use --roam forced (it moves by itself) or \
                       suppressed (it does not move); netsession open --roam application asks";
        return Err(Failure::new(Status::USAGE, message));
    }
    let mut news = News::prepare(arguments)?;
    let in_force = InForce::find(&arguments.file, arguments.roaming.preference.overrides())?;
    let builder = arguments.roaming.builder(&arguments.target);
    let mut host = Host::start_with(builder, in_force, &arguments.common, CAUGHT, Watch::Nothing)?;
    let ended = in_session(&mut host, arguments, &mut news);
    host.end(ended)
}

fn in_session(host: &mut Host, arguments: &RunArguments, news: &mut News) -> Result<Status, Failure> {
    let session = host.session(&arguments.target, &arguments.roaming)?;
    session.open();
    let ended = match open(host, &session, arguments.wait) {
        Ok(None) => command(host, &session, &arguments.command, news),
        Ok(Some(signal)) => Ok(Status::by_signal(signal.number)),
        Err(failure) => Err(failure),
    };
    host.notify.stopping();
    // However the command ended, the session is closed; and what goes wrong in that is worth less.
    match host.close(&session) {
        Ok(_) => ended,
        Err(failure) => {
            ended.and_then(|status| if status == Status::DONE { Err(failure) } else { Ok(status) })
        }
    }
}

/// Waits until the session is open; a signal that ends the wait is the answer.
fn open(host: &mut Host, session: &Session, wait: Duration) -> Result<Option<Arrived>, Failure> {
    let deadline = if wait.is_zero() { None } else { Instant::now().checked_add(wait) };
    loop {
        match host.next(deadline)? {
            Happening::Event(event) => {
                host.show(&event)?;
                host.notify.status(&status(session));
                if event.session() == Some(session.id()) {
                    if let Event::Opened { .. } = event {
                        return Ok(None);
                    } else if let Event::Error { .. } = event {
                        return Err(not_opened(&host.driver, session));
                    }
                }
            }
            Happening::Signal(signal) if signal.ends() => return Ok(Some(signal)),
            Happening::Signal(_) | Happening::Line(_) | Happening::EndOfInput => {}
            Happening::Deadline => {
                let message = format!(
                    "{} could not be opened: it is {} after {} ms; give it longer with --wait MS",
                    session.configuration(),
                    narrate::words(session.state().word()),
                    wait.as_millis()
                );
                return Err(Failure::new(Status::NOT_OPENED, message));
            }
        }
    }
}

/// Runs the command to its end, passing signals on.
fn command(
    host: &mut Host,
    session: &Session,
    words: &[OsString],
    news: &mut News,
) -> Result<Status, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Ok(Status::USAGE) };
    let interface = session.interface().map(|interface| interface.name).unwrap_or_default();
    let mut command = Command::new(program);
    command.args(arguments).env("NETSESSION_INTERFACE", interface);
    command.env("NETSESSION_CONFIGURATION", session.configuration().as_str());
    // The manager is told of the session, and by nobody else.
    command.env_remove(notify::SOCKET);
    news.announce(&mut command);
    let mut known = Place::of(session);
    let mut child = command.spawn().map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let status = if missing { Status::NOT_FOUND } else { Status::NOT_EXECUTABLE };
        Failure::new(status, format_args!("cannot run {}: {error}", program.display()))
    })?;
    news.has_started();
    host.notify.ready(&status(session));
    loop {
        match host.next(None)? {
            Happening::Event(event) => {
                tell(host, session, &event)?;
                host.notify.status(&status(session));
                if let Some(place) = Place::of(session).filter(|place| known.as_ref() != Some(place)) {
                    complain(&format!(
                        "the session on {} has moved to {}{}; the command goes on",
                        session.configuration(),
                        place.on,
                        narrate::interface(&place.interface)
                    ));
                    news.tell(&child, &place.interface, &place.on);
                    known = Some(place);
                }
            }
            Happening::Signal(signal) => {
                // Whichever it is: the one that told of the command's end may have been lost among many.
                if let Some(status) = ended(&mut child)? {
                    return Ok(status);
                }
                if !signal.is(Signal::CHILD) {
                    pass_on(signal, &child);
                }
            }
            Happening::Line(_) | Happening::EndOfInput | Happening::Deadline => {}
        }
    }
}

/// How the session stands, for a service manager.
fn status(session: &Session) -> String {
    let (on, state) = (session.configuration(), narrate::words(session.state().word()));
    match Place::of(session).filter(|_| session.is_open()) {
        Some(place) => format!("{on} is open{}", narrate::interface(&place.interface)),
        None => format!("{on} is {state}"),
    }
}

/// Where a session is.
struct Place {
    on: Identifier,
    interface: Interface,
}

impl Place {
    /// `None` while it has no link, or is on its way to another.
    fn of(session: &Session) -> Option<Self> {
        Some(Self { on: session.active_configuration()?, interface: session.interface()? })
    }
}

/// Addresses may come and go without a move.
impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        (&self.on, self.interface.index) == (&other.on, other.interface.index)
    }
}

/// How the command ended, if it did.
fn ended(child: &mut Child) -> Result<Option<Status>, Failure> {
    match child.try_wait() {
        Ok(status) => Ok(status.map(status_of)),
        Err(error) => {
            Err(Failure::new(Status::SYSTEM, format_args!("cannot tell how the command ended: {error}")))
        }
    }
}

fn status_of(ended: ExitStatus) -> Status {
    match (ended.code(), ended.signal()) {
        (Some(code), _) => Status::of_command(code),
        (None, signal) => Status::by_signal(signal.unwrap_or(0)),
    }
}

/// What the kernel sent for a key went to the whole foreground group: the command has it already.
fn pass_on(signal: Arrived, child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let (false, Some(pid), Some(signal)) = (signal.by_kernel, pid, Signal::from_named_raw(signal.number)) {
        // Not reaped yet, so the number is still the command's; one that ended needs no signal.
        let _ = kill_process(pid, signal);
    }
}

/// Shows an event; a loss is told on standard error, because the command may not notice.
fn tell(host: &mut Host, session: &Session, event: &Event) -> Result<(), Failure> {
    host.show(event)?;
    if let Event::Error { session: failed, error, .. } = event
        && *failed == session.id()
    {
        let (on, why) = (session.configuration(), session.error_string().unwrap_or_default());
        complain(&match error {
            SessionError::Roaming => format!("the session on {on} could not move: {why}; it stays"),
            SessionError::Unknown
            | SessionError::SessionAborted
            | SessionError::OperationNotSupported
            | SessionError::InvalidConfiguration => {
                format!("the session on {on} was lost: {why}; the command goes on")
            }
        });
    }
    Ok(())
}
