//! `demo` and `sim`: the same story twice.

use std::process::Command;

use serde_json::Value;

use super::support::{Ended, as_nobody, cannot_run, is_plain, netsession, run, run_with_input, scratch};

/// What every telling says, in this order.
const STORY: [&str; 14] = [
    "1. mail opens a session on cable0",
    "opened",
    "2. music opens",
    "opened",
    "3. music closes",
    "was told nothing",
    "4. mail closes",
    "is disconnected",
    "pulls the plug",
    "the link was lost",
    "opened: the link may be used on cable1",
    "mail stops the link",
    "another session stopped the link",
    "Where to go on:",
];

fn is_told(text: &str) {
    let mut rest = text;
    for words in STORY {
        rest = rest
            .split_once(words)
            .unwrap_or_else(|| panic!("{words:?} is missing, or too early, in\n{text}"))
            .1;
    }
    for next in ["netsession list", "netsession monitor", "netsession run", "README.md"] {
        assert!(rest.contains(next), "{next} is not named in the end:\n{rest}");
    }
    // Of the third step mail is told nothing, not only by the moral.
    let third = text.split_once("3. music").expect("told").1.split_once("4. mail").expect("told").0;
    assert!(!third.lines().any(|line| line.contains("µs  mail")), "{third}");
    let pulled = text.split_once("pulls the plug").expect("told").1.split_once("\n7.").expect("told").0;
    for name in ["mail", "music"] {
        let told =
            pulled.lines().any(|line| line.contains("µs") && line.contains(name) && line.contains("lost"));
        assert!(told, "{name} is not told of the loss: {pulled}");
    }
}

fn on_the_kernel(command: &mut Command) {
    let ended: Ended = run(command);
    if ended.status == Some(77) {
        cannot_run(&ended.err);
        return;
    }
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    assert!(ended.out.contains("Real kernel interfaces") && is_plain(&ended.out), "{}", ended.out);
    is_told(&ended.out);
}

#[test]
fn the_demo_plays_on_the_kernel() {
    on_the_kernel(&mut netsession(&["demo"]));
}

#[test]
fn the_demo_plays_on_the_kernel_for_an_ordinary_user() {
    let command = netsession(&["demo"]);
    on_the_kernel(&mut as_nobody(&command).unwrap_or(command));
}

#[test]
fn the_demo_leaves_nothing_behind() {
    let links = || run(Command::new("ip").args(["-o", "link"])).out;
    let before = links();
    run(&mut netsession(&["demo"]));
    assert_eq!(links(), before);
}

#[test]
fn where_namespaces_are_not_allowed_the_demo_says_why_and_plays_on_the_simulator() {
    // A limit of 0 is inherited by the namespace, whose owner may not raise it.
    let limited = "echo 0 > /proc/sys/user/max_net_namespaces && exec \"$NETSESSION\" demo";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "sh", "-c", limited])
        .env("NETSESSION", super::support::program());
    let ended = run(&mut command);
    if ended.status != Some(77) && ended.out.is_empty() {
        cannot_run(&format!("user namespaces cannot be limited here: {}", ended.err));
        return;
    }
    assert_eq!(ended.status, Some(77), "{ended:?}");
    for cause in [
        "user.max_user_namespaces",
        "kernel.unprivileged_userns_clone",
        "kernel.apparmor_restrict_unprivileged_userns",
        "seccomp",
    ] {
        assert!(ended.err.contains(cause), "{cause} is not named: {}", ended.err);
    }
    assert!(ended.out.contains("Simulated links"), "{}", ended.out);
    is_told(&ended.out);
}

#[test]
fn the_simulator_tells_the_same_every_time() {
    let first = run(&mut netsession(&["sim"]));
    assert_eq!((first.status, first.err.as_str()), (Some(0), ""), "{}", first.out);
    assert!(is_plain(&first.out));
    is_told(&first.out);
    assert_eq!(run(&mut netsession(&["sim"])).out, first.out);
}

#[test]
fn a_recorded_story_replays() {
    let folder = scratch("story");
    for (command, name) in [("sim", "sim.jsonl"), ("demo", "demo.jsonl")] {
        let trace = folder.join(name);
        let trace = trace.to_str().expect("a plain name");
        let told = run(&mut netsession(&[command, "--trace", trace]));
        assert!(matches!(told.status, Some(0 | 77)), "{told:?}");
        let replayed = run(&mut netsession(&["replay", trace]));
        assert_eq!((replayed.status, replayed.err.as_str()), (Some(0), ""), "{command}");
        let text = std::fs::read_to_string(trace).expect("it was recorded");
        let other = text.replacen("\"connected\"", "\"roaming\"", 1);
        assert_ne!(other, text);
        let replayed = run_with_input(&mut netsession(&["replay", "-"]), other.as_bytes());
        assert_eq!(replayed.status, Some(1));
        assert!(replayed.err.contains("roaming") && replayed.err.contains("line "), "{}", replayed.err);
        let explained = run(&mut netsession(&["replay", "--explain", trace]));
        assert_eq!((explained.status, explained.err.as_str()), (Some(0), ""));
        assert!(explained.out.contains("cable0"), "{}", explained.out);
    }
}

#[test]
fn as_json_it_is_the_events_of_the_trace() {
    let ended = run(&mut netsession(&["sim", "--json"]));
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    let lines: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON lines only")).collect();
    assert!(lines.iter().all(|line| line.get("out").is_some()), "{}", ended.out);
    let opened = lines.iter().filter(|line| line["out"]["event"].get("opened").is_some()).count();
    assert_eq!(opened, 7, "{}", ended.out);
}
