//! Building and running the program, in network namespaces where it needs links.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

use crate::kernel::namespace;

/// Where the program is, if somebody has built it already.
pub(crate) const PROGRAM: &str = "NETSESSION_TEST_PROGRAM";

/// A folder that there is not.
pub(crate) const NOWHERE: &str = "/nonexistent";

/// The program, built as the tests are. Where everybody may execute it, because some tests run it as nobody.
pub(crate) fn program() -> &'static Path {
    static PROGRAM_PATH: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM_PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os(PROGRAM) {
            return path.into();
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
        let built = Command::new(cargo)
            // The profile of the tests: what they are linked with need not be built again.
            .args(["build", "--package", "netsession-io-linux", "--bin", "netsession", "--profile", "test"])
            .args(["--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "the program does not build");
        let messages = String::from_utf8(built.stdout).expect("cargo writes text");
        let executable = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == "netsession")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo tells where the program is");
        let folder = scratch("program");
        let copy = folder.join("netsession");
        std::fs::copy(executable, &copy).expect("the program can be copied");
        copy
    })
}

/// An empty folder of this run's own that everybody may write to.
pub(crate) fn scratch(name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("netsession-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder for the test can be made");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).expect("own folder");
    folder
}

/// The program with these arguments.
pub(crate) fn netsession(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_remove("NO_COLOR").stdin(Stdio::null());
    // Not what whoever runs the tests has configured.
    command.env("XDG_CONFIG_HOME", NOWHERE);
    command
}

/// How it ended: its status and what it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program prints text");
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn run(command: &mut Command) -> Ended {
    command.output().expect("the program starts").into()
}

/// Runs it with this on its standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &[u8]) -> Ended {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It may end before it has read everything.
    let _ = child.stdin.take().expect("piped").write_all(input);
    child.wait_with_output().expect("it ends").into()
}

/// A shell script in a network namespace of its own, with `$NETSESSION` and two cables: `a0` is down and has
/// an address, `a1` is up, and the far ends `b0` and `b1` are up. `None`, said loudly, where that cannot be.
pub(crate) fn in_namespace(script: &str) -> Option<Command> {
    const CABLES: &str = "set -e
        for n in 0 1; do
            ip link add a$n type veth peer name b$n
            ip address add 192.0.2.$n/31 dev a$n
            ip link set b$n up
        done
        ip link set a1 up
        # The kernel tells of the carrier a while later.
        $NETSESSION monitor --json | grep -q '\"id\":\"a1\".*\"state\":\"active\"'
        set +e
        ";
    if !can_make_namespaces() {
        return None;
    }
    // What the caller of the tests ignores is not ignored here: a shell cannot trap it else.
    let mut command = Command::new("env");
    command
        .args(["--default-signal", "unshare", "--user", "--map-root-user", "--net", "sh", "-c"])
        .arg(format!("{CABLES}{script}"));
    command.env("NETSESSION", program()).env("XDG_CONFIG_HOME", NOWHERE).stdin(Stdio::null());
    Some(command)
}

pub(crate) fn can_make_namespaces() -> bool {
    static CAN: OnceLock<Result<(), String>> = OnceLock::new();
    match CAN.get_or_init(namespace::can_make_namespaces) {
        Ok(()) => true,
        Err(why) => cannot_run(why),
    }
}

/// Says that a test cannot run, and fails where it must.
pub(crate) fn cannot_run(why: &str) -> bool {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "this test must run: {why}");
    // Straight to the terminal, past the capture of the test's output.
    let _ = writeln!(std::io::stderr(), "\nCANNOT RUN: {why}");
    false
}

/// This as nobody, if that is somebody else than now; else `None`.
pub(crate) fn as_nobody(command: &Command) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    nobody.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    Some(nobody)
}

/// Reads what a child prints, byte by byte, until it has printed this.
pub(crate) fn read_until(from: &mut impl Read, wanted: &str) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    loop {
        let read = from.read(&mut byte).expect("it prints");
        text.extend_from_slice(&byte[..read]);
        let so_far = String::from_utf8_lossy(&text);
        if so_far.contains(wanted) {
            return so_far.into_owned();
        }
        assert!(read > 0, "it ended without printing {wanted:?}: {so_far}");
    }
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("a child has a number");
    rustix::process::kill_process(pid, signal).expect("the child lives");
}

/// Without colours: no escape anywhere.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains('\u{1b}')
}
