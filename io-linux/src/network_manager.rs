//! What NetworkManager knows of links: which are metered.
//!
//! It is listened to on the system bus. Whoever has that name on the bus is asked for its devices and for what each
//! is; after that it tells by signals what has changed, so that nothing is asked again and nothing is done while
//! nothing changes. When NetworkManager goes all of it is forgotten, and when it comes it is asked anew. It is never
//! started for us. When the connection to the bus is lost all is forgotten, too; whoever has this makes another.
//!
//! A device is only taken for one of our links if that can be no mistake, for the bus may be that of a machine, and we
//! in a network namespace of it, or the other way round:
//!
//! - Where the kernel lets us see of which network namespace the process is that the bus names, it has to be ours;
//!   else nothing is asked at all.
//! - The interface has to have the name and the hardware address that NetworkManager says. A device without one, such
//!   as a tunnel, and the interface that a modem or PPPoE brings beside its own, are known by their name alone; that is
//!   enough only if the namespace was seen to be ours.
//!
//! What is left is a link of another namespace with the name and the address of ours (ipvlan), seen by a user who may
//! not look at NetworkManager's process.
//!
//! What NetworkManager guesses counts like what it was told, and what it does not know is not metered.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zvariant::{DynamicType, ObjectPath, Type, Value};

use crate::dbus::{BUS, Call, Closed, Connection, Kind, Message};
use crate::link_table::MeteredLink;

const NAME: &str = "org.freedesktop.NetworkManager";
const PATH: &str = "/org/freedesktop/NetworkManager";
const DEVICE: &str = "org.freedesktop.NetworkManager.Device";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// What the kernel calls its process.
const PROCESS_NAME: &str = "NetworkManager";

/// Everything that is to be heard, and not more: what the properties of access points do is not.
const MATCHES: [&str; 4] = [
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.freedesktop.NetworkManager'",
    "type='signal',sender='org.freedesktop.NetworkManager',path='/org/freedesktop/NetworkManager',\
     interface='org.freedesktop.NetworkManager',member='DeviceAdded'",
    "type='signal',sender='org.freedesktop.NetworkManager',path='/org/freedesktop/NetworkManager',\
     interface='org.freedesktop.NetworkManager',member='DeviceRemoved'",
    "type='signal',sender='org.freedesktop.NetworkManager',interface='org.freedesktop.DBus.Properties',\
     member='PropertiesChanged',arg0='org.freedesktop.NetworkManager.Device'",
];

/// Some milliseconds of work; then the kernel's links get their turn.
const MESSAGES_PER_TURN: usize = 64;
/// The bus bounds how many answers may be owed to one of us.
const ASKED_AT_MOST: usize = 32;
/// More than fit into one list.
const DEVICES_AT_MOST: usize = 32 * 1024;

/// All properties of a device take some 2 KiB; what is much longer is not read, because it takes a hundred times as
/// much room then.
const LONGEST_PROPERTIES_BYTES: usize = 64 * 1024;

/// NM_METERED_…
const YES: u32 = 1;
const GUESS_YES: u32 = 3;

pub(crate) struct NetworkManager {
    bus: Connection,
    asked: BTreeMap<u32, Question>,
    /// The name that only one connection ever has.
    owner: Option<String>,
    namespace: Option<PathBuf>,
    /// Whether its network namespace is ours, where that can be seen.
    is_ours: Option<bool>,
    /// Its devices have been asked for; those that it adds from then on are news.
    is_heard: bool,
    devices: BTreeMap<String, Device>,
    /// Devices that are to be asked about.
    unasked: VecDeque<String>,
    has_news: bool,
}

enum Question {
    Match,
    Owner,
    Process,
    Devices,
    Device(String),
}

#[derive(Default)]
struct Device {
    interface: String,
    ip_interface: String,
    address: Option<Box<[u8]>>,
    is_metered: bool,
}

impl NetworkManager {
    /// Connects to the bus at these addresses, or to the system bus, and begins to ask. For the links of the calling
    /// thread's network namespace.
    pub(crate) fn open(
        registry: &mio::Registry,
        token: mio::Token,
        addresses: Option<&str>,
    ) -> Result<Self, Closed> {
        Self::on(Connection::open(registry, token, addresses)?)
    }

    fn on(bus: Connection) -> Result<Self, Closed> {
        let mut this = Self {
            bus,
            asked: BTreeMap::new(),
            owner: None,
            namespace: namespace_of("thread-self"),
            is_ours: None,
            is_heard: false,
            devices: BTreeMap::new(),
            unasked: VecDeque::new(),
            has_news: false,
        };
        for rule in MATCHES {
            this.ask_bus(Question::Match, "AddMatch", &rule)?;
        }
        this.ask_bus(Question::Owner, "GetNameOwner", &NAME)?;
        Ok(this)
    }

    /// Takes in what has come, at most so much that others get their turn. `true`: more may be waiting, call again.
    pub(crate) fn turn(&mut self) -> Result<bool, Closed> {
        for _ in 0..MESSAGES_PER_TURN {
            let Some(message) = self.bus.receive()? else { return Ok(false) };
            match message.kind {
                Kind::Reply | Kind::Error => self.take_answer(&message)?,
                Kind::Signal => self.take_signal(&message)?,
                Kind::Call | Kind::Other => {}
            }
            self.ask_about_devices()?;
        }
        Ok(true)
    }

    /// The links that are metered, if that may be others than when this was last called.
    pub(crate) fn take_news(&mut self) -> Option<BTreeSet<MeteredLink>> {
        std::mem::take(&mut self.has_news).then(|| {
            let metered = self.devices.values().filter(|device| device.is_metered);
            metered.flat_map(|device| device.links(self.is_ours == Some(true))).collect()
        })
    }

    fn take_answer(&mut self, message: &Message) -> Result<(), Closed> {
        let Some(serial) = message.reply_to else { return Ok(()) };
        let is_of_bus =
            matches!(self.asked.get(&serial), Some(Question::Match | Question::Owner | Question::Process));
        let expected = if is_of_bus { Some(BUS) } else { self.owner.as_deref() };
        // An answer to a call that the owner did not live to answer is the bus's.
        let is_from_whom_was_asked = message.sender.as_deref() == expected || message.kind == Kind::Error;
        let Some(question) = is_from_whom_was_asked.then(|| self.asked.remove(&serial)).flatten() else {
            return Ok(());
        };
        match (question, &message.error) {
            // Without it we would never hear that what was learned holds no longer.
            (Question::Match, Some(error)) => return Err(Closed::Refused(error.clone())),
            (Question::Match, None) => {}
            (Question::Owner, Some(_)) => self.follow(None)?,
            (Question::Owner, None) => self.follow(message.body::<&str>())?,
            (Question::Process, error) => {
                let process = if error.is_none() { message.body::<u32>() } else { None };
                self.is_ours = process.and_then(|process| self.is_of_our_namespace(process));
                self.is_heard = self.is_ours != Some(false);
                if self.is_heard {
                    self.ask_owner(Question::Devices, PATH, NAME, "GetDevices", &())?;
                }
            }
            (Question::Devices, Some(_)) => {}
            (Question::Devices, None) => {
                let paths = message.body::<Vec<ObjectPath<'_>>>().unwrap_or_default();
                paths.iter().for_each(|path| self.add(path));
            }
            (Question::Device(path), Some(_)) => self.remove(&path),
            (Question::Device(path), None) => {
                if let Some(device) = self.devices.get_mut(&path) {
                    *device = Device::default();
                    device.take(&properties(message).unwrap_or_default());
                    self.has_news = true;
                }
            }
        }
        Ok(())
    }

    fn take_signal(&mut self, message: &Message) -> Result<(), Closed> {
        let sender = message.sender.as_deref();
        match message.member.as_deref() {
            Some("NameOwnerChanged") if sender == Some(BUS) => {
                if let Some((NAME, _, owner)) = message.body::<(&str, &str, &str)>() {
                    self.follow(Some(owner))?;
                }
            }
            _ if !self.is_heard || sender.is_none() || sender != self.owner.as_deref() => {}
            Some("DeviceAdded") => message.body::<ObjectPath<'_>>().iter().for_each(|path| self.add(path)),
            Some("DeviceRemoved") => {
                message.body::<ObjectPath<'_>>().iter().for_each(|path| self.remove(path));
            }
            Some("PropertiesChanged") => self.take_change(message),
            _ => {}
        }
        Ok(())
    }

    fn take_change(&mut self, message: &Message) {
        type Changed<'a> = (&'a str, BTreeMap<&'a str, Value<'a>>, Vec<&'a str>);
        let Some((DEVICE, changed, unsaid)) = properties::<Changed<'_>>(message) else { return };
        let path = message.path.as_deref().unwrap_or_default();
        let Some(device) = self.devices.get_mut(path) else { return };
        self.has_news |= device.take(&changed);
        if unsaid.iter().any(|name| Device::PROPERTIES.contains(name)) {
            self.unasked.push_back(path.to_owned());
        }
    }

    /// Another has the name now, or none.
    fn follow(&mut self, owner: Option<&str>) -> Result<(), Closed> {
        let owner = owner.filter(|owner| !owner.is_empty());
        if owner == self.owner.as_deref() {
            return Ok(());
        }
        self.owner = owner.map(str::to_owned);
        self.asked.retain(|_, question| matches!(question, Question::Match | Question::Owner));
        self.is_heard = false;
        self.devices.clear();
        self.unasked.clear();
        self.has_news = true;
        match owner {
            Some(owner) => self.ask_bus(Question::Process, "GetConnectionUnixProcessID", &owner),
            None => Ok(()),
        }
    }

    fn add(&mut self, path: &str) {
        if self.devices.len() < DEVICES_AT_MOST && !self.devices.contains_key(path) {
            self.devices.insert(path.to_owned(), Device::default());
            self.unasked.push_back(path.to_owned());
        }
    }

    fn remove(&mut self, path: &str) {
        self.has_news |= self.devices.remove(path).is_some();
    }

    fn ask_about_devices(&mut self) -> Result<(), Closed> {
        while self.asked.len() < ASKED_AT_MOST {
            let Some(path) = self.unasked.pop_front() else { break };
            if self.devices.contains_key(&path) {
                self.ask_owner(Question::Device(path.clone()), &path, PROPERTIES, "GetAll", &DEVICE)?;
            }
        }
        Ok(())
    }

    fn ask_bus(&mut self, question: Question, member: &str, body: &&str) -> Result<(), Closed> {
        let call = Call { destination: BUS, path: "/org/freedesktop/DBus", interface: BUS, member };
        self.asked.insert(self.bus.call(&call, body)?, question);
        Ok(())
    }

    fn ask_owner<B: Serialize + DynamicType>(
        &mut self,
        question: Question,
        path: &str,
        interface: &str,
        member: &str,
        body: &B,
    ) -> Result<(), Closed> {
        let Some(destination) = self.owner.as_deref() else { return Ok(()) };
        let call = Call { destination, path, interface, member };
        self.asked.insert(self.bus.call(&call, body)?, question);
        Ok(())
    }

    /// `None` if that cannot be seen. A number that is one of another namespace of processes names another process
    /// here, or none.
    fn is_of_our_namespace(&self, process: u32) -> Option<bool> {
        let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
        let theirs = namespace_of(&process.to_string()).filter(|_| name.trim_end() == PROCESS_NAME)?;
        Some(theirs == *self.namespace.as_ref()?)
    }
}

impl Device {
    const PROPERTIES: [&str; 4] = ["Interface", "IpInterface", "HwAddress", "Metered"];

    /// Whether one of these is of ours.
    fn take(&mut self, properties: &BTreeMap<&str, Value<'_>>) -> bool {
        let text = |name| match properties.get(name) {
            Some(Value::Str(text)) => Some(text.as_str()),
            _ => None,
        };
        if let Some(name) = text("Interface") {
            name.clone_into(&mut self.interface);
        }
        if let Some(name) = text("IpInterface") {
            name.clone_into(&mut self.ip_interface);
        }
        if let Some(address) = text("HwAddress") {
            self.address = hardware_address(address);
        }
        if let Some(Value::U32(metered)) = properties.get("Metered") {
            self.is_metered = matches!(*metered, YES | GUESS_YES);
        }
        Self::PROPERTIES.iter().any(|name| properties.contains_key(name))
    }

    fn links(&self, is_name_enough: bool) -> impl Iterator<Item = MeteredLink> + use<> {
        let has_own = self.ip_interface != self.interface;
        let own = (is_name_enough && has_own).then(|| MeteredLink::new(&self.ip_interface, None));
        let is_known = is_name_enough || self.address.is_some();
        let link = is_known.then(|| MeteredLink::new(&self.interface, self.address.clone()));
        link.into_iter().chain(own).filter(|link| !link.interface.is_empty())
    }
}

fn properties<'d, T: Deserialize<'d> + Type>(message: &'d Message) -> Option<T> {
    (message.body_bytes() <= LONGEST_PROPERTIES_BYTES).then(|| message.body())?
}

fn namespace_of(process: &str) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

/// `52:54:00:12:34:56`; nothing or all zero means that there is none.
fn hardware_address(text: &str) -> Option<Box<[u8]>> {
    let octets: Option<Box<[u8]>> = text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    octets.filter(|octets| octets.iter().any(|octet| *octet != 0))
}
