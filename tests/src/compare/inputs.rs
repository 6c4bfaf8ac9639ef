//! Inputs from anywhere, said to both; and how a difference is told.

use std::fmt;
use std::time::Duration;

use netsession_core::{Input, Instant};
use netsession_io_linux::trace::Recorder;
use netsession_io_sim::Record;

use super::{Deviation, Difference, Pair};

/// What is said, and when.
pub type Inputs = Vec<(Instant, Input)>;

/// A run in which the core and the model come apart.
#[derive(Clone)]
#[non_exhaustive]
pub struct Apart {
    /// Where, and what each says.
    pub difference: Difference,
    /// All that was said until then.
    pub inputs: Inputs,
    /// The same, and what the core said, as a trace to replay.
    pub trace: String,
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.trace, self.difference)
    }
}

/// The inputs of a run.
#[must_use]
pub fn inputs_of<'a>(records: impl IntoIterator<Item = &'a (Instant, Record)>) -> Inputs {
    let input = |(at, record): &(Instant, Record)| match record {
        Record::Input(input) => Some((*at, input.clone())),
        Record::Result(_) | Record::Output(_) => None,
    };
    records.into_iter().filter_map(input).collect()
}

impl Apart {
    /// The deviation that covers this difference, if there is one.
    #[must_use]
    pub fn excuse(&self) -> Option<Deviation> {
        let is_nothing = |span: Option<Duration>| span == Some(Duration::ZERO);
        let has_one = |(_, input): &(Instant, Input)| {
            if let Input::Config(config) = input {
                config.stop_timeout.is_zero() || config.retry_after.is_zero()
            } else if let Input::Add(add) = input {
                is_nothing(add.settings.retry_after.flatten())
            } else if let Input::Change(change) = input {
                is_nothing(change.settings.retry_after.flatten())
            } else {
                false
            }
        };
        self.inputs.iter().any(has_one).then_some(Deviation::SpansOfNothing)
    }

    /// What it has in common with others that have the same cause: what only one of both says, without numbers.
    #[must_use]
    pub fn kind(&self) -> String {
        self.difference.kind()
    }

    pub(super) fn new(difference: Box<Difference>, records: &[(Instant, Record)]) -> Box<Self> {
        let mut recorder = Recorder::new(Vec::new());
        for (at, record) in records {
            match record {
                Record::Input(input) => recorder.input(*at, input),
                Record::Result(result) => recorder.accepted(*at, result),
                Record::Output(output) => recorder.output(*at, output),
            }
        }
        let trace = recorder.finish().unwrap_or_default();
        let trace = String::from_utf8_lossy(&trace).into_owned();
        Box::new(Self { difference: *difference, inputs: inputs_of(records), trace })
    }
}

/// Says all this to both.
///
/// # Errors
/// The first difference.
pub fn tell(inputs: &[(Instant, Input)]) -> Result<Pair, Box<Apart>> {
    let mut pair = Pair::new();
    let mut records = Vec::new();
    for (at, input) in inputs {
        records.push((*at, Record::Input(input.clone())));
        let answer = pair.handle_input(*at, input);
        let (result, outputs) = answer.as_ref().unwrap_or_else(|difference| &difference.core);
        records.push((*at, Record::Result(result.clone())));
        records.extend(outputs.iter().map(|output| (*at, Record::Output(output.clone()))));
        let _ = answer.map_err(|difference| Apart::new(difference, &records))?;
    }
    Ok(pair)
}

/// A run in which they come apart in the same way, in fewer inputs: as many as can be are left out.
#[must_use]
pub fn shortened(apart: Box<Apart>) -> Box<Apart> {
    let kind = apart.kind();
    let mut shortest = apart;
    let mut width = shortest.inputs.len();
    while width > 0 {
        let mut from = 0;
        while from < shortest.inputs.len() {
            let mut fewer = shortest.inputs.clone();
            drop(fewer.drain(from..(from + width).min(fewer.len())));
            match tell(&fewer) {
                Err(apart) if apart.kind() == kind => shortest = apart,
                Ok(_) | Err(_) => from += width,
            }
        }
        width /= 2;
    }
    shortest
}
