//! What the benches are called with, what they build beforehand, and their pace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::observers::{Observer, stamped};
use crate::world::{Fallible, now};

/// The words after `--`.
pub(crate) struct Arguments(Vec<String>);

impl Arguments {
    pub(crate) fn read() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.0.iter().any(|it| it == flag)
    }

    pub(crate) fn value(&self, flag: &str) -> Option<&str> {
        let place = self.0.iter().position(|it| it == flag)?;
        self.0.get(place + 1).map(String::as_str)
    }
}

/// Where what is built for the benches stands.
pub(crate) struct Tools {
    pub(crate) target: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Tools {
    pub(crate) fn new() -> Fallible<Self> {
        // This program is in target/release/deps.
        let target =
            std::env::current_exe()?.ancestors().nth(3).map(Path::to_path_buf).ok_or("no target folder")?;
        Ok(Self { folder: target.join("latency"), target })
    }

    /// Builds the other sides. What cannot be built is said, and skipped when its turn comes.
    pub(crate) fn prepare(&self, installs: bool) -> Fallible<()> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/latency");
        std::fs::create_dir_all(&self.folder)?;
        if installs {
            let packages = "install -y --no-install-recommends gcc g++ pkg-config qtbase5-dev connman network-manager dbus";
            run(Command::new("apt-get").args(packages.split(' ')))?;
        }
        let peers = run(Command::new(env!("CARGO"))
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(here.join("peers/Cargo.toml"))
            .arg("--target-dir")
            .arg(self.folder.join("peers")));
        let floor = run(Command::new("cc")
            .args(["-O2", "-o"])
            .arg(self.folder.join("floor"))
            .arg(here.join("floor.c")));
        let qt = run(Command::new("sh").current_dir(&here).arg("-c").arg(format!(
            "c++ -O2 -fPIC -Wno-deprecated-declarations -o '{}' qt.cpp $(pkg-config --cflags --libs Qt5Network)",
            self.folder.join("qt").display()
        )));
        for error in [peers, floor, qt].into_iter().filter_map(Result::err) {
            eprintln!("NOT BUILT: {error}");
        }
        Ok(())
    }

    pub(crate) fn built(&self, name: &str) -> Fallible<Command> {
        let path = self.folder.join(name);
        path.exists().then(|| Command::new(&path)).ok_or_else(|| format!("{name} was not built").into())
    }

    /// A program of the folder `peers`.
    pub(crate) fn peer(&self, name: &str) -> Fallible<Observer> {
        Observer::start(self.built(&format!("peers/release/{name}"))?, Vec::new(), stamped)
    }
}

fn run(command: &mut Command) -> Fallible<()> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("cannot run {command:?}: {error}"))?;
    status.success().then_some(()).ok_or_else(|| format!("{command:?} failed").into())
}

/// Numbers that nobody can foresee; which ones does not matter.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        Self(now().unsigned_abs() | 1)
    }

    /// The pace: sleeps for a time in this range.
    pub(crate) fn pause(&mut self, (least_ms, most_ms): (u64, u64)) {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        std::thread::sleep(Duration::from_micros(least_ms * 1_000 + self.0 % ((most_ms - least_ms) * 1_000)));
    }
}
