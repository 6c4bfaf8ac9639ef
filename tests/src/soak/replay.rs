//! What was said in a run: as a trace, and to a second manager.

use netsession_core::{Input, Instant, Manager, Output};
use netsession_io_linux::trace::Recorder;
use netsession_io_sim::{Record, World};

/// What was said, as a trace to replay.
#[must_use]
pub fn trace(records: &[(Instant, Record)]) -> String {
    let mut recorder = Recorder::new(Vec::new());
    for (at, record) in records {
        match record {
            Record::Input(input) => recorder.input(*at, input),
            Record::Result(result) => recorder.accepted(*at, result),
            Record::Output(output) => recorder.output(*at, output),
        }
    }
    recorder.finish().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// R-GEN-1: a second manager that is told the same says the same; R-GEN-2: even if its time goes back, as it
/// does here wherever the run's time stood still.
pub(super) fn same(world: &World) -> Result<(), String> {
    let mut manager = Manager::new();
    let mut records = world.records().iter();
    while let Some((at, record)) = records.next() {
        let Record::Input(input) = record else {
            return Err(format!("R-GEN-1: the replay says more at {at} than {record}"));
        };
        replay_input(&mut manager, *at, input, &mut records)?;
    }
    Ok(())
}

fn replay_input<'a>(
    manager: &mut Manager,
    at: Instant,
    input: &Input,
    records: &mut impl Iterator<Item = &'a (Instant, Record)>,
) -> Result<(), String> {
    let differs = |got: &Record, expected: Option<&(Instant, Record)>| {
        let expected = expected.map(|(_, record)| record.to_string());
        format!("R-GEN-1: the replay says {got} at {at} where the run said {expected:?}")
    };
    let said_at = if at > manager.now() { at } else { Instant::from_nanos(at.as_nanos() / 2) };
    let result = Record::Result(manager.handle_input(said_at, input.clone()));
    let expected = records.next();
    if expected.map(|(_, record)| record) != Some(&result) {
        return Err(differs(&result, expected));
    }
    loop {
        let output = manager.poll_output();
        let last = matches!(output, Output::Idle { .. });
        let output = Record::Output(output);
        let expected = records.next();
        if expected.map(|(_, record)| record) != Some(&output) {
            return Err(differs(&output, expected));
        }
        if last {
            return Ok(());
        }
    }
}
