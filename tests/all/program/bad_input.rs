//! Everything that may be wrong outside: names, traces, disks, pipes, permissions.

use std::fs::File;
use std::process::Stdio;

use super::support::{in_namespace, netsession, read_until, run, run_with_input, scratch};

const ADD: &str = r#"{"t":0,"in":{"add":{"id":"eth0","type":"access_point","link":"discovered"}}}"#;

#[test]
fn an_unknown_configuration_is_named_and_what_exists_is_listed() {
    let Some(mut command) = in_namespace("$NETSESSION run nosuch -- echo ran") else { return };
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.out.as_str()), (Some(69), ""), "{}", ended.err);
    assert!(ended.err.contains("nosuch") && ended.err.contains("a0"), "{}", ended.err);
}

#[test]
fn a_name_of_300_bytes_is_told_by_its_length() {
    let name = "n".repeat(300);
    for command in
        [&["open", &name][..], &["run", &name, "--", "true"], &["run", "x", "--members", &name, "--", "true"]]
    {
        let ended = run(&mut netsession(command));
        assert_eq!((ended.status, ended.out.as_str()), (Some(69), ""), "{}", ended.err);
        assert!(ended.err.contains("300 bytes") && ended.err.contains("at most 15"), "{}", ended.err);
        assert!(ended.err.len() < 300, "the name is repeated in full: {}", ended.err);
    }
}

#[test]
fn each_kind_of_broken_line_ends_a_replay_with_status_2_and_one_message() {
    for (line, words) in [
        ("nonsense", &["line 2", "not JSON"][..]),
        (r#"{"t":1,"in":{"tick":{}}"#, &["line 2", "not JSON"]),
        ("\u{ff}\u{fe}", &["line 2"]),
        (r#"{"t":1,"in":{"add":{"id":"x","type":"access_point","colour":1}}}"#, &["line 2", "colour"]),
        (r#"{"t":1,"in":{"tock":{}}}"#, &["line 2", "tock"]),
        (r#"{"t":1,"in":{"open":{"session":"1"}}}"#, &["line 2", "session"]),
        (r#"{"t":1,"in":{"open":{"session":1}}}"#, &["line 2", "session 1 was never made"]),
        (r#"{"t":1,"query":{"session":7}}"#, &["line 2", "session 7 was never made"]),
        (r#"{"t":-1,"in":{"tick":{}}}"#, &["line 2", "-1"]),
        (r#"{"in":{"tick":{}}}"#, &["line 2", "`t`"]),
        ("{\"t\":5,\"in\":{\"tick\":{}}}\n{\"t\":4,\"in\":{\"tick\":{}}}", &["line 3", "time goes back"]),
    ] {
        let trace = format!("{ADD}\n{line}\n{{\"t\":99,\"in\":{{\"tick\":{{}}}}}}\n");
        let ended = run_with_input(&mut netsession(&["replay", "-"]), trace.as_bytes());
        assert_eq!(ended.status, Some(2), "{line}: {}", ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{line}: {}", ended.err);
        for word in words {
            assert!(ended.err.contains(word), "{line} says {} and not {word}", ended.err);
        }
        assert!(ended.out.starts_with(r#"{"t":0,"out""#), "what came before is printed: {}", ended.out);
        assert!(!ended.out.contains(r#""t":99"#), "printed after the bad line: {}", ended.out);
    }
}

#[test]
fn a_trace_is_not_recorded_over_itself() {
    let trace = scratch("over-itself").join("trace.jsonl");
    std::fs::write(&trace, format!("{ADD}\n")).unwrap();
    let path = trace.to_str().unwrap();
    for (file, option) in [(path, "--trace"), ("-", "--trace"), (path, "--html"), ("-", "--html")] {
        let ended = run(netsession(&["replay", file, option, path]).stdin(File::open(&trace).unwrap()));
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{}", ended.err);
        assert!(ended.err.contains(option) && ended.err.contains("another name"), "{}", ended.err);
        assert_eq!(std::fs::read_to_string(&trace).unwrap(), format!("{ADD}\n"));
    }
}

#[test]
fn a_trace_that_cannot_be_opened_is_status_2() {
    let ended = run(&mut netsession(&["replay", "/nonexistent/trace"]));
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("/nonexistent/trace"), "{}", ended.err);
}

#[test]
fn a_full_disk_under_a_trace_is_told_once_and_the_run_goes_on() {
    let whole = run(&mut netsession(&["sim"]));
    let ended = run(&mut netsession(&["sim", "--trace", "/dev/full"]));
    assert_eq!((ended.status, &ended.out), (Some(74), &whole.out));
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    assert!(ended.err.contains("/dev/full") && ended.err.contains("No space left"), "{}", ended.err);

    let script = "$NETSESSION run a1 --trace /dev/full -- sh -c 'echo ran; exit '$STATUS";
    for (status, expected) in [("7", 7), ("0", 74)] {
        let Some(mut command) = in_namespace(script) else { return };
        let ended = run(command.env("STATUS", status));
        assert_eq!((ended.status, ended.out.as_str()), (Some(expected), "ran\n"), "{}", ended.err);
        assert_eq!(ended.err.matches("/dev/full").count(), 1, "{}", ended.err);
    }
}

#[test]
fn a_trace_that_cannot_be_created_stops_at_once() {
    let ended = run(&mut netsession(&["list", "--trace", "/nonexistent/trace"]));
    assert_eq!((ended.status, ended.out.as_str()), (Some(74), ""));
    assert!(ended.err.contains("/nonexistent/trace"), "{}", ended.err);
}

#[test]
fn lines_lost_to_a_full_disk_make_a_good_run_a_bad_one_after_it() {
    for (command, status) in [("echo ran >&2", 74), ("echo ran >&2; exit 3", 3)] {
        let script = format!("$NETSESSION run a1 --json -- sh -c '{command}' >/dev/full");
        let Some(mut program) = in_namespace(&script) else { return };
        let ended = run(&mut program);
        assert_eq!(ended.status, Some(status), "{}", ended.err);
        assert!(ended.err.starts_with("ran"), "{}", ended.err);
    }
}

#[test]
fn output_on_a_full_disk_is_an_error() {
    for command in [&["sim"][..], &["list"], &["sim", "--json"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let ended = run(netsession(command).stdout(full).stderr(Stdio::piped()));
        assert_eq!(ended.status, Some(74), "{command:?}: {}", ended.err);
        assert!(
            ended.err.contains("standard output") && ended.err.contains("No space left"),
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    for command in [&["sim"][..], &["list"], &["monitor"], &["sim", "--json"], &["--help"], &["replay", "-"]]
    {
        let mut command = netsession(command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        drop(child.stdout.take());
        // Input that keeps `replay` writing; the others do not read.
        use std::io::Write;
        let _ = child.stdin.take().expect("piped").write_all(&format!("{ADD}\n").repeat(5000).into_bytes());
        let ended = super::support::Ended::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn monitor_ends_when_its_reader_does_though_nothing_happens() {
    let mut child = netsession(&["monitor", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut out = child.stdout.take().expect("piped");
    read_until(&mut out, "\n");
    drop(out);
    let ended = super::support::Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn without_permission_a_link_that_is_down_is_not_opened_and_one_that_is_up_is() {
    let unprivileged = "exec setpriv --inh-caps=-all --bounding-set=-all $NETSESSION";
    let Some(mut down) = in_namespace(&format!("{unprivileged} run a0 -- echo ran")) else { return };
    let ended = run(&mut down);
    assert_eq!((ended.status, ended.out.as_str()), (Some(69), ""), "{}", ended.err);
    assert!(ended.err.contains("a0 could not be opened: "), "{}", ended.err);
    assert!(ended.err.contains("not supported") && ended.err.contains("CAP_NET_ADMIN"), "{}", ended.err);
    let Some(mut up) = in_namespace(&format!("{unprivileged} run a1 -- echo ran")) else { return };
    let ended = run(&mut up);
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "ran\n"), "{}", ended.err);
}
