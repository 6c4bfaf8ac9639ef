//! More changes than anybody can read: what each side makes of them, and how soon it is right again.
//!
//! ```sh
//! cargo bench -p netsession-io-linux --bench storm -- [--rounds N] [--rate CHANGES_PER_SECOND] \
//!     [--storm | --held | --group]
//! ```
//!
//! It makes a user and network namespace for itself, with 1 000 interfaces and 100 whose addresses storm. All sides take
//! their turn in each round:
//!
//! - a storm of address changes for 3 s, with a session open on another link;
//! - a side that is stopped (SIGSTOP) while 1 000 interfaces go down and up and get and lose addresses, and goes on
//!   (SIGCONT), quiet or while addresses storm;
//! - one request that takes a group of 1 000 interfaces down, and one that takes it up.
//!
//! Then its state is compared with what a fresh dump says. Who has settled has nothing left to read; the program has when
//! its last line was read.

mod common;
#[path = "scale/sides.rs"]
#[allow(dead_code, reason = "each bench needs a part of it")]
mod sides;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Child, Command, ExitCode};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use sides::{Outcome, Running, Said, Side, State, Tools, indexes, ip, median, ms, now, ratio, settle};

const PAIRS: usize = 500;
const STORMING: usize = 50;

fn main() -> Outcome<ExitCode> {
    sides::main(measure)
}

fn measure(tools: &Tools) -> Outcome<()> {
    let mut text = String::from(
        "link set lo up\nlink add near type veth peer name far\naddr add 192.0.2.7/24 dev near\n\
         link set far up\nlink set near up\n",
    );
    for n in 0..STORMING {
        let _ = write!(text, "link add s{n} type veth peer name r{n}\nlink set r{n} up\nlink set s{n} up\n");
    }
    ip(&text)?;
    settle()?;
    let mut bench = Bench { tools, storming: indexes("s")?, round: 0 };
    let all = ["--storm", "--held", "--group"];
    let is_wanted = |part: &str| tools.has(part) || !all.iter().any(|part| tools.has(part));
    if is_wanted("--storm") {
        bench.storm()?;
    }
    let pairs = (0..PAIRS).fold(String::new(), |text, n| {
        text + &format!(
            "link add a{n} type veth peer name b{n}\nlink set a{n} group 7\nlink set b{n} group 7\n"
        )
    });
    ip(&pairs)?;
    if is_wanted("--held") {
        bench.held(false)?;
        bench.held(true)?;
    }
    if is_wanted("--group") { bench.group() } else { Ok(()) }
}

struct Bench<'a> {
    tools: &'a Tools,
    storming: Vec<u32>,
    round: usize,
}

/// What one side did in one round.
struct Figure {
    time_ns: i64,
    resync_ns: i64,
    cpu_ns: i64,
    told: u64,
    lost: u64,
    is_right: bool,
}

impl Bench<'_> {
    fn storm(&mut self) -> Outcome<()> {
        let sides = self.tools.sides(&["raw C", "library", "netsession monitor", "rtnetlink", "if-watch"]);
        let mut figures: Vec<Vec<Figure>> = sides.iter().map(|_| Vec::new()).collect();
        let mut made = Vec::new();
        for _ in 0..self.rounds() {
            for (side, figures) in sides.iter().zip(&mut figures) {
                let mut running = self.start(side)?;
                let cpu = running.cpu_ns();
                let (last_at, per_second) = last_of(self.blow("3")?)?;
                made.push(per_second);
                let said = running.ask()?;
                let time_ns = (said.settled_at - last_at).max(0);
                figures.push(self.figure(&running, said, cpu, time_ns, 0)?);
            }
        }
        println!("## A storm: {} address changes/s for 3 s (median)\n", median(made).unwrap_or(0));
        table(&sides, &figures, "settled after the last change");
        Ok(())
    }

    /// Stopped while everything changes, then let go.
    fn held(&mut self, is_storming: bool) -> Outcome<()> {
        let sides = self.tools.sides(&["raw C", "library", "netsession monitor", "rtnetlink"]);
        let mut figures: Vec<Vec<Figure>> = sides.iter().map(|_| Vec::new()).collect();
        let mut dumps = Vec::new();
        let others: BTreeSet<u32> = indexes("a")?.into_iter().chain(indexes("b")?).collect();
        for _ in 0..self.rounds() {
            for (side, figures) in sides.iter().zip(&mut figures) {
                let mut running = self.start(side)?;
                let cpu = running.cpu_ns();
                running.signal(Signal::STOP)?;
                ip(&changes(self.round))?;
                self.come_to_rest()?;
                let storm = is_storming.then(|| self.blow("1")).transpose()?;
                if is_storming {
                    // In the middle of it.
                    sleep(Duration::from_millis(300));
                }
                let dump = self.tools.sides(&["raw C, dump"]);
                dumps.push(dump.first().ok_or("no raw C")?.start()?.dump_ns);
                let since = now();
                running.signal(Signal::CONT)?;
                storm.map(last_of).transpose()?;
                let said = running.ask()?;
                let resync = said.resynced_at.iter().find(|at| **at >= since).copied();
                let lines = said.lines_at.iter().filter(|(index, _)| others.contains(index));
                let settled = match lines.map(|(_, at)| *at).max() {
                    Some(at) if is_storming => at,
                    Some(_) | None => said.settled_at,
                };
                let resync_ns = resync.map_or(0, |at| at - since);
                figures.push(self.figure(&running, said, cpu, settled - since, resync_ns)?);
            }
        }
        let dump = median(dumps).unwrap_or(0);
        let how = if is_storming { "while addresses storm" } else { "quiet" };
        println!(
            "\n## Held while 1 000 interfaces change, then let go: {how}\n\nA raw dump: {} ms.\n",
            ms(dump)
        );
        table(&sides, &figures, "settled after SIGCONT");
        println!("\n| side | resynced after SIGCONT, ms | × a raw dump |\n|---|---|---|");
        for (side, figures) in sides.iter().zip(&figures) {
            let resync = median(figures.iter().map(|it| it.resync_ns).filter(|it| *it > 0).collect());
            // The program does not say when.
            let resync = resync.unwrap_or_else(|| of(figures, |it| it.time_ns));
            println!("| {} | {} | {} |", side.name, ms(resync), ratio(resync, dump));
        }
        Ok(())
    }

    fn group(&mut self) -> Outcome<()> {
        let sides = self.tools.sides(&["raw C", "library", "netsession monitor", "rtnetlink"]);
        // With an address, so that up and down are two levels.
        ip(&(0..PAIRS).fold(String::new(), |text, n| {
            let address = format!("172.15.{}.{}/32", n / 250, n % 250);
            text + &format!("link set a{n} up\nlink set b{n} up\naddr add {address} dev a{n}\n")
        }))?;
        settle()?;
        for way in ["down", "up"] {
            let mut figures: Vec<Vec<Figure>> = sides.iter().map(|_| Vec::new()).collect();
            for _ in 0..self.rounds() {
                for (side, figures) in sides.iter().zip(&mut figures) {
                    let other = if way == "down" { "up" } else { "down" };
                    ip(&format!("link set group 7 {other}\n"))?;
                    self.come_to_rest()?;
                    let mut running = self.start(side)?;
                    let (cpu, since) = (running.cpu_ns(), now());
                    ip(&format!("link set group 7 {way}\n"))?;
                    // The kernel looks at carriers a while later, which is the same for all.
                    self.come_to_rest()?;
                    let said = running.ask()?;
                    let time_ns = said.settled_at - since;
                    figures.push(self.figure(&running, said, cpu, time_ns, 0)?);
                }
            }
            println!("\n## One `ip link set group 7 {way}` over 1 000 interfaces\n");
            table(&sides, &figures, "settled after the beginning of `ip`");
        }
        Ok(())
    }

    /// Waits until the kernel changes nothing any more by itself.
    fn come_to_rest(&self) -> Outcome<()> {
        let mut before = State::new();
        loop {
            settle()?;
            let state = self.tools.kernel()?;
            if state == before {
                return Ok(());
            }
            before = state;
            sleep(Duration::from_millis(500));
        }
    }

    fn rounds(&self) -> u32 {
        self.tools.number("--rounds", 5)
    }

    fn start(&mut self, side: &Side) -> Outcome<Running> {
        self.round += 1;
        let labels = ["-4", "addr", "flush", "label", "s*"];
        Command::new("ip").args(labels).output()?;
        let running = side.start()?;
        running.lines();
        Ok(running)
    }

    fn blow(&self, seconds: &str) -> Outcome<Child> {
        self.tools.storm(seconds, self.tools.number("--rate", 100_000), self.round, &self.storming)
    }

    fn figure(
        &self,
        running: &Running,
        said: Said,
        cpu: u64,
        time_ns: i64,
        resync_ns: i64,
    ) -> Outcome<Figure> {
        let cpu_ns = i64::try_from(running.cpu_ns() - cpu)?;
        let kernel = self.tools.kernel()?;
        // The crate if-watch knows addresses, and not of which link.
        let is_right = if said.state.keys().eq([&0]) {
            all_addresses(&said.state) == all_addresses(&kernel)
        } else {
            said.state == kernel
        };
        if !is_right && std::env::var_os("NETSESSION_BENCH_VERBOSE").is_some() {
            let wrong = kernel.iter().filter(|(index, link)| said.state.get(index) != Some(link));
            for (index, link) in wrong.take(3) {
                println!("{index}: {link:?} is said to be {:?}", said.state.get(index));
            }
        }
        let (told, lost) = (said.told, said.lost.unwrap_or(0));
        Ok(Figure { time_ns, resync_ns, cpu_ns, told, lost, is_right })
    }
}

/// When the last change of a storm was made, and how many it made in a second.
fn last_of(storm: Child) -> Outcome<(i64, i64)> {
    let text = String::from_utf8(storm.wait_with_output()?.stdout)?;
    let number = |word: &str| -> Outcome<i64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        Ok(rest.ok_or("the storm did not end well")?.parse()?)
    };
    if number("refused")? > 0 {
        return Err("the kernel refused changes of the storm".into());
    }
    Ok((number("last")?, number("changes")? * 1_000_000 / (number("nanoseconds")? / 1000)))
}

/// Ends with some links up and some down, and with another address on each.
fn changes(round: usize) -> String {
    let mut text = String::new();
    for n in 0..PAIRS {
        let address = format!("172.{}.{}.{}/32 dev a{n}", 16 + round % 200, n / 250, n % 250);
        let last = if (n + round).is_multiple_of(3) { "down" } else { "up" };
        let _ = write!(text, "link set b{n} up\nlink set a{n} up\naddr flush dev a{n}\naddr add {address}\n");
        let _ = write!(text, "link set a{n} down\nlink set a{n} up\nlink set b{n} {last}\n");
    }
    text
}

fn all_addresses(state: &State) -> BTreeSet<&str> {
    let all = state.values().flat_map(|(_, addresses)| addresses).map(String::as_str);
    all.filter(|it| !["fe80:", "127.", "::1/"].iter().any(|start| it.starts_with(start))).collect()
}

fn of(figures: &[Figure], which: impl Fn(&Figure) -> i64) -> i64 {
    median(figures.iter().map(which).collect::<Vec<i64>>()).unwrap_or(0)
}

fn table(sides: &[Side], figures: &[Vec<Figure>], settled: &str) {
    println!("| side | told | losses seen | CPU, ms | × raw C | {settled}, ms (worst) | final state right |");
    println!("|---|---|---|---|---|---|---|");
    let raw = of(&figures[0], |it| it.cpu_ns);
    for (side, figures) in sides.iter().zip(figures) {
        let (cpu, time) = (of(figures, |it| it.cpu_ns), of(figures, |it| it.time_ns));
        let worst = figures.iter().map(|it| it.time_ns).max().unwrap_or(0);
        let told = median(figures.iter().map(|it| it.told).collect()).unwrap_or(0);
        let lost = median(figures.iter().map(|it| it.lost).collect()).unwrap_or(0);
        let right = figures.iter().filter(|it| it.is_right).count();
        let (cpu_ms, cpu, of) = (ms(cpu), ratio(cpu, raw), figures.len());
        let (time, worst) = (ms(time), ms(worst));
        println!(
            "| {} | {told} | {lost} | {cpu_ms} | {cpu} | {time} ({worst}) | {right} of {of} |",
            side.name
        );
    }
}
