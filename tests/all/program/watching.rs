//! `list` and `monitor`: what there is, and what happens to it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use super::support::{Ended, as_nobody, in_namespace, is_plain, netsession, read_until, run, signal};

fn views(text: &str) -> Vec<Value> {
    let line =
        |line: &str| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    text.lines().map(line).filter_map(|line| line.get("view").cloned()).collect()
}

#[test]
fn list_shows_what_the_kernel_has() {
    let Some(mut command) = in_namespace("exec $NETSESSION list") else { return };
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert!(is_plain(&ended.out), "colours in a pipe");
    let line = |id: &str| {
        let line = ended.out.lines().find(|line| line.starts_with(id)).expect(id);
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(line("CONFIG")[..6], ["CONFIG", "TYPE", "STATE", "BEARER", "KIND", "INTERFACE"]);
    assert!(line("a0").contains(&"discovered".to_owned()), "{}", ended.out);
    let up = line("a1");
    for word in ["active", "a1", "192.0.2.1/31", "Ethernet", "virtual", "(veth)"] {
        assert!(up.contains(&word.to_owned()), "{word} is not in {up:?}");
    }
}

#[test]
fn list_counts_what_the_kernel_counts() {
    // Whoever is asked for does not exist; the question is sent, and counted.
    let script = "ip route add 203.0.113.0/24 dev a1; bash -c 'echo > /dev/udp/203.0.113.9/9'
        ip -s -j link show a1; exec $NETSESSION list";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    let (kernel, list) = ended.out.split_once('\n').expect("two parts");
    let kernel: Value = serde_json::from_str(kernel).expect("ip writes JSON");
    let sent = kernel[0]["stats64"]["tx"]["bytes"].as_u64().expect("ip counts");
    let line = list.lines().find(|line| line.starts_with("a1")).expect("it is listed");
    let listed: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // The kernel itself may send a little in between.
    assert!(
        sent > 0 && listed.len() == 2 && listed[1] >= sent && listed[1] < sent + 10_000,
        "{sent}: {line}"
    );
}

#[test]
fn list_as_json_is_a_view_for_each_configuration() {
    let Some(mut command) = in_namespace("exec $NETSESSION list --json") else { return };
    let ended = run(&mut command);
    assert_eq!(ended.status, Some(0));
    let views = views(&ended.out);
    assert_eq!(views.len(), ended.out.lines().count(), "lines that are no views: {}", ended.out);
    let mut ids: Vec<&str> = views.iter().filter_map(|view| view["id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["a0", "a1", "b0", "b1"]);
    let up = views.iter().find(|view| view["id"] == "a1").expect("it is there");
    assert_eq!((&up["state"], &up["interface"]["name"]), (&"active".into(), &"a1".into()));
    assert_eq!(up["interface"]["addresses"][0], "192.0.2.1/31");
    let first: Value = serde_json::from_str(ended.out.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["kind"], &first["software"]), (&"virtual".into(), &"veth".into()));
}

#[test]
fn colours_are_for_terminals_whose_user_wants_them() {
    // `script` gives a program a terminal.
    let on_a_terminal = |no_colour: &str| {
        let mut command = Command::new("script");
        command.args(["-qec", &format!("{} sim", super::support::program().display()), "/dev/null"]);
        command.env("SHELL", "/bin/sh").env("TERM", "xterm").env("NO_COLOR", no_colour).stdin(Stdio::null());
        run(&mut command).out
    };
    assert!(!is_plain(&on_a_terminal("")), "no colours on a terminal");
    assert!(is_plain(&on_a_terminal("1")), "colours in spite of NO_COLOR");
}

/// Without privilege and without a configuration file (the home is not even readable).
fn unprivileged(arguments: &[&str]) -> Command {
    let mut command = netsession(arguments);
    command.env("HOME", "/nonexistent");
    as_nobody(&command).unwrap_or(command)
}

#[test]
fn list_needs_no_privilege() {
    let ended = run(&mut unprivileged(&["list"]));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert!(!ended.out.is_empty());
}

#[test]
fn monitor_needs_no_privilege_and_ends_well_when_interrupted() {
    let mut child =
        unprivileged(&["monitor"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut out = child.stdout.take().expect("piped");
    read_until(&mut out, "\n");
    // As nobody it is a child of ours all the same.
    signal(&child, Signal::INT);
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_script_can_interrupt_what_it_runs_in_the_background() {
    // A shell has interrupts ignored there.
    let script = "mkfifo $FOLDER/out; \"$NETSESSION\" monitor > $FOLDER/out & monitor=$!
        exec 3< $FOLDER/out; read first <&3; kill -INT $monitor; wait $monitor";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("NETSESSION", super::support::program());
    let ended = run(command.env("FOLDER", super::support::scratch("background")));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn monitor_shows_a_change_the_moment_it_happens() {
    // A shell gives what it runs in the background no standard input, unless told so. Each change waits for
    // the news of the one before: the kernel need not tell of a carrier that is back at once.
    let script = "exec 3<&0
        (read line; ip link set b1 down; read line; ip link set b1 up) <&3 & exec $NETSESSION monitor --json";
    let Some(mut command) = in_namespace(script) else { return };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut out = child.stdout.take().expect("piped");
    read_until(&mut out, "\"id\":\"b1\"");
    read_until(&mut out, "\n");
    let mut far_end = child.stdin.take().expect("piped");
    for state in ["defined", "active"] {
        far_end.write_all(b"now\n").expect("the shell reads");
        let lines =
            read_until(&mut out, &format!(r#""configuration_changed":{{"id":"a1","state":"{state}""#));
        assert!(!lines.contains(r#""id":"a0""#), "nothing happened to a0: {lines}");
    }
    signal(&child, Signal::INT);
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}
