//! Start, memory, rest and one event, by the number of interfaces, beside a raw C program and the crate rtnetlink.
//!
//! ```sh
//! cargo bench -p netsession-io-linux --bench scale -- [--full] [--rounds N] [--idle SECONDS]
//! ```
//!
//! It makes a user and network namespace for itself. Interfaces are ends of veth pairs, up, each with an address of
//! IPv6, every other one with one of IPv4. All sides take their turn in each round. A start counts from before the
//! process is made until its word that it is ready has been read: for the program that is the last line of what there
//! is, for the library and the raw program a line behind their dumps. `--full` adds 10 000 interfaces.

mod common;
#[path = "scale/sides.rs"]
#[allow(dead_code, reason = "each bench needs a part of it")]
mod sides;

use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use sides::{Outcome, Running, Tools, ip, median, ms, ratio, settle};

const DUMPING: [&str; 4] = ["raw C, dump", "library", "netsession monitor", "rtnetlink, dump"];
const EVENTS: usize = 200;
/// Long enough for the slowest side to be at rest again.
const GAP: Duration = Duration::from_millis(5);

fn main() -> Outcome<ExitCode> {
    sides::main(measure)
}

fn measure(tools: &Tools) -> Outcome<()> {
    ip("link set lo up\n")?;
    let mut counts = vec![1, 10, 100, 1_000, 4_000];
    if tools.has("--full") {
        counts.push(10_000);
    }
    println!("## Start and memory\n\n| interfaces | side | start, ms | × raw C | its dumps, ms | Pss, KiB |");
    println!("|---|---|---|---|---|---|");
    let mut there = 0;
    for count in counts {
        make(there, count)?;
        there = count;
        start(tools, count)?;
        if count == 100 && tools.number("--idle", 60) > 0 {
            rest(tools)?;
        }
    }
    one_event(tools, there)
}

/// Makes interfaces until there are so many: two bridges, so that there can be one, then pairs.
fn make(there: u32, count: u32) -> Outcome<()> {
    let mut text = String::new();
    for n in there..count {
        text += &match n {
            0 | 1 => {
                format!("link add v{n} type bridge\nlink set v{n} up\naddr add 10.1.0.{n}/32 dev v{n}\n")
            }
            n if n % 2 == 0 => format!(
                "link add v{n} type veth peer name v{m}\nlink set v{n} up\nlink set v{m} up\n\
                 addr add 10.1.{}.{}/32 dev v{n}\n",
                n / 250,
                n % 250,
                m = n + 1
            ),
            _ => continue,
        };
    }
    ip(&text)?;
    settle()
}

fn start(tools: &Tools, count: u32) -> Outcome<()> {
    let sides = tools.sides(&DUMPING);
    let mut figures = vec![Vec::new(); sides.len()];
    for _ in 0..tools.number("--rounds", 9) {
        for (side, figures) in sides.iter().zip(&mut figures) {
            let running = side.start()?;
            figures.push((running.start_ns, running.dump_ns, running.pss_kib()));
        }
    }
    let of = |figures: &[(i64, i64, u64)], which: fn(&(i64, i64, u64)) -> i64| {
        median(figures.iter().map(which).collect::<Vec<i64>>()).unwrap_or(0)
    };
    let raw = of(&figures[0], |it| it.0);
    for (side, figures) in sides.iter().zip(&figures) {
        let (start, dump) = (of(figures, |it| it.0), of(figures, |it| it.1));
        let pss = of(figures, |it| i64::try_from(it.2).unwrap_or(0));
        let dump = if dump > 0 { ms(dump) } else { "–".to_owned() };
        println!("| {count} | {} | {} | {} | {dump} | {pss} |", side.name, ms(start), ratio(start, raw));
    }
    Ok(())
}

/// What runs while nothing happens. Who was given no CPU made no system call.
fn rest(tools: &Tools) -> Outcome<()> {
    let seconds = tools.number("--idle", 60);
    let sides = tools.sides(&["raw C", "library", "netsession monitor", "rtnetlink", "if-watch"]);
    let running = sides.iter().map(sides::Side::start).collect::<Outcome<Vec<Running>>>()?;
    // What they still do after their start.
    sleep(Duration::from_secs(2));
    let look = || running.iter().map(|it| (it.cpu_ns(), it.slices(), it.sleeps())).collect::<Vec<_>>();
    let before = look();
    sleep(Duration::from_secs(u64::from(seconds)));
    let after = look();
    println!(
        "\n## At rest for {seconds} s\n\n| side | CPU, ns | times given a CPU | wake-ups |\n|---|---|---|---|"
    );
    for (side, (before, after)) in sides.iter().zip(before.iter().zip(&after)) {
        let (cpu, slices, sleeps) = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
        println!("| {} | {cpu} | {slices} | {sleeps} |", side.name);
    }
    println!(
        "\n| interfaces | side | start, ms | × raw C | its dumps, ms | Pss, KiB |\n|---|---|---|---|---|---|"
    );
    Ok(())
}

/// Addresses that come and go on one of many links. Raw C and the library stamp it themselves, the program's line is
/// stamped when it has been read.
fn one_event(tools: &Tools, count: u32) -> Outcome<()> {
    println!(
        "\n## One event with {count} interfaces\n\n| side | latency, µs | CPU, µs | not within 5 ms |\n|---|---|---|---|"
    );
    let index = sides::indexes("v0")?.first().copied().ok_or("no link")?;
    for (round, side) in
        tools.sides(&["raw C, echo", "library, echo", "netsession monitor"]).iter().enumerate()
    {
        let running = side.start()?;
        running.lines();
        let (mut latencies, mut missed, cpu) = (Vec::new(), 0, running.cpu_ns());
        for n in 0..EVENTS {
            let what = if n % 2 == 0 { "add" } else { "del" };
            let since: i64 = {
                let mut child = tools.raw();
                let child = child.args(["change", what, &index.to_string(), &(round + 1).to_string()]);
                String::from_utf8(child.output()?.stdout)?.trim().parse()?
            };
            let mut at = None;
            while let Ok((read_at, line)) = running.line(GAP) {
                at = at.or(line.strip_prefix("at ").map_or(Some(read_at), |it| it.parse().ok()));
            }
            match at {
                Some(at) => latencies.push(at - since),
                None => missed += 1,
            }
        }
        let cpu = (running.cpu_ns() - cpu) / u64::try_from(EVENTS)? / 1000;
        let latency = median(latencies).unwrap_or(0) / 1000;
        println!("| {} | {latency} | {cpu} | {missed} |", side.name);
    }
    Ok(())
}
