//! `run` and `monitor` as services: what they tell the service manager, what they need, and the units for systemd.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::support::{
    Ended, cannot_run, in_namespace, netsession, program, read_until, run, scratch, signal,
};

/// Only so that a test that would hang says where; nothing is measured by it.
const FOR_EVER: Duration = Duration::from_secs(60);

/// A service manager of the test's own.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn listen(name: &str) -> Self {
        let path = scratch(name).join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(FOR_EVER)).unwrap();
        Self { socket, path }
    }

    fn next(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("the program tells something");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// Passes over what is told until this.
    fn wait_for(&self, wanted: &str) {
        let mut before = Vec::new();
        loop {
            let told = self.next();
            if told == wanted {
                return;
            }
            assert!(told.starts_with("STATUS="), "{told:?} and not {wanted:?}; before: {before:?}");
            before.push(told);
        }
    }
}

#[test]
fn run_tells_its_manager_when_the_session_is_open_how_it_stands_and_that_it_stops() {
    let script = "exec env NOTIFY_SOCKET=$MANAGER $NETSESSION run a0 -- sh -c \
                  'echo ${NOTIFY_SOCKET-nobody is told}; read -r line; ip link set b0 down; read -r line'";
    let Some(mut command) = in_namespace(script) else { return };
    let manager = Manager::listen("run");
    let command = command.env("MANAGER", &manager.path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    assert_eq!(manager.next(), "STATUS=a0 is connecting");
    manager.wait_for("READY=1\nSTATUS=a0 is open on a0 192.0.2.0/31");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("it prints");
    assert_eq!(line, "nobody is told\n");
    let mut input = child.stdin.take().expect("piped");
    writeln!(input, "pull").expect("it reads");
    manager.wait_for("STATUS=a0 is not available");
    writeln!(input, "end").expect("it reads");
    manager.wait_for("STOPPING=1");
    assert_eq!(Ended::from(child.wait_with_output().expect("it ends")).status, Some(0));
}

#[test]
fn a_session_that_cannot_be_opened_is_never_ready() {
    let Some(mut command) = in_namespace(
        "ip link set b0 down; exec env NOTIFY_SOCKET=$MANAGER $NETSESSION run a0 --wait 1 -- true",
    ) else {
        return;
    };
    let manager = Manager::listen("never");
    assert_eq!(run(command.env("MANAGER", &manager.path)).status, Some(69));
    manager.wait_for("STOPPING=1");
}

#[test]
fn monitor_tells_its_manager_when_all_is_known_and_that_it_stops() {
    let Some(mut command) = in_namespace("exec env NOTIFY_SOCKET=$MANAGER $NETSESSION monitor --json") else {
        return;
    };
    let manager = Manager::listen("monitor");
    let command = command.env("MANAGER", &manager.path).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // Virtual cables are no way out.
    manager.wait_for("READY=1\nSTATUS=offline");
    read_until(child.stdout.as_mut().expect("piped"), "\"a1\"");
    signal(&child, Signal::TERM);
    manager.wait_for("STOPPING=1");
    assert_eq!(Ended::from(child.wait_with_output().expect("it ends")).status, Some(0));
}

#[test]
fn a_manager_that_cannot_be_told_is_a_complaint_and_nothing_else() {
    for socket in ["/nonexistent/socket", "vsock:2:1234", "@nobody listens"] {
        let Some(mut command) =
            in_namespace("exec env \"NOTIFY_SOCKET=$MANAGER\" $NETSESSION run a1 -- echo ran")
        else {
            return;
        };
        let ended = run(command.env("MANAGER", socket));
        assert_eq!((ended.status, ended.out.as_str()), (Some(0), "ran\n"), "{ended:?}");
        assert_eq!(ended.err.matches("cannot notify").count(), 1, "{ended:?}");
    }
}

/// As a unit gives them: no privilege comes from being root.
const ONLY: &str = "setpriv --securebits=+noroot,+noroot_locked --bounding-set=-all,+net_admin";

#[test]
fn run_needs_one_capability_and_can_keep_it_from_its_command() {
    let read = "sed -n 's/^CapEff:\\t//p' /proc/self/status";
    let script = format!(
        "{ONLY} --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin $NETSESSION run a0 -- {read} &&
         {ONLY} --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin \
         $NETSESSION run a0 -- setpriv --ambient-caps=-all {read}"
    );
    let Some(mut command) = in_namespace(&script) else { return };
    let ended = run(&mut command);
    assert_eq!(
        (ended.status, ended.out.as_str()),
        (Some(0), "0000000000001000\n0000000000000000\n"),
        "{ended:?}"
    );
}

#[test]
fn without_any_capability_a_link_is_watched_but_not_started() {
    let without =
        "setpriv --securebits=+noroot,+noroot_locked --bounding-set=-all --inh-caps=-all --ambient-caps=-all";
    let script = format!("{without} $NETSESSION list; {without} $NETSESSION run a0 -- echo ran");
    let Some(mut command) = in_namespace(&script) else { return };
    let ended = run(&mut command);
    assert!(ended.status == Some(69) && ended.out.contains("a1") && !ended.out.contains("ran"), "{ended:?}");
    assert!(ended.err.contains("CAP_NET_ADMIN"), "{ended:?}");
}

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../io-linux/systemd");

/// What systemd makes of a unit at most, from 0 for the safest to 100.
const EXPOSURE: [(&str, u32); 2] = [("netsession-run@.service", 20), ("netsession-monitor.service", 10)];

fn analyze(arguments: &[&str]) -> Option<Ended> {
    match Command::new("systemd-analyze").arg("--no-pager").args(arguments).output() {
        Ok(output) => Some(output.into()),
        Err(error) => {
            cannot_run(&format!("cannot run systemd-analyze: {error}; install systemd"));
            None
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_little_exposed() {
    let folder = scratch("units");
    for (name, exposure) in EXPOSURE {
        // It wants to find the program.
        let unit = std::fs::read_to_string(Path::new(UNITS).join(name)).unwrap();
        assert!(unit.contains("=/usr/bin/netsession ") && unit.contains("\nType=notify\n"), "{name}");
        let path = folder.join(name);
        std::fs::write(&path, unit.replace("/usr/bin/netsession", program().to_str().unwrap())).unwrap();
        let path = path.to_str().unwrap();
        let Some(verified) = analyze(&["verify", path]) else { return };
        assert_eq!((verified.status, verified.err.as_str()), (Some(0), ""), "{name}");
        let threshold = format!("--threshold={exposure}");
        let Some(judged) = analyze(&["security", "--offline=true", &threshold, path]) else { return };
        assert_eq!(judged.status, Some(0), "{name}: {}", judged.out);
    }
}

/// The system calls of a set that systemd knows.
fn calls_of(all: &str, set: &str) -> BTreeSet<String> {
    let from = all.lines().skip_while(|line| *line != set).skip(1);
    let entries = from.take_while(|line| line.starts_with(' ')).map(str::trim);
    entries
        .filter(|entry| !entry.starts_with('#'))
        .flat_map(|entry| {
            if entry.starts_with('@') { calls_of(all, entry) } else { BTreeSet::from([entry.to_owned()]) }
        })
        .collect()
}

/// What a unit lets through.
fn allowed_by(unit: &str, known: &str) -> BTreeSet<String> {
    let filters = unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter="));
    let mut allowed = BTreeSet::new();
    for filter in filters {
        let (names, is_denied) = filter.strip_prefix('~').map_or((filter, false), |names| (names, true));
        let calls: BTreeSet<String> = names
            .split(' ')
            .flat_map(|name| {
                if name.starts_with('@') { calls_of(known, name) } else { BTreeSet::from([name.to_owned()]) }
            })
            .collect();
        if is_denied {
            allowed.retain(|call| !calls.contains(call));
        } else {
            allowed.extend(calls);
        }
    }
    allowed
}

#[test]
fn the_units_let_through_every_system_call_that_is_made() {
    let Some(known) = analyze(&["syscall-filter"]) else { return };
    let traces = scratch("calls");
    // What comes later is waited for, if not the first then the next.
    let script = "n=0
                  strace --follow-forks --output=$TRACES/netsession-run@.service \
                  $NETSESSION run a0 -- setpriv --ambient-caps=-all sleep 0 &&
                  strace --follow-forks --output=$TRACES/netsession-monitor.service $NETSESSION monitor --json |
                  while read -r line; do
                      case $line in
                          *online* | *b$n*)
                              n=$((n + 1))
                              [ $n -lt 9 ] || break
                              ip link add b$n type veth peer name c$n ;;
                      esac
                  done";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(command.env("TRACES", &traces));
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for (name, _) in EXPOSURE {
        let unit = std::fs::read_to_string(Path::new(UNITS).join(name)).unwrap();
        let allowed = allowed_by(&unit, &known.out);
        assert!(allowed.len() > 100 && !allowed.contains("reboot"), "{allowed:?}");
        let trace = std::fs::read_to_string(traces.join(name)).unwrap();
        let calls = trace.lines().filter_map(|line| {
            let (call, _) = line.split_once(char::is_whitespace)?.1.trim_start().split_once('(')?;
            Some(call)
        });
        let calls: BTreeSet<&str> = calls.filter(|call| !call.contains([' ', '<'])).collect();
        assert!(calls.contains("epoll_wait"), "{calls:?}");
        let forbidden: Vec<_> = calls.into_iter().filter(|call| !allowed.contains(*call)).collect();
        assert!(forbidden.is_empty(), "{name}: {forbidden:?}");
    }
}

#[test]
fn nobody_is_told_where_nobody_asks() {
    let mut command = netsession(&["list"]);
    let manager = Manager::listen("list");
    assert_eq!(run(command.env("NOTIFY_SOCKET", &manager.path)).status, Some(0));
    manager.socket.set_nonblocking(true).unwrap();
    assert!(manager.socket.recv(&mut [0; 16]).is_err(), "list is over at once and no service");
}
