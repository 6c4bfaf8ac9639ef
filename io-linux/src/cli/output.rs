//! Standard output: text with colours on a terminal, or JSON lines.
//!
//! Every write answers with a [`Failure`]; a reader that went away ends the program quietly.

use std::fmt::Display;
use std::io::{self, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};

use super::status::Failure;

/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Bad news.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// On its way.
pub(crate) const BUSY: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(crate) const HEADING: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Standard output. Styles are stripped where they are not wanted.
pub(crate) struct Output {
    stream: AutoStream<io::StdoutLock<'static>>,
    json: bool,
}

impl Output {
    /// Writes text, or JSON lines.
    pub(crate) fn new(json: bool) -> Self {
        Self { stream: AutoStream::auto(io::stdout().lock()), json }
    }

    /// Whether JSON lines were asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one line.
    ///
    /// # Errors
    /// Nobody reads it, or it cannot be written.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        self.text(format_args!("{line}\n"))
    }

    /// Writes text that may be many lines, at once.
    ///
    /// # Errors
    /// Nobody reads it, or it cannot be written.
    pub(crate) fn text(&mut self, text: impl Display) -> Result<(), Failure> {
        let text = text.to_string();
        let written = self.stream.write_all(text.as_bytes()).and_then(|()| self.stream.flush());
        written.map_err(|error| Failure::writing(&error))
    }
}

/// Text in a style; stripped again by [`Output`] where styles are not wanted.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
