//! `open` and `run` on a service network: questions and answers, checks, and commands that are told of moves.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};

use super::support::{Ended, in_namespace, netsession, read_until, run, scratch};

/// The program in a namespace, a hand on its standard input, and one on the far ends of its cables.
struct Scene {
    child: Child,
    input: Option<ChildStdin>,
    out: ChildStdout,
    err: ChildStderr,
    far: File,
    /// Where the program may leave files.
    folder: PathBuf,
}

impl Scene {
    /// `None`, said loudly, where namespaces cannot be had.
    fn start(name: &str, arguments: &str) -> Option<Self> {
        Self::start_with(name, arguments, "")
    }

    /// The same with `$COMMAND`.
    fn start_with(name: &str, arguments: &str, command: &str) -> Option<Self> {
        let folder = scratch(name);
        let script = format!(
            "mkfifo $FOLDER/far
            (while read command; do ip $command; done) < $FOLDER/far > /dev/null 2>&1 &
            exec $NETSESSION {arguments}"
        );
        let mut program = in_namespace(&script)?;
        program.env("FOLDER", &folder).env("COMMAND", command);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().expect("it starts");
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let input = child.stdin.take();
        // The shell makes the pipe when the cables are laid.
        let far = folder.join("far");
        while !far.exists() {
            assert!(child.try_wait().expect("a child").is_none(), "it ended before it began");
            std::thread::yield_now();
        }
        let far = File::options().write(true).open(far).expect("the shell reads");
        Some(Self { child, input, out, err, far, folder })
    }

    /// Something happens at a far end: arguments of `ip`.
    fn far(&mut self, command: &str) {
        self.far.write_all(format!("{command}\n").as_bytes()).expect("the shell reads");
    }

    /// A line on its standard input.
    fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("not at its end");
        input.write_all(format!("{line}\n").as_bytes()).expect("the program reads");
    }

    /// What it prints, up to this.
    fn hear(&mut self, wanted: &str) -> String {
        read_until(&mut self.out, wanted)
    }

    /// What it says on standard error, up to this.
    fn hear_error(&mut self, wanted: &str) -> String {
        read_until(&mut self.err, wanted)
    }

    /// Ends its input and waits for its end.
    fn end(mut self) -> Ended {
        drop(self.input.take());
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).expect("text");
        // Whatever it started and left alive would keep this open.
        self.err.read_to_string(&mut err).expect("text");
        Ended { status: self.child.wait().expect("a child").code(), out, err }
    }
}

/// Opens on a1, which is up, and is offered a0, which is preferred and can be started.
const ASKED: &str = "open office --members a0,a1 --roam application --hold-off 1";

#[test]
fn an_offer_is_asked_with_its_reason_and_a_trial_with_what_it_has() {
    let Some(mut scene) = Scene::start("asked", ASKED) else { return };
    let offer = scene.hear("ignore (i)");
    for words in [
        "opened: the link may be used on a1",
        "is offered a0 (upgrade)",
        "a1  is in use",
        "→ a0",
        "migrate (m)",
    ] {
        assert!(offer.contains(words), "no {words:?} in {offer}");
    }
    scene.say("migrate");
    let trial = scene.hear("reject (r)");
    for words in ["is roaming", "a0 is up on a0 192.0.2.0/31", "index ", "accept (a)"] {
        assert!(trial.contains(words), "no {words:?} in {trial}");
    }
    scene.say("accept");
    scene.hear("is connected");
    scene.say("why");
    let why = scene.hear("a1 ");
    assert!(why.contains("→ a0  is in use"), "{why}");
    let ended = scene.end();
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("closed"), "{}", ended.out);
}

#[test]
fn what_is_ignored_is_not_offered_again_and_a_second_answer_is_told_so() {
    let Some(mut scene) = Scene::start("ignored", ASKED) else { return };
    scene.hear("ignore (i)");
    scene.say("i");
    scene.hear("Ignored.");
    scene.say("m");
    scene.hear("Nothing is offered now.");
    scene.say("a");
    scene.hear("Nothing is on trial now.");
    scene.say("yes please");
    scene.hear("\"yes please\" is no answer; help lists them");
    scene.say("why");
    let why = scene.hear("in use");
    assert!(why.contains("a0  was turned down"), "{why}");
    // What was turned down may be asked for all the same.
    scene.say("migrate a0");
    scene.hear("reject (r)");
    scene.say("r");
    scene.hear("is connected");
    let ended = scene.end();
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn an_answer_that_comes_too_late_says_so() {
    let Some(mut scene) = Scene::start("late", ASKED) else { return };
    scene.hear("ignore (i)");
    scene.far("link del b0");
    scene.hear("is no longer offered a0");
    scene.say("m");
    scene.hear("Too late: a0 is no longer offered.");
    assert_eq!(scene.end().status, Some(0));
}

#[test]
fn a_trial_that_nobody_decides_in_time_is_rejected() {
    let Some(mut scene) = Scene::start("undecided", &format!("{ASKED} --answer-within 1")) else { return };
    scene.hear("is offered a0");
    // By now the offer may count as ignored, which does not matter to this.
    scene.say("migrate a0");
    scene.hear("can try a0");
    scene.hear("is connected");
    scene.say("accept");
    scene.hear("Too late: the trial of a0 is over.");
    assert_eq!(scene.end().status, Some(0));
}

#[test]
fn the_end_of_input_closes_even_where_something_is_asked() {
    let Some(mut scene) = Scene::start("unanswered", ASKED) else { return };
    scene.hear("ignore (i)");
    let ended = scene.end();
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("closed"), "{}", ended.out);
}

#[test]
fn a_check_decides_by_its_exit_status() {
    let check = "echo $NETSESSION_INTERFACE $NETSESSION_INTERFACE_INDEX $NETSESSION_ADDRESSES $NETSESSION_CANDIDATE $NETSESSION_CONFIGURATION; ip -o link show $NETSESSION_INTERFACE; read line; exit";
    for (status, verdict, uses) in [(0, "accepted", "→ a0  is in use"), (3, "rejected", "→ a1  is in use")]
    {
        let arguments = format!("{ASKED} --check '{check} {status}'");
        let Some(mut scene) = Scene::start("check", &arguments) else { return };
        scene.hear("ignore (i)");
        scene.say("m");
        let told = scene.hear_error("LOWER_UP");
        let words: Vec<&str> = told.lines().next().expect("a line").split(' ').collect();
        assert_eq!((words[0], &words[2..]), ("a0", &["192.0.2.0", "a0", "office"][..]), "{told}");
        assert!(told.contains(&format!("\n{}: a0", words[1])), "not its index: {told}");
        scene.hear(&format!("The check ended with status {status}: {verdict}."));
        scene.hear("is connected");
        scene.say("why");
        scene.hear(uses);
        assert_eq!(scene.end().status, Some(0));
    }
}

#[test]
fn a_check_is_killed_when_the_trial_ends_without_it() {
    let arguments = format!("{ASKED} --check 'echo running; sleep 1000'");
    for way in ["accept", "lost", "end"] {
        let Some(mut scene) = Scene::start("killed", &arguments) else { return };
        scene.hear("ignore (i)");
        scene.say("m");
        scene.hear("reject (r)");
        scene.hear_error("running");
        match way {
            "accept" => {
                scene.say("a");
                scene.hear("is connected");
            }
            "lost" => {
                scene.far("link set b0 down");
                scene.hear("The trial is over; the check was stopped.");
                scene.say("a");
                scene.hear("Too late: the trial of a0 is over.");
            }
            _ => {}
        }
        // This waits for all that holds standard error.
        assert_eq!(scene.end().status, Some(0), "{way}");
    }
}

#[test]
fn as_json_the_questions_are_events_and_the_answers_lines() {
    let Some(mut scene) = Scene::start("json", &format!("{ASKED} --json")) else { return };
    scene.hear(
        r#""preferred_configuration_changed":{"session":1,"id":"a0","seamless":false,"kind":"upgrade"}"#,
    );
    scene.say("m");
    scene.hear(r#""new_configuration_activated":{"session":1,"id":"a0","decision_due":true}"#);
    scene.say("why");
    scene.hear(r#""view":{"why":[{"id":"a0","chosen":"#);
    scene.say("r");
    scene.hear(r#""state":"connected""#);
    scene.say("r");
    scene.hear(r#""refused":{"why":"not_roaming"}"#);
    scene.say("nonsense");
    scene.hear_error("is no answer");
    let ended = scene.end();
    assert_eq!((ended.status, ended.err.trim()), (Some(0), "; help lists them"));
    // The first was half read.
    for line in ended.out.lines().skip(1) {
        assert!(line.is_empty() || line.starts_with('{') && line.ends_with('}'), "not JSON: {line}");
    }
}

#[test]
fn a_suppressed_session_is_not_asked_and_ends_with_its_link() {
    let Some(mut scene) =
        Scene::start("suppressed", "open office --members a1,a0 --roam suppressed --hold-off 1")
    else {
        return;
    };
    scene.hear("opened");
    scene.far("link set b1 down");
    let told = scene.hear("closed");
    assert!(told.contains("the link was lost") && !told.contains("offered"), "{told}");
    assert_eq!(scene.end().status, Some(0));
}

#[test]
fn a_command_lives_on_and_is_told_of_each_move() {
    let command = r"
        trap 'read -r interface index configuration <&$NETSESSION_ROAM_FD
            echo moved to $interface $index $configuration; kill $!; exit 5' USR1
        sleep 1000 > /dev/null 2>&1 &
        echo ready on $NETSESSION_INTERFACE
        wait";
    // a1 is in use and preferred; when it is lost a0 is started.
    let arguments = "run office --members a1,a0 --roam-fd 7 --roam-signal USR1 -- sh -c \"$COMMAND\"";
    let Some(mut scene) = Scene::start_with("told", arguments, command) else { return };
    scene.hear("ready on a1\n");
    scene.far("link set b1 down");
    let told = scene.hear("\n");
    let words: Vec<&str> = told.split_whitespace().collect();
    assert_eq!((words[..3].join(" ").as_str(), words[4]), ("moved to a0", "a0"), "{told}");
    assert!(words[3].parse::<u32>().is_ok(), "{told}");
    let ended = scene.end();
    assert_eq!(ended.status, Some(5), "{}", ended.err);
    assert!(ended.err.contains("the session on office has moved to a0 on a0 192.0.2.0/31"), "{}", ended.err);
}

#[test]
fn the_default_route_follows_for_as_long_as_the_command_runs() {
    let script = "ip route add default via 192.0.2.0 dev a1 metric 500
        $NETSESSION run office --members a1,a0 --default-route -- ip route show proto 78
        echo then $(ip route show proto 78)";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(&mut command);
    let words: Vec<&str> = ended.out.split_whitespace().collect();
    assert_eq!(words.join(" "), "default via 192.0.2.0 dev a1 metric 50 then", "{}", ended.err);
}

#[test]
fn run_does_not_ask_and_says_what_to_use_instead() {
    let ended = run(&mut netsession(&["run", "office", "--roam", "application", "--", "true"]));
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("--roam forced") && ended.err.contains("netsession open"), "{}", ended.err);
}

#[test]
fn a_descriptor_that_is_in_use_is_not_taken_from_anybody() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "exec \"$NETSESSION\" run nosuch --roam-fd 5 -- true 5</dev/null"]);
    let ended = run(command.env("NETSESSION", super::support::program()));
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("--roam-fd 5") && ended.err.contains("in use"), "{}", ended.err);
}

#[test]
fn why_explains_what_a_session_would_use_now() {
    let Some(mut command) = in_namespace("exec $NETSESSION why office --members a0,a1,b0") else { return };
    let ended = run(&mut command);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""), "{}", ended.out);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ended.out);
    assert!(lines[2].starts_with("  → a1  "), "{}", ended.out);
    let Some(mut command) = in_namespace("exec $NETSESSION why office --members a0,a1 --json") else {
        return;
    };
    let view: serde_json::Value = serde_json::from_str(&run(&mut command).out).expect("one line");
    let chosen: Vec<_> =
        view["view"]["why"].as_array().expect("a list").iter().map(|it| &it["chosen"]).collect();
    assert_eq!(chosen, [false, true]);
}

#[test]
fn why_explains_a_run_that_still_goes_on_and_any_moment_of_it() {
    let Some(mut scene) = Scene::start("trace", &format!("{ASKED} --trace $FOLDER/trace.jsonl")) else {
        return;
    };
    let trace = scene.folder.join("trace.jsonl");
    let trace = trace.to_str().expect("a plain name").to_owned();
    let why = |more: &[&str]| run(netsession(&["why", "office", "--from", &trace]).args(more));
    scene.hear("ignore (i)");
    scene.say("i");
    scene.hear("Ignored.");
    scene.say("");
    scene.say("foo");
    // By now the line before was dealt with, and the trace flushed.
    scene.hear("is no answer");
    let now = why(&[]);
    assert_eq!((now.status, now.err.as_str()), (Some(0), ""), "{}", now.out);
    assert!(now.out.contains("open on a1") && now.out.contains("→ a1  is in use"), "{}", now.out);
    assert!(now.out.contains("a0  was turned down"), "{}", now.out);
    let before = why(&["--at", "0"]);
    assert_eq!((before.status, before.out.as_str()), (Some(69), ""), "{}", before.err);
    assert!(before.err.contains("--at"), "{}", before.err);
    assert_eq!(scene.end().status, Some(0));
    // A session that has ended is explained as it stood last.
    let after = why(&[]);
    assert!(after.out.contains("→ a1  is in use"), "{}", after.out);
    let unknown = run(&mut netsession(&["why", "nosuch", "--from", &trace]));
    assert_eq!((unknown.status, unknown.out.as_str()), (Some(69), ""));
    assert!(unknown.err.contains("office"), "{}", unknown.err);
    let replayed = run(&mut netsession(&["replay", "--explain", &trace]));
    assert!(replayed.out.contains("open on a1, a0 offered"), "{}", replayed.out);
}
