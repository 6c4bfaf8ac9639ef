//! Traces: a run of the machine as JSON Lines, to be written down and read again.
//!
//! [`Reader`] yields the lines of a trace and stops at the first bad one, which [`BadLine`] describes.
//! [`Recorder`] writes the lines of a run. What it writes, [`Reader`] reads; and where every input was
//! followed by all that the machine said to it, [`replay`](crate::replay::replay) finds the same.
//!
//! Times are milliseconds with up to six decimals. They are never held as floats.

mod reader;
mod recorder;

use std::io;

use netsession_core::trace::{Query, View};
use netsession_core::{Accepted, Input, Instant, Output, Refused, Wake};
use serde::Serialize;

pub(crate) use reader::parse;
pub use reader::{BadLine, Line, Reader, Said, TraceError, Word};
pub use recorder::Recorder;

/// One thing that is said to the machine or by it: a line to be written.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the four kinds of line, outputs by what they answer")]
pub enum Saying<'a> {
    /// Said to the machine.
    Input(&'a Input),
    /// Its answer.
    Answer(&'a Result<Accepted, Refused>),
    /// What it says.
    Output(&'a Output),
    /// Asked of it.
    Query(&'a Query),
    /// Its answer.
    View(&'a Result<View<'a>, Refused>),
}

impl Saying<'_> {
    /// The line of the trace that says it, without its end; `None` where nothing needs to be said.
    ///
    /// # Errors
    /// None that is known: all words of the trace can be written as JSON.
    pub fn line(&self, at: Instant) -> io::Result<Option<String>> {
        let words = match self {
            Self::Input(input) => words("in", input),
            Self::Answer(Ok(Accepted::Done)) => return Ok(None),
            Self::Answer(Ok(Accepted::Session(session))) => {
                words("out", &Out::Made(Made::Session(session.number())))
            }
            Self::Answer(Ok(Accepted::Update(token))) => words("out", &Out::Made(Made::Update(token.0))),
            Self::Answer(Err(refused)) | Self::View(Err(refused)) => {
                words("out", &Out::Refused { why: refused.word() })
            }
            Self::Output(Output::Effect(effect)) => words("out", &Out::Effect(effect)),
            Self::Output(Output::Event(event)) => words("out", &Out::Event(event)),
            Self::Output(Output::Idle { wake }) => Ok(idle(*wake)),
            Self::Query(query) => words("query", query),
            Self::View(Ok(view)) => words("view", view),
        }?;
        Ok(Some(format!(r#"{{"t":{at},{words}}}"#)))
    }
}

fn words(kind: &str, body: &impl Serialize) -> io::Result<String> {
    Ok(format!(r#""{kind}":{}"#, serde_json::to_string(body)?))
}

/// Written by hand: serde has no decimal numbers but floats.
fn idle(wake: Option<Wake>) -> String {
    match wake {
        Some(Wake { at, why }) => format!(r#""out":{{"idle":{{"wake":{at},"why":"{why}"}}}}"#),
        None => r#""out":{"idle":{"wake":null,"why":null}}"#.to_owned(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Out<'a> {
    Made(Made),
    Refused { why: &'static str },
    Effect(&'a netsession_core::Effect),
    Event(&'a netsession_core::Event),
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Made {
    Session(u64),
    Update(u64),
}
