//! Reading tables of a file, key by key, with the place of everything that is wrong.
//!
//! What is wrong is collected, not returned: reading goes on with what is right, so that a file is told all its
//! faults at once.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeArray, DeInteger, DeTable, DeValue};

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong, and what was meant.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// All that is wrong with a text, in its order; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// Bytes of the text.
pub(super) type Span = Range<usize>;

/// The text, and what is wrong with it so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    faults: Vec<Fault>,
    /// Where the text is no TOML.
    broken: Vec<Fault>,
}

/// A table of the text.
pub(super) struct Section<'d> {
    /// As messages name it: `[access-point.office]`.
    pub(super) name: String,
    /// Where it begins.
    pub(super) span: Span,
    entries: &'d DeTable<'d>,
}

/// A key of a table with its value.
#[derive(Clone)]
pub(super) struct Entry<'d> {
    pub(super) key: &'d str,
    pub(super) key_span: Span,
    pub(super) value: &'d DeValue<'d>,
    pub(super) span: Span,
}

/// A value that was read, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

impl<'t> Reader<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, faults: Vec::new(), broken: Vec::new() }
    }

    /// The whole document. What is no TOML is a fault; the rest is there all the same.
    pub(super) fn document(&mut self) -> Spanned<DeTable<'t>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let end = self.text.len();
            let span = error.span().unwrap_or(end..end);
            let there = self.text.get(span.clone()).unwrap_or_default();
            let message = match error.message() {
                "duplicate key" => format!("{there} stands here a second time; leave one of them out"),
                _ if there.is_empty() && span.start > 0 && error.message().starts_with("string values") => {
                    "there is no value".to_owned()
                }
                message if message.starts_with("string values must be quoted") => {
                    format!("a text stands in quotes; did you mean {there:?}?")
                }
                message => message.to_owned(),
            };
            let fault = self.at(&span, message);
            self.broken.push(fault);
        }
        document
    }

    pub(super) fn fault(&mut self, span: Span, message: impl Into<String>) {
        let fault = self.at(&span, message.into());
        self.faults.push(fault);
    }

    fn at(&self, span: &Span, message: String) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        Fault { line, column, message }
    }

    pub(super) fn end(mut self) -> Result<(), Faults> {
        let lines: Vec<&str> = self.text.lines().collect();
        let is_heading =
            |fault: &&Fault| lines.get(fault.line - 1).is_some_and(|line| line.trim_start().starts_with('['));
        // Behind a heading that cannot be read everything seems to be in a wrong place.
        let astray = self.broken.iter().filter(is_heading).map(|fault| fault.line).min();
        // What is no TOML may look wrong a second time in what could be read of it.
        let is_broken = |line: usize| self.broken.iter().any(|fault| fault.line == line);
        let is_sound = |fault: &Fault| !is_broken(fault.line) && astray.is_none_or(|line| fault.line < line);
        // And what seems to be missing from a table may be there.
        let may_be_missing = |fault: &Fault| !self.broken.is_empty() && is_heading(&fault);
        self.faults.retain(|fault| is_sound(fault) && !may_be_missing(fault));
        self.faults.append(&mut self.broken);
        self.faults.sort();
        if self.faults.is_empty() { Ok(()) } else { Err(Faults(self.faults)) }
    }

    /// A table that may have these keys and no others.
    pub(super) fn section<'d>(
        &mut self,
        name: String,
        entry: &Entry<'d>,
        known: &[&str],
    ) -> Option<Section<'d>> {
        let DeValue::Table(entries) = entry.value else {
            self.fault(entry.span.clone(), format!("{name} is a table, not {}", words_of(entry.value)));
            return None;
        };
        let section = Section { name, span: entry.key_span.clone(), entries };
        for entry in section.entries().filter(|entry| !known.contains(&entry.key)) {
            let hint = match (meant(entry.key, known), super::check::table_with(entry.key)) {
                (hint, Some(tables)) if !hint.ends_with('?') => format!("it belongs to {tables}"),
                (hint, _) => hint,
            };
            let message = format!("{} has no key {:?}; {hint}", section.name, entry.key);
            self.fault(entry.key_span, message);
        }
        Some(section)
    }

    pub(super) fn text<'d>(&mut self, section: &Section<'d>, key: &str) -> Option<Placed<&'d str>> {
        let entry = section.get(key)?;
        let what = format!("{} {key}", section.name);
        self.text_of(&entry, &what)
    }

    fn text_of<'d>(&mut self, entry: &Entry<'d>, what: &str) -> Option<Placed<&'d str>> {
        let problem = match entry.value.as_str() {
            Some("") => format!("{what} is empty"),
            Some(text) if text.contains(char::is_control) => format!("{what} has a control character in it"),
            Some(text) => return Some(Placed { value: text, span: entry.span.clone() }),
            None => format!("{what} is a text in quotes, not {}", words_of(entry.value)),
        };
        self.fault(entry.span.clone(), problem);
        None
    }

    /// A list of texts, which may not repeat.
    pub(super) fn texts<'d>(&mut self, section: &Section<'d>, key: &str) -> Option<Vec<Placed<&'d str>>> {
        let entry = section.get(key)?;
        let what = format!("{} {key}", section.name);
        let DeValue::Array(items) = entry.value else {
            let mut message = format!("{what} is a list, not {}", words_of(entry.value));
            if let DeValue::String(text) = entry.value {
                message.push_str(&format!("; did you mean [{text:?}]?"));
            }
            self.fault(entry.span, message);
            return None;
        };
        Some(self.items(items, &what))
    }

    fn items<'d>(&mut self, items: &'d DeArray<'d>, what: &str) -> Vec<Placed<&'d str>> {
        let mut texts: Vec<Placed<&'d str>> = Vec::new();
        for item in items.iter() {
            let entry = Entry { key: "", key_span: item.span(), value: item.get_ref(), span: item.span() };
            let Some(text) = self.text_of(&entry, &format!("what is in {what}")) else { continue };
            if texts.iter().any(|other| other.value == text.value) {
                self.fault(text.span, format!("{what} has {:?} twice", text.value));
            } else {
                texts.push(text);
            }
        }
        texts
    }

    pub(super) fn flag(&mut self, section: &Section<'_>, key: &str) -> Option<bool> {
        let entry = section.get(key)?;
        if let DeValue::Boolean(flag) = entry.value {
            return Some(*flag);
        }
        let hint = match entry.value.as_str() {
            Some("true" | "yes" | "on" | "1") => "; did you mean true, without quotes?",
            Some("false" | "no" | "off" | "0") => "; did you mean false, without quotes?",
            Some(_) | None => "",
        };
        let message = format!("{} {key} is true or false, not {}{hint}", section.name, words_of(entry.value));
        self.fault(entry.span, message);
        None
    }

    /// A whole number.
    pub(super) fn number(
        &mut self,
        section: &Section<'_>,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Option<Placed<u64>> {
        let entry = section.get(key)?;
        let value = entry.value.as_integer().and_then(value_of).filter(|value| range.contains(value));
        if let Some(value) = value {
            return Some(Placed { value, span: entry.span });
        }
        let text = entry.value.as_str().unwrap_or_default();
        let hint = match milliseconds_in(text).filter(|_| key.ends_with("_ms")) {
            Some(milliseconds) => format!("; did you mean {milliseconds}?"),
            None if text.parse::<u64>().is_ok() => format!("; did you mean {text}, without quotes?"),
            None => String::new(),
        };
        let unit = if key.ends_with("_ms") { " of milliseconds" } else { "" };
        let (name, found) = (&section.name, words_of(entry.value));
        let (least, most) = (range.start(), range.end());
        let message =
            format!("{name} {key} is a whole number{unit} from {least} to {most}, not {found}{hint}");
        self.fault(entry.span, message);
        None
    }

    pub(super) fn milliseconds(&mut self, section: &Section<'_>, key: &str) -> Option<Duration> {
        // A hundred years: a number above that is a mistake.
        const LONGEST_MS: u64 = 100 * 366 * 24 * 3600 * 1000;
        self.number(section, key, 0..=LONGEST_MS).map(|number| Duration::from_millis(number.value))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        words: &[(&str, T)],
        also: &[(&str, &str)],
    ) -> Option<T> {
        let text = self.text(section, key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let alias = also.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value));
        let hint = alias.map_or_else(|| meant(text.value, &known), |(_, word)| did_you_mean(word));
        let list = known.join(", ");
        let all = if hint.ends_with('?') { format!(" It is one of {list}") } else { String::new() };
        self.fault(text.span, format!("{} {key} cannot be {:?}; {hint}{all}", section.name, text.value));
        None
    }
}

impl<'d> Section<'d> {
    pub(super) fn of_document(document: &'d Spanned<DeTable<'d>>) -> Self {
        Self { name: "the file".to_owned(), span: 0..0, entries: document.get_ref() }
    }

    /// The table that is the value of a key.
    pub(super) fn of(entry: &Entry<'d>) -> Option<Self> {
        let DeValue::Table(entries) = entry.value else { return None };
        Some(Self { name: entry.key.to_owned(), span: entry.key_span.clone(), entries })
    }

    pub(super) fn get(&self, key: &str) -> Option<Entry<'d>> {
        self.entries().find(|entry| entry.key == key)
    }

    /// Whether the value of a key is a list with nothing in it.
    pub(super) fn has_empty_list(&self, key: &str) -> bool {
        self.get(key).and_then(|entry| entry.value.as_array()).is_some_and(|list| list.is_empty())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// In the order of the text.
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry<'d>> + use<'d> {
        let mut entries: Vec<Entry<'d>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref(),
                key_span: key.span(),
                value: value.get_ref(),
                span: value.span(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        entries.into_iter()
    }
}

/// What the words are that this one may have been meant to be.
pub(super) fn meant(word: &str, known: &[&str]) -> String {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let distance = |other: &str| strsim::osa_distance(&plain(word), &plain(other));
    let nearest = known.iter().min_by_key(|other| distance(other));
    // A word of which more than a third is wrong is another word; one that has the unit left out is meant.
    let is_near = |other: &&&str| {
        distance(other) * 3 <= word.chars().count() || other.trim_end_matches("_ms") == plain(word)
    };
    match nearest.filter(is_near) {
        Some(nearest) => did_you_mean(nearest),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("it is one of {}", known.join(", ")),
    }
}

pub(super) fn did_you_mean(word: &str) -> String {
    format!("did you mean {word:?}?")
}

/// A value as a message names it.
fn words_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn value_of(number: &DeInteger<'_>) -> Option<u64> {
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// `30s`, `500 ms`, `5 min`: what people write.
fn milliseconds_in(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "ms" => 1,
        "s" | "sec" => 1000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}
