//! What NetworkManager says is metered: a real one, on a bus of the test's own.
//!
//! Needs `dbus-daemon`, `NetworkManager` and `nmcli`; no root.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use netsession_core::{ConfigurationState, Input, UsagePolicies};
use netsession_io_linux::Session;

use super::idle::{NOTHING_HAPPENS, Traced, has_strace};
use super::live::Live;
use super::two_links::open;
use super::*;
use crate::program::support::{cannot_run, netsession, scratch};

const METERED: UsagePolicies = UsagePolicies::NO_BACKGROUND_TRAFFIC;
const FREE: UsagePolicies = UsagePolicies::empty();

/// A bus, and NetworkManager on it. Where that writes is its own, and sysfs cannot be written to, by which it knows
/// that no udev will tell it of links.
struct Machine {
    folder: PathBuf,
    bus: Child,
    manager: Option<Child>,
}

impl Machine {
    /// With a bus. `None`, said loudly, if there are no such programs.
    fn start() -> Option<Self> {
        for tool in ["dbus-daemon", "NetworkManager", "nmcli"] {
            let version = Command::new(tool).arg("--version").stdout(Stdio::null()).status();
            if !version.is_ok_and(|status| status.success()) {
                cannot_run(&format!("{tool} is not installed"));
                return None;
            }
        }
        let folder = scratch("machine");
        let bus = start_bus(&folder);
        Some(Self { folder, bus, manager: None })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn address(&self) -> String {
        address(&self.folder)
    }

    /// A connection of this interface, for which traffic costs money.
    fn connection(&self, interface: &str) {
        let folder = self.folder.join("connections");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{interface}.nmconnection"));
        let text = format!(
            "[connection]\nid={interface}\ntype=ethernet\ninterface-name={interface}\nautoconnect=false\nmetered=1\n\
             [ipv4]\nmethod=manual\naddress1=192.0.2.7/24\n[ipv6]\nmethod=disabled\n"
        );
        std::fs::write(&file, text).unwrap();
        // Others are not read.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn start_manager(&mut self, outer: Command) {
        let text = format!(
            "[main]\nplugins=keyfile\ndns=none\nno-auto-default=*\nauth-polkit=false\n[keyfile]\npath={}\n\
             [device]\nmatch-device=*\nmanaged=1\n",
            self.path("connections")
        );
        std::fs::write(self.path("NetworkManager.conf"), text).unwrap();
        const APART: &str = "set -e
            for folder in /run /var/lib/NetworkManager /etc/NetworkManager; do
                [ ! -d $folder ] || mount -t tmpfs tmpfs $folder
            done
            mount --rbind /sys /sys
            mount -o remount,bind,ro /sys
            cd \"$0\"
            exec NetworkManager --no-daemon --config NetworkManager.conf --config-dir none --system-config-dir none \
                --intern-config none.conf --state-file state --pid-file pid";
        let mut outer = outer;
        outer.args(["--mount", "sh", "-c", APART]).arg(&self.folder);
        outer.env("DBUS_SYSTEM_BUS_ADDRESS", self.address()).stdin(Stdio::null());
        self.manager = Some(outer.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    }

    fn start_manager_here(&mut self) {
        self.start_manager(Command::new("unshare"));
    }

    fn kill_manager(&mut self) {
        let mut manager = self.manager.take().unwrap();
        manager.kill().unwrap();
        manager.wait().unwrap();
    }

    fn nmcli(&self, arguments: &str) -> Option<String> {
        let mut nmcli = Command::new("nmcli");
        nmcli.args(arguments.split(' ')).env("DBUS_SYSTEM_BUS_ADDRESS", self.address());
        let output = nmcli.stdin(Stdio::null()).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    fn until_nmcli(&self, arguments: &str) {
        until_some(arguments, || self.nmcli(arguments));
    }

    fn driver(&self, text: &str) -> Driver {
        let builder = Driver::builder().configuration(configuration(text));
        builder.system_bus(&self.address()).build().unwrap()
    }

    /// Lets bus and NetworkManager answer all that the driver asks of them, one after the other: whoever answers
    /// somebody who came later has answered it. Eight times, where it asks five things in a row.
    fn settle(&self, driver: &Driver) {
        for _ in 0..8 {
            catch_up(driver);
            self.nmcli("general").unwrap();
        }
        catch_up(driver);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for child in self.manager.iter_mut().chain([&mut self.bus]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn address(folder: &std::path::Path) -> String {
    format!("unix:path={}", folder.join("bus").display())
}

/// Returns when it listens.
fn start_bus(folder: &std::path::Path) -> Child {
    let text = format!(
        "<busconfig><type>system</type><listen>{}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
         </policy></busconfig>",
        address(folder)
    );
    std::fs::write(folder.join("bus.conf"), text).unwrap();
    let _ = std::fs::remove_file(folder.join("bus"));
    let mut bus = Command::new("dbus-daemon");
    bus.arg(format!("--config-file={}", folder.join("bus.conf").display()));
    bus.args(["--nofork", "--nopidfile", "--print-address=1"]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut bus = bus.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(bus.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("unix:path="), "{line}");
    bus
}

fn policies(driver: &Driver, id: &str) -> UsagePolicies {
    driver.manager().configuration(id).unwrap().usage_policies()
}

fn until_policies(driver: &Driver, id: &str, expected: UsagePolicies) {
    until(driver, "other policies", |driver| policies(driver, id) == expected);
}

/// How often the session was told of other policies since the last call.
fn changes(driver: &Driver) -> usize {
    told(driver).iter().filter(|line| line.contains("policies")).count()
}

/// A session that is open on `eth0`, which is metered.
fn metered_session(machine: &mut Machine, driver: &Driver) -> Session {
    machine.until_nmcli("connection up eth0");
    until(driver, "up", |driver| state_of(driver, "eth0") == Some(ConfigurationState::Active));
    let session = open(driver, "eth0");
    until_policies(driver, "eth0", METERED);
    changes(driver);
    session
}

kernel_tests! {
    fn each_change_is_told_once_and_the_configuration_goes_before_it(namespace) {
        let Some(mut machine) = Machine::start() else { return };
        namespace.cable("eth0");
        machine.connection("eth0");
        let driver = machine.driver("");
        machine.start_manager_here();
        let session = metered_session(&mut machine, &driver);
        assert_eq!(session.usage_policies(), METERED);
        for (commands, expected) in [
            (&["device modify eth0 connection.metered no"][..], FREE),
            (&["connection modify eth0 connection.metered yes", "device reapply eth0"], METERED),
            (&["connection modify eth0 connection.metered no", "device reapply eth0"], FREE),
            (&["device modify eth0 connection.metered yes"], METERED),
        ] {
            commands.iter().for_each(|command| drop(machine.nmcli(command).unwrap()));
            until_policies(&driver, "eth0", expected);
            machine.settle(&driver);
            assert_eq!((session.usage_policies(), changes(&driver)), (expected, 1), "{commands:?}");
        }
        // The program finds the bus by its environment.
        let mut monitor = netsession(&["monitor", "--json"]);
        monitor.env("DBUS_SYSTEM_BUS_ADDRESS", machine.address());
        Live::start(&mut monitor).until("metered", |line| {
            line.contains(r#""id":"eth0""#) && line.contains(r#""policies":["no_background_traffic"]"#)
        });
        for (text, expected) in [
            ("[access-point.eth0]\ninterface = \"eth0\"\nmetered = false", FREE),
            ("[access-point.eth0]\ninterface = \"eth0\"", METERED),
            ("[access-point.eth0]\ninterface = \"eth0\"\nmetered = true", METERED),
            ("[access-point.eth0]\ninterface = \"eth0\"\n[driver]\nnetwork_manager = false", FREE),
        ] {
            assert_eq!(driver.reconfigure(configuration(text)), [], "{text}");
            assert_eq!(policies(&driver, "eth0"), expected, "at once: {text}");
        }
        machine.settle(&driver);
        assert_eq!((session.usage_policies(), session.is_open()), (FREE, true));
        assert_eq!(driver.reconfigure(configuration("[access-point.eth0]\ninterface = \"eth0\"")), []);
        until_policies(&driver, "eth0", METERED);
        let deaf = Driver::builder().system_bus(&machine.address()).network_manager(false).build().unwrap();
        machine.settle(&deaf);
        assert_eq!(policies(&deaf, "eth0"), FREE);
    }

    fn what_was_learned_is_forgotten_with_who_said_it_and_learned_again(namespace) {
        let Some(mut machine) = Machine::start() else { return };
        namespace.cable("eth0");
        machine.connection("eth0");
        machine.start_manager_here();
        let driver = machine.driver("");
        let session = metered_session(&mut machine, &driver);
        machine.kill_manager();
        until_policies(&driver, "eth0", FREE);
        assert_eq!((changes(&driver), session.is_open()), (1, true), "by the kernel it is as it was");
        machine.start_manager_here();
        machine.until_nmcli("connection up eth0");
        until_policies(&driver, "eth0", METERED);
        // The bus goes: that is no error, and nobody looks for another one without being told to.
        machine.bus.kill().unwrap();
        machine.bus.wait().unwrap();
        until_policies(&driver, "eth0", FREE);
        machine.kill_manager();
        machine.bus = start_bus(&machine.folder);
        machine.start_manager_here();
        machine.until_nmcli("connection up eth0");
        machine.settle(&driver);
        assert_eq!(policies(&driver, "eth0"), FREE);
        driver.handle(Input::Update {}).unwrap();
        until_policies(&driver, "eth0", METERED);
    }

    fn while_network_manager_has_nothing_to_say_nothing_is_done(namespace) {
        let Some(mut machine) = Machine::start().filter(|_| has_strace()) else { return };
        namespace.cable("eth0");
        machine.connection("eth0");
        machine.start_manager_here();
        machine.until_nmcli("connection up eth0");
        let mut strace = Command::new("strace");
        strace.env("DBUS_SYSTEM_BUS_ADDRESS", machine.address());
        let mut monitor = Traced::start_by(strace, &["monitor", "--json"]);
        let is_said = |policies: &'static str| {
            move |line: &str| line.contains(r#""id":"eth0""#) && line.contains(policies)
        };
        monitor.live.until("metered", is_said(r#""policies":["no_background_traffic"]"#));
        // What NetworkManager still had to say of other devices has been heard when this is.
        machine.nmcli("device modify eth0 connection.metered no").unwrap();
        monitor.live.until("not metered", is_said(r#""policies":[]"#));
        let before = monitor.calls_at_rest();
        std::thread::sleep(NOTHING_HAPPENS);
        assert_eq!(monitor.calls().strip_prefix(before.as_str()), Some(""), "system calls");
        machine.nmcli("device modify eth0 connection.metered yes").unwrap();
        monitor.live.until("metered", is_said(r#""policies":["no_background_traffic"]"#));
    }

    fn a_device_takes_what_was_said_of_it_with_it(namespace) {
        let Some(mut machine) = Machine::start() else { return };
        machine.connection("eth0");
        machine.start_manager_here();
        let driver = machine.driver("[access-point.office]\ninterface = \"eth0\"");
        for _ in 0..2 {
            namespace.cable("eth0");
            machine.until_nmcli("connection up eth0");
            until_policies(&driver, "office", METERED);
            announced(&driver);
            namespace.ip("link del eth0");
            until(&driver, "gone", |driver| state_of(driver, "office") == Some(ConfigurationState::Defined));
            machine.settle(&driver);
            assert_eq!(policies(&driver, "office"), FREE);
            let told = announced(&driver).iter().filter(|line| line.contains("policies")).count();
            assert_eq!(told, 1);
        }
    }

    fn of_another_network_namespace_nothing_is_believed(namespace) {
        let Some(mut machine) = Machine::start() else { return };
        // The same name and address on both sides.
        const SAME: &str = "link add eth0 address 02:00:00:00:00:07 type veth peer name eth0p";
        for command in [SAME, "link set eth0p up"] {
            namespace.ip(command);
            namespace.far_ip(command);
        }
        machine.connection("eth0");
        let driver = machine.driver("");
        let is_metered = |machine: &Machine| {
            machine.until_nmcli("connection up eth0");
            assert_eq!(machine.nmcli("-g GENERAL.METERED device show eth0").unwrap(), "yes\n");
            machine.settle(&driver);
            policies(&driver, "eth0") == METERED
        };
        machine.start_manager_here();
        assert!(is_metered(&machine));
        machine.kill_manager();
        machine.start_manager(namespace.far("unshare"));
        assert!(!is_metered(&machine));
        machine.kill_manager();
        machine.start_manager_here();
        assert!(is_metered(&machine));
    }

    fn a_bus_of_any_other_kind_makes_no_difference(namespace) {
        namespace.cable("eth0");
        let folder = scratch("buses");
        let huge = [b"DATA\r\nOK 0\r\nl\x02\0\x01".as_slice(), &[0xff; 12]].concat();
        let scripts: [Option<&'static [u8]>; 8] = [
            None,
            Some(b""),
            Some(b"REJECTED\r\n"),
            Some(b"DATA\r\nOK 0\r\n"),
            Some(b"DATA\r\nOK 0\r\nl\x02\0\x01"),
            Some(b"DATA\r\nOK 0\r\nwhat is this, and why is it so long?"),
            Some(b"\0\xff\0\xff"),
            Some(huge.leak()),
        ];
        for (number, script) in scripts.into_iter().enumerate() {
            for ends in [false, true] {
                let path = folder.join(format!("{number}{ends}"));
                // Of those that say nothing one is no bus, and one does not even accept.
                let listener = script.map(|script| (UnixListener::bind(&path).unwrap(), script));
                let driver = driver_on(&path);
                let (said, says) = std::sync::mpsc::channel();
                let (end, wait) = std::sync::mpsc::channel::<()>();
                let bus = listener.filter(|(_, script)| !script.is_empty() || ends).map(|(listener, script)| {
                    std::thread::spawn(move || {
                        let (mut stream, _) = listener.accept().unwrap();
                        stream.write_all(script).unwrap();
                        if ends {
                            drop(stream);
                            said.send(()).unwrap();
                        } else {
                            said.send(()).unwrap();
                            let _ = wait.recv();
                            let _ = stream.read(&mut [0; 4096]);
                        }
                    })
                });
                if bus.is_some() {
                    says.recv().unwrap();
                }
                let session = open(&driver, "eth0");
                catch_up(&driver);
                assert_eq!((session.usage_policies(), session.is_open()), (FREE, true), "{number} {ends}");
                session.close();
                until(&driver, "down", |_| !session.is_open());
                driver.handle(Input::Update {}).unwrap();
                catch_up(&driver);
                drop((driver, end));
                bus.into_iter().for_each(|bus| bus.join().unwrap());
            }
        }
    }
}

fn driver_on(bus: &std::path::Path) -> Driver {
    with_address(Driver::builder()).system_bus(&format!("unix:path={}", bus.display())).build().unwrap()
}
