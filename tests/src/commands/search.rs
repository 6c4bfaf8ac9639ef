//! `search`: the named small worlds, walked with all checks, one world on each thread.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use netsession_tests::search::{Broken, Marks, Named, Walk, walk, worlds};
use netsession_tests::soak;

/// How often a line tells how far a world is.
const PROGRESS: Duration = Duration::from_secs(10);
/// A world that is to be walked to its end, and has more states than this, has none.
const MOST_STATES: usize = 20_000_000;
/// After so many edges it is seen whether it is time for one.
const LOOK_EVERY: u64 = 1 << 16;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only these worlds, for instance W1
    #[arg(long, value_name = "NAME")]
    world: Vec<String>,
    /// Keep so many states of a world at most, the nearest ones, and be content with that
    #[arg(long, value_name = "STATES")]
    limit: Option<usize>,
    /// How many worlds are walked at the same time
    #[arg(long, value_name = "N", default_value_t = thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
    /// Say how often each row of the roaming diagrams was taken
    #[arg(long)]
    rows: bool,
    /// Where the trace of a violation is written
    #[arg(long, value_name = "DIRECTORY", default_value = "target/search")]
    out: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<bool> {
    let mut named = worlds();
    if let Some(name) = arguments.world.iter().find(|name| named.iter().all(|it| it.name != **name)) {
        let names: Vec<_> = named.iter().map(|it| it.name).collect();
        return Err(io::Error::other(format!("there is no world {name}; there are {}", names.join(", "))));
    }
    named.retain(|it| arguments.world.is_empty() || arguments.world.iter().any(|name| name == it.name));
    let since = Instant::now();
    // The large ones stand last, and take longest.
    let waiting: Mutex<VecDeque<&Named>> = Mutex::new(named.iter().rev().collect());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop_front());
    let one_thread = || {
        let mut all = Vec::new();
        while let Some(named) = next() {
            all.push(walk_one(named, arguments));
        }
        all
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..arguments.threads.max(1)).map(|_| scope.spawn(one_thread)).collect();
        threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
    });
    let mut marks = Marks::default();
    let mut is_well = true;
    for result in results {
        for one in result.map_err(|_| io::Error::other("a walk panicked; what it said stands above"))? {
            match one? {
                Some(walked) => marks.add(&walked),
                None => is_well = false,
            }
        }
    }
    if arguments.rows {
        print!("{marks}");
    }
    let seconds = since.elapsed().as_secs_f64();
    println!(
        "{} worlds in {seconds:.1} s on {} threads, peak memory {}",
        named.len(),
        arguments.threads,
        peak()
    );
    // What a part leaves untaken says nothing.
    let is_whole = arguments.world.is_empty() && arguments.limit.is_none();
    let is_marked = !is_whole || tell_marks(&marks);
    Ok(is_marked && is_well)
}

/// Walks through a world, and says what it found; `None` if a rule is broken, or it did not come to the end.
fn walk_one(named: &Named, arguments: &Arguments) -> io::Result<Option<Marks>> {
    let since = Instant::now();
    let mut told = since;
    let mut edges = 0_u64;
    let limit = [named.bound, arguments.limit].into_iter().flatten().min();
    let result = walk(&named.world, limit.unwrap_or(MOST_STATES), |edge| {
        edges += 1;
        if edges.is_multiple_of(LOOK_EVERY) && told.elapsed() >= PROGRESS {
            told = Instant::now();
            let rate = per_second(edges, since);
            eprintln!("{}: at state {}, {edges} edges, {rate}/s", named.name, edge.from_place);
        }
    });
    match result {
        Ok(Walk { found, steps_to_rest, marks, .. }) => {
            let seconds = since.elapsed().as_secs_f64();
            let rates = (per_second(found.states as u64, since), per_second(found.edges, since));
            println!(
                "{}: {found:?}, rest after at most {steps_to_rest:?} steps; {seconds:.1} s, {} states/s, {} edges/s",
                named.name, rates.0, rates.1
            );
            println!("    {}", named.about);
            if !named.left_out.is_empty() {
                println!("    without {}", named.left_out);
            }
            Ok((found.is_complete || limit == Some(found.states)).then_some(marks))
        }
        Err(broken) => {
            let path = write(&arguments.out, named.name, &broken)?;
            println!("{}: {broken}", named.name);
            println!("the trace: {}; `netsession replay --explain` tells it", path.display());
            Ok(None)
        }
    }
}

/// Says which rows and pairs were never taken; whether none is missing.
fn tell_marks(marks: &Marks) -> bool {
    let (rows, pairs) = (marks.missing_rows(), marks.missing_pairs());
    println!("rows of the roaming diagrams: {} never taken{}", rows.len(), list(&rows));
    println!("pairs of step and input: {} never taken{}", pairs.len(), list(&pairs));
    rows.is_empty() && pairs.is_empty()
}

fn list(all: &[impl AsRef<str>]) -> String {
    all.iter().map(|one| format!("\n    {}", one.as_ref())).collect()
}

/// Writes the trace of a violation. Gives its path.
fn write(out: &Path, name: &str, broken: &Broken) -> io::Result<PathBuf> {
    fs::create_dir_all(out)?;
    let path = out.join(format!("{name}.jsonl"));
    fs::write(&path, soak::trace(&broken.records))?;
    Ok(path)
}

fn per_second(number: u64, since: Instant) -> u128 {
    u128::from(number) * 1_000 / since.elapsed().as_millis().max(1)
}

/// The largest that the program ever was, where the system tells.
fn peak() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "not known".into(), |peak| peak.trim().into())
}
