//! `netsession replay`: a trace fed to a fresh core.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use netsession_core::{Instant, Manager};
use netsession_io_linux::explain::Explainer;
use netsession_io_linux::replay::{Audience, Outcome, ReplayError, Transcript, replay};
use netsession_io_linux::trace::Saying;

use super::arguments::ReplayArguments;
use super::complain;
use super::journal::Journal;
use super::status::{Failure, Status};

/// Replays a trace, prints what the core says, and compares where there is something to compare.
///
/// # Errors
/// The trace cannot be read or has a bad line, or the output cannot be written.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<Status, Failure> {
    let input = open(&arguments.file)?;
    if let Some(trace) = &arguments.common.trace {
        refuse_to_overwrite("--trace", &arguments.file, trace)?;
    }
    if let Some(page) = &arguments.html {
        refuse_to_overwrite("--html", &arguments.file, page)?;
    }
    let journal = Journal::open(&arguments.common)?;
    let output = BufWriter::new(io::stdout().lock());
    let (path, journal) = (&arguments.file, &journal);
    journal.end(if let Some(page) = &arguments.html {
        draw(path, input, journal, page)
    } else if arguments.explain {
        play(path, input, &mut Recorded { journal, shown: Explainer::new(output) })
    } else {
        play(path, input, &mut Recorded { journal, shown: Transcript(output) })
    })
}

/// Writes the page when the trace has ended, so that none stands for a part of it.
fn draw(path: &Path, input: impl BufRead, journal: &Journal, page: &Path) -> Result<Status, Failure> {
    let mut recorded = Recorded { journal, shown: Explainer::timeline() };
    let ended = play(path, input, &mut recorded)?;
    let title = name(path).to_string();
    if page.as_os_str() == "-" {
        let output = BufWriter::new(io::stdout().lock());
        recorded.shown.write(&title, output).map_err(|error| Failure::writing(&error))?;
    } else {
        let written = File::create(page).and_then(|file| recorded.shown.write(&title, BufWriter::new(file)));
        written.map_err(|error| {
            Failure::new(
                Status::NOT_WRITTEN,
                format_args!("cannot write the page {}: {error}", page.display()),
            )
        })?;
    }
    Ok(ended)
}

/// Opens a trace; - is standard input.
///
/// # Errors
/// There is none.
pub(crate) fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => {
            Err(Failure::new(Status::USAGE, format_args!("cannot open {}: {error}", path.display())))
        }
    }
}

/// Recording into the file that is replayed would empty it before it is read.
fn refuse_to_overwrite(option: &str, path: &Path, written: &Path) -> Result<(), Failure> {
    let path = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
    // What does not exist yet, or is no file, holds nothing that could be lost.
    let (Ok(read), Ok(target)) = (path.metadata(), written.metadata()) else { return Ok(()) };
    if !read.is_file() || (read.dev(), read.ino()) != (target.dev(), target.ino()) {
        return Ok(());
    }
    let message = format!("{option} {} is the file to be replayed; give it another name", written.display());
    Err(Failure::new(Status::USAGE, message))
}

fn play(path: &Path, input: impl BufRead, audience: &mut impl Audience) -> Result<Status, Failure> {
    match replay(input, audience) {
        Ok(Outcome::Agrees { .. }) => Ok(Status::DONE),
        Ok(Outcome::Differs(difference)) => {
            complain(&format!("{}: {difference}", name(path)));
            Ok(Status::DIFFERENT)
        }
        Err(ReplayError::Write(error)) => Err(Failure::writing(&error)),
        Err(error) => Err(Failure::new(Status::USAGE, format_args!("{}: {error}", name(path)))),
    }
}

/// What a trace is called.
pub(crate) fn name(path: &Path) -> std::path::Display<'_> {
    if path.as_os_str() == "-" { Path::new("standard input") } else { path }.display()
}

/// An audience whose evening is recorded.
struct Recorded<'a, A> {
    journal: &'a Journal,
    shown: A,
}

impl<A: Audience> Audience for Recorded<'_, A> {
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()> {
        self.journal.note(at, saying);
        self.shown.on_input(at, saying)
    }

    fn on_output(&mut self, at: Instant, saying: &Saying<'_>, line: &str) -> io::Result<()> {
        self.journal.note(at, saying);
        self.shown.on_output(at, saying, line)
    }

    fn on_rest(&mut self, at: Instant, manager: &Manager) -> io::Result<()> {
        self.shown.on_rest(at, manager)
    }

    fn on_end(&mut self) -> io::Result<()> {
        self.shown.on_end()
    }
}
