//! `netsession open`: a session in the hand of a person.

use netsession_core::{Capabilities, Event};
use netsession_io_linux::{Driver, Session};

use super::arguments::OpenArguments;
use super::host::{Happening, Host, Watch};
use super::signals::ENDING;
use super::status::{Failure, Status};

/// Opens a session and shows what it is told, until the end of input or an interrupt.
///
/// # Errors
/// There is no such configuration, it cannot be opened, or the driver failed.
pub(crate) fn run(arguments: &OpenArguments) -> Result<Status, Failure> {
    let mut host = Host::start(&arguments.common, ENDING, Watch::InputAndOutput)?;
    let ended = hold(&mut host, arguments);
    host.end(ended)
}

fn hold(host: &mut Host, arguments: &OpenArguments) -> Result<Status, Failure> {
    let session = host.session(&arguments.target)?;
    if !host.output.is_json() {
        host.output.line("Ctrl-D or Ctrl-C closes the session; seconds since the command began:")?;
    }
    session.open();
    let held = until_the_end(host, &session);
    // Even if something failed meanwhile, the session is closed first.
    let second_signal = host.close(&session)?;
    held.map(|()| second_signal.map_or(Status::DONE, |signal| Status::by_signal(signal.number)))
}

fn until_the_end(host: &mut Host, session: &Session) -> Result<(), Failure> {
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
            }
            Happening::Signal(_) | Happening::EndOfInput => return Ok(()),
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
