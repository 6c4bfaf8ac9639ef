//! What is told as text: a row for each thing, and at the end the lanes, not to scale.

use std::io::{self, Write};

use netsession_core::Instant;

use super::Explainer;
use super::lanes::{Lanes, Look};
use super::sheet::{Row, Sheet, Sign, Subject};
use super::words::Who;

/// Columns of the whole.
const WIDTH: usize = 110;
/// Columns before the text of a row.
const INDENT: usize = 40;
/// Columns that a name may take.
const LABEL_WIDTH: usize = 32;
/// Lanes of links in the picture: it is to be seen at a glance.
const LINK_LANES: usize = 12;

/// Text for a terminal.
#[derive(Debug)]
pub struct Text<W> {
    writer: W,
    /// The time of the latest row; `None` before the first.
    latest: Option<Instant>,
    lanes: Lanes,
    links: usize,
}

impl<W: Write> Explainer<Text<W>> {
    /// Writes text to `writer`.
    pub fn new(writer: W) -> Self {
        Self::on(Text { writer, latest: None, lanes: Lanes::default(), links: 0 })
    }
}

impl<W: Write> Sheet for Text<W> {
    fn lane(&mut self, subject: Subject, _who: &Who, label: &str) -> Option<usize> {
        match subject {
            Subject::Network => return None,
            Subject::Session => {}
            Subject::Link => {
                self.links += 1;
                if self.links > LINK_LANES {
                    return None;
                }
            }
        }
        Some(self.lanes.add(shortened(label)))
    }

    fn look(&mut self, lane: usize, at: Instant, look: Look) {
        self.lanes.note(lane, at, look);
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        if self.latest.is_none() {
            self.writer.write_all(legend().as_bytes())?;
        }
        // A time stands once, where it begins.
        let time = if self.latest == Some(row.at) { String::new() } else { row.at.to_string() };
        self.latest = Some(row.at);
        let (who, what) = (shortened(&row.label), wrapped(row.what));
        writeln!(self.writer, "{time:>10}  {who:<24}  {} {what}", row.sign.text())
    }

    fn end(&mut self) -> io::Result<()> {
        let picture = self.lanes.draw(WIDTH);
        if !picture.is_empty() {
            writeln!(self.writer, "\nin short, times in ms, not to scale\n\n{picture}")?;
        }
        if self.links > LINK_LANES {
            writeln!(self.writer, "Only the first {LINK_LANES} links are shown.")?;
        }
        self.writer.flush()
    }
}

fn legend() -> String {
    let signs = Sign::LEGEND.map(|(sign, meaning)| format!("{} {meaning}", sign.text()));
    format!("{}\n\n{:>10}  {:<24}  what\n", signs.join("   "), "time ms", "who")
}

/// Breaks a long text between words.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::new();
    let mut used = INDENT;
    for word in text.split_inclusive(' ') {
        let width = word.chars().count();
        if used + width > WIDTH && used > INDENT {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped += &format!("\n{:INDENT$}", "");
            used = INDENT;
        }
        wrapped += word;
        used += width;
    }
    wrapped
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_WIDTH {
        return label.to_owned();
    }
    label.chars().take(LABEL_WIDTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Outcome, ReplayError, replay};

    const RUN: &str = r#"
{"t":0,"in":{"config":{"retry_after_ms":5000}}}
{"t":0,"in":{"add":{"id":"eth0","type":"access_point","name":"Office","link":"discovered"}}}
{"t":0,"in":{"snapshot":[{"id":"eth0","link":"discovered"}]}}
{"t":10,"in":{"session":{"on":"eth0"}}}
{"t":20,"in":{"open":{"session":1}}}
{"t":25,"in":{"completed":{"op":1,"result":"ok"}}}
{"t":1200.25,"in":{"observed":{"id":"eth0","link":"active","interface":{"index":2,"name":"eth0","addresses":["192.0.2.7/24"]}}}}
{"t":1300,"in":{"migrate":{"session":1}}}
{"t":1300,"query":{"configuration":"ethx"}}
{"t":1300,"query":{"manager":{}}}
{"t":5000,"in":{"observed":{"id":"eth0","link":"defined"}}}
{"t":6000,"in":{"drop":{"session":1}}}
"#;

    const EXPLAINED: &str = r#"→ said to the machine   ← told to the application   ⇒ asked of the platform   ✗ refused   = seen   … waits

   time ms  who                       what
         0  ·                         → set up: retry after 5000 ms
            eth0                      → added: access point, link discovered, name Office
            platform                  → all links as they are now: eth0 discovered
        10  ·                         → make a session on "eth0"
            session 1 on "eth0"       ← made
        20  session 1 on "eth0"       → open
            session 1 on "eth0"       ← state: connecting
            eth0                      ⇒ request 1: start
            ·                         … until 30020 at the latest (connect timeout)
        25  eth0                      → request 1 answered: ok
   1200.25  eth0                      → link is active, interface eth0 #2 192.0.2.7/24
            eth0                      ← active now (changed: state, interface)
            session 1 on "eth0"       ← state: connected
            session 1 on "eth0"       ← open
            ·                         ← online
            eth0                      ⇒ read counters
            ·                         … nothing to wait for
      1300  session 1 on "eth0"       → migrate
            session 1 on "eth0"       ✗ refused: the session is in no step of roaming that this answers
            ethx                      ✗ refused: there is no configuration "ethx"
            ·                         = capabilities can_start_and_stop_interfaces direct_connection_routing
                                        system_session_support application_level_roaming forced_roaming
                                        data_statistics, configurations eth0, default eth0, online yes
"#;

    fn explain(trace: &str) -> (Result<Outcome, ReplayError>, String) {
        let mut explainer = Explainer::new(Vec::new());
        let outcome = replay(trace.as_bytes(), &mut explainer);
        (outcome, String::from_utf8(explainer.sheet.writer).unwrap())
    }

    #[test]
    fn a_run_reads_as_a_timeline_with_a_picture() {
        let (outcome, text) = explain(RUN);
        assert_eq!(outcome.unwrap(), Outcome::Agrees { compared: 0 });
        let (beginning, rest) = text.split_at(EXPLAINED.len());
        assert_eq!(beginning, EXPLAINED);
        let (timeline, picture) = rest.split_once("\nin short, times in ms, not to scale\n\n").unwrap();
        assert!(timeline.contains("error: session aborted (link lost)\n"), "{timeline}");
        assert!(timeline.ends_with("session 1 on \"eth0\"       → drop\n"), "{timeline}");
        let expected = "                     \
                        0              10               20             1200.25    5000              6000\n\
                        eth0                 ├ discovered ··································├ active ━━├ defined ·················\n\
                        session 1 on \"eth0\"                 ├ disconnected ··├ connecting ╌╌├ open ━━━━├ not available ··├ gone\n\n";
        assert_eq!(picture, expected);
    }

    #[test]
    fn nothing_is_shown_after_a_bad_line() {
        let (outcome, text) = explain(&format!("{RUN}nonsense\n"));
        assert!(matches!(outcome, Err(ReplayError::Trace(_))), "{outcome:?}");
        assert!(text.starts_with(EXPLAINED) && !text.contains("in short"), "{text}");
        assert_eq!(explain("nonsense").1, "");
    }

    #[test]
    fn every_input_and_every_event_has_words() {
        let trace = r#"
{"t":0,"in":{"add":{"id":"eth0","type":"access_point","link":"active"}}}
{"t":0,"in":{"change":{"id":"eth0","device":null}}}
{"t":0,"in":{"counters":{"id":"eth0","received":5,"sent":6}}}
{"t":0,"in":{"policies":{"id":"eth0","policies":["no_background_traffic"]}}}
{"t":0,"in":{"default":{"id":"eth0"}}}
{"t":0,"in":{"default":{"id":null}}}
{"t":0,"in":{"session":{"on":"eth0"}}}
{"t":0,"in":{"property":{"session":1,"key":"a\u001bb","value":"x"}}}
{"t":0,"in":{"property":{"session":1,"key":"k","value":null}}}
{"t":0,"in":{"refresh_counters":{"id":"eth0"}}}
{"t":0,"in":{"update":{}}}
{"t":0,"in":{"completed":{"op":77,"result":"timed_out","reason":"no\nanswer"}}}
{"t":0,"in":{"resolved":{"op":78,"choice":null}}}
{"t":0,"in":{"tick":{}}}
{"t":0,"in":{"remove":{"id":"eth0"}}}
"#;
        let (outcome, text) = explain(trace);
        outcome.unwrap();
        for row in [
            "eth0                      → changed: device none\n",
            "eth0                      → counters: 5 bytes received, 6 sent\n",
            "eth0                      → policies are no background traffic\n",
            "platform                  → its default is eth0\n",
            "platform                  → it has no default\n",
            "session 1 on \"eth0\"       → property a\\u{1b}b: x\n",
            "session 1 on \"eth0\"       → property k: removed\n",
            "eth0                      → fresh counters are wanted\n",
            "·                         → look for configurations\n",
            "·                         ← update 1 made\n",
            "platform                  → request 77 answered: timed out, no\\nanswer\n",
            "user                      → request 78 answered: cancelled\n",
            "·                         → time passes\n",
            "eth0                      → removed\n",
            "eth0                      ← gone\n",
        ] {
            assert!(text.contains(row), "no {row}in\n{text}");
        }
    }

    #[test]
    fn long_names_and_many_links_keep_the_picture_small() {
        let mut trace = String::new();
        for number in 0..40 {
            let name = "x".repeat(300);
            trace += &format!(r#"{{"t":0,"in":{{"add":{{"id":"{number}{name}","type":"access_point"}}}}}}"#);
            trace.push('\n');
        }
        let (outcome, text) = explain(&trace);
        outcome.unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("├ defined").count(), LINK_LANES);
        assert!(text.ends_with("Only the first 12 links are shown.\n"), "{text}");
    }
}
