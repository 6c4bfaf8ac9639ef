//! `demo` and `sim`: the same story twice.

use std::process::Command;

use serde_json::Value;

use super::support::{Ended, as_nobody, cannot_run, is_plain, netsession, run, run_with_input, scratch};

/// What every telling says, in this order.
const STORY: [&str; 29] = [
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
    "call opens",
    "opened: the link may be used on copper",
    "is offered fibre (upgrade)",
    "call ignores",
    "is offered fibre (upgrade)",
    "call migrates",
    "is roaming",
    "can try fibre, which is up",
    "call accepts",
    "is connected",
    "pulls the plug of fibre",
    "is offered copper (rescue)",
    "call rejects",
    "is connected",
    "The documented diagram of roaming",
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
    let diagram = text.split_once("The documented diagram").expect("told").1;
    for edge in ["D1", "D2", "D3", "D4", "D5"] {
        assert!(diagram.contains(&format!("✓ {edge}  ")), "{edge} was not walked: {diagram}");
    }
    // Ignoring tells nothing, so a line of it would be another's.
    let ignored = text.split_once("call ignores").expect("told").1.split_once("\n14.").expect("told").0;
    assert!(!ignored.contains("µs"), "{ignored}");
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
    let both = ended.out.split_once("15. call migrates").expect("told").1.split_once("16.").expect("told").0;
    for link in ["fibre: 203.0.113.1:", "copper: 203.0.113.129:"] {
        assert!(both.contains(&format!("TCP over {link}")), "no connection over {link} in a trial: {both}");
    }
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
        let picture = explained.out.split_once("in short, times in ms").expect("a picture").1;
        for look in [
            "cable0",
            "├ open on copper, fibre offered ━",
            "├ moving to fibre ~",
            "├ trial of fibre ≈",
            "├ copper offered ~",
            "├ open on fibre ━",
        ] {
            assert!(picture.contains(look), "no {look:?} in {picture}");
        }
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
    assert_eq!(opened, 8, "{}", ended.out);
}

#[test]
fn the_picture_shows_every_lane_and_is_well_formed() {
    let folder = scratch("picture");
    for command in ["demo", "sim"] {
        let path = folder.join(format!("{command}.svg"));
        let name = path.to_str().expect("a plain name");
        let told = run(&mut netsession(&[command, "--svg", name]));
        assert!(matches!(told.status, Some(0 | 77)), "{told:?}");
        let svg = std::fs::read_to_string(&path).expect("it was drawn");
        for lane in ["cable0: active", "cable1: active", "call: trial of fibre", "mail: open on cable0"] {
            assert!(svg.contains(&format!("<title>{lane}</title>")), "no {lane} in {svg}");
        }
        for words in
            ["call ignores the offer", "✓ D5", "prefers-color-scheme:dark", "call is offered fibre (upgrade)"]
        {
            assert!(svg.contains(words), "no {words:?} in {svg}");
        }
        assert_eq!(open_tags(&svg), Vec::<String>::new(), "{svg}");
    }
    let ended = run(&mut netsession(&["sim", "--svg", "/nonexistent/demo.svg"]));
    assert_eq!(ended.status, Some(74));
    assert!(ended.err.contains("/nonexistent/demo.svg"), "{}", ended.err);
}

/// The elements that are left open at the end; panics where one is closed that was not open.
fn open_tags(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in svg.split('<').skip(1).map(|rest| rest.split_once('>').expect("a tag ends").0) {
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().expect("a name").to_owned());
        }
    }
    open
}
