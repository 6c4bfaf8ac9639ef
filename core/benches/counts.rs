//! What does not depend on how busy the machine is: instructions, allocations, and bytes. Fails where a figure is worse
//! than its bound.
//!
//! ```sh
//! cargo bench -p netsession-core --bench counts
//! ```
//!
//! Instructions are counted by valgrind, which has to be installed: this program runs itself under it, a scene with
//! few and with many steps, and takes the difference.

mod scenes;

use std::error::Error;
use std::process::Command;

use allocation_counter::measure;
use scenes::{Crowd, alone, on_two, open_and_close, roam_to_and_fro, ten_thousand};

/// The steps of a scene.
type Steps = Box<dyn FnMut()>;

/// A scene by name: what may be executed and allocated in a step, and how it is made. The bounds of instructions are a
/// seventh above what was counted when they were set.
struct Measured {
    name: &'static str,
    instructions: u64,
    allocations: u64,
    /// By how many steps there will be, so that what they need is there before.
    scene: fn(usize) -> Steps,
}

fn events(others: usize, steps: usize) -> Steps {
    let mut crowd = Crowd::new(others);
    let mut inputs = Crowd::addresses(steps).into_iter();
    Box::new(move || inputs.next().into_iter().for_each(|input| crowd.scene.handle(input)))
}

const MEASURED: [Measured; 5] = [
    Measured { name: "event-beside-1", instructions: 5_500, allocations: 0, scene: |steps| events(1, steps) },
    Measured {
        name: "event-beside-100",
        instructions: 5_900,
        allocations: 0,
        scene: |steps| events(100, steps),
    },
    Measured {
        name: "event-beside-10000",
        instructions: 5_900,
        allocations: 0,
        scene: |steps| events(10_000, steps),
    },
    Measured {
        name: "open-and-close",
        instructions: 35_500,
        allocations: 2,
        scene: |_| {
            let mut one = alone();
            Box::new(move || open_and_close(&mut one))
        },
    },
    Measured {
        name: "two-roams",
        instructions: 58_000,
        allocations: 20,
        scene: |_| {
            let mut two = on_two();
            Box::new(move || roam_to_and_fro(&mut two))
        },
    },
];

const BYTES_OF_TEN_THOUSAND: u64 = 8 * 1024 * 1024;
/// Steps after which lists have the room that they need.
const WARM: usize = 64;
const FEW: usize = 100;
const MANY: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, scene, steps] = arguments.as_slice()
        && let Some(measured) = MEASURED.iter().find(|it| it.name == scene)
    {
        let mut step = (measured.scene)(MANY);
        (0..steps.parse()?).for_each(|_| step());
        return Ok(());
    }
    // What `cargo test --benches` adds.
    if arguments.iter().any(|argument| argument == "--test") {
        return Ok(());
    }
    let mut worse = Vec::new();
    let mut note = |what: String, figure: u64, bound: u64| {
        println!("{what:<52}{figure:>10}   (bound {bound})");
        if figure > bound {
            worse.push(format!("{what}: {figure} is more than {bound}"));
        }
    };
    for Measured { name, instructions, allocations, scene } in &MEASURED {
        let mut step = scene(WARM + FEW);
        (0..WARM).for_each(|_| step());
        let counted = measure(|| (0..FEW).for_each(|_| step()));
        note(format!("{name}: allocations in {FEW} steps"), counted.count_total, allocations * FEW as u64);
        let executed = executed(name, MANY)?.saturating_sub(executed(name, FEW)?);
        note(format!("{name}: instructions a step"), executed / (MANY - FEW) as u64, *instructions);
    }
    let mut scene = None;
    let counted = measure(|| scene = Some(ten_thousand()));
    note(
        "10 000 sessions on 256 access points: bytes".into(),
        counted.bytes_current.unsigned_abs(),
        BYTES_OF_TEN_THOUSAND,
    );
    if worse.is_empty() { Ok(()) } else { Err(worse.join("\n").into()) }
}

/// Instructions of this program for so many steps of a scene, as valgrind counts them.
fn executed(scene: &str, steps: usize) -> Result<u64, Box<dyn Error>> {
    let valgrind = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([scene, &steps.to_string()])
        .output()
        .map_err(|error| format!("cannot run valgrind: {error}; install it"))?;
    let said = String::from_utf8_lossy(&valgrind.stderr);
    let collected =
        said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    collected
        .filter(|_| valgrind.status.success())
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| format!("valgrind did not count: {said}").into())
}
