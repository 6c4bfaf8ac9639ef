//! While nothing happens nothing is done: not one system call, however many interfaces there are.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::live::Live;
use super::*;
use crate::program::support::{cannot_run, program, scratch};

/// Long enough for any timer of some seconds.
pub(super) const NOTHING_HAPPENS: Duration = Duration::from_secs(10);

kernel_tests! {
    fn no_system_call_in_ten_seconds_with_one_interface(namespace) {
        assert_idle(namespace, 0);
    }

    fn no_system_call_in_ten_seconds_with_a_thousand_interfaces(namespace) {
        assert_idle(namespace, 500);
    }
}

pub(super) fn has_strace() -> bool {
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    strace.is_ok_and(|status| status.success()) || cannot_run("strace is not installed")
}

/// With `eth0` and with so many pairs, all up.
fn assert_idle(namespace: &Namespace, pairs: usize) {
    if !has_strace() {
        return;
    }
    namespace.cable("eth0");
    namespace.ip("addr add 192.0.2.7/24 dev eth0");
    // Without IPv6, whose addresses are told of once more when they have proved to be unique.
    let mut commands = "link set eth0 addrgenmode none\n".to_owned();
    for n in 0..pairs {
        writeln!(commands, "link add a{n} type veth peer name b{n}").unwrap();
        writeln!(commands, "link set a{n} addrgenmode none\nlink set b{n} addrgenmode none").unwrap();
    }
    namespace.ip_batch(&commands);
    let mut holder = Traced::start(&["open", "eth0", "--json"]);
    holder.live.until_printed(r#""opened""#);
    namespace.ip("link set group 0 up");
    until_ip(namespace, "up", |link| link["operstate"] == "UP");
    let mut monitor = Traced::start(&["monitor", "--json"]);
    assert_eq!(monitor.live.until_present().len(), pairs * 2 + 2, "a view each, and one of the whole");
    let mut both = [holder, monitor];
    // What comes before this has been read when this is printed.
    let news = |namespace: &Namespace, both: &mut [Traced; 2], address: &str| {
        namespace.ip(&format!("addr add {address}/24 dev eth0"));
        for traced in both {
            traced.live.until("the address", |line| line.contains("view") && line.contains(address));
        }
    };
    news(namespace, &mut both, "198.51.100.1");
    let before = both.each_ref().map(Traced::calls_at_rest);
    std::thread::sleep(NOTHING_HAPPENS);
    for (traced, before) in both.iter().zip(&before) {
        let after = traced.calls();
        assert_eq!(after.strip_prefix(before.as_str()), Some(""), "system calls of {:?}", traced.log);
    }
    news(namespace, &mut both, "198.51.100.2");
    for (traced, before) in both.iter().zip(&before) {
        assert!(traced.calls_at_rest().len() > before.len(), "calls would have been seen");
    }
}

/// The program under strace.
pub(super) struct Traced {
    pub(super) live: Live,
    log: PathBuf,
}

impl Traced {
    fn start(arguments: &[&str]) -> Self {
        Self::start_by(Command::new("strace"), arguments)
    }

    /// With the environment that this has.
    pub(super) fn start_by(mut strace: Command, arguments: &[&str]) -> Self {
        let log = scratch(arguments[0]).join("calls");
        strace.args(["-f", "-qq", "-o"]).arg(&log).arg(program()).args(arguments);
        Self { live: Live::start(&mut strace), log }
    }

    pub(super) fn calls(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The calls up to the one in which it sleeps: strace writes the rest of that line when it returns.
    pub(super) fn calls_at_rest(&self) -> String {
        until_some("it sleeps in poll", || {
            let calls = self.calls();
            let (process, call) = calls.lines().next_back()?.split_once(' ')?;
            let is_poll = call.contains("poll(") && !calls.ends_with('\n');
            let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
            let is_asleep = is_poll && status.contains("\nState:\tS") && calls == self.calls();
            is_asleep.then_some(calls)
        })
    }
}
