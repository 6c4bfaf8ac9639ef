//! The examples of the Linux driver, run as their own documentation says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::built;
use crate::program::support::{Ended, in_namespace, read_until, run};

fn in_namespace_with(example: &Path, script: &str) -> Option<Command> {
    let mut command = in_namespace(script)?;
    command.env("EXAMPLE", example);
    Some(command)
}

/// What stands between the first fence of this kind and its end.
fn first_block(text: &str) -> &str {
    let (_, rest) = text.split_once("```rust,no_run\n").expect("README.md has an example");
    rest.split_once("```").expect("it ends").0
}

#[test]
fn the_blocking_example_is_the_one_of_the_readme() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let file = read("io-linux/examples/blocking.rs");
    let code = file.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    assert!(code.eq(first_block(&read("README.md")).lines()), "change both");
}

#[test]
fn the_blocking_example_opens_and_says_why_not() {
    let example = built::example("blocking");
    // What the example calls eth0; a0 is up, but has no carrier.
    for (link, expected) in [("a1", "open on Some"), ("a0", "not open, NotOpening: Some")] {
        let script =
            format!("ip link set b0 down; ip link set a0 up; ip link property add dev {link} altname eth0");
        let Some(mut command) = in_namespace_with(&example, &format!("{script}; exec $EXAMPLE")) else {
            return;
        };
        let ended = run(&mut command);
        assert!(ended.status == Some(0) && ended.out.starts_with(expected), "{ended:?}");
    }
}

/// Starts an example on a1 whose cable is taken out when a line is written to its standard input.
fn start(example: &Path) -> Option<Child> {
    let script = "$EXAMPLE a1 & read -r line; ip link set b1 down; wait $!";
    let mut command = in_namespace_with(example, script)?;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(command.spawn().expect("it starts"))
}

#[test]
fn tokio_carries_the_driver_while_other_tasks_run() {
    let Some(mut child) = start(&built::example("loop_tokio")) else { return };
    let mut out = child.stdout.take().expect("piped");
    read_until(&mut out, "opened\n");
    read_until(&mut out, "something else\n");
    writeln!(child.stdin.take().expect("piped"), "pull").expect("it reads");
    read_until(&mut out, "lost: link_lost\n");
    read_until(&mut out, "closed\n");
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn calloop_carries_the_driver() {
    let Some(mut child) = start(&built::example("loop_calloop")) else { return };
    let mut out = child.stdout.take().expect("piped");
    read_until(&mut out, "opened\n");
    writeln!(child.stdin.take().expect("piped"), "pull").expect("it reads");
    let told: Vec<String> = BufReader::new(out).lines().map(|line| line.expect("text")).collect();
    let told: Vec<&str> = told.iter().map(String::as_str).filter(|line| !line.contains(" { ")).collect();
    assert_eq!(told, ["lost: link_lost", "closed"]);
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

/// Nobody is at the far end, so that nothing but a deadline can end the attempt; and on what is gone nothing has to.
#[test]
fn both_loops_meet_deadlines_and_end_when_it_cannot_be_opened() {
    for name in ["loop_tokio", "loop_calloop"] {
        let example = built::example(name);
        for (script, cause) in [
            ("ip link set b0 down; exec $EXAMPLE a0 5", "timed_out"),
            ("ip link set b0 down; ip link set a0 up; exec $EXAMPLE a0", "configuration_unavailable"),
        ] {
            let Some(mut command) = in_namespace_with(&example, script) else { return };
            let ended = run(&mut command);
            assert!(ended.status == Some(1) && ended.err.contains(cause), "{name}: {ended:?}");
        }
    }
}
