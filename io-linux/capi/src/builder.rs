//! Builders: what a driver is made with.
#![allow(unsafe_code, reason = "names are exported, and nothing else here is unsafe: a test looks")]

use std::ffi::c_char;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;

use netsession_core::InterfaceAddress;
use netsession_io_linux::{Builder, Configuration};

use crate::border::guarded;
use crate::driver::NetsessionDriver;
use crate::result::{Failure, NetsessionResult};
use crate::table;

/// A file that is larger is none that somebody wrote; the program `netsession` reads no larger one either.
const LARGEST_BYTES: u64 = 1024 * 1024;

/// Settings of a driver that is to be made.
#[derive(Debug)]
pub struct NetsessionBuilder {
    _nowhere: (),
}

/// Makes a builder, which says nothing yet. To be given to netsession_builder_build(), or to be freed by
/// netsession_builder_free().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_new(builder: *mut *mut NetsessionBuilder) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(builder)?;
        place.put(table::add_builder(Builder::default())?);
        Ok(())
    })
}

/// Ends a builder of which no driver is made.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_free(builder: *mut NetsessionBuilder) -> NetsessionResult {
    guarded(|_| table::take_builder(builder).map(drop))
}

/// Makes a driver of it, and returns when all links are known. To be freed by netsession_driver_free(). The builder is
/// used up and its handle gone, also if the driver cannot be made; not if `driver` is no place for it.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_build(
    builder: *mut NetsessionBuilder,
    driver: *mut *mut NetsessionDriver,
) -> NetsessionResult {
    guarded(|call| {
        let place = call.place(driver)?;
        place.put(table::add_driver(table::take_builder(builder)?.build()?)?);
        Ok(())
    })
}

/// An address with the length of its prefix, such as "192.0.2.7/24", that a link gets when it is started, and loses when
/// it is stopped. The link by identifier or by the name of its interface, here and below.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_address(
    builder: *mut NetsessionBuilder,
    link: *const c_char,
    address: *const c_char,
) -> NetsessionResult {
    guarded(|call| {
        let (link, text) = (call.text(link)?, call.text(address)?);
        let address = text.parse::<InterfaceAddress>();
        let address = address.map_err(|_| not_such(text, "address with a prefix, such as 192.0.2.7/24"))?;
        table::change_builder(builder, |it| it.address(link, address))
    })
}

/// A gateway of a link, such as "192.0.2.1": the link gets a default route by it when it is started, after its addresses,
/// and loses it when it is stopped. The metric is 100 for the most preferred member of a service network and for a link
/// that is in none, 200 for the next, and so on.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_gateway(
    builder: *mut NetsessionBuilder,
    link: *const c_char,
    gateway: *const c_char,
) -> NetsessionResult {
    guarded(|call| {
        let (link, text) = (call.text(link)?, call.text(gateway)?);
        let gateway = text.parse::<IpAddr>().map_err(|_| not_such(text, "address, such as 192.0.2.1"))?;
        table::change_builder(builder, |it| it.gateway(link, gateway))
    })
}

/// A link that asks for an address of IPv4 by DHCP when it is started, gets it with its default route, and gives both back
/// when it is stopped. Needs CAP_NET_RAW beside CAP_NET_ADMIN.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_dhcp(
    builder: *mut NetsessionBuilder,
    link: *const c_char,
) -> NetsessionResult {
    guarded(|call| {
        let link = call.text(link)?;
        table::change_builder(builder, |it| it.dhcp(link))
    })
}

/// A service network of `count` members, by identifier, the most preferred first. One that cannot be is refused by
/// netsession_builder_build().
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_service_network(
    builder: *mut NetsessionBuilder,
    identifier: *const c_char,
    members: *const *const c_char,
    count: usize,
) -> NetsessionResult {
    guarded(|call| {
        let (identifier, members) = (call.text(identifier)?, call.identifiers(members, count)?);
        table::change_builder(builder, |it| it.service_network(identifier, &members))
    })
}

/// What the text of a configuration file says, in place of what another said; `netsession config example` prints one that
/// explains all of it. With NETSESSION_RESULT_INVALID_VALUE netsession_last_error() has a line for each fault, which
/// begins with its place: LINE:COLUMN.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_configuration(
    builder: *mut NetsessionBuilder,
    text: *const c_char,
) -> NetsessionResult {
    guarded(|call| configure(builder, call.text(text)?))
}

/// The same of the file that is there. NETSESSION_RESULT_SYSTEM if it cannot be read. The library looks for none by
/// itself.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_configuration_file(
    builder: *mut NetsessionBuilder,
    path: *const c_char,
) -> NetsessionResult {
    guarded(|call| {
        let path = call.text(path)?;
        let text = read(path).map_err(|error| {
            let words = format!("cannot read the configuration file {path}: {error}");
            Failure::new(NetsessionResult::System, words)
        })?;
        configure(builder, &text)
    })
}

/// The default route of the machine follows the session that is open on this configuration: it is set when that is open,
/// moved in one step when that has moved, and taken away when it is closed. Needs CAP_NET_ADMIN.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_follow_default_route(
    builder: *mut NetsessionBuilder,
    configuration: *const c_char,
) -> NetsessionResult {
    guarded(|call| {
        let configuration = call.text(configuration)?;
        table::change_builder(builder, |it| it.follow_default_route(configuration))
    })
}

/// Whether a link that is down is brought up without addresses while a session is open that could roam to it, so that it
/// shows whether it has carrier. On by default.
#[unsafe(no_mangle)]
pub extern "C" fn netsession_builder_watch_carrier(
    builder: *mut NetsessionBuilder,
    watches: bool,
) -> NetsessionResult {
    guarded(|_| table::change_builder(builder, |it| it.watch_carrier(watches)))
}

fn read(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(LARGEST_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST_BYTES) {
        return Err(std::io::Error::other(format!("it has more than {LARGEST_BYTES} bytes")));
    }
    Ok(text)
}

fn configure(builder: *mut NetsessionBuilder, text: &str) -> Result<(), Failure> {
    let configuration = Configuration::from_toml(text).map_err(|faults| {
        let lines = faults.0.iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message));
        Failure::invalid_value(lines.collect::<Vec<_>>().join("\n"))
    })?;
    table::change_builder(builder, |it| it.configuration(configuration))
}

fn not_such(text: &str, what: &str) -> Failure {
    Failure::invalid_value(format!("{text:?} is no {what}"))
}
