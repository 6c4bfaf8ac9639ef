//! A machine under test: says one thing at a time and takes down all that it says.

use std::time::Duration;

use netsession_core::{
    Accepted, Input, Instant, LinkState, Manager, Observation, Output, Refused, SessionId,
};

/// A manager and the outputs of the last input.
#[derive(Clone, Default)]
pub(crate) struct Machine {
    pub(crate) manager: Manager,
    pub(crate) said: Vec<Output>,
}

impl Machine {
    /// A machine with the first population behind it.
    pub(crate) fn with(population: impl IntoIterator<Item = Input>) -> Self {
        let mut machine = Self::default();
        for input in population {
            machine.take(0, input).expect("the population is fine");
        }
        machine.take(0, Input::Tick {}).expect("time may pass");
        machine
    }

    /// Says one thing at this time, and drains the outputs into `said`.
    pub(crate) fn take(&mut self, at_ms: u64, input: Input) -> Result<Accepted, Refused> {
        self.take_at(Instant::from_millis(at_ms), input)
    }

    /// The same, to the nanosecond.
    pub(crate) fn take_at(&mut self, at: Instant, input: Input) -> Result<Accepted, Refused> {
        let answer = self.manager.handle_input(at, input);
        self.said.clear();
        loop {
            let output = self.manager.poll_output();
            let done = matches!(output, Output::Idle { .. });
            self.said.push(output);
            if done {
                return answer;
            }
        }
    }

    /// Makes a session.
    pub(crate) fn session(&mut self, at_ms: u64, on: &str) -> SessionId {
        match self.take(at_ms, Input::Session { on: on.into() }) {
            Ok(Accepted::Session(session)) => session,
            other => panic!("a session on {on:?} was answered with {other:?}"),
        }
    }

    /// Reports a level without an interface.
    pub(crate) fn observe(&mut self, at_ms: u64, id: &str, link: LinkState) {
        self.take(at_ms, Input::Observed(Observation::new(id, link))).expect("a level is accepted");
    }

    /// The deadline of the last `Idle`, from the origin.
    pub(crate) fn wake(&self) -> Option<Duration> {
        match self.said.last() {
            Some(Output::Idle { wake }) => wake.map(|wake| wake.at.saturating_since(Instant::ZERO)),
            other => panic!("the last output is no Idle, but {other:?}"),
        }
    }
}
