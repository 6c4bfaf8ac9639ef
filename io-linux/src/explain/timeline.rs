//! What is told as a page for a browser: a lane for each session, service network and access point over time,
//! to scale, with a mark for each thing that was said, to be zoomed into and pointed at.
//!
//! The page is one file and loads nothing. It holds the run as numbers and each text once, some 30 bytes for
//! each thing that was said; its script draws only what is in view, and what would be closer together than
//! can be told apart as one mark with a count. Text of the trace never becomes markup: it is data until the
//! script puts it into the page as text.

use std::collections::BTreeMap;
use std::io::{self, Write};

use netsession_core::Instant;

use super::lanes::{Kind, Look};
use super::sheet::{Row, Sheet, Sign, Subject};
use super::words::Who;
use super::{Explainer, as_markup};

const STYLE: &str = include_str!("timeline/timeline.css");
const SCRIPT: &str = include_str!("timeline/timeline.js");
const BODY: &str = include_str!("timeline/timeline.html");
/// Nothing can be loaded and nothing sent, whatever the trace says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Each lane is looked at after each input. What has no lane is told in the first one.
const MOST_LANES: usize = 1000;

/// A page for a browser.
#[derive(Debug)]
pub struct Timeline {
    /// Each moment at which something was said, or looked different, once.
    moments: Vec<Instant>,
    lanes: Vec<Lane>,
    lane_of: BTreeMap<Who, usize>,
    has_left_out: bool,
    rows: Vec<Said>,
    texts: Vec<String>,
    text_at: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Lane {
    subject: Option<Subject>,
    label: String,
    looks: Vec<Shown>,
}

/// A look, the moment from which on it is shown, and the place of its text.
#[derive(Debug)]
struct Shown {
    moment: usize,
    look: Look,
    text: usize,
}

/// A row, its texts by their places.
#[derive(Debug)]
struct Said {
    moment: usize,
    lane: usize,
    sign: Sign,
    who: usize,
    what: usize,
}

impl Explainer<Timeline> {
    /// Draws a page, to be written when the replay is done.
    #[must_use]
    pub fn timeline() -> Self {
        let rest = Lane { subject: None, label: "machine, platform".to_owned(), looks: Vec::new() };
        Self::on(Timeline {
            moments: Vec::new(),
            lanes: vec![rest],
            lane_of: BTreeMap::new(),
            has_left_out: false,
            rows: Vec::new(),
            texts: Vec::new(),
            text_at: BTreeMap::new(),
        })
    }

    /// Writes the page. Its title says what was replayed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, title: &str, mut writer: impl Write) -> io::Result<()> {
        self.sheet.write(title, &mut writer)?;
        writer.flush()
    }
}

impl Sheet for Timeline {
    fn lane(&mut self, subject: Subject, who: &Who, label: &str) -> Option<usize> {
        if self.lanes.len() > MOST_LANES {
            self.has_left_out = true;
            return None;
        }
        let lane = self.lanes.len();
        self.lanes.push(Lane { subject: Some(subject), label: label.to_owned(), looks: Vec::new() });
        self.lane_of.insert(who.clone(), lane);
        Some(lane)
    }

    fn look(&mut self, lane: usize, at: Instant, look: Look) {
        let Some(Lane { looks, .. }) = self.lanes.get(lane) else { return };
        if looks.last().is_some_and(|latest| latest.look == look) {
            return;
        }
        let (moment, text) = (self.moment(at), self.text(&look.word));
        let Some(Lane { looks, .. }) = self.lanes.get_mut(lane) else { return };
        // Of several looks at one moment the last stands.
        looks.pop_if(|latest| latest.moment == moment);
        if looks.last().is_none_or(|latest| latest.look != look) {
            looks.push(Shown { moment, look, text });
        }
    }

    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        let moment = self.moment(row.at);
        let lane = self.lane_of.get(row.who).copied().unwrap_or(0);
        let (who, what) = (self.text(&row.label), self.text(row.what));
        self.rows.push(Said { moment, lane, sign: row.sign, who, what });
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Timeline {
    fn moment(&mut self, at: Instant) -> usize {
        if self.moments.last() != Some(&at) {
            self.moments.push(at);
        }
        self.moments.len() - 1
    }

    fn text(&mut self, text: &str) -> usize {
        if let Some(known) = self.text_at.get(text) {
            return *known;
        }
        let place = self.texts.len();
        self.texts.push(text.to_owned());
        self.text_at.insert(text.to_owned(), place);
        place
    }

    fn write(&self, title: &str, writer: &mut impl Write) -> io::Result<()> {
        let title = as_markup(title);
        writeln!(writer, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
        writeln!(writer, "<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">")?;
        writeln!(writer, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
        writeln!(writer, "<title>{title} – netsession</title>\n<style>\n{STYLE}</style>\n</head>\n<body>")?;
        writeln!(writer, "<h1>{title}</h1>\n{BODY}")?;
        write!(writer, "<script type=\"application/json\" id=\"run\">")?;
        self.write_run(writer)?;
        writeln!(writer, "</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>")
    }

    /// The run as JSON, on a line for each part.
    fn write_run(&self, writer: &mut impl Write) -> io::Result<()> {
        write!(writer, "{{\"signs\":")?;
        write_list(writer, Sign::LEGEND, |(sign, meaning)| {
            format!("[{},{},{}]", quoted(sign.text()), quoted(class_of_sign(sign)), quoted(meaning))
        })?;
        write!(writer, ",\n\"kinds\":")?;
        write_list(writer, KINDS, |(_, class, meaning)| format!("[{},{}]", quoted(class), quoted(meaning)))?;
        write!(writer, ",\n\"left_out\":{},\n\"moments\":", self.has_left_out)?;
        write_list(writer, &self.moments, ToString::to_string)?;
        write!(writer, ",\n\"lanes\":")?;
        write_list(writer, self.order(), |lane| self.lane_as_json(lane))?;
        write!(writer, ",\n\"texts\":")?;
        write_list(writer, &self.texts, |text| quoted(text))?;
        // Rows are in order, so what has passed since the row before is a short number.
        write!(writer, ",\n\"rows\":")?;
        let mut latest = 0;
        write_list(writer, &self.rows, |Said { moment, lane, sign, who, what }| {
            let passed = moment - std::mem::replace(&mut latest, *moment);
            let sign = Sign::LEGEND.iter().position(|(of, _)| of == sign).unwrap_or_default();
            format!("{passed},{lane},{sign},{who},{what}")
        })?;
        write!(writer, "}}")
    }

    /// The lanes by subject, in each as they appeared.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.lanes.len()).collect();
        order.sort_by_key(|lane| self.lanes.get(*lane).and_then(|lane| lane.subject));
        order
    }

    fn lane_as_json(&self, number: usize) -> String {
        let Some(Lane { subject, label, looks }) = self.lanes.get(number) else { return "{}".to_owned() };
        let subject = match subject {
            None => "the rest",
            Some(Subject::Session) => "session",
            Some(Subject::Network) => "service network",
            Some(Subject::Link) => "access point",
        };
        let looks: Vec<String> = looks.iter().map(look_as_json).collect();
        format!(
            "{{\"number\":{number},\"subject\":{},\"label\":{},\"looks\":[{}]}}",
            quoted(subject),
            quoted(label),
            looks.join(",")
        )
    }
}

fn look_as_json(Shown { moment, look, text }: &Shown) -> String {
    let kind = KINDS.iter().position(|(kind, ..)| *kind == look.kind).unwrap_or_default();
    format!("{moment},{kind},{text}")
}

/// Each kind with its class in the style sheet, and its meaning.
const KINDS: [(Kind, &str, &str); 7] = [
    (Kind::Up, "up", "up, or open"),
    (Kind::UnderWay, "busy", "on its way up or down"),
    (Kind::Roaming, "roaming", "asked, or moving"),
    (Kind::Tried, "tried", "on trial"),
    (Kind::Unused, "unused", "its link is up, but it is not open"),
    (Kind::Down, "down", "down, or not open"),
    (Kind::Gone, "gone", "gone"),
];

const fn class_of_sign(sign: Sign) -> &'static str {
    match sign {
        Sign::Said => "said",
        Sign::Refused => "refused",
        Sign::Asked => "asked",
        Sign::Told => "told",
        Sign::Seen => "seen",
        Sign::Waits => "waits",
    }
}

fn write_list<T>(
    writer: &mut impl Write,
    items: impl IntoIterator<Item = T>,
    mut as_json: impl FnMut(T) -> String,
) -> io::Result<()> {
    let mut before = "[";
    for item in items {
        write!(writer, "{before}{}", as_json(item))?;
        before = ",";
    }
    write!(writer, "{}]", if before == "[" { "[" } else { "" })
}

/// Text as JSON that cannot end the element it stands in.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::replay::{Outcome, ReplayError, replay};

    fn page(trace: &str) -> (Result<Outcome, ReplayError>, String) {
        let mut explainer = Explainer::timeline();
        let outcome = replay(trace.as_bytes(), &mut explainer);
        let mut page = Vec::new();
        explainer.write("a <b> & \"c\"", &mut page).unwrap();
        (outcome, String::from_utf8(page).unwrap())
    }

    fn run_in(page: &str) -> Value {
        let (_, rest) = page.split_once("id=\"run\">").unwrap();
        serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
    }

    fn numbers(list: &Value) -> Vec<usize> {
        list.as_array().unwrap().iter().map(|it| usize::try_from(it.as_u64().unwrap()).unwrap()).collect()
    }

    const ROAMS: &str = r#"
{"t":0,"in":{"add":{"id":"a","type":"access_point","link":"active"}}}
{"t":0,"in":{"add":{"id":"b","type":"access_point","link":"defined"}}}
{"t":0,"in":{"add":{"id":"net","type":"service_network","members":["b","a"]}}}
{"t":10.5,"in":{"session":{"on":"net"}}}
{"t":10.5,"in":{"open":{"session":1}}}
{"t":2000,"in":{"observed":{"id":"b","link":"active"}}}
{"t":2500,"in":{"observed":{"id":"a","link":"defined"}}}
{"t":3000,"in":{"drop":{"session":1}}}
"#;

    #[test]
    fn a_lane_each_with_what_it_was_and_what_was_said() {
        let (outcome, page) = page(ROAMS);
        outcome.unwrap();
        let run = run_in(&page);
        let lanes = run["lanes"].as_array().unwrap();
        let labels: Vec<_> = lanes.iter().map(|it| it["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["machine, platform", "net", "a", "b", "session 1 on \"net\""]);
        let (up, gone) = (0, 6);
        assert_eq!(run["kinds"][up][0], "up");
        let moments: Vec<_> = run["moments"].as_array().unwrap().iter().map(Value::to_string).collect();
        assert_eq!(moments, ["0", "10.5", "2000", "2500", "3000"]);
        let text = |place: usize| run["texts"][place].as_str().unwrap();
        let looks = |lane: usize| {
            let numbers = numbers(&lanes[lane]["looks"]);
            numbers.chunks(3).map(|look| (look[0], look[1], text(look[2]))).collect::<Vec<_>>()
        };
        assert_eq!(looks(1), [(0, up, "active by a"), (2, up, "active by b, a"), (3, up, "active by b")]);
        assert_eq!(looks(4).first(), Some(&(1, up, "open on a")), "{:?}", looks(4));
        assert_eq!(looks(4).last(), Some(&(4, gone, "gone")), "{:?}", looks(4));
        let rows = numbers(&run["rows"]);
        let told = rows.chunks(5).map(|row| (row[1], text(row[3]), text(row[4])));
        assert!(
            told.clone().any(|row| row == (4, "session 1 on \"net\"", "open")),
            "{:?}",
            told.collect::<Vec<_>>()
        );
        assert_eq!(rows.chunks(5).map(|row| row[0]).sum::<usize>(), 4, "from moment to moment");
    }

    #[test]
    fn text_of_the_trace_stays_text() {
        let evil = "</script><script>alert(1)</script><!--";
        let (outcome, page) =
            page(&format!(r#"{{"t":0,"in":{{"add":{{"id":"{evil}","type":"access_point"}}}}}}"#));
        outcome.unwrap();
        assert_eq!(page.matches("</script>").count(), 2, "the run's and the script's own");
        assert_eq!(page.matches("<script").count(), 2);
        assert!(!page.contains("<!--") && page.contains("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>"));
        assert_eq!(run_in(&page)["lanes"][1]["label"], evil);
    }

    #[test]
    fn it_names_nothing_to_load() {
        let (_, page) = page(ROAMS);
        let page = page.replace("url(#", "");
        for word in ["src=", "href=", "url(", "@import", "fetch(", "import(", "innerHTML"] {
            assert!(!page.contains(word), "{word}");
        }
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn an_empty_run_is_a_page_too() {
        let (outcome, page) = page("");
        outcome.unwrap();
        let run = run_in(&page);
        assert_eq!((&run["moments"], &run["rows"]), (&json!([]), &json!([])));
    }

    #[test]
    fn a_long_run_stays_small() {
        let mut trace = r#"{"t":0,"in":{"add":{"id":"eth0","type":"access_point"}}}"#.to_owned() + "\n";
        for n in 1..10_000 {
            let link = if n % 2 == 0 { "active" } else { "discovered" };
            trace += &format!(
                "{{\"t\":{n}.25,\"in\":{{\"observed\":{{\"id\":\"eth0\",\"link\":\"{link}\"}}}}}}\n"
            );
        }
        let (_, page) = page(&trace);
        assert!(page.len() < trace.len(), "{} bytes for a trace of {}", page.len(), trace.len());
    }

    #[test]
    fn what_has_no_lane_is_told_with_the_rest() {
        let mut trace = String::new();
        for n in 0..MOST_LANES + 2 {
            trace +=
                &format!("{{\"t\":0,\"in\":{{\"add\":{{\"id\":\"{n}\",\"type\":\"access_point\"}}}}}}\n");
        }
        let run = run_in(&page(&trace).1);
        assert_eq!(run["lanes"].as_array().unwrap().len(), MOST_LANES + 1);
        assert_eq!(run["left_out"], true);
        let rows = numbers(&run["rows"]);
        assert_eq!(rows[rows.len() - 4], 0, "the lane of the last row");
    }
}
