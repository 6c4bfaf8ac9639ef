//! A run of the core as it goes: recorded for `--trace`, and kept as lines for `--json`.
//!
//! It also keeps the counters that the kernel reported: the core's begin at zero with each link that comes up.
//!
//! A handle: clones share one journal, so that a driver can own one as its observer. A trace that cannot be
//! written is said once, at once; the run goes on, and ends with status 74 if nothing worse happened.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::rc::Rc;

use netsession_core::trace::{Query, answer};
use netsession_core::{Accepted, Identifier, Input, Instant, Manager, Output, Refused};
use netsession_io_linux::Observer;
use netsession_io_linux::trace::{Recorder, Saying};

use super::arguments::Common;
use super::complain;
use super::status::{Failure, Status};

/// What the core is told and says.
#[derive(Clone)]
pub(crate) struct Journal(Rc<RefCell<Pages>>);

struct Pages {
    trace: Option<(PathBuf, Recorder<BufWriter<File>>)>,
    told_of_error: bool,
    /// What was said and not printed, if it is to be printed.
    lines: Option<String>,
    counters: Counters,
}

/// Bytes received and sent by each link, as the kernel counts them.
pub(crate) type Counters = BTreeMap<Identifier, (u64, u64)>;

impl Journal {
    /// A journal as the command line wants it.
    ///
    /// # Errors
    /// The trace cannot be created.
    pub(crate) fn open(common: &Common) -> Result<Self, Failure> {
        let trace = common.trace.as_ref().map(|path| match File::create(path) {
            Ok(file) => Ok((path.clone(), Recorder::new(BufWriter::new(file)))),
            Err(error) => {
                let message = format!("cannot create the trace {}: {error}", path.display());
                Err(Failure::new(Status::NOT_WRITTEN, message))
            }
        });
        let lines = common.json.then(String::new);
        Ok(Self(Rc::new(RefCell::new(Pages {
            trace: trace.transpose()?,
            told_of_error: false,
            lines,
            counters: Counters::new(),
        }))))
    }

    /// Notes one thing that was said.
    pub(crate) fn note(&self, at: Instant, saying: &Saying<'_>) {
        let mut pages = self.0.borrow_mut();
        if let Saying::Input(Input::Counters { id, received, sent }) = saying {
            pages.counters.insert(id.clone(), (*received, *sent));
        }
        if let Some((_, recorder)) = &mut pages.trace {
            recorder.say(at, saying);
        }
        if let (Some(lines), true) = (&mut pages.lines, is_shown(saying)) {
            // Every word of the trace can be written as JSON.
            if let Ok(Some(line)) = saying.line(at) {
                lines.push_str(&line);
                lines.push('\n');
            }
        }
    }

    /// Asks a question and notes it with its answer, whose `view` line, with its end, this gives.
    pub(crate) fn ask(&self, manager: &Manager, query: &Query) -> String {
        self.note(manager.now(), &Saying::Query(query));
        self.note(manager.now(), &Saying::View(&answer(manager, query)));
        view(manager, query)
    }

    /// The latest counters that the kernel reported.
    pub(crate) fn counters(&self) -> Counters {
        self.0.borrow().counters.clone()
    }

    /// Takes the lines that were not printed yet.
    pub(crate) fn take_lines(&self) -> String {
        self.0.borrow_mut().lines.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Sends what was recorded on its way, and tells an error once.
    pub(crate) fn flush(&self) {
        if let Some(trouble) = self.flushed() {
            complain(&trouble);
        }
    }

    /// Sends what was recorded on its way. An error, once, in words.
    pub(crate) fn flushed(&self) -> Option<String> {
        let pages = &mut *self.0.borrow_mut();
        let (path, recorder) = pages.trace.as_mut()?;
        recorder.flush();
        let error = recorder.error().filter(|_| !pages.told_of_error)?;
        pages.told_of_error = true;
        let path = path.display();
        Some(format!("cannot write the trace {path}: {error}; going on without it, it ends there"))
    }

    /// Ends the trace. One that could not be written makes a good end a bad one.
    ///
    /// # Errors
    /// The one that the command ended with.
    pub(crate) fn end(&self, ended: Result<Status, Failure>) -> Result<Status, Failure> {
        self.flush();
        let lost = self.0.borrow().told_of_error;
        match ended {
            Ok(Status::DONE) | Err(Failure::OutputClosed) if lost => Ok(Status::NOT_WRITTEN),
            ended => ended,
        }
    }
}

impl Observer for Journal {
    fn input(&mut self, now: Instant, input: &Input) {
        self.note(now, &Saying::Input(input));
    }

    fn result(&mut self, now: Instant, result: &Result<Accepted, Refused>) {
        self.note(now, &Saying::Answer(result));
    }

    fn output(&mut self, now: Instant, output: &Output) {
        self.note(now, &Saying::Output(output));
    }
}

/// Whether `--json` prints it: what the core says, but not that it has nothing more to say.
const fn is_shown(saying: &Saying<'_>) -> bool {
    match saying {
        Saying::Output(Output::Idle { .. }) | Saying::Input(_) | Saying::Query(_) | Saying::View(_) => false,
        Saying::Output(Output::Effect(_) | Output::Event(_)) | Saying::Answer(_) => true,
    }
}

/// The `view` line of a configuration, with its end.
pub(crate) fn configuration(manager: &Manager, id: &Identifier) -> String {
    view(manager, &Query::Configuration(id.clone()))
}

/// The `view` line that answers a question, with its end.
pub(crate) fn view(manager: &Manager, query: &Query) -> String {
    let line = Saying::View(&answer(manager, query)).line(manager.now());
    line.ok().flatten().map(|line| line + "\n").unwrap_or_default()
}
