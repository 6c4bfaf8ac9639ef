//! The configuration file: which one holds, what is said of it, and reading it again while sessions are open.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use super::support::{
    Ended, as_nobody, can_make_namespaces, cannot_run, in_namespace, netsession, program, read_until, run,
    scratch, signal,
};

const OFFICE: &str = "[access-point.office]\ninterface = \"a1\"\n";

fn file(folder: &str, text: &str) -> PathBuf {
    let path = scratch(folder).join("netsession.toml");
    fs::write(&path, text).expect("own folder");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the test chose it")
}

#[test]
fn check_says_file_line_column_and_what_was_meant() {
    let path =
        file("check-bad", "[access-point.office]\ninterface = \"eth0\"\nmetred = true\nbearer = \"wifi\"\n");
    for arguments in [
        &["config", "check", text(&path)][..],
        &["config", "check", "--config", text(&path)],
        &["config", "show", "--config", text(&path)],
        &["list", "--config", text(&path)],
        &["monitor", "--config", text(&path)],
        &["run", "eth0", "--config", text(&path), "--", "true"],
        &["open", "eth0", "--config", text(&path)],
        &["why", "eth0", "--config", text(&path)],
    ] {
        let ended = run(&mut netsession(arguments));
        assert_eq!((ended.status, ended.out.as_str()), (Some(78), ""), "{arguments:?}");
        let path = path.display();
        for line in [
            format!("\n{path}:3:1: [access-point.office] has no key \"metred\"; did you mean \"metered\"?"),
            format!("\n{path}:4:10: [access-point.office] bearer cannot be \"wifi\"; did you mean \"wlan\"?"),
        ] {
            assert!(ended.err.contains(&line), "{arguments:?} says {}", ended.err);
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_name() {
    let folder = scratch("check-unreadable");
    fs::write(folder.join("bytes"), b"# one\nx = \"\xff\"").expect("own folder");
    fs::write(folder.join("large"), "#".repeat(1024 * 1024 + 1)).expect("own folder");
    for (name, words) in [
        ("missing", "No such file"),
        (".", "Is a directory"),
        ("bytes", "line 2, column 6: this is not UTF-8"),
        ("large", "more than 1048576 bytes"),
    ] {
        let path = folder.join(name);
        let ended = run(&mut netsession(&["list", "--config", text(&path)]));
        assert_eq!((ended.status, ended.out.as_str()), (Some(78), ""), "{name}");
        assert!(ended.err.contains(words) && ended.err.contains(text(&path)), "{}", ended.err);
    }
}

#[test]
fn a_file_of_ones_own_that_may_not_be_read_is_gone_without() {
    use std::os::unix::fs::PermissionsExt as _;
    let path = file("check-forbidden", "x = 1");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("own folder");
    let mut command = netsession(&["config", "show"]);
    // Root may read everything.
    let mut command =
        as_nobody(&command).unwrap_or_else(|| std::mem::replace(&mut command, Command::new("true")));
    let ended = run(command.env("XDG_CONFIG_HOME", path.parent().expect("a folder")));
    assert_eq!(ended.status, Some(0));
    assert!(ended.err.contains("going on without") && ended.err.contains(text(&path)), "{}", ended.err);
    assert!(ended.out.starts_with("# In force: defaults."), "{}", ended.out);
}

#[test]
fn check_says_what_does_not_fit_the_interfaces_that_there_are() {
    let path = file(
        "check-conflict",
        &format!("{OFFICE}[access-point.lab]\npattern = \"a1\"\ninterface = \"a1\"\n"),
    );
    let warning = "on this machine a1 is named by [access-point.office] and by";
    let Some(mut command) = in_namespace("exec $NETSESSION config check $FILE") else { return };
    let ended = run(command.env("FILE", &path));
    assert_eq!(ended.status, Some(0));
    assert!(ended.err.contains("warning: ") && ended.err.contains(warning), "{}", ended.err);
    let count = "nothing is wrong with it: 2 access points, 0 service networks\n";
    assert!(ended.out.contains(count), "{}", ended.out);
    let Some(mut command) = in_namespace("exec $NETSESSION config check --strict $FILE") else { return };
    let ended = run(command.env("FILE", &path));
    assert_eq!((ended.status, ended.out.as_str()), (Some(78), ""));
    assert!(ended.err.contains(warning) && ended.err.contains("more exactly"), "{}", ended.err);
}

#[test]
fn check_fails_if_an_interface_that_there_is_could_not_be_started() {
    let path = file("check-no-ethernet", "[access-point.vpn]\ninterface = \"a0\"\naddresses = \"dhcp\"\n");
    for (add, status) in [("tuntap add a0 mode tun", 78), ("link add a0 type veth", 0)] {
        let script = format!("ip link del a0; ip {add} || exit 99; exec $NETSESSION config check $FILE");
        let Some(mut command) = in_namespace(&script) else { return };
        let ended = run(command.env("FILE", &path));
        if ended.status == Some(99) {
            cannot_run(&format!("ip {add}: {}", ended.err));
            return;
        }
        assert_eq!(ended.status, Some(status), "{add}: {}", ended.err);
        let says_why = ended.err.contains("[access-point.vpn]")
            && ended.err.contains("a0, which is no Ethernet")
            && ended.err.contains("addresses = \"external\"");
        assert_eq!(says_why, status != 0, "{}", ended.err);
        assert_eq!(ended.out.is_empty(), status != 0, "{}", ended.out);
    }
}

#[test]
fn the_example_is_a_file_that_can_be_checked() {
    let ended = run(&mut netsession(&["config", "example"]));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    let path = file("example", &ended.out);
    let ended = run(&mut netsession(&["config", "check", text(&path)]));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("0 access points"), "{}", ended.out);
}

/// Of three files one holds, whole.
#[test]
fn the_file_that_is_named_goes_before_ones_own_and_that_before_the_systems() {
    if !can_make_namespaces() {
        return;
    }
    let folder = scratch("precedence");
    let home = folder.join("home/.config");
    let config = folder.join("xdg");
    for (folder, id) in [(folder.join("etc"), "system"), (home, "home"), (config.clone(), "xdg")] {
        fs::create_dir_all(&folder).expect("own folder");
        let text = format!("[access-point.{id}]\ninterface = \"{id}0\"\n");
        fs::write(folder.join("netsession.toml"), text).expect("own folder");
    }
    let named = folder.join("named.toml");
    fs::write(&named, "[access-point.named]\ninterface = \"x\"\n").expect("own folder");
    let show = |arguments: &[&str], variables: &[(&str, PathBuf)]| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg("mount --bind $FOLDER/etc /etc && exec $NETSESSION config show \"$@\"").arg("sh");
        command.args(arguments).stdin(Stdio::null()).env("FOLDER", &folder).env("NETSESSION", program());
        command.env_remove("HOME").env_remove("XDG_CONFIG_HOME");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let ended = run(&mut command);
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
        let first = ended.out.lines().next().expect("a line").to_owned();
        let ids: Vec<String> = ended
            .out
            .lines()
            .filter_map(|line| line.strip_prefix("[access-point."))
            .map(str::to_owned)
            .collect();
        assert_eq!(ids.len(), 1, "one file holds: {}", ended.out);
        (first, ids[0].trim_end_matches(']').to_owned())
    };
    let home = || ("HOME", folder.join("home"));
    let xdg = || ("XDG_CONFIG_HOME", config.clone());
    for (arguments, variables, holds) in [
        (&["--config", text(&named)][..], &[home(), xdg()][..], "named"),
        (&[], &[home(), xdg()], "xdg"),
        (&[], &[home()], "home"),
        (&[], &[home(), ("XDG_CONFIG_HOME", "relative".into())], "home"),
        (&[], &[home(), ("XDG_CONFIG_HOME", "/nonexistent".into())], "system"),
        (&[], &[], "system"),
    ] {
        let (first, id) = show(arguments, variables);
        assert_eq!(id, holds, "{first}");
        assert!(first.starts_with("# In force: /"), "{first}");
    }
}

#[test]
fn a_session_is_opened_on_what_the_file_calls_so() {
    let text = "[access-point.cable]\ninterface = \"a0\"\naddress = [\"198.51.100.1/24\"]\n[access-point.other]\ninterface = \"a1\"
        [service-network.net]\nmembers = [\"cable\", \"other\"]\n[ignore]\npatterns = [\"b?\"]\n";
    let path = file("open", text);
    let script = "$NETSESSION list --config $FILE
        $NETSESSION run cable --config $FILE -- sh -c 'echo on $NETSESSION_INTERFACE; ip address show a0'
        $NETSESSION run net --config $FILE -- sh -c 'echo in $NETSESSION_CONFIGURATION'";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(command.env("FILE", &path));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    for words in ["\ncable ", "\nnet ", "of cable, other", "\non a0\n", "198.51.100.1/24", "\nin net\n"] {
        assert!(ended.out.contains(words), "{words:?} is not in {}", ended.out);
    }
    assert!(!ended.out.contains("\nb0"), "it is ignored: {}", ended.out);
}

#[test]
fn what_the_command_line_says_goes_before_the_file() {
    let path = file(
        "override",
        "[access-point.x]\ninterface = \"x\"\n[service-network.net]\nmembers = [\"x\"]\nhold_off_ms = 5000\n[driver]\nhold_off_ms = 7\n",
    );
    let trace = path.with_extension("trace");
    let added = |arguments: &[&str]| {
        let mut command = netsession(&["why", "net", "--config", text(&path), "--trace", text(&trace)]);
        let ended = run(command.args(arguments));
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
        let trace = fs::read_to_string(&trace).expect("a trace");
        let line = |word: &str| trace.lines().find(|line| line.contains(word)).expect(word).to_owned();
        [line("\"config\""), line("\"add\":{\"id\":\"net\"")]
    };
    let [config, network] = added(&[]);
    assert!(
        config.contains("\"hold_off_ms\":7,") && network.contains("\"hold_off_ms\":5000"),
        "{config} {network}"
    );
    let [config, network] = added(&["--hold-off", "30"]);
    assert!(
        config.contains("\"hold_off_ms\":30,") && network.contains("\"hold_off_ms\":null"),
        "{config} {network}"
    );
}

/// Links come and go all the while, until the program has ended.
const LOAD: &str = "(while kill -0 $$; do
        ip link add x0 type veth peer name x1; ip link set x0 up; ip link set x1 up; ip link del x0
    done) </dev/null >/dev/null 2>&1 &
    ";

struct Running {
    child: Child,
    path: PathBuf,
}

impl Running {
    fn start(folder: &str, script: &str) -> Option<Self> {
        let path = file(folder, OFFICE);
        let mut command = in_namespace(script)?;
        command.env("FILE", &path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Some(Self { child: command.spawn().expect("it starts"), path })
    }

    /// Gives it another file, and what it said of that.
    fn reload(&mut self, text: &str, until: &str) -> String {
        fs::write(&self.path, text).expect("own folder");
        signal(&self.child, Signal::HUP);
        read_until(self.child.stderr.as_mut().expect("piped"), &format!("{until}\n"))
    }
}

const TAKEN: &str = "was read again and is in force";
const REFUSED: &str = "nothing has changed: what was in force before still is";

#[test]
fn good_and_bad_files_under_load_leave_the_session_open() {
    const ROUNDS: usize = 25;
    let script = format!(
        "{LOAD} exec $NETSESSION run office --config $FILE --trace $FILE.trace -- sh -c 'echo ready; read line; echo went on'"
    );
    let Some(mut it) = Running::start("reload-run", &script) else { return };
    read_until(it.child.stdout.as_mut().expect("piped"), "ready\n");
    for round in 0..ROUNDS {
        let good = match round % 4 {
            0 => format!("{OFFICE}metered = true\n[service-network.net]\nmembers = [\"office\"]\n"),
            1 => OFFICE.to_owned(),
            // Even these: it is in use.
            2 => "[ignore]\npatterns = [\"*\"]\n".to_owned(),
            _ => String::new(),
        };
        let said = it.reload(&good, TAKEN);
        assert_eq!(said.contains("office is in use"), round % 4 >= 2, "{said}");
        let (bad, place) = match round % 3 {
            0 => (format!("{good}[driver]\nhold_off = 1"), format!(":{}:1: ", good.lines().count() + 2)),
            1 => ("[access-point".to_owned(), ":1:14: ".to_owned()),
            _ => ("[access-point.office]\ninterface = 1".to_owned(), ":2:13: ".to_owned()),
        };
        let said = it.reload(&bad, REFUSED);
        assert!(said.contains(&format!("{}{place}", it.path.display())), "{said}");
    }
    fs::remove_file(&it.path).expect("own folder");
    signal(&it.child, Signal::HUP);
    let said = read_until(it.child.stderr.as_mut().expect("piped"), &format!("{REFUSED}\n"));
    assert!(said.contains("No such file"), "{said}");
    drop(it.child.stdin.take());
    let ended = Ended::from(it.child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(0), "went on\n", ""));
    let trace = fs::read_to_string(it.path.with_extension("toml.trace")).expect("a trace");
    let told =
        |word: &str| trace.lines().filter(|line| line.contains("\"out\"") && line.contains(word)).count();
    assert_eq!(
        (told("\"opened\""), told("\"closed\""), told("\"error\"")),
        (1, 1, 0),
        "the session stayed open"
    );
    assert!(told("\"policies\"") > 0, "good files were applied");
}

#[test]
fn a_monitor_shows_what_a_new_file_changes_and_a_bad_one_changes_nothing() {
    let Some(mut it) = Running::start("reload-monitor", "exec $NETSESSION monitor --config $FILE --json")
    else {
        return;
    };
    read_until(it.child.stdout.as_mut().expect("piped"), "\"online\"");
    let network = format!("{OFFICE}[service-network.net]\nmembers = [\"office\"]\n");
    for (text, says, shows) in [
        (network.as_str(), TAKEN, "\"configuration_added\":{\"id\":\"net\""),
        ("[ignore", REFUSED, ""),
        (OFFICE, TAKEN, "\"configuration_removed\":{\"id\":\"net\""),
        ("x = 1", REFUSED, ""),
        ("", TAKEN, "\"configuration_removed\":{\"id\":\"office\""),
    ] {
        it.reload(text, says);
        if !shows.is_empty() {
            let shown = read_until(it.child.stdout.as_mut().expect("piped"), shows);
            assert_eq!(shown.matches("\"configuration_").count(), 1, "{shown}");
        }
    }
    signal(&it.child, Signal::INT);
    let ended = Ended::from(it.child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_file_is_read_again_while_a_session_waits_for_its_link() {
    let script = "ip link set b1 down; exec $NETSESSION run wait --config $FILE --json -- true";
    let Some(mut it) = Running::start("reload-opening", script) else { return };
    let ended = Ended::from(it.child.wait_with_output().expect("it ends"));
    assert_eq!(ended.status, Some(69), "there is none: {}", ended.err);
    let script = "ip link set b0 down; exec $NETSESSION run a0 --config $FILE --json -- true";
    let Some(again) = Running::start("reload-opening", script) else { return };
    it = again;
    read_until(it.child.stdout.as_mut().expect("piped"), "\"connecting\"");
    let said = it.reload("[access-point.cable]\ninterface = \"a0\"\n", TAKEN);
    assert!(said.contains("a0 is in use"), "{said}");
    it.reload("[", REFUSED);
    signal(&it.child, Signal::TERM);
    let ended = Ended::from(it.child.wait_with_output().expect("it ends"));
    assert_eq!(ended.status, Some(143), "{}", ended.err);
}

/// It means what it always did.
#[test]
fn without_a_file_a_hangup_ends_what_runs() {
    let Some(mut command) = in_namespace("exec $NETSESSION monitor") else { return };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    read_until(child.stdout.as_mut().expect("piped"), "\n");
    signal(&child, Signal::HUP);
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}
