//! Shows a replay to a person: a timeline with a row for each thing that is said to the machine or by it,
//! and a picture of what the sessions and links were in over time.

mod lanes;
mod words;

use std::collections::BTreeMap;
use std::io::{self, Write};

use netsession_core::trace::View;
use netsession_core::{
    Accepted, ConfigurationType, Effect, Identifier, Input, Instant, Manager, OperationId, Output, SessionId,
    Wake,
};

use crate::replay::Audience;
use crate::trace::Saying;
use lanes::{Lanes, Look};
use words::{Who, escaped, plain};

/// Columns of the whole.
const WIDTH: usize = 110;
/// Columns before the text of a row.
const INDENT: usize = 40;
/// Columns that a name may take.
const LABEL_WIDTH: usize = 32;
/// Lanes of links in the picture: it is to be seen at a glance.
const LINK_LANES: usize = 12;

const LEGEND: &str = "\
→ said to the machine   ← told to the application   ⇒ asked of the platform   ✗ refused   = seen   … waits

   time ms  who                       what
";

/// What a row is: the sign in front of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Said,
    Refused,
    Asked,
    Told,
    Seen,
    Waits,
}

impl Sign {
    const fn text(self) -> &'static str {
        match self {
            Self::Said => "→",
            Self::Refused => "✗",
            Self::Asked => "⇒",
            Self::Told => "←",
            Self::Seen => "=",
            Self::Waits => "…",
        }
    }
}

/// Writes the timeline while the replay runs, and the picture at its end.
#[derive(Debug)]
pub struct Explainer<W> {
    writer: W,
    /// The time of the latest row; `None` before the first.
    latest: Option<Instant>,
    /// What the input or query at hand is about.
    subject: Who,
    wake: Option<Wake>,
    /// What the latest session is wanted on.
    wanted_on: Identifier,
    /// What each session was made on, in order of their numbers.
    sessions: Vec<Session>,
    /// Whom each request is about.
    requests: BTreeMap<OperationId, Who>,
    /// The lane of each link that has one.
    links: BTreeMap<Identifier, usize>,
    links_without_lane: bool,
    lanes: Lanes,
}

#[derive(Debug)]
struct Session {
    id: SessionId,
    on: Identifier,
    lane: usize,
}

impl<W: Write> Explainer<W> {
    /// Writes to `writer`.
    pub fn new(writer: W) -> Self {
        Self {
            writer,
            latest: None,
            subject: Who::Machine,
            wake: None,
            wanted_on: Identifier::default(),
            sessions: Vec::new(),
            requests: BTreeMap::new(),
            links: BTreeMap::new(),
            links_without_lane: false,
            lanes: Lanes::default(),
        }
    }

    fn row(&mut self, at: Instant, who: &Who, sign: Sign, what: &str) -> io::Result<()> {
        if self.latest.is_none() {
            self.writer.write_all(LEGEND.as_bytes())?;
        }
        // A time stands once, where it begins.
        let time = if self.latest == Some(at) { String::new() } else { at.to_string() };
        self.latest = Some(at);
        let who = self.label(who);
        let what = wrapped(what);
        writeln!(self.writer, "{time:>10}  {who:<24}  {} {what}", sign.text())
    }

    fn label(&self, who: &Who) -> String {
        let label = match who {
            Who::Machine => "·".to_owned(),
            Who::Platform => "platform".to_owned(),
            Who::User => "user".to_owned(),
            Who::Configuration(id) => escaped(id),
            Who::Session(number) => {
                let before = number.checked_sub(1).and_then(|before| usize::try_from(before).ok());
                match before.and_then(|before| self.sessions.get(before)) {
                    Some(session) => format!("session {number} on {:?}", session.on),
                    None => format!("session {number}"),
                }
            }
        };
        shortened(label)
    }

    fn give_lane_to(&mut self, id: &Identifier) {
        if self.links.contains_key(id) {
            return;
        }
        if self.links.len() == LINK_LANES {
            self.links_without_lane = true;
        } else {
            let lane = self.lanes.add(shortened(escaped(id)));
            self.links.insert(id.clone(), lane);
        }
    }

    fn answer(&mut self, at: Instant, accepted: Accepted) -> io::Result<()> {
        let made = match accepted {
            Accepted::Done => return Ok(()),
            Accepted::Update(token) => format!("update {token} made"),
            Accepted::Session(id) => {
                let on = core::mem::take(&mut self.wanted_on);
                let lane = self.lanes.add(shortened(format!("session {} on {on:?}", id.number())));
                self.sessions.push(Session { id, on, lane });
                self.subject = Who::Session(id.number());
                "made".to_owned()
            }
        };
        self.row(at, &self.subject.clone(), Sign::Told, &made)
    }

    fn effect(&mut self, at: Instant, effect: &Effect) -> io::Result<()> {
        let of = |id: &Identifier| Who::Configuration(id.clone());
        let (who, what) = match effect {
            Effect::Start { id, .. } => (of(id), "start".to_owned()),
            Effect::Stop { id, .. } => (of(id), "stop".to_owned()),
            Effect::Cancel { cancelled, .. } => {
                let who = self.requests.get(cancelled).cloned().unwrap_or(Who::Platform);
                (who, format!("cancel request {cancelled}"))
            }
            Effect::Resolve { session, among, .. } => {
                let among: Vec<_> = among.iter().map(|id| escaped(id)).collect();
                (Who::Session(session.number()), format!("let the user choose: {}", among.join(", ")))
            }
            Effect::Update { .. } => (Who::Platform, "look for configurations".to_owned()),
            Effect::ReadCounters { id } => (of(id), "read counters".to_owned()),
            Effect::Watch { id } => (of(id), "watch".to_owned()),
            Effect::Unwatch { id } => (of(id), "unwatch".to_owned()),
        };
        let Some(op) = effect.op() else { return self.row(at, &who, Sign::Asked, &what) };
        self.row(at, &who, Sign::Asked, &format!("request {op}: {what}"))?;
        self.requests.insert(op, who);
        Ok(())
    }

    fn idle(&mut self, at: Instant, wake: Option<Wake>) -> io::Result<()> {
        if wake == self.wake {
            return Ok(());
        }
        self.wake = wake;
        let what = match wake {
            Some(Wake { at, why }) => format!("until {at} at the latest ({})", plain(why.word())),
            None => "nothing to wait for".to_owned(),
        };
        self.row(at, &Who::Machine, Sign::Waits, &what)
    }

    fn view(&mut self, at: Instant, view: &View<'_>) -> io::Result<()> {
        let what = match view {
            View::Session(_) => words::present_facts(view, &["session", "configuration"]),
            View::Configuration(_) => words::present_facts(view, &["id"]),
            View::Manager(_) => words::present_facts(view, &[]),
            View::Why { why } if why.is_empty() => "nothing was considered".to_owned(),
            View::Why { why } => {
                let considered = why.iter().map(|it| {
                    let chosen = if it.chosen { "→ " } else { "" };
                    format!("{chosen}{}: {}", escaped(it.id), plain(it.because.word()))
                });
                considered.collect::<Vec<_>>().join(", ")
            }
        };
        self.row(at, &self.subject.clone(), Sign::Seen, &what)
    }
}

impl<W: Write> Audience for Explainer<W> {
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()> {
        match saying {
            Saying::Query(query) => {
                self.subject = Who::of_query(query);
                Ok(())
            }
            Saying::Input(input) => {
                for id in links(input) {
                    self.give_lane_to(id);
                }
                let (who, what) = words::input(input);
                if let Input::Session { on } = input {
                    self.wanted_on = on.clone();
                }
                self.subject = if let Input::Completed { op, .. } = input {
                    self.requests.get(op).cloned().unwrap_or(who)
                } else {
                    who
                };
                self.row(at, &self.subject.clone(), Sign::Said, &what)
            }
            Saying::Answer(_) | Saying::Output(_) | Saying::View(_) => Ok(()),
        }
    }

    fn on_output(&mut self, at: Instant, saying: &Saying<'_>, _line: &str) -> io::Result<()> {
        match saying {
            Saying::Answer(Ok(accepted)) => self.answer(at, *accepted),
            Saying::Answer(Err(refused)) | Saying::View(Err(refused)) => {
                self.row(at, &self.subject.clone(), Sign::Refused, &format!("refused: {refused}"))
            }
            Saying::Output(Output::Effect(effect)) => self.effect(at, effect),
            Saying::Output(Output::Event(event)) => {
                let (who, what) = words::event(event);
                self.row(at, &who, Sign::Told, &what)
            }
            Saying::Output(Output::Idle { wake }) => self.idle(at, *wake),
            Saying::View(Ok(view)) => self.view(at, view),
            Saying::Input(_) | Saying::Query(_) => Ok(()),
        }
    }

    fn on_rest(&mut self, at: Instant, manager: &Manager) -> io::Result<()> {
        for session in &self.sessions {
            let view = manager.session(session.id);
            let look = view.map_or(Look::GONE, |view| Look::of_session(&view));
            self.lanes.note(session.lane, at, look);
        }
        for (id, lane) in &self.links {
            let link = manager.configuration(id).and_then(|view| view.link());
            self.lanes.note(*lane, at, link.map_or(Look::GONE, Look::of_link));
        }
        Ok(())
    }

    fn on_end(&mut self) -> io::Result<()> {
        let picture = self.lanes.draw(WIDTH);
        if !picture.is_empty() {
            writeln!(self.writer, "\nin short, times in ms, not to scale\n\n{picture}")?;
        }
        if self.links_without_lane {
            writeln!(self.writer, "Only the first {LINK_LANES} links are shown.")?;
        }
        self.writer.flush()
    }
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

fn shortened(label: String) -> String {
    if label.chars().count() <= LABEL_WIDTH {
        return label;
    }
    label.chars().take(LABEL_WIDTH - 1).chain(['…']).collect()
}

/// The links that an input brings to notice.
fn links(input: &Input) -> Vec<&Identifier> {
    if let Input::Add(add) = input
        && add.kind == ConfigurationType::AccessPoint
    {
        vec![&add.id]
    } else if let Input::Observed(seen) = input {
        vec![&seen.id]
    } else if let Input::Snapshot(entries) = input {
        entries.iter().map(|entry| &entry.observation.id).collect()
    } else {
        Vec::new()
    }
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
        (outcome, String::from_utf8(explainer.writer).unwrap())
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
