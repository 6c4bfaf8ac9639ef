//! `compare`: the core beside the reference model, in named small worlds to the end, and at random beside that.

use std::collections::BTreeMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use netsession_io_sim::explore::Edge;
use netsession_tests::compare::{
    Apart, Deviation, differences, inputs_of, shortened, tell, walk_at_random, walk_to_the_end,
};
use netsession_tests::search::{Named, worlds};
use netsession_tests::soak;

/// How often a line tells how far it is.
const PROGRESS: Duration = Duration::from_secs(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The small worlds that are walked to the end
    #[arg(long, value_name = "NAME", default_values = ["W1", "W2", "W3"])]
    world: Vec<String>,
    /// How many states of each are kept at most
    #[arg(long, value_name = "STATES", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
    /// Go on after a difference, and tell one of each kind
    #[arg(long)]
    every: bool,
    /// How long to go on at random on a thread of its own, in all small worlds and in scenarios of the soak
    #[arg(long, value_name = "N", default_value_t = 0)]
    seconds: u64,
    /// The first seed
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How many actions each scenario of the soak has
    #[arg(long, value_name = "N", default_value_t = 60)]
    actions: usize,
}

pub(super) fn run(arguments: &Arguments) -> io::Result<bool> {
    let all = worlds();
    let named = |name: &String| {
        all.iter().find(|named| named.name == name).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|named| named.name).collect();
            let why = format!("there is no small world {name}: name one of {}", names.join(", "));
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })
    };
    let walked = arguments.world.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    thread::scope(|scope| {
        let random = scope.spawn(|| arguments.seconds == 0 || at_random(&all, arguments));
        // All of them, whatever the first says.
        let is_same = walked.iter().filter(|named| !is_the_same(named, arguments)).count() == 0;
        let is_random_same = random
            .join()
            .map_err(|_| io::Error::other("a random walk panicked; what it said stands above"))?;
        Ok(is_same && is_random_same)
    })
}

/// Walks through a world, and tells what it found.
fn is_the_same(named: &Named, arguments: &Arguments) -> bool {
    if arguments.every {
        return every(named, arguments.limit);
    }
    to_the_end(named, arguments.limit)
        .inspect_err(|apart| println!("{}: the core and the model differ\n{apart}", named.name))
        .is_ok()
}

fn to_the_end(named: &Named, limit: usize) -> Result<(), Box<Apart>> {
    let mut progress = Progress::new(named.name);
    let walked = walk_to_the_end(&named.world, limit, |edge| progress.note(edge))?;
    let millis = progress.since.elapsed().as_millis().max(1);
    let rate = walked.found.states as u128 * 1_000 / millis;
    let (found, used) = (&walked.found, &walked.used);
    let seconds = format!("{}.{:03} s", millis / 1_000, millis % 1_000);
    println!("{}: the same in {found:?}, {seconds}, {rate} states/s, with {used:?}", named.name);
    Ok(())
}

fn every(named: &Named, limit: usize) -> bool {
    let mut progress = Progress::new(named.name);
    let all = differences(&named.world, limit, |edge| progress.note(edge));
    let all = all.unwrap_or_else(|apart| vec![(1, apart)]);
    for (number, apart) in &all {
        println!("{}: {number} times\n{apart}", named.name);
    }
    println!("{}: {} kinds of difference in {}", named.name, all.len(), progress.line());
    all.is_empty()
}

struct Progress {
    name: &'static str,
    since: Instant,
    told: Instant,
    states: u64,
    edges: u64,
}

impl Progress {
    fn new(name: &'static str) -> Self {
        let now = Instant::now();
        Self { name, since: now, told: now, states: 1, edges: 0 }
    }

    fn note(&mut self, edge: &Edge<'_>) {
        self.edges += 1;
        self.states += u64::from(edge.is_new);
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            eprintln!("{}: {}", self.name, self.line());
        }
    }

    fn line(&self) -> String {
        let seconds = self.since.elapsed().as_secs();
        format!("{} states, {} edges, {seconds} s", self.states, self.edges)
    }
}

/// What differs at random: how often each kind was seen, where first, and how.
#[derive(Default)]
struct Kinds(BTreeMap<String, (u64, String, Box<Apart>)>);

impl Kinds {
    fn note(&mut self, place: &str, apart: Box<Apart>) {
        let first = || (0, place.to_owned(), apart.clone());
        self.0.entry(apart.kind()).or_insert_with(first).0 += 1;
    }

    /// Tells one of each, as short as it can be made.
    fn tell(self) {
        for (number, place, apart) in self.0.into_values() {
            println!("{place}: {number} times\n{}", shortened(apart));
        }
    }
}

/// One seed after another: a walk in each small world, and a scenario of the soak. The first difference is the
/// last, unless every kind is asked for.
fn at_random(all: &[Named], arguments: &Arguments) -> bool {
    let (since, mut told) = (Instant::now(), Instant::now());
    let until = since + Duration::from_secs(arguments.seconds);
    let (mut steps, mut scenarios, mut excused) = (0, 0, 0);
    let mut kinds = Kinds::default();
    let mut seed = arguments.seed;
    while Instant::now() < until && (arguments.every || kinds.0.is_empty()) {
        for named in all {
            match walk_at_random(&named.world, seed) {
                Ok(walked) => steps += walked,
                Err(apart) => kinds.note(&format!("{}, seed {seed}", named.name), apart),
            }
        }
        match soak::run(&soak::bytes_of(seed, arguments.actions)) {
            Ok(world) => match tell(&inputs_of(world.records())) {
                Ok(_) => scenarios += 1,
                Err(apart) if apart.excuse().is_some() => excused += 1,
                Err(apart) => kinds.note(&format!("the soak's scenario of seed {seed}"), apart),
            },
            Err(violation) => {
                println!("seed {seed} breaks a rule; see the soak: {}", violation.what);
                return false;
            }
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("{} s, seed {seed}: {steps} steps, {scenarios} scenarios", since.elapsed().as_secs());
        }
        seed += 1;
    }
    println!(
        "the same in {steps} steps of random walks and {scenarios} scenarios, seeds {} to {seed}, with {excused} \
         excused by {:?}; {} kinds of difference",
        arguments.seed,
        Deviation::SpansOfNothing,
        kinds.0.len()
    );
    let is_same = kinds.0.is_empty();
    kinds.tell();
    is_same
}
