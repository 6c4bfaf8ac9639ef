//! `netsession list`: the configurations, once.

use netsession_core::{ConfigurationType, ConfigurationView, Identifier, Input, LinkState, Manager};
use netsession_io_linux::link_table::Kind;
use netsession_io_linux::{Driver, Error};

use super::arguments::Here;
use super::host::{Host, Watch, driver_failed};
use super::journal::{self, Counters};
use super::narrate::{state_style, words};
use super::status::{Failure, Status};
use super::table::{self, Cell, printable};

/// So many answers fit into any receive buffer.
const ASKED_AT_ONCE: usize = 32;
/// The lines of thousands of links are some megabytes, which nobody needs to hold.
const WRITTEN_AT_ONCE_BYTES: usize = 32 * 1024;

const HEADINGS: [&str; 9] =
    ["CONFIG", "TYPE", "STATE", "BEARER", "KIND", "INTERFACE", "RECEIVED", "SENT", "ADDRESSES"];

const KIND_COLUMN: usize = 4;

/// What the link of an access point is, where somebody knows.
type Kinds<'a> = &'a dyn Fn(&Identifier) -> Option<Kind>;

/// Shows what there is.
///
/// # Errors
/// The driver failed, or the output cannot be written.
pub(crate) fn run(here: &Here) -> Result<Status, Failure> {
    let mut host = Host::start(here, &[], Watch::Nothing)?;
    let shown = show(&mut host).map(|()| Status::DONE);
    host.end(shown)
}

/// Shows the configurations: as a table with fresh counters, or as `view` lines.
///
/// # Errors
/// The driver failed, or the output cannot be written.
pub(crate) fn show(host: &mut Host) -> Result<(), Failure> {
    // Those of a view begin with the driver, which has only just begun.
    if !host.output.is_json() {
        refresh_counters(&host.driver)?;
    }
    // How the driver came to know is of no interest.
    host.journal.take_lines();
    let manager = host.driver.manager();
    let kinds: Kinds<'_> = &|id| host.driver.kind(id);
    if !host.output.is_json() {
        return host.output.text(table(&manager, &host.journal.counters(), kinds));
    }
    let mut text = String::new();
    for view in manager.configurations(None) {
        text += &line(&manager, view.id(), kinds);
        if text.len() >= WRITTEN_AT_ONCE_BYTES {
            host.output.text(std::mem::take(&mut text))?;
        }
    }
    host.output.text(text)
}

/// The `view` line of a configuration, and beside the view what the link is: readers ignore what they do not know.
fn line(manager: &Manager, id: &Identifier, kinds: Kinds<'_>) -> String {
    let line = journal::configuration(manager, id);
    let Some((kind, line)) = kinds(id).zip(line.strip_suffix("}\n")) else { return line };
    let software = kind.software.map(|word| format!(r#","software":"{word}""#)).unwrap_or_default();
    format!("{line},\"kind\":\"{}\"{software}}}\n", kind.class.word())
}

/// Asks for the counters of all access points, and takes in what the kernel answers.
///
/// # Errors
/// The driver failed.
pub(crate) fn refresh_counters(driver: &Driver) -> Result<(), Failure> {
    let ids: Vec<Identifier> = {
        let manager = driver.manager();
        let access_points =
            manager.configurations(None).filter(|view| view.kind() == ConfigurationType::AccessPoint);
        access_points.map(|view| view.id().clone()).collect()
    };
    for some in ids.chunks(ASKED_AT_ONCE) {
        for id in some {
            match driver.handle(Input::RefreshCounters { id: id.clone() }) {
                // Refused: it went away meanwhile.
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(error) => return Err(driver_failed(error)),
            }
        }
        // The kernel has answered by the time that a request is sent.
        while driver.turn().map_err(driver_failed)? {}
    }
    Ok(())
}

/// The configurations as a table: access points with the kernel's own counters, service networks with their
/// members.
pub(crate) fn table(manager: &Manager, counters: &Counters, kinds: Kinds<'_>) -> String {
    let mut headings = HEADINGS.to_vec();
    let mut rows: Vec<Vec<Cell>> =
        manager.configurations(None).map(|configuration| row(&configuration, counters, kinds)).collect();
    if manager.configurations(None).all(|configuration| kinds(configuration.id()).is_none()) {
        headings.remove(KIND_COLUMN);
        rows.iter_mut().for_each(|row| drop(row.remove(KIND_COLUMN)));
    }
    if rows.is_empty() {
        "There is no network interface here but loopback.\n".to_owned()
    } else {
        table::render(&headings, rows)
    }
}

fn row(configuration: &ConfigurationView<'_>, counters: &Counters, kinds: Kinds<'_>) -> Vec<Cell> {
    let (received, sent) = counters.get(configuration.id()).copied().unzip();
    let count = |bytes: Option<u64>| Cell::number(bytes.map(|bytes| bytes.to_string()).unwrap_or_default());
    let interface = configuration.interface();
    let mut config = printable(configuration.id());
    if configuration.name() != configuration.id().as_str() {
        config = format!("{config} ({})", printable(configuration.name()));
    }
    vec![
        Cell::new(config),
        Cell::new(words(configuration.kind().word())),
        Cell::new(state(configuration)).in_style(state_style(configuration.state())),
        Cell::new(configuration.bearer().map_or("", |bearer| bearer.name())),
        Cell::new(kinds(configuration.id()).map_or_else(String::new, |kind| kind.to_string())),
        Cell::new(interface.map_or_else(String::new, |interface| printable(&interface.name))),
        count(received),
        count(sent),
        Cell::new(whereabouts(configuration)),
    ]
}

/// The addresses of an access point, or the members of a service network.
pub(crate) fn whereabouts(configuration: &ConfigurationView<'_>) -> String {
    let members: Vec<String> = configuration.members().map(|member| printable(member)).collect();
    if !members.is_empty() {
        return format!("of {}", members.join(", "));
    }
    let addresses = configuration.interface().into_iter().flat_map(|interface| &interface.addresses);
    addresses.map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The state, and where the link is on its way somewhere, that.
pub(crate) fn state(configuration: &ConfigurationView<'_>) -> &'static str {
    match configuration.link() {
        Some(link @ (LinkState::Connecting | LinkState::Closing)) => link.word(),
        Some(LinkState::Undefined | LinkState::Defined | LinkState::Discovered | LinkState::Active)
        | None => configuration.state().word(),
    }
}
