//! `netsession demo` and `netsession sim`: one story, told on the kernel or on the simulator.

mod kernel;
mod namespace;
mod netlink;
mod simulator;
mod stage;
mod story;

use self::kernel::{Kernel, Unavailable};
use self::simulator::Simulator;
use self::stage::Stage;
use super::arguments::Common;
use super::complain;
use super::journal::Journal;
use super::output::Output;
use super::status::{Failure, Status};

/// Plays the story on kernel interfaces; where that is not allowed, says why, and plays the simulator's.
///
/// # Errors
/// The output or the trace cannot be written, or the kernel failed meanwhile.
pub(crate) fn on_the_kernel(common: &Common) -> Result<Status, Failure> {
    let journal = Journal::open(common)?;
    match Kernel::build(&journal) {
        Ok(mut kernel) => tell(&mut kernel, &journal, common),
        Err(Unavailable::Failed(failure)) => Err(failure),
        Err(Unavailable::NotAllowed(doing, error)) => {
            complain(&format!("cannot {doing}: {error}"));
            complain("what may be the cause:");
            for cause in namespace::possible_causes() {
                complain(&format!("  {cause}"));
            }
            complain("so this is shown on the simulator, in virtual time");
            let told = tell(&mut Simulator::build(&journal), &journal, common)?;
            Ok(if told == Status::DONE { Status::NOT_PERMITTED } else { told })
        }
    }
}

/// Plays the story on the simulator.
///
/// # Errors
/// The output or the trace cannot be written.
pub(crate) fn on_the_simulator(common: &Common) -> Result<Status, Failure> {
    let journal = Journal::open(common)?;
    tell(&mut Simulator::build(&journal), &journal, common)
}

fn tell(stage: &mut dyn Stage, journal: &Journal, common: &Common) -> Result<Status, Failure> {
    let mut output = Output::new(common.json);
    journal.end(story::play(stage, journal, &mut output))
}
