//! Reads a trace line by line, and says of a bad line what is wrong with it.

use std::fmt;
use std::io::{self, BufRead};

use netsession_core::trace::Query;
use netsession_core::{Input, Instant};
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// A line of a trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// Its number in the file, counted from 1.
    pub number: u64,
    /// Its time.
    pub at: Instant,
    /// What it says.
    pub word: Word,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the four kinds of line")]
pub enum Word {
    /// Said to the machine.
    In(Input),
    /// Said by the machine.
    Out(Said),
    /// Asked of the machine.
    Query(Query),
    /// Answered by the machine.
    View(Said),
}

/// What a machine said, as JSON: its meaning is not looked at, so any later vocabulary can be read.
#[derive(Clone, Debug)]
pub struct Said {
    /// The whole line as it stands.
    pub text: String,
    value: Value,
    // JSON's numbers would become floats.
    wake: Option<Instant>,
}

/// By value: spaces and the order of fields do not count.
impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        (&self.value, self.wake) == (&other.value, other.wake)
    }
}

/// Why a trace could not be read on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// A line is not what a trace has.
    #[error(transparent)]
    Bad(#[from] BadLine),
    /// The file could not be read.
    #[error("line {line} could not be read: {source}")]
    Read {
        /// The line that was to be read.
        line: u64,
        /// Why not.
        source: io::Error,
    },
}

/// A line that is not what a trace has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
#[non_exhaustive]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// What is wrong, where in the line, and what was expected.
    pub what: String,
}

impl BadLine {
    /// What is quoted from the line may hold anything: it is shown on one line, and does nothing to a terminal.
    pub(crate) fn new(line: u64, what: impl AsRef<str>) -> Self {
        let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        Self { line, what: what.as_ref().chars().map(shown).collect() }
    }
}

/// Reads a trace. Blank lines, and those that begin with `#`, are skipped; it ends at the first error.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    number: u64,
    latest: Instant,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`.
    pub const fn new(input: R) -> Self {
        Self { input, number: 0, latest: Instant::ZERO, ended: false }
    }

    fn read_line(&mut self) -> Result<Option<Line>, TraceError> {
        let mut bytes = Vec::new();
        loop {
            self.number += 1;
            bytes.clear();
            let read = self.input.read_until(b'\n', &mut bytes);
            if read.map_err(|source| TraceError::Read { line: self.number, source })? == 0 {
                return Ok(None);
            }
            let text = str::from_utf8(&bytes)
                .map_err(|error| BadLine::new(self.number, format!("not UTF-8 text: {error}")))?
                .trim();
            if !text.is_empty() && !text.starts_with('#') {
                let (at, word) = parse(text).map_err(|what| BadLine::new(self.number, what))?;
                self.advance(at)?;
                return Ok(Some(Line { number: self.number, at, word }));
            }
        }
    }

    fn advance(&mut self, at: Instant) -> Result<(), BadLine> {
        if at < self.latest {
            let what = format!("t: time goes back to {at} after {}; expected no earlier time", self.latest);
            return Err(BadLine::new(self.number, what));
        }
        self.latest = at;
        Ok(())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let line = self.read_line().transpose();
        self.ended = !matches!(line, Some(Ok(_)));
        line
    }
}

/// The time and the word of a line; an error says where and what.
pub(crate) fn parse(text: &str) -> Result<(Instant, Word), String> {
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => without_position(&error),
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => {
            format!(
                "not JSON: {} at column {}; expected one object",
                without_position(&error),
                error.column()
            )
        }
    })?;
    let at = milliseconds(parts.t.get()).map_err(|what| format!("t: {what}"))?;
    let word = match parts.kind {
        Kind::In => Word::In(body("in", parts.body)?),
        Kind::Query => Word::Query(body("query", parts.body)?),
        Kind::Out => Word::Out(Said::read(text, parts.body)?),
        Kind::View => Word::View(Said::read(text, parts.body)?),
    };
    Ok((at, word))
}

/// Reads what is behind `in` or `query`; an error names the way to what is wrong.
fn body<T: DeserializeOwned>(kind: &str, body: &RawValue) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_str(body.get());
    let read = serde_path_to_error::deserialize(&mut deserializer);
    // The shape is looked at only where it may be wrong: most lines have no list, and are read as they are.
    if read.is_err() || body.get().contains('[') {
        check_shape(kind, body)?;
    }
    read.map_err(|error| {
        let path = error.path().to_string();
        let what = without_position(error.inner());
        if path == "." { format!("{kind}: {what}") } else { format!("{kind}.{path}: {what}") }
    })
}

/// The fields that are lists. Serde would take a list for any object, its fields in order.
const LISTS: &[&str] = &["snapshot", "capabilities", "members", "policies", "addresses"];

/// Refuses what is no object with one word, and lists where objects belong.
fn check_shape(kind: &str, body: &RawValue) -> Result<(), String> {
    let value: Value = serde_json::from_str(body.get()).map_err(|error| without_position(&error))?;
    match value.as_object() {
        Some(words) if words.len() == 1 => check_lists(kind, &value),
        Some(_) | None => {
            Err(format!("{kind}: expected an object with one word, such as {{\"tick\": {{}}}}"))
        }
    }
}

fn check_lists(path: &str, value: &Value) -> Result<(), String> {
    let fields = value.as_object().into_iter().flatten();
    for (name, value) in fields {
        let path = format!("{path}.{name}");
        match value.as_array() {
            Some(_) if !LISTS.contains(&name.as_str()) => {
                return Err(format!("{path}: invalid type: sequence, expected an object or a single value"));
            }
            Some(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    if element.is_array() {
                        return Err(format!(
                            "{path}[{index}]: invalid type: sequence, expected no list in a list"
                        ));
                    }
                    check_lists(&format!("{path}[{index}]"), element)?;
                }
            }
            None => check_lists(&path, value)?,
        }
    }
    Ok(())
}

/// The position is one within a part of the line, which would mislead; and numbers are said in words.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let text = text.strip_suffix(&position).unwrap_or(&text);
    match text.rsplit_once(", expected u") {
        Some((what, "64")) => format!("{what}, expected a whole number, 0 or more"),
        Some((what, "32")) => format!("{what}, expected a whole number from 0 to {}", u32::MAX),
        Some(_) | None => text.to_owned(),
    }
}

/// Milliseconds with up to six decimals, in whole nanoseconds.
fn milliseconds(number: &str) -> Result<Instant, String> {
    let expected = "expected milliseconds: a number such as 5002 or 0.25, not negative, without an exponent, \
                    with at most 6 decimals";
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 6 {
        return Err(format!("found {number}; {expected}"));
    }
    format!("{whole}{decimals:0<6}")
        .parse()
        .map(Instant::from_nanos)
        .map_err(|_| format!("{number} is too large; expected at most {}", Instant::from_nanos(u64::MAX)))
}

impl Said {
    fn read(text: &str, body: &RawValue) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Out<'a> {
            #[serde(borrow)]
            idle: Idle<'a>,
        }
        #[derive(Deserialize)]
        struct Idle<'a> {
            #[serde(borrow)]
            wake: &'a RawValue,
        }
        let mut value = serde_json::from_str(body.get()).map_err(|error| without_position(&error))?;
        let idle = serde_json::from_str::<Out<'_>>(body.get()).ok();
        let wake = idle.and_then(|out| milliseconds(out.idle.wake.get()).ok());
        if let (Some(_), Some(number)) = (wake, Value::pointer_mut(&mut value, "/idle/wake")) {
            *number = Value::Null;
        }
        Ok(Self { text: text.to_owned(), value, wake })
    }
}

/// A line, taken apart.
struct Parts<'a> {
    t: &'a RawValue,
    kind: Kind,
    body: &'a RawValue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    In,
    Out,
    Query,
    View,
}

const FIELDS: &[&str] = &["t", "in", "out", "query", "view"];

impl<'de> Deserialize<'de> for Parts<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartsVisitor)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `t` and one of `in`, `out`, `query`, `view`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
        let (mut t, mut said, mut unknown) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let kind = match key.as_str() {
                "in" => Kind::In,
                "out" => Kind::Out,
                "query" => Kind::Query,
                "view" => Kind::View,
                "t" if t.is_none() => {
                    t = Some(map.next_value()?);
                    continue;
                }
                "t" => return Err(de::Error::duplicate_field("t")),
                _ => {
                    map.next_value::<de::IgnoredAny>()?;
                    unknown = unknown.or(Some(key));
                    continue;
                }
            };
            if said.replace((kind, map.next_value()?)).is_some() {
                return Err(de::Error::custom("more than one of `in`, `out`, `query`, `view`; expected one"));
            }
        }
        // What a machine said may have fields that are not known yet.
        let is_read = !matches!(said, Some((Kind::Out | Kind::View, _)));
        if let (Some(field), true) = (unknown, is_read) {
            return Err(de::Error::unknown_field(&field, FIELDS));
        }
        let (kind, body) = said.ok_or_else(|| {
            de::Error::custom("missing field: expected one of `in`, `out`, `query`, `view`")
        })?;
        Ok(Parts { t: t.ok_or_else(|| de::Error::missing_field("t"))?, kind, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Line> {
        Reader::new(text.as_bytes()).collect::<Result<_, _>>().unwrap()
    }

    fn error(text: &[u8]) -> String {
        Reader::new(text).find_map(Result::err).unwrap().to_string()
    }

    fn said(text: &str) -> Said {
        match parse(text).unwrap().1 {
            Word::Out(said) | Word::View(said) => said,
            Word::In(_) | Word::Query(_) => panic!("{text} is not said by a machine"),
        }
    }

    #[test]
    fn blank_lines_and_comments_are_skipped_and_counted() {
        let text = "# a run\n\n{\"t\":0,\"in\":{\"tick\":{}}}\r\n   \n#\n  {\"t\": 0.5, \"query\": {\"manager\": {}}}";
        let lines = lines(text);
        let expected = [(3, 0, Word::In(Input::Tick {})), (6, 500_000, Word::Query(Query::Manager {}))];
        for (line, (number, nanos, word)) in lines.into_iter().zip(expected) {
            assert_eq!(line, Line { number, at: Instant::from_nanos(nanos), word });
        }
    }

    #[test]
    fn times_are_whole_nanoseconds() {
        for (number, nanos) in [
            ("0", 0),
            ("5002", 5_002_000_000),
            ("0.000001", 1),
            ("1.50", 1_500_000),
            ("18446744073709.551615", u64::MAX),
            ("9007199254740.993001", 9_007_199_254_740_993_001),
        ] {
            assert_eq!(milliseconds(number), Ok(Instant::from_nanos(nanos)), "{number}");
        }
        for number in ["-1", "-0", "1e3", "1E3", "0.0000001", "1.5e0", "\"5\"", "null", "true", "[1]", "{}"] {
            let line = format!(r#"{{"t":{number},"in":{{"tick":{{}}}}}}"#);
            let error = error(line.as_bytes());
            assert!(error.starts_with("line 1: t: found "), "{error}");
            assert!(error.contains(number) && error.contains("at most 6 decimals"), "{error}");
        }
        let error = error(br#"{"t":18446744073709.551616,"in":{"tick":{}}}"#);
        assert!(error.contains("too large; expected at most 18446744073709.551615"), "{error}");
    }

    #[test]
    fn every_bad_line_says_where_and_what() {
        for (line, parts) in [
            ("nonsense", &["line 1: not JSON", "at column 2", "expected one object"][..]),
            (r#"{"t":0,"in":{"tick":{}}"#, &["not JSON: EOF", "at column 23"]),
            (r#"{"t":0,"in":{"tick":{}}} x"#, &["not JSON: trailing characters at column 26"]),
            ("[]", &["invalid type: sequence, expected an object with `t` and one of `in`"]),
            (r#"{"in":{"tick":{}}}"#, &["missing field `t`"]),
            (r#"{"t":0}"#, &["expected one of `in`, `out`, `query`, `view`"]),
            (r#"{"t":0,"t":0,"in":{"tick":{}}}"#, &["duplicate field `t`"]),
            (r#"{"t":0,"in":{"tick":{}},"out":{}}"#, &["more than one of `in`, `out`"]),
            (r#"{"t":0,"inn":{"tick":{}}}"#, &["unknown field `inn`, expected one of `t`, `in`"]),
            (r#"{"t":0,"in":{"tick":{}},"note":1}"#, &["unknown field `note`"]),
            (r#"{"t":0,"in":{"tock":{}}}"#, &["in", "unknown variant `tock`, expected one of `config`"]),
            (r#"{"t":0,"in":{"tick":{},"update":{}}}"#, &["line 1: in: expected an object with one word"]),
            (r#"{"t":0,"in":"tick"}"#, &["line 1: in: expected an object with one word"]),
            (r#"{"t":0,"in":null}"#, &["line 1: in: expected an object with one word"]),
            (r#"{"t":0,"query":{}}"#, &["line 1: query: expected an object with one word"]),
            (r#"{"t":0,"in":{"tick":[]}}"#, &["line 1: in.tick: invalid type: sequence, expected an object"]),
            (r#"{"t":0,"in":{"remove":["eth0"]}}"#, &["line 1: in.remove: invalid type: sequence"]),
            (
                r#"{"t":0,"in":{"observed":{"id":"a","link":"active","interface":[1,"a"]}}}"#,
                &["in.observed.interface"],
            ),
            (
                r#"{"t":0,"in":{"snapshot":[{"id":"b"},["a"]]}}"#,
                &["line 1: in.snapshot[1]: invalid type: sequence"],
            ),
            (
                r#"{"t":0,"in":{"add":{"id":"a","type":"access_point","colour":1}}}"#,
                &["line 1: in.add", "unknown field `colour`, expected one of `id`, `type`"],
            ),
            (
                r#"{"t":0,"in":{"add":{"id":"a","type":"access_point","connect_timeout_ms":"5"}}}"#,
                &["line 1: in.add.connect_timeout_ms: invalid type: string \"5\", expected"],
            ),
            (
                r#"{"t":0,"in":{"snapshot":[{"id":"a"},{"id":"b","link":"up"}]}}"#,
                &["line 1: in.snapshot[1].link: unknown variant `up`, expected one of `undefined`"],
            ),
            (
                r#"{"t":0,"in":{"open":{"session":"1"}}}"#,
                &["in.open.session: invalid type: string \"1\", expected a whole number, 0 or more"],
            ),
            (
                r#"{"t":0,"in":{"config":{"give_up_after":4294967296}}}"#,
                &["in.config.give_up_after", "expected a whole number from 0 to 4294967295"],
            ),
            (r#"{"t":0,"query":{"manager":{"x":1}}}"#, &["line 1: query.manager", "unknown field `x`"]),
            (r#"{"t":0,"query":{"why":{"member":"x"}}}"#, &["line 1: query.why", "unknown variant `member`"]),
        ] {
            let error = error(line.as_bytes());
            for part in parts {
                assert!(error.contains(part), "{line}\n says {error}\n not {part}");
            }
            assert!(!error.contains("line 1 column") && !error.contains("u64"), "{error}");
        }
        assert!(error(b"\n\xff\n").starts_with("line 2: not UTF-8 text"));
    }

    #[test]
    fn what_is_quoted_from_a_bad_line_does_nothing_to_a_terminal() {
        for (word, shown) in [(r"a\nb", r"a\nb"), (r"\u001b[31m", r"\u{1b}[31m"), ("\u{7f}", r"\u{7f}")] {
            let error = error(format!(r#"{{"t":0,"in":{{"{word}":{{}}}}}}"#).as_bytes());
            assert!(error.contains(&format!("unknown variant `{shown}`")), "{error}");
        }
    }

    #[test]
    fn time_never_goes_back_and_a_bad_line_is_the_last() {
        let text = "{\"t\":10,\"in\":{\"tick\":{}}}\n\n{\"t\":9.999999,\"in\":{\"tick\":{}}}\n{\"t\":11,\"in\":{\"tick\":{}}}";
        let lines: Vec<_> = Reader::new(text.as_bytes()).collect();
        assert_eq!(lines.len(), 2);
        let error = lines[1].as_ref().unwrap_err().to_string();
        assert_eq!(error, "line 3: t: time goes back to 9.999999 after 10; expected no earlier time");
    }

    #[test]
    fn a_file_that_cannot_be_read_says_where() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the cable is out"))
            }
        }
        let mut reader = Reader::new(io::BufReader::new(Broken));
        let error = reader.next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "line 1 could not be read: the cable is out");
        assert!(reader.next().is_none());
    }

    #[test]
    fn what_was_said_is_compared_by_value() {
        let idle =
            |wake: &str| said(&format!(r#"{{"t":0,"out":{{"idle":{{"wake":{wake},"why":"retry"}}}}}}"#));
        assert_eq!(idle("30000"), idle("30000.0"));
        assert_ne!(idle("9007199254740.993001"), idle("9007199254740.993"));
        assert_ne!(idle("30000"), idle("null"));
        assert_ne!(idle("30000"), idle("\"30000\""));
        let made = said(r#"{"t":0,"out":{"made":{"session":1}},"id":7}"#);
        assert_eq!(made, said(r#"{ "out": {"made": {"session": 1}}, "t": 0 }"#));
        assert_ne!(made, said(r#"{"t":0,"out":{"made":{"session":2}}}"#));
    }
}
