//! Shows a replay to a person: a timeline with a row for each thing that is said to the machine or by it,
//! and a picture of what the sessions and links were in over time.
//!
//! What is told does not depend on where it is shown: an [`Explainer`] tells a sheet. There are two, text
//! and a page for a browser.

mod lanes;
mod sheet;
mod text;
mod timeline;
mod words;

use std::collections::BTreeMap;
use std::io;

use netsession_core::trace::View;
use netsession_core::{
    Accepted, Add, ConfigurationType, Effect, Identifier, Input, Instant, Manager, OperationId, Output,
    SessionId, Wake,
};

use crate::replay::Audience;
use crate::trace::Saying;
use lanes::Look;
use sheet::{Row, Sheet, Sign, Subject};
pub use text::Text;
pub use timeline::Timeline;
use words::{Who, escaped, plain};

/// Tells a sheet what happens while the replay runs, and what each lane shows.
#[derive(Debug)]
pub struct Explainer<S> {
    sheet: S,
    /// What the input or query at hand is about.
    subject: Who,
    wake: Option<Wake>,
    /// What the latest session is wanted on.
    wanted_on: Identifier,
    /// What each session was made on, in order of their numbers.
    sessions: Vec<Identifier>,
    /// Whom each request is about.
    requests: BTreeMap<OperationId, Who>,
    /// The lane of each session that has one and is not gone.
    session_lanes: Vec<(SessionId, usize)>,
    /// The lane of each configuration, if it was given one.
    lanes: BTreeMap<Identifier, Option<usize>>,
}

impl<S: Sheet> Explainer<S> {
    /// Tells this sheet.
    fn on(sheet: S) -> Self {
        Self {
            sheet,
            subject: Who::Machine,
            wake: None,
            wanted_on: Identifier::default(),
            sessions: Vec::new(),
            requests: BTreeMap::new(),
            session_lanes: Vec::new(),
            lanes: BTreeMap::new(),
        }
    }

    fn row(&mut self, at: Instant, who: &Who, sign: Sign, what: &str) -> io::Result<()> {
        let label = self.label(who);
        self.sheet.row(&Row { at, who, label, sign, what })
    }

    fn label(&self, who: &Who) -> String {
        match who {
            Who::Machine => "·".to_owned(),
            Who::Platform => "platform".to_owned(),
            Who::User => "user".to_owned(),
            Who::Configuration(id) => escaped(id),
            Who::Session(number) => {
                let before = number.checked_sub(1).and_then(|before| usize::try_from(before).ok());
                match before.and_then(|before| self.sessions.get(before)) {
                    Some(on) => format!("session {number} on {on:?}"),
                    None => format!("session {number}"),
                }
            }
        }
    }

    fn give_lane_to(&mut self, id: &Identifier, subject: Subject) {
        if !self.lanes.contains_key(id) {
            let lane = self.sheet.lane(subject, &Who::Configuration(id.clone()), &escaped(id));
            self.lanes.insert(id.clone(), lane);
        }
    }

    fn answer(&mut self, at: Instant, accepted: Accepted) -> io::Result<()> {
        let made = match accepted {
            Accepted::Done => return Ok(()),
            Accepted::Update(token) => format!("update {token} made"),
            Accepted::Session(id) => {
                self.sessions.push(core::mem::take(&mut self.wanted_on));
                self.subject = Who::Session(id.number());
                let lane = self.sheet.lane(Subject::Session, &self.subject, &self.label(&self.subject));
                self.session_lanes.extend(lane.map(|lane| (id, lane)));
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

impl<S: Sheet> Audience for Explainer<S> {
    fn on_input(&mut self, at: Instant, saying: &Saying<'_>) -> io::Result<()> {
        match saying {
            Saying::Query(query) => {
                self.subject = Who::of_query(query);
                Ok(())
            }
            Saying::Input(input) => {
                for (id, subject) in configurations(input) {
                    self.give_lane_to(id, subject);
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
        let sheet = &mut self.sheet;
        self.session_lanes.retain(|(id, lane)| {
            let view = manager.session(*id);
            sheet.look(*lane, at, view.as_ref().map_or(Look::GONE, Look::of_session));
            view.is_some()
        });
        for (id, lane) in &self.lanes {
            if let Some(lane) = lane {
                let view = manager.configuration(id);
                sheet.look(*lane, at, view.map_or(Look::GONE, |view| Look::of_configuration(manager, &view)));
            }
        }
        Ok(())
    }

    fn on_end(&mut self) -> io::Result<()> {
        self.sheet.end()
    }
}

/// The links and service networks that an input brings to notice.
fn configurations(input: &Input) -> Vec<(&Identifier, Subject)> {
    if let Input::Add(Add { id, kind, .. }) = input {
        match kind {
            ConfigurationType::AccessPoint => vec![(id, Subject::Link)],
            ConfigurationType::ServiceNetwork => vec![(id, Subject::Network)],
            ConfigurationType::UserChoice | ConfigurationType::Invalid => Vec::new(),
        }
    } else if let Input::Observed(seen) = input {
        vec![(&seen.id, Subject::Link)]
    } else if let Input::Snapshot(entries) = input {
        entries.iter().map(|entry| (&entry.observation.id, Subject::Link)).collect()
    } else {
        Vec::new()
    }
}

/// Text with nothing in it that means something in XML or HTML, or nothing at all.
#[must_use]
pub fn as_markup(text: &str) -> String {
    let mut markup = String::new();
    for char in text.chars() {
        match char {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            char if char.is_control() => markup.push('\u{fffd}'),
            char => markup.push(char),
        }
    }
    markup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(as_markup("<a b=\"&\">\u{1b}"), "&lt;a b=&quot;&amp;&quot;&gt;\u{fffd}");
    }
}
