//! Scenes in the words of the trace, for tests that look at a part of what is said.

use std::io;

use netsession_core::{Instant, Manager};
use netsession_io_linux::replay::{Audience, replay};
use netsession_io_linux::trace::Saying;

/// The machine after a scene, and what it said to each input.
#[derive(Default)]
pub(crate) struct Played {
    pub(crate) manager: Manager,
    pub(crate) said: Vec<Vec<String>>,
}

impl Played {
    /// What it said to the last input.
    pub(crate) fn last(&self) -> &[String] {
        self.said.last().map_or(&[], Vec::as_slice)
    }
}

impl Audience for Played {
    fn on_input(&mut self, _at: Instant, _saying: &Saying<'_>) -> io::Result<()> {
        self.said.push(Vec::new());
        Ok(())
    }

    fn on_output(&mut self, _at: Instant, _saying: &Saying<'_>, line: &str) -> io::Result<()> {
        self.said.last_mut().expect("an input comes first").push(line.to_owned());
        Ok(())
    }

    fn on_rest(&mut self, _at: Instant, manager: &Manager) -> io::Result<()> {
        self.manager = manager.clone();
        Ok(())
    }

    fn on_end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Plays a scene: lines of a time and an input.
pub(crate) fn play(scene: &str) -> Played {
    let lines = scene.lines().filter_map(|line| line.trim().split_once(' '));
    let trace: String = lines.map(|(at, input)| format!("{{\"t\":{at},\"in\":{input}}}\n")).collect();
    let mut played = Played::default();
    replay(trace.as_bytes(), &mut played).unwrap_or_else(|error| panic!("{error} in\n{trace}"));
    played
}
