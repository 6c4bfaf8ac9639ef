//! `soak`: random scenarios, one seed after another, until one breaks a rule or time is up.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io, panic};

use netsession_io_sim::{Record, World};
use netsession_tests::soak::{self, Violation};

/// How often a line tells how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How many seeds at most
    #[arg(long, value_name = "N", default_value_t = u64::MAX)]
    seeds: u64,
    /// How many actions each scenario has
    #[arg(long, value_name = "N", default_value_t = 150)]
    actions: usize,
    /// Where a failure is written
    #[arg(long, value_name = "DIRECTORY", default_value = "target/soak")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<bool> {
    let mut progress = Progress::new();
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.seeds);
    // A panic of a scenario is a violation, and told as one.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = seeds.take_while(|_| Instant::now() < until).find_map(|seed| {
        let bytes = soak::bytes_of(seed, arguments.actions);
        let result = soak::run(&bytes);
        let world = result.as_ref().ok();
        progress.note(seed, world);
        Some((seed, bytes, result.err()?))
    });
    let Some((seed, bytes, violation)) = found else {
        panic::set_hook(hook);
        println!("{}: no violation", progress.line());
        return Ok(true);
    };
    println!("{}: seed {seed} breaks a rule; it is made shorter", progress.line());
    let shortest = soak::shortened(&bytes, &violation);
    let violation = soak::run(&shortest).err().unwrap_or(violation);
    panic::set_hook(hook);
    let path = write(&arguments.out, seed, &shortest, &violation)?;
    println!("{violation}\nseed {seed}, after {} actions: {}", violation.after, violation.what);
    println!("reproduce: cargo run -p netsession-tests --release -- reproduce {}", path.display());
    Ok(false)
}

/// Writes the bytes and the trace of a failure. Gives the path of the bytes.
fn write(out: &Path, seed: u64, bytes: &[u8], violation: &Violation) -> io::Result<PathBuf> {
    fs::create_dir_all(out)?;
    let path = |extension| out.join(format!("seed-{seed}.{extension}"));
    fs::write(path("jsonl"), &violation.trace)?;
    fs::write(path("log"), violation.to_string())?;
    fs::write(path("bytes"), bytes)?;
    Ok(path("bytes"))
}

struct Progress {
    since: Instant,
    told: Instant,
    scenarios: u64,
    inputs: usize,
    seed: u64,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self { since: now, told: now, scenarios: 0, inputs: 0, seed: 0 }
    }

    fn note(&mut self, seed: u64, world: Option<&World>) {
        let records = world.map_or(&[][..], World::records);
        self.inputs += records.iter().filter(|(_, record)| matches!(record, Record::Input(_))).count();
        self.scenarios += 1;
        self.seed = seed;
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            println!("{}", self.line());
        }
    }

    fn line(&self) -> String {
        let millis = self.since.elapsed().as_millis().max(1);
        let rate = |number: u128| number * 1_000 / millis;
        format!(
            "{} s, seed {}: {} scenarios ({}/s), {} inputs ({}/s)",
            millis / 1_000,
            self.seed,
            self.scenarios,
            rate(self.scenarios.into()),
            self.inputs,
            rate(self.inputs as u128)
        )
    }
}
