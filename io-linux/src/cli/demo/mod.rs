//! `netsession demo` and `netsession sim`: one story, told on the kernel or on the simulator.

mod edges;
mod kernel;
mod namespace;
mod netlink;
mod picture;
mod play;
mod simulator;
mod stage;
mod story;
mod streams;

use std::fs;

use self::kernel::{Kernel, Unavailable};
use self::picture::Picture;
use self::simulator::Simulator;
use self::stage::Stage;
use super::arguments::DemoArguments;
use super::complain;
use super::journal::Journal;
use super::output::Output;
use super::status::{Failure, Status};

/// Plays the story on kernel interfaces; where that is not allowed, says why, and plays the simulator's.
///
/// # Errors
/// The output or the trace cannot be written, or the kernel failed meanwhile.
pub(crate) fn on_the_kernel(arguments: &DemoArguments) -> Result<Status, Failure> {
    let journal = Journal::open(&arguments.common)?;
    match Kernel::build(&journal) {
        Ok(mut kernel) => tell(&mut kernel, &journal, arguments),
        Err(Unavailable::Failed(failure)) => Err(failure),
        Err(Unavailable::NotAllowed(doing, error)) => {
            complain(&format!("cannot {doing}: {error}"));
            complain("what may be the cause:");
            for cause in namespace::possible_causes() {
                complain(&format!("  {cause}"));
            }
            complain("so this is shown on the simulator, in virtual time");
            let told = tell(&mut Simulator::build(&journal), &journal, arguments)?;
            Ok(if told == Status::DONE { Status::NOT_PERMITTED } else { told })
        }
    }
}

/// Plays the story on the simulator.
///
/// # Errors
/// The output or the trace cannot be written.
pub(crate) fn on_the_simulator(arguments: &DemoArguments) -> Result<Status, Failure> {
    let journal = Journal::open(&arguments.common)?;
    tell(&mut Simulator::build(&journal), &journal, arguments)
}

fn tell(stage: &mut dyn Stage, journal: &Journal, arguments: &DemoArguments) -> Result<Status, Failure> {
    let mut output = Output::new(arguments.common.json);
    let mut picture = Picture::default();
    let place = stage.place();
    let told = journal.end(play::play(stage, journal, &mut output, &mut picture));
    let Some(path) = &arguments.svg else { return told };
    // However the story ended, it can be seen how far it went.
    let drawn = fs::write(path, picture.svg(place)).map_err(|error| {
        Failure::new(
            Status::NOT_WRITTEN,
            format_args!("cannot write the picture {}: {error}", path.display()),
        )
    });
    told.and_then(|status| drawn.map(|()| status))
}
