//! How long a driver needs, after the last change of a storm, until it believes what the kernel says.
//!
//! In a network namespace of its own, so that nothing else speaks:
//!
//! ```sh
//! unshare --user --map-root-user --net cargo bench -p netsession-io-linux --bench settle
//! ```
//!
//! A thousand virtual links go down and up and are given and rid of addresses, while a driver with an open session does
//! not read: it is late by the whole storm, which is the worst that a busy machine can do to it. The time counts from
//! its first look after the last change to the moment when nothing is left to do; then belief is compared with that of a
//! new driver. With the usual receive buffer, and with one so small that nearly all of what was told is lost and
//! everything has to be asked for again.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use netsession_io_linux::Driver;

const PAIRS: usize = 500;
const ROUNDS: usize = 11;

fn main() -> Result<(), Box<dyn Error>> {
    // What `cargo bench` and `cargo test --benches` add.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    run(
        "link add name near type veth peer name far\naddr add 192.0.2.7/24 dev near\nlink set far up\nlink set near up\n",
    )?;
    run(&(0..PAIRS)
        .fold(String::new(), |text, n| text + &format!("link add name a{n} type veth peer name b{n}\n")))?;
    for (place, (what, bytes)) in [("usual", None), ("of 4 096 bytes", Some(4_096))].into_iter().enumerate() {
        let (mut times, mut lost, mut links) = (Vec::new(), 0, 0);
        for round in 0..ROUNDS {
            let builder = Driver::builder();
            let driver =
                bytes.map_or_else(Driver::builder, |bytes| builder.receive_buffer_bytes(bytes)).build()?;
            let session = driver.session("near");
            session.open();
            run(&storm(place * ROUNDS + round))?;
            let since = Instant::now();
            while driver.turn()? {}
            times.push(since.elapsed());
            let fresh = Driver::new()?;
            assert_eq!(
                belief(&driver),
                belief(&fresh),
                "the driver believes something else than the kernel says"
            );
            assert!(session.is_open());
            lost += driver.lost_notifications();
            links = belief(&driver).len();
        }
        times.sort_unstable();
        let (median, worst) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!(
            "receive buffer {what}: settled in {median:.1?} (median of {ROUNDS}), at most {worst:.1?}; {links} links, \
             notifications lost {lost} times"
        );
    }
    Ok(())
}

/// Ends with some links up and some down, and with another address on each.
fn storm(round: usize) -> String {
    let mut text = String::new();
    for n in 0..PAIRS {
        let address = |round: usize| {
            format!("10.{}.{n_high}.{n_low}/32 dev a{n}", round, n_high = n / 250, n_low = n % 250)
        };
        let last = if (n + round).is_multiple_of(3) { "down" } else { "up" };
        let _ = writeln!(text, "link set b{n} up\nlink set a{n} up\naddr add {}", address(round));
        if round > 0 {
            let _ = writeln!(text, "addr del {}", address(round - 1));
        }
        let _ = writeln!(text, "link set a{n} down\nlink set a{n} up\nlink set b{n} {last}");
    }
    text
}

fn belief(driver: &Driver) -> Vec<(String, String)> {
    let manager = driver.manager();
    let all = manager.configurations(None).map(|it| {
        let addresses = it.interface().map(|it| format!("{:?}", it.addresses)).unwrap_or_default();
        (it.id().to_string(), format!("{:?} {addresses}", it.link()))
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

fn begin(commands: &str) -> std::io::Result<Child> {
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        let commands = commands.to_owned();
        // It reads as it goes.
        std::thread::spawn(move || input.write_all(commands.as_bytes()));
    }
    Ok(child)
}

fn run(commands: &str) -> Result<(), Box<dyn Error>> {
    let status = begin(commands)?.wait()?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| "ip could not do it; is this a network namespace of its own?".into())
}
