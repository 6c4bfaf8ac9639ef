//! What the benches of scale and of storms share: programs that watch links, how they are started and measured, and a
//! network namespace for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use netsession_io_linux::Driver;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::Value;

pub(crate) use crate::common::{Fallible as Outcome, ip, now};

/// Of each link by its index: the level, and the usable addresses.
pub(crate) type State = BTreeMap<u32, (String, BTreeSet<String>)>;

/// Where the programs are that were built for the bench. Set in the namespace only.
const TOOLS: &str = "NETSESSION_BENCH_TOOLS";
/// After so long without a line a program that answers no questions has said all.
const QUIET: Duration = Duration::from_millis(300);

/// The whole life of a bench: `measure` runs in a network namespace of its own, with what it needs built.
pub(crate) fn main(measure: impl FnOnce(&Tools) -> Outcome<()>) -> Outcome<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("observe") => observe(words.contains(&"echo".to_owned()))?,
        // What `cargo bench` and `cargo test --benches` add.
        _ if words.contains(&"--test".to_owned()) => {}
        _ => match env::var_os(TOOLS) {
            Some(folder) => measure(&Tools { folder: folder.into(), words })?,
            None => {
                let status = Command::new("unshare")
                    .args(["--user", "--map-root-user", "--net"])
                    .arg(env::current_exe()?)
                    .args(words)
                    .env(TOOLS, build()?)
                    .status()
                    .map_err(|error| format!("unshare (util-linux) cannot be run: {error}"))?;
                return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the sides that are not ours. What cannot be built is missing afterwards.
fn build() -> Outcome<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scale");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/scale");
    fs::create_dir_all(&folder)?;
    let mut compiler = Command::new("cc");
    let compiler = compiler.args(["-O2", "-o"]).args([folder.join("raw"), sources.join("raw.c")]);
    if !compiler.status().is_ok_and(|status| status.success()) {
        return Err("cc could not compile raw.c, without which there is nothing to compare with".into());
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let cargo = cargo.args(["build", "--release", "--quiet", "--manifest-path"]);
    let cargo = cargo.arg(sources.join("peers/Cargo.toml")).arg("--target-dir").arg(folder.join("target"));
    let peers = folder.join("peers");
    let _: std::io::Result<()> = fs::remove_file(&peers);
    if cargo.status().is_ok_and(|status| status.success()) {
        fs::copy(folder.join("target/release/peers"), peers)?;
    }
    // A file of its own: memory that is shared with the bench would count half.
    fs::copy(env::current_exe()?, folder.join("observer"))?;
    Ok(folder)
}

/// What was built, and what the command line says.
pub(crate) struct Tools {
    folder: PathBuf,
    words: Vec<String>,
}

impl Tools {
    pub(crate) fn has(&self, option: &str) -> bool {
        self.words.iter().any(|word| word == option)
    }

    /// The number behind an option.
    pub(crate) fn number(&self, option: &str, default: u32) -> u32 {
        let value = self.words.iter().skip_while(|word| *word != option).nth(1);
        value.and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    pub(crate) fn raw(&self) -> Command {
        Command::new(self.folder.join("raw"))
    }

    /// The sides of these names; what is missing is said.
    pub(crate) fn sides(&self, names: &[&'static str]) -> Vec<Side> {
        let side = |name: &&'static str| {
            let (program, words): (PathBuf, &[&str]) = match *name {
                "raw C, dump" => (self.folder.join("raw"), &["dump"]),
                "raw C" => (self.folder.join("raw"), &["watch"]),
                "raw C, echo" => (self.folder.join("raw"), &["watch", "echo"]),
                "library" => (self.folder.join("observer"), &["observe"]),
                "library, echo" => (self.folder.join("observer"), &["observe", "echo"]),
                "rtnetlink, dump" => (self.folder.join("peers"), &["dump"]),
                "rtnetlink" => (self.folder.join("peers"), &["watch"]),
                "if-watch" => (self.folder.join("peers"), &["if-watch"]),
                _ => (env!("CARGO_BIN_EXE_netsession").into(), &["monitor", "--json"]),
            };
            if !program.exists() {
                println!("SKIPPED: {name}: {} could not be built", program.display());
                return None;
            }
            Some(Side { name, program, words: words.to_vec() })
        };
        names.iter().filter_map(side).collect()
    }

    /// What the kernel says.
    pub(crate) fn kernel(&self) -> Outcome<State> {
        let output = self.raw().arg("state").output()?;
        let text = String::from_utf8(output.stdout)?;
        Ok(text.lines().filter_map(state_line).collect())
    }

    /// A storm of address changes on these links.
    pub(crate) fn storm(
        &self,
        seconds: &str,
        per_second: u32,
        round: usize,
        links: &[u32],
    ) -> Outcome<Child> {
        let mut command = self.raw();
        command.args(["storm", seconds, &per_second.to_string(), &round.to_string()]);
        Ok(command.args(links.iter().map(u32::to_string)).stdout(Stdio::piped()).spawn()?)
    }
}

/// A program that watches links.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    program: PathBuf,
    words: Vec<&'static str>,
}

/// A side that runs and is ready.
pub(crate) struct Running {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<(i64, String)>,
    /// From before it was started until its word that it is ready was read.
    pub(crate) start_ns: i64,
    /// Of its two dumps, if it says so.
    pub(crate) dump_ns: i64,
    is_program: bool,
    state: State,
}

/// What a side says when everything has happened.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) settled_at: i64,
    /// Messages, or events, or lines, as it speaks.
    pub(crate) told: u64,
    pub(crate) lost: Option<u64>,
    pub(crate) resynced_at: Vec<i64>,
    pub(crate) state: State,
    /// When a line about each link came last, if it says so by lines.
    pub(crate) lines_at: BTreeMap<u32, i64>,
}

impl Side {
    pub(crate) fn start(&self) -> Outcome<Running> {
        let began = now();
        let mut child = Command::new(&self.program)
            .args(&self.words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let (sender, lines) = channel();
        let output = child.stdout.take().ok_or("no output")?;
        thread::spawn(move || {
            for line in BufReader::with_capacity(1 << 16, output).lines().map_while(Result::ok) {
                if sender.send((now(), line)).is_err() {
                    return;
                }
            }
        });
        let (input, is_program) = (child.stdin.take(), self.words.contains(&"monitor"));
        let mut running =
            Running { child, input, lines, start_ns: 0, dump_ns: 0, is_program, state: State::new() };
        loop {
            let (at, line) = running.line(Duration::from_secs(60))?;
            if let Some(rest) = line.strip_prefix("ready ") {
                running.dump_ns = rest.split(' ').nth(2).and_then(|it| it.parse().ok()).unwrap_or(0);
            } else if !line.contains(r#""view":{"online":"#) {
                running.state.extend(json_state(&line));
                continue;
            }
            running.start_ns = at - began;
            return Ok(running);
        }
    }
}

impl Running {
    pub(crate) fn line(&self, at_most: Duration) -> Outcome<(i64, String)> {
        self.lines.recv_timeout(at_most).map_err(|_| "a side did not answer".into())
    }

    /// All lines until there are none for a while.
    pub(crate) fn lines(&self) -> Vec<(i64, String)> {
        std::iter::from_fn(|| self.lines.recv_timeout(QUIET).ok()).collect()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) -> Outcome<()> {
        let pid = i32::try_from(self.pid())?;
        let pid = rustix::process::Pid::from_raw(pid).ok_or("no process")?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Its state when nothing is left to read.
    pub(crate) fn ask(&mut self) -> Outcome<Said> {
        let mut said = Said::default();
        if self.is_program {
            for (at, line) in self.lines() {
                (said.settled_at, said.told) = (at, said.told + 1);
                if let Some((index, link)) = json_state(&line) {
                    said.lines_at.insert(index, at);
                    self.state.insert(index, link);
                }
            }
            said.state = self.state.clone();
            return Ok(said);
        }
        self.input.as_mut().ok_or("no input")?.write_all(b"state\n")?;
        loop {
            let (_, line) = self.line(Duration::from_secs(60))?;
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "settled" => said.settled_at = rest.parse()?,
                "messages" => said.told = rest.parse()?,
                "lost" => said.lost = Some(rest.parse()?),
                "resynced" => said.resynced_at = rest.split(' ').filter_map(|it| it.parse().ok()).collect(),
                "end" => return Ok(said),
                _ => said.state.extend(state_line(&line)),
            }
        }
    }

    /// CPU time of all threads.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.threads(|task| {
            let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|it| it.parse().ok()).unwrap_or(0)
        })
    }

    /// How many times its threads were given a CPU.
    pub(crate) fn slices(&self) -> u64 {
        self.threads(|task| {
            let text = fs::read_to_string(task.join("schedstat")).unwrap_or_default();
            text.trim().split(' ').nth(2).and_then(|it| it.parse().ok()).unwrap_or(0)
        })
    }

    /// How many times its threads went to sleep.
    pub(crate) fn sleeps(&self) -> u64 {
        self.threads(|task| {
            let text = fs::read_to_string(task.join("status")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            line.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
        })
    }

    fn threads(&self, of: impl Fn(&Path) -> u64) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).into_iter().flatten().flatten();
        tasks.map(|task| of(&task.path())).sum()
    }

    /// Its proportional share of memory.
    pub(crate) fn pss_kib(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|it| it.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}

/// `INDEX LEVEL ADDRESS,…`
fn state_line(line: &str) -> Option<(u32, (String, BTreeSet<String>))> {
    let mut words = line.split(' ');
    let index = words.next()?.parse().ok()?;
    let level = words.next()?.to_owned();
    let addresses = words.next()?.split(',').filter(|it| !it.is_empty()).map(str::to_owned);
    Some((index, (level, addresses.collect())))
}

/// The view of an access point in a line of the program.
fn json_state(line: &str) -> Option<(u32, (String, BTreeSet<String>))> {
    if !line.contains(r#""view":{"id":"#) {
        return None;
    }
    let value: Value = serde_json::from_str(line).ok()?;
    let view = value.get("view")?;
    let interface = view.get("interface")?;
    let index = u32::try_from(interface.get("index")?.as_u64()?).ok()?;
    let addresses = interface.get("addresses").and_then(Value::as_array).into_iter().flatten();
    let addresses = addresses.filter_map(Value::as_str).map(str::to_owned).collect();
    Some((index, (view.get("link")?.as_str()?.to_owned(), addresses)))
}

/// A side that is the library: a driver, with an open session on the link `near` if there is one. Speaks as `raw
/// watch` does.
fn observe(is_echoing: bool) -> Outcome<()> {
    let driver = Driver::new()?;
    let session = driver.find("near").ok().map(|id| driver.session(&id));
    if let Some(session) = &session {
        session.open();
    }
    println!("ready 0 0 0");
    let (mut settled_at, mut told, mut resyncs, mut resynced_at) = (0, 0_u64, driver.resyncs(), Vec::new());
    loop {
        let input = std::io::stdin();
        let mut both =
            [PollFd::new(&driver, PollFlags::IN), PollFd::from_borrowed_fd(input.as_fd(), PollFlags::IN)];
        let until = driver.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
        let until = until.map(Timespec::try_from).transpose()?;
        match poll(&mut both, until.as_ref()) {
            Err(error) if error != rustix::io::Errno::INTR => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        let [has_work, is_asked] = both.map(|it| !it.revents().is_empty());
        if is_asked && !has_work {
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            say_state(&driver, settled_at, told, &resynced_at);
            continue;
        }
        loop {
            let is_left = driver.turn()?;
            told += std::iter::from_fn(|| driver.next_event()).map(|_| 1).sum::<u64>();
            if driver.resyncs() != resyncs {
                resyncs = driver.resyncs();
                resynced_at.push(now());
            }
            if !is_left {
                break;
            }
        }
        settled_at = now();
        if is_echoing {
            println!("at {settled_at}");
        }
    }
}

fn say_state(driver: &Driver, settled_at: i64, told: u64, resynced_at: &[i64]) {
    let resynced = resynced_at.iter().fold(String::new(), |text, at| format!("{text} {at}"));
    let mut text = format!(
        "settled {settled_at}\nmessages {told}\nlost {}\nresynced{resynced}\n",
        driver.lost_notifications()
    );
    let manager = driver.manager();
    for view in manager.configurations(None) {
        let (Some(interface), Some(link)) = (view.interface(), view.link()) else { continue };
        let addresses: Vec<String> = interface.addresses.iter().map(ToString::to_string).collect();
        let level = format!("{link:?}").to_lowercase();
        let _ = writeln!(text, "{} {level} {}", interface.index, addresses.join(","));
    }
    println!("{text}end");
}

/// The indexes of the links whose name begins so.
pub(crate) fn indexes(prefix: &str) -> Outcome<Vec<u32>> {
    let output = Command::new("ip").args(["-j", "link"]).output()?;
    let links: Value = serde_json::from_slice(&output.stdout)?;
    let is_one = |link: &&Value| link["ifname"].as_str().is_some_and(|name| name.starts_with(prefix));
    let links = links.as_array().into_iter().flatten().filter(is_one);
    Ok(links.filter_map(|link| u32::try_from(link["ifindex"].as_u64()?).ok()).collect())
}

/// Waits until no address of IPv6 is tentative any more, and nobody has anything to say.
pub(crate) fn settle() -> Outcome<()> {
    loop {
        let output = Command::new("ip").args(["-6", "-o", "addr", "show", "tentative"]).output()?;
        if output.stdout.is_empty() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Nanoseconds as milliseconds, for people.
pub(crate) fn ms(ns: i64) -> String {
    let us = ns / 1000;
    format!("{}.{:02}", us / 1000, (us % 1000) / 10)
}

/// Hundredths, for people.
pub(crate) fn ratio(value: i64, of: i64) -> String {
    let hundredths = value.saturating_mul(100) / of.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
