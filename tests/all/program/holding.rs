//! `run` and `open`: sessions that are held while something else goes on.

use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use super::support::{Ended, in_namespace, read_until, run, signal};

fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

#[test]
fn run_ends_as_its_command_ended() {
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)] {
        let Some(mut command) = in_namespace("exec $NETSESSION run a0 -- sh -c \"$SCRIPT\"") else { return };
        let ended = run(command.env("SCRIPT", script));
        assert_eq!((ended.status, ended.err.as_str()), (Some(status), ""), "{script}");
    }
}

#[test]
fn run_says_126_and_127_where_a_shell_would() {
    for (command, status) in [("/etc/passwd", 126), ("/nonexistent/command", 127)] {
        let Some(mut namespace) = in_namespace(&format!("exec $NETSESSION run a1 -- {command}")) else {
            return;
        };
        let ended = run(&mut namespace);
        assert_eq!((ended.status, ended.out.as_str()), (Some(status), ""), "{}", ended.err);
        assert!(ended.err.contains(command), "{}", ended.err);
    }
}

#[test]
fn the_link_is_up_while_the_command_runs_and_down_however_it_ended() {
    let script = "
        $NETSESSION run a0 -- sh -c 'echo $NETSESSION_INTERFACE $NETSESSION_CONFIGURATION; ip -o link show a0; kill -9 $$'
        echo $?
        ip -o link show a0";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 4, "{ended:?}");
    assert_eq!(lines[0], "a0 a0");
    assert!(lines[1].contains(",UP,") && lines[2] == "137", "{ended:?}");
    assert!(!lines[3].contains("UP"), "{ended:?}");
}

#[test]
fn a_link_that_was_found_up_stays_up() {
    let Some(mut command) = in_namespace("$NETSESSION run a1 -- true; ip -o link show a1") else { return };
    let ended = run(&mut command);
    assert!(ended.out.contains(",UP,"), "{ended:?}");
}

#[test]
fn signals_reach_the_command() {
    for (sent, name) in [
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::INT, "INT"),
        (Signal::HUP, "HUP"),
        (Signal::WINCH, "WINCH"),
    ] {
        let script = format!(
            "exec $NETSESSION run a1 -- sh -c 'trap \"kill \\$!; exit 5\" {name}; sleep 1000 & echo ready; wait'"
        );
        let Some(mut command) = in_namespace(&script) else { return };
        let mut child = spawn(&mut command);
        let mut out = child.stdout.take().expect("piped");
        read_until(&mut out, "ready");
        signal(&child, sent);
        drop(out);
        let ended = Ended::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ended.status, ended.err.as_str()), (Some(5), ""), "{name}");
    }
}

#[test]
fn a_signal_ends_run_while_it_waits_for_its_link() {
    // Nobody is at the far end, so the link does not come up.
    let script = "ip link set b0 down; exec $NETSESSION run a0 --json -- echo ran";
    let Some(mut command) = in_namespace(script) else { return };
    let mut child = spawn(&mut command);
    let mut out = child.stdout.take().expect("piped");
    let before = read_until(&mut out, "\"connecting\"");
    signal(&child, Signal::TERM);
    let after = read_until(&mut out, "\"closed\"");
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(143), ""));
    assert!(!before.contains("ran") && !after.contains("ran"));
}

#[test]
fn a_wait_that_is_over_is_status_69_and_says_what_the_link_is() {
    let script = "ip link set b0 down; $NETSESSION run a0 --wait 1 -- echo ran; echo $?; ip -o link show a0";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    assert!(ended.out.starts_with("69\n") && !ended.out.contains(",UP"), "{ended:?}");
    assert!(ended.err.contains("connecting after 1 ms") && ended.err.contains("--wait"), "{}", ended.err);
}

#[test]
fn a_loss_while_the_command_runs_is_told_and_the_command_goes_on() {
    let script = "exec $NETSESSION run a1 -- sh -c 'ip link set b1 down; read line; echo went on; exit 3'";
    let Some(mut command) = in_namespace(script) else { return };
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut err = child.stderr.take().expect("piped");
    let told = read_until(&mut err, "\n");
    assert!(told.contains("session on a1 was lost") && told.contains("link"), "{told}");
    drop(child.stdin.take());
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.out.as_str()), (Some(3), "went on\n"));
}

#[test]
fn members_make_a_service_network_that_takes_the_link_that_is_up() {
    let script = "exec $NETSESSION run office --members a0,a1 -- sh -c 'echo $NETSESSION_INTERFACE $NETSESSION_CONFIGURATION'";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "a1 office\n"), "{}", ended.err);
}

#[test]
fn a_configuration_is_found_by_its_alternative_name() {
    let script =
        "ip link property add dev a1 altname backoffice; exec $NETSESSION run backoffice -- echo ran";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "ran\n"), "{}", ended.err);
}

#[test]
fn open_shows_each_event_and_closes_at_the_end_of_input() {
    let Some(mut command) = in_namespace("exec $NETSESSION open a0") else { return };
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut out = child.stdout.take().expect("piped");
    let opening = read_until(&mut out, "opened");
    assert!(opening.contains("is connecting") && opening.contains("is connected"), "{opening}");
    drop(child.stdin.take());
    let closing = read_until(&mut out, "is disconnected");
    assert!(closing.contains("closed") && closing.contains("is closing"), "{closing}");
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn open_closes_when_it_is_interrupted() {
    for sent in [Signal::INT, Signal::TERM] {
        let Some(mut command) = in_namespace("exec $NETSESSION open a0 --json") else { return };
        let mut child = spawn(command.stdin(Stdio::piped()));
        let mut out = child.stdout.take().expect("piped");
        read_until(&mut out, "\"opened\"");
        signal(&child, sent);
        let rest = read_until(&mut out, "\"disconnected\"");
        assert!(rest.contains("\"closed\""), "{rest}");
        let ended = Ended::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    }
}
