//! `netsession monitor`: what happens to the network, as it happens.

use netsession_core::Event;
use netsession_core::trace::Query;
use netsession_io_linux::Driver;

use super::arguments::Here;
use super::host::{Happening, Host, Watch};
use super::journal;
use super::list;
use super::narrate;
use super::signals::ENDING;
use super::status::{Failure, Status};

/// Shows what there is, then every event, until interrupted.
///
/// # Errors
/// The driver failed, or the output cannot be written.
pub(crate) fn run(here: &Here) -> Result<Status, Failure> {
    let mut host = Host::start(here, ENDING, Watch::Output)?;
    let ended = watch(&mut host);
    host.end(ended)
}

fn watch(host: &mut Host) -> Result<Status, Failure> {
    list::show(host)?;
    let whole = {
        let manager = host.driver.manager();
        if host.output.is_json() {
            journal::view(&manager, &Query::Manager {})
        } else {
            narrate::event(&Event::OnlineStateChanged { online: manager.is_online() }) + "\n"
        }
    };
    host.output.text(whole)?;
    host.notify.ready(status(&host.driver));
    loop {
        match host.next(None)? {
            Happening::Event(event) => {
                host.show(&event)?;
                host.notify.status(status(&host.driver));
            }
            Happening::Signal(_) => {
                host.notify.stopping();
                return Ok(Status::DONE);
            }
            Happening::Line(_) | Happening::EndOfInput | Happening::Deadline => {}
        }
    }
}

/// How the network stands, for a service manager.
fn status(driver: &Driver) -> &'static str {
    if driver.manager().is_online() { "online" } else { "offline" }
}
