//! NetworkManager, and the bus that it is on, as a script at the other end of a socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use proptest::prelude::*;
use zvariant::Endian;

use super::*;
use crate::dbus::tests::{LET_IN, answer, pair, said};

const MAC: &str = "52:54:00:AB:CD:EF";
const MAC_OCTETS: [u8; 6] = [0x52, 0x54, 0, 0xab, 0xcd, 0xef];

/// What NetworkManager would say.
struct Script {
    manager: NetworkManager,
    bus: UnixStream,
    input: Vec<u8>,
    owner: Option<&'static str>,
    process: u32,
    devices: BTreeMap<&'static str, BTreeMap<&'static str, Value<'static>>>,
    /// Methods that were called, with the object where it is a device.
    calls: Vec<String>,
    refused: &'static str,
    /// Bytes of answers that are to be wrong: where, and by how much.
    noise: Option<(usize, u8)>,
    lines: Vec<u8>,
}

fn device(interface: &'static str, metered: u32) -> BTreeMap<&'static str, Value<'static>> {
    BTreeMap::from([
        ("Interface", interface.into()),
        ("IpInterface", interface.into()),
        ("HwAddress", MAC.into()),
        ("Metered", metered.into()),
        ("Path", "pci-0000:00:1f.6".into()),
    ])
}

fn path(device: &str) -> String {
    format!("{PATH}/Devices/{device}")
}

impl Script {
    fn new() -> Self {
        let (connection, bus) = pair();
        bus.set_nonblocking(true).unwrap();
        Self {
            manager: NetworkManager::on(connection).unwrap(),
            bus,
            input: Vec::new(),
            owner: Some(":1.2"),
            process: std::process::id(),
            devices: BTreeMap::from([("1", device("eth0", YES)), ("2", device("eth1", 2))]),
            calls: Vec::new(),
            refused: "",
            noise: None,
            lines: LET_IN.to_vec(),
        }
    }

    /// Lets the two talk until both have nothing to say.
    fn talk(&mut self) -> Result<(), Closed> {
        self.bus.write_all(&std::mem::take(&mut self.lines)).unwrap();
        loop {
            while self.manager.turn()? {}
            let mut chunk = [0; 4096];
            while let Ok(length @ 1..) = self.bus.read(&mut chunk) {
                self.input.extend(&chunk[..length]);
            }
            if let Some(end) = self.input.windows(7).position(|it| it == b"BEGIN\r\n") {
                self.input.drain(..end + 7);
            }
            if !self.input.starts_with(b"l") {
                return Ok(());
            }
            let bytes = std::mem::take(&mut self.input);
            self.answer_all(&bytes);
        }
    }

    fn answer_all(&mut self, mut bytes: &[u8]) {
        while let Some((call, serial, rest)) = crate::dbus::tests::first(bytes) {
            bytes = rest;
            let mut reply = self.reply(&call, serial);
            if let Some((at, change)) = self.noise
                && let Some(byte) = reply.get_mut(at)
            {
                *byte = byte.wrapping_add(change);
            }
            let _ = self.bus.write_all(&reply);
        }
    }

    fn reply(&mut self, call: &Message, serial: u32) -> Vec<u8> {
        let member = call.member.as_deref().unwrap();
        let object = call.path.as_deref().unwrap().rsplit('/').next().unwrap();
        self.calls.push(if member == "GetAll" { format!("GetAll {object}") } else { member.to_owned() });
        let of_owner = vec![(5, serial.into()), (7, Value::from(self.owner.unwrap_or(":1.9")))];
        let refusal =
            || said(Endian::Little, 3, vec![(5, serial.into()), (4, "a.b.Refused".into())], &"for a reason");
        match member {
            _ if member == self.refused => refusal(),
            "Hello" => answer(serial, &":1.7"),
            "AddMatch" => answer(serial, &()),
            "GetNameOwner" => self.owner.map_or_else(refusal, |owner| answer(serial, &owner)),
            "GetConnectionUnixProcessID" => answer(serial, &self.process),
            "GetDevices" => {
                let paths: Vec<String> = self.devices.keys().map(|device| path(device)).collect();
                let paths: Vec<ObjectPath<'_>> =
                    paths.iter().map(|it| it.as_str().try_into().unwrap()).collect();
                said(Endian::Little, 2, of_owner, &paths)
            }
            "GetAll" => match self.devices.get(object) {
                Some(device) => said(Endian::Little, 2, of_owner, device),
                None => refusal(),
            },
            other => panic!("{other}"),
        }
    }

    fn signal<B: Serialize + DynamicType>(&mut self, sender: &str, path: &str, member: &str, body: &B) {
        let path = ObjectPath::try_from(path).unwrap();
        let fields = vec![(1, path.into()), (2, "a.b".into()), (3, member.into()), (7, sender.into())];
        self.bus.write_all(&said(Endian::Little, 4, fields, body)).unwrap();
    }

    fn changed(
        &mut self,
        sender: &str,
        device: &str,
        properties: &BTreeMap<&str, Value<'_>>,
        unsaid: &[&str],
    ) {
        self.signal(sender, &path(device), "PropertiesChanged", &(DEVICE, properties, unsaid));
    }

    fn owned_by(&mut self, owner: Option<&'static str>) {
        let old = self.owner.unwrap_or_default();
        self.owner = owner;
        self.signal(
            BUS,
            "/org/freedesktop/DBus",
            "NameOwnerChanged",
            &(NAME, old, owner.unwrap_or_default()),
        );
    }

    /// Lets them talk, and says which links are metered if there is news.
    fn news(&mut self) -> Option<Vec<String>> {
        self.talk().unwrap();
        let word = |link: MeteredLink| {
            assert!(link.address.as_deref().is_none_or(|it| it == MAC_OCTETS));
            format!("{}{}", link.interface, if link.address.is_some() { "" } else { " by its name" })
        };
        self.manager.take_news().map(|links| links.into_iter().map(word).collect())
    }
}

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn yes_and_a_guess_at_it_are_metered_and_nothing_else_is() {
    let mut script = Script::new();
    script.devices = (0..6)
        .map(|metered| {
            let (path, name) =
                [("0", "e0"), ("1", "e1"), ("2", "e2"), ("3", "e3"), ("4", "e4"), ("5", "e5")][metered];
            (path, device(name, u32::try_from(metered).unwrap()))
        })
        .collect();
    // Of which nobody says more than where it is.
    script.devices.insert("6", BTreeMap::new());
    script.devices.insert("7", BTreeMap::from([("Interface", 7_u32.into()), ("Metered", "yes".into())]));
    assert_eq!(script.news(), names(&["e1", "e3"]));
    assert_eq!(script.news(), None);
}

#[test]
fn what_changes_is_told_by_signals_and_nothing_is_asked_again() {
    let mut script = Script::new();
    assert_eq!(script.news(), names(&["eth0"]));
    script.calls.clear();
    script.changed(":1.2", "2", &BTreeMap::from([("Metered", GUESS_YES.into())]), &[]);
    assert_eq!(script.news(), names(&["eth0", "eth1"]));
    script.changed(":1.2", "1", &BTreeMap::from([("Metered", 0_u32.into()), ("Interface", "x".into())]), &[]);
    assert_eq!(script.news(), names(&["eth1"]));
    // Of others, about others, and about what is none of ours.
    let yes = BTreeMap::from([("Metered", Value::from(YES))]);
    script.changed(":1.3", "1", &yes, &[]);
    script.changed(BUS, "1", &yes, &[]);
    script.changed(":1.2", "9", &yes, &[]);
    script.changed(":1.2", "1", &BTreeMap::from([("State", Value::from(100_u32))]), &["Ports"]);
    script.signal(":1.2", &path("1"), "PropertiesChanged", &("a.b", &yes, [""; 0]));
    script.signal(":1.2", &path("1"), "PropertiesChanged", &yes);
    script.signal(":1.3", PATH, "DeviceRemoved", &ObjectPath::try_from(path("2")).unwrap());
    script.signal(":1.3", "/org/freedesktop/DBus", "NameOwnerChanged", &(NAME, ":1.2", ""));
    script.signal(BUS, "/org/freedesktop/DBus", "NameOwnerChanged", &("a.b", ":1.2", ""));
    assert_eq!((script.news(), script.calls.as_slice()), (None, &[][..]));
    // Changed, without what it is now.
    script.devices.insert("1", device("eth0", YES));
    script.changed(":1.2", "1", &BTreeMap::new(), &["Metered"]);
    assert_eq!((script.news(), script.calls.join(" ")), (names(&["eth0", "eth1"]), "GetAll 1".to_owned()));
}

#[test]
fn devices_come_and_go_and_so_does_who_knows_them() {
    let mut script = Script::new();
    script.owner = None;
    assert_eq!(script.news(), None);
    assert_eq!(script.calls.last().unwrap(), "GetNameOwner", "of nobody nothing is asked");
    script.owned_by(Some(":1.2"));
    assert_eq!(script.news(), names(&["eth0"]));
    script.devices.insert("3", device("usb0", YES));
    script.signal(":1.2", PATH, "DeviceAdded", &ObjectPath::try_from(path("3")).unwrap());
    assert_eq!(script.news(), names(&["eth0", "usb0"]));
    script.signal(":1.2", PATH, "DeviceRemoved", &ObjectPath::try_from(path("1")).unwrap());
    assert_eq!(script.news(), names(&["usb0"]));
    // Gone again before it could be asked about.
    script.signal(":1.2", PATH, "DeviceAdded", &ObjectPath::try_from(path("4")).unwrap());
    assert_eq!(script.news(), names(&["usb0"]));
    // Restarted, with and without a while between.
    script.devices.remove("3");
    script.owned_by(None);
    assert_eq!(script.news(), names(&[]));
    for owner in [":1.4", ":1.5"] {
        script.owned_by(Some(owner));
        assert_eq!(script.news(), names(&["eth0"]), "{owner}");
    }
    script.changed(":1.4", "1", &BTreeMap::from([("Metered", 0_u32.into())]), &[]);
    assert_eq!(script.news(), None, "the one before has nothing to say any more");
}

#[test]
fn what_has_no_address_counts_only_where_the_namespace_is_seen_to_be_ours() {
    // Of a thread, because that can be called as one likes.
    let (tell, told) = std::sync::mpsc::channel();
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::Builder::new().name(PROCESS_NAME.to_owned());
    let thread = thread.spawn(move || {
        tell.send(rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned()).unwrap();
        let _ = wait.recv();
    });
    let namesake = told.recv().unwrap();
    for (process, expected) in [
        (std::process::id(), &["eth0"][..]),
        (u32::MAX, &["eth0"]),
        (namesake, &["eth0", "ppp0 by its name", "wg0 by its name"]),
    ] {
        let mut script = Script::new();
        script.process = process;
        let without = |address: &'static str| {
            let mut tunnel = device("wg0", YES);
            tunnel.insert("HwAddress", address.into());
            tunnel
        };
        script.devices.insert("3", without(""));
        script.devices.insert("4", without("00:00:00:00:00:00"));
        script.devices.insert("5", without("what is this"));
        script.devices.get_mut("1").unwrap().insert("IpInterface", "ppp0".into());
        assert_eq!(script.news(), names(expected), "{process}");
    }
    drop(end);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_refusal_of_what_it_cannot_do_without_ends_it() {
    for (refused, ends) in [
        ("Hello", true),
        ("AddMatch", true),
        ("GetNameOwner", false),
        ("GetConnectionUnixProcessID", false),
        ("GetDevices", false),
        ("GetAll", false),
    ] {
        let mut script = Script::new();
        script.refused = refused;
        let result = script.talk();
        assert_eq!(
            result,
            if ends { Err(Closed::Refused("a.b.Refused".to_owned())) } else { Ok(()) },
            "{refused}"
        );
        assert_eq!(script.manager.take_news().is_some_and(|it| !it.is_empty()), refused.ends_with("ID"));
    }
}

#[test]
fn many_devices_are_asked_about_a_few_at_a_time() {
    let mut script = Script::new();
    let ids: Vec<&'static str> = (0..500).map(|n| &*n.to_string().leak()).collect();
    script.devices = ids.iter().map(|id| (*id, device(id, YES))).collect();
    while script.news().is_none_or(|news| news.len() < 500) {
        assert!(script.manager.asked.len() <= ASKED_AT_MOST);
    }
    assert_eq!(script.calls.iter().filter(|call| call.starts_with("GetAll")).count(), 500);
}

proptest! {
    #[test]
    fn no_wrong_byte_makes_it_fail(at in 0_usize..300, change in 1_u8.., tail in any::<u8>()) {
        let mut script = Script::new();
        script.noise = Some((at, change));
        let _ = script.talk();
        script.noise = None;
        let body = BTreeMap::from([("Metered", Value::from(u32::from(tail)))]);
        let _ = script.bus.write_all(&said(Endian::Big, 4, vec![
            (1, ObjectPath::try_from(path("1")).unwrap().into()), (2, "a.b".into()), (3, "PropertiesChanged".into()), (7, ":1.2".into()),
        ], &(DEVICE, body, [""; 0])));
        let _ = script.talk();
    }
}
