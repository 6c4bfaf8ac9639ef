//! Help, and a wrong command line.

use super::support::{is_plain, netsession, run};

const COMMANDS: [&str; 11] =
    ["list", "monitor", "top", "run", "open", "why", "replay", "demo", "sim", "config", "diagram"];
const LOOK_AT_THIS_MACHINE: [&str; 5] = ["list", "monitor", "run", "open", "why"];

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in COMMANDS {
        for help in ["--help", "-h"] {
            let ended = run(&mut netsession(&[command, help]));
            assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{command} {help}");
            let example = ended.out.split_once("Example:").expect(command).1;
            assert!(example.contains(&format!("netsession {command}")), "{command} {help}: {}", ended.out);
            let options = match command {
                "diagram" => &["--format", "--of"][..],
                "config" => &["check", "show", "example"],
                "top" => &["--interval", "--trace", "--config"],
                _ if LOOK_AT_THIS_MACHINE.contains(&command) => &["--json", "--trace", "--config"],
                _ => &["--json", "--trace"],
            };
            for option in options {
                assert!(ended.out.contains(option), "{command} {help} has no {option}");
            }
            assert!(is_plain(&ended.out), "colours in a pipe: {}", ended.out);
        }
        let long = run(&mut netsession(&[command, "--help"])).out;
        let table = long.split_once("Exit status:").expect(command).1;
        for status in
            ["\n  0 ", "\n  1 ", "\n  2 ", "\n  69 ", "\n  71 ", "\n  74 ", "\n  77 ", "\n  78 ", "128+n"]
        {
            assert!(table.contains(status), "{command} --help does not document {status:?}");
        }
    }
}

#[test]
fn the_program_names_its_commands_and_where_to_begin() {
    let ended = run(&mut netsession(&["--help"]));
    assert_eq!(ended.status, Some(0));
    for command in COMMANDS {
        assert!(ended.out.contains(&format!("\n  {command} ")), "{command} is not in {}", ended.out);
    }
    assert!(ended.out.contains("netsession demo") && ended.out.contains("Exit status:"));
}

#[test]
fn a_wrong_command_line_is_status_2_and_says_what_is_wrong() {
    for (arguments, words) in [
        (&["bogus"][..], "bogus"),
        (&["list", "--bogus"], "--bogus"),
        (&["run", "eth0"], "<CMD>"),
        (&["run", "eth0", "--wait", "soon", "--", "true"], "soon"),
        (&["run", "eth0", "true"], "true"),
        (&["replay"], "<FILE>"),
        (&["replay", "--explain", "--json", "-"], "--json"),
        (&["replay", "--explain", "--html", "x", "-"], "--html"),
        (&["replay", "--html", "x"], "<FILE>"),
        (&["open"], "<CONFIG>"),
        (&["top", "--json"], "--json"),
        (&["top", "--interval", "0"], "50"),
        (&["top"], "terminal"),
        (&["open", "eth0", "--roam", "wildly"], "suppressed"),
        (&["run", "eth0", "--roam-signal", "KILL", "--", "true"], "USR1"),
        (&["run", "eth0", "--roam-fd", "2", "--", "true"], "--roam-fd"),
        (&["why", "eth0", "--at", "5"], "--from"),
        (&["why", "eth0", "--from", "-", "--at", "soon"], "12.5"),
        (&["config"], "check"),
        (&["config", "chek"], "check"),
        (&["config", "check", "a", "--config", "b"], "--config"),
        (&["list", "--config"], "--config"),
        (&[], "Usage"),
    ] {
        let ended = run(&mut netsession(arguments));
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.err.contains(words), "{arguments:?} says {}", ended.err);
    }
}
