//! `netsession open`: a session in the hand of a person.

use netsession_core::{Capabilities, Event};
use netsession_io_linux::{Driver, Session};

use super::arguments::{OpenArguments, Roam};
use super::config::InForce;
use super::dialogue::Dialogue;
use super::host::{Happening, Host, Watch};
use super::signals::{ENDING, Signal};
use super::status::{Failure, Status};

/// Opens a session and shows what it is told, until the end of input or an interrupt.
///
/// # Errors
/// There is no such configuration, it cannot be opened, or the driver failed.
pub(crate) fn run(arguments: &OpenArguments) -> Result<Status, Failure> {
    // The end of a check is told by a signal.
    let mut signals = ENDING.to_vec();
    signals.extend(arguments.check.is_some().then_some(Signal::CHILD));
    let mut overrides = arguments.roaming.preference.overrides();
    overrides.answer_within = arguments.answer_within;
    let in_force = InForce::find(&arguments.file, overrides)?;
    let builder = arguments.roaming.builder(&arguments.target);
    let mut host = Host::start_with(builder, in_force, &arguments.common, &signals, Watch::InputAndOutput)?;
    let ended = hold(&mut host, arguments);
    host.end(ended)
}

fn hold(host: &mut Host, arguments: &OpenArguments) -> Result<Status, Failure> {
    let session = host.session(&arguments.target, &arguments.roaming)?;
    if !host.output.is_json() {
        let asks = arguments.roaming.roam == Roam::Application && !arguments.target.members.is_empty();
        let help = if asks { " help lists the answers." } else { "" };
        host.output.line(format_args!(
            "Ctrl-D or Ctrl-C closes the session.{help} Seconds since the command began:"
        ))?;
    }
    session.open();
    let held = until_the_end(host, &session, arguments.check.as_deref());
    // Even if something failed meanwhile, the session is closed first.
    let second_signal = host.close(&session)?;
    held.map(|()| second_signal.map_or(Status::DONE, |signal| Status::by_signal(signal.number)))
}

fn until_the_end(host: &mut Host, session: &Session, check: Option<&str>) -> Result<(), Failure> {
    let mut dialogue = Dialogue::new(session, check);
    let mut was_open = false;
    loop {
        match host.next(None)? {
            Happening::Event(event) => {
                host.show(&event)?;
                was_open |= matches!(event, Event::Opened { session: opened } if opened == session.id());
                // The first attempt failed: there is nothing to hold.
                if let (Event::Error { session: failed, .. }, false) = (&event, was_open)
                    && *failed == session.id()
                {
                    return Err(not_opened(&host.driver, session));
                }
                dialogue.on_event(host, &event)?;
            }
            Happening::Line(line) => dialogue.on_line(host, &line)?,
            Happening::Signal(signal) if signal.ends() => return Ok(()),
            Happening::EndOfInput => return Ok(()),
            // Whichever it is: the one that told of the check's end may have been lost among many.
            Happening::Signal(_) => dialogue.on_child(host)?,
            Happening::Deadline => {}
        }
    }
}

/// Why a session is not open, in words.
pub(crate) fn not_opened(driver: &Driver, session: &Session) -> Failure {
    let why = session.error_string().unwrap_or_else(|| "no reason was given".to_owned());
    let can_start = driver.manager().capabilities().contains(Capabilities::CAN_START_AND_STOP_INTERFACES);
    let hint = if can_start {
        ""
    } else {
        "\nOperation not supported for this user: to start or stop a link takes CAP_NET_ADMIN. What is up can be opened."
    };
    Failure::new(
        Status::NOT_OPENED,
        format_args!("{} could not be opened: {why}{hint}", session.configuration()),
    )
}
