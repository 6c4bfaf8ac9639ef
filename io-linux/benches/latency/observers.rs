//! Who is told of changes: programs that print a line for each, with the time at which they were told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use netsession_core::{Changes, ConfigurationState, Event};
use netsession_io_linux::Driver;

use crate::world::{Fallible, now};

/// A program has told something, or is ready to.
pub(crate) enum Heard {
    Ready,
    Told(i64, String),
}

/// A program that runs, and those that it needs.
pub(crate) struct Observer {
    /// In the order in which they are ended.
    children: Vec<Child>,
    heard: Receiver<Heard>,
    /// After what must outlive them.
    told: Vec<(i64, String)>,
}

impl Observer {
    /// Starts a program whose lines `read` understands, and returns when it is ready.
    pub(crate) fn start(
        mut command: Command,
        needed: Vec<Child>,
        read: impl FnMut(&str) -> Option<Heard> + Send + 'static,
    ) -> Fallible<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("cannot run {command:?}: {error}"))?;
        let output = child.stdout.take().ok_or("no output")?;
        let (sender, heard) = channel();
        std::thread::spawn(move || listen(output, &sender, read));
        let mut children = vec![child];
        children.extend(needed);
        let mut observer = Self { children, heard, told: Vec::new() };
        while let Heard::Told(at, what) = observer
            .heard
            .recv_timeout(Duration::from_secs(20))
            .map_err(|_| format!("{command:?} does not get ready"))?
        {
            observer.told.push((at, what));
        }
        Ok(observer)
    }

    /// What was told so far, from the last such call on.
    pub(crate) fn told(&mut self) -> Vec<(i64, String)> {
        let mut told = std::mem::take(&mut self.told);
        told.extend(self.heard.try_iter().filter_map(|it| match it {
            Heard::Ready => None,
            Heard::Told(at, what) => Some((at, what)),
        }));
        told
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn listen(output: ChildStdout, sender: &Sender<Heard>, mut read: impl FnMut(&str) -> Option<Heard>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        if let Some(heard) = read(&line)
            && sender.send(heard).is_err()
        {
            return;
        }
    }
}

/// Lines of programs that stamp what they are told.
pub(crate) fn stamped(line: &str) -> Option<Heard> {
    if line == "ready" {
        return Some(Heard::Ready);
    }
    let (at, what) = line.split_once(' ')?;
    Some(Heard::Told(at.parse().ok()?, what.to_owned()))
}

/// Lines of `netsession monitor --json`, which carry no time that others could compare: taken when they are here.
pub(crate) fn program(line: &str) -> Option<Heard> {
    let at = now();
    let told = |what: &str| Some(Heard::Told(at, what.to_owned()));
    if line.contains("\"view\":{\"online\"") {
        return Some(Heard::Ready);
    }
    let (_, event) = line.split_once("{\"event\":{\"")?;
    if event.starts_with("configuration_changed\":{\"id\":\"near\"") {
        // The only address: without it the link is not Active.
        told(if event.contains("\"state\":\"active\"") { "up address" } else { "down address" })
    } else if event.starts_with("configuration_added") {
        told("new")
    } else if event.starts_with("configuration_removed") {
        told("gone")
    } else {
        None
    }
}

/// This project as a library: a session on `near`, opened again whenever it can be.
pub(crate) fn observe() -> Fallible<()> {
    let driver = Driver::new()?;
    let session = driver.session(&driver.find("near")?);
    session.open();
    println!("ready");
    let tell = |at, what| println!("{at} {what}");
    for event in driver.events() {
        let (at, event) = (now(), event?);
        if let Event::Closed { .. } = event {
            tell(at, "down");
        } else if let Event::ConfigurationChanged { id, state, changed } = &event
            && **id == *"near"
        {
            if changed.contains(Changes::STATE) && *state == ConfigurationState::Active {
                tell(at, "up");
                session.open();
            }
            // The only address: without it the link is not Active.
            tell(at, "address");
        } else if let Event::ConfigurationAdded { .. } = event {
            tell(at, "new");
        } else if let Event::ConfigurationRemoved { .. } = event {
            tell(at, "gone");
        }
    }
    Ok(())
}
