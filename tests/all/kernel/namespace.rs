//! Network namespaces for tests: one for the driver, one for the far ends of its cables.
//!
//! A kernel test starts itself again in a namespace of its own, where this user is root. What it changes
//! is gone when it ends, however it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};

use crate::program::support;

const INSIDE: &str = "NETSESSION_TEST_IS_INSIDE";

/// Declares kernel tests: each gets a namespace of its own.
macro_rules! kernel_tests {
    ($($(#[$meta:meta])* fn $name:ident($namespace:ident) $body:block)*) => {$(
        #[test]
        $(#[$meta])*
        fn $name() {
            fn inside($namespace: &$crate::kernel::Namespace) $body
            let path = concat!(module_path!(), "::", stringify!($name));
            $crate::kernel::namespace::run(path, inside);
        }
    )*};
}
pub(super) use kernel_tests;

/// Where the test runs, and where the far ends of its cables are.
pub(super) struct Namespace {
    /// Lives as long as its standard input is open, and keeps the other namespace.
    far: Child,
}

/// Runs the test of this path in a namespace of its own.
pub(super) fn run(path: &str, inside: fn(&Namespace)) {
    if std::env::var_os(INSIDE).is_some() {
        return inside(&Namespace::new());
    }
    if let Err(why) = can_make_namespaces() {
        support::cannot_run(&format!("{path}: {why}"));
        return;
    }
    run_again(path, Command::new("unshare").args(["--user", "--map-root-user", "--net"]));
}

/// Runs the test of this path in a namespace of its own in which there is nothing but a loopback interface, up.
pub(crate) fn run_apart(path: &str, inside: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        output_of(Command::new("ip").args(["link", "set", "lo", "up"]));
        return inside();
    }
    if let Err(why) = can_make_namespaces() {
        support::cannot_run(&format!("{path}: {why}"));
        return;
    }
    run_again(path, Command::new("unshare").args(["--user", "--map-root-user", "--net"]));
}

/// Runs the test of this path once more, under `outer`.
pub(super) fn run_again(path: &str, outer: &mut Command) {
    let name = path.split_once("::").unwrap().1;
    let output = outer
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .env(support::PROGRAM, support::program())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // A name that fits nothing would pass too.
    let has_passed = output.status.success() && said.contains("1 passed");
    assert!(has_passed, "inside its namespace:\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // What could not run inside.
    let _ = std::io::stderr().write_all(&output.stderr);
}

pub(crate) fn can_make_namespaces() -> Result<(), String> {
    for (program, arguments) in [
        ("ip", &["-V"][..]),
        ("nsenter", &["-V"]),
        ("unshare", &["--user", "--map-root-user", "--net", "ip", "link", "add", "a0", "type", "veth"]),
    ] {
        let output = Command::new(program)
            .args(arguments)
            .output()
            .map_err(|error| format!("cannot run {program}: {error}; install iproute2 and util-linux"))?;
        if !output.status.success() {
            return Err(format!(
                "{program} {}: {}; the kernel may not let this user make namespaces (user.max_user_namespaces, \
                 kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, seccomp)",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            ));
        }
    }
    Ok(())
}

impl Namespace {
    fn new() -> Self {
        let mut far = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(far.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { far }
    }

    /// Runs `ip` on this side.
    pub(super) fn ip(&self, arguments: &str) -> String {
        output_of(Command::new("ip").args(arguments.split(' ')))
    }

    /// Runs many `ip` commands on this side, as fast as one process can; some may fail.
    pub(super) fn ip_batch(&self, commands: &str) {
        batch(&mut Command::new("ip"), commands);
    }

    /// A veth link whose other end, plugged in, lies in the far namespace under another index.
    pub(super) fn cable(&self, name: &str) {
        self.ip(&format!("link add {name} type veth peer name {name}p"));
        self.lay(name);
    }

    /// The same, with this index on this side.
    pub(super) fn cable_with_index(&self, name: &str, index: u32) {
        self.ip(&format!("link add {name} index {index} type veth peer name {name}p"));
        self.lay(name);
    }

    fn lay(&self, name: &str) {
        self.ip(&format!("link set {name}p netns {}", self.far.id()));
        self.plug(name);
    }

    /// Gives a cable carrier.
    pub(super) fn plug(&self, name: &str) {
        self.far_ip(&format!("link set {name}p up"));
    }

    /// Takes a cable's carrier.
    pub(super) fn pull(&self, name: &str) {
        self.far_ip(&format!("link set {name}p down"));
    }

    /// Runs many `ip` commands on the far side.
    pub(super) fn far_ip_batch(&self, commands: &str) {
        batch(&mut self.far("ip"), commands);
    }

    /// Runs `ip` on the far side.
    pub(super) fn far_ip(&self, arguments: &str) {
        output_of(self.far("ip").args(arguments.split(' ')));
    }

    /// Runs something in a thread on the far side; the sockets that it makes stay there.
    pub(super) fn on_far_side<T: Send>(&self, make: impl FnOnce() -> T + Send) -> T {
        let path = format!("/proc/{}/ns/net", self.far.id());
        let namespace = std::fs::File::open(path).unwrap();
        let inside = move || {
            let kind = rustix::thread::LinkNameSpaceType::Network;
            rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(kind)).unwrap();
            make()
        };
        std::thread::scope(|scope| scope.spawn(inside).join().unwrap())
    }

    /// A program that is to run on the far side.
    pub(super) fn far(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.far.id().to_string(), "-n", program]);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.far.stdin.take());
        let _ = self.far.wait();
    }
}

fn batch(ip: &mut Command, commands: &str) {
    let ip = ip.args(["-force", "-batch", "-"]);
    let mut child = ip.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    child.wait().unwrap();
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
