//! Plays the story on a stage, and tells it.
//!
//! Each step acts, waits until what should follow has been told, and then a little longer, so that a session of
//! which nothing is shown was indeed told nothing.

use std::time::Duration;

use netsession_core::{
    Accepted, Cause, ConfigurationState, ConfigurationView, Event, Input, Instant, Manager, OfferKind,
    SessionId, SessionState,
};

use super::edges::Edge;
use super::picture::{Look, Picture};
use super::stage::{CABLES, FIBRE, Stage, seen};
use super::story::{Act, CALL, PROGRAMS, STORY, Step, Told};
use crate::cli::journal::{Counters, Journal};
use crate::cli::list;
use crate::cli::narrate;
use crate::cli::output::{BAD, FAINT, GOOD, HEADING, Output, styled};
use crate::cli::status::{Failure, Status};

/// Longer than anything in the story takes on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must be told before a step is over.
const QUIET: Duration = Duration::from_millis(50);

/// Plays the story, says in the end what happened, and draws it if that is wanted.
///
/// # Errors
/// The output cannot be written, or the stage broke.
pub(crate) fn play(
    stage: &mut dyn Stage,
    journal: &Journal,
    output: &mut Output,
    picture: &mut Picture,
) -> Result<Status, Failure> {
    let mut play = Play {
        stage,
        journal,
        output,
        picture,
        sessions: [None; PROGRAMS.len()],
        told: 0,
        losses: Vec::new(),
        rescued_after: None,
        walked: Vec::new(),
    };
    play.begin()?;
    for (step, number) in STORY.iter().zip(1..) {
        if !play.step(number, step)? {
            return Ok(Status::DIFFERENT);
        }
    }
    play.end()
}

struct Play<'a> {
    stage: &'a mut dyn Stage,
    journal: &'a Journal,
    output: &'a mut Output,
    picture: &'a mut Picture,
    sessions: [Option<SessionId>; PROGRAMS.len()],
    /// How many events sessions were told.
    told: usize,
    /// Who was told of the loss of a link, after how long.
    losses: Vec<(&'static str, Duration)>,
    /// When call was offered another link after it had lost its own.
    rescued_after: Option<Duration>,
    walked: Vec<Edge>,
}

/// What happens in a step, to be shown afterwards: showing it would count as time until the next.
struct Scene {
    /// Just before the latest thing that was done.
    before: Instant,
    /// What had been told by then.
    lines_before: usize,
    lines: Vec<Line>,
}

enum Line {
    Told(Duration, Event, Vec<Look>),
    /// What the connections carried.
    Said(String),
    /// What was done in the middle of a step.
    Done(String),
}

impl Play<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        self.text(self.stage.place())?;
        let table = seen(self.stage, |manager| list::table(manager, &Counters::new(), &|_| None));
        self.text(format_args!("\n{}", table.trim_end()))
    }

    /// Whether all that should follow did.
    fn step(&mut self, number: usize, step: &Step) -> Result<bool, Failure> {
        let heading = format!("{number}. {}", step.heading);
        self.text(format_args!("\n{}", styled(HEADING, &heading)))?;
        self.picture.heading(&heading, self.looks());
        let mut scene = Scene { before: self.stage.now(), lines_before: 0, lines: Vec::new() };
        let mut has_followed = true;
        for act in step.acts {
            if let Act::Until(told) = act {
                has_followed = has_followed && self.wait_for(&mut scene, *told)?;
            } else if let Act::Talk(over) = act {
                let said = self.stage.talk(over)?.unwrap_or_default();
                scene.lines.extend(said.into_iter().map(Line::Said));
            } else {
                // From here on the times count anew.
                if !scene.lines.is_empty()
                    && let Some(words) = act.in_words()
                {
                    scene.lines.push(Line::Done(words));
                }
                (scene.before, scene.lines_before) = (self.stage.now(), scene.lines.len());
                self.act(*act)?;
            }
        }
        while self.hear(&mut scene, QUIET)?.is_some() {}
        self.find_walked(step, &scene);
        for line in &scene.lines {
            match line {
                Line::Told(after, event, looks) => self.show(*after, event, looks)?,
                Line::Said(text) => {
                    self.text(format_args!("   {:>12}  {text}", ""))?;
                    self.picture.note(text);
                }
                Line::Done(text) => {
                    self.text(styled(FAINT, format_args!("   {:>12}  — {text}", "")))?;
                    self.picture.note(&format!("— {text}"));
                }
            }
        }
        self.output.text(self.journal.take_lines())?;
        self.text(styled(FAINT, format_args!("   {}", seen(self.stage, holders))))?;
        if has_followed {
            self.picture.moral(step.moral, self.looks());
            self.text(format_args!("   {}", step.moral))?;
            return Ok(true);
        }
        let message =
            "More should have followed and did not. Please report it, with what --trace FILE records.";
        self.picture.note(message);
        self.text(styled(BAD, format_args!("   {message}")))?;
        Ok(false)
    }

    /// Listens until this was told after the latest thing that was done. Whether it was.
    fn wait_for(&mut self, scene: &mut Scene, wanted: Told) -> Result<bool, Failure> {
        let is_wanted = |line: &Line| matches!(line, Line::Told(_, event, _) if self.is(wanted, event));
        if scene.lines.iter().skip(scene.lines_before).any(is_wanted) {
            return Ok(true);
        }
        while let Some(event) = self.hear(scene, PATIENCE)? {
            if self.is(wanted, &event) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Listens for the next event.
    fn hear(&mut self, scene: &mut Scene, within: Duration) -> Result<Option<Event>, Failure> {
        let Some((at, event)) = self.stage.next_event(within)? else { return Ok(None) };
        let after = at.saturating_since(scene.before);
        scene.lines.push(Line::Told(after, event.clone(), self.looks()));
        Ok(Some(event))
    }

    fn act(&mut self, act: Act) -> Result<(), Failure> {
        let input = match act {
            Act::Open(program) => Input::Open { session: self.session(program)? },
            Act::Close(program) => Input::Close { session: self.session(program)? },
            Act::Stop(program) => Input::Stop { session: self.session(program)? },
            Act::Migrate(program) => Input::Migrate { session: self.session(program)? },
            Act::Ignore(program) => Input::Ignore { session: self.session(program)? },
            Act::Accept(program) => Input::Accept { session: self.session(program)? },
            Act::Reject(program) => Input::Reject { session: self.session(program)? },
            Act::Forget(program) => {
                let session = self.session(program)?;
                self.sessions = self.sessions.map(|other| other.filter(|other| *other != session));
                Input::Drop { session }
            }
            Act::Pull(cable) => return self.stage.pull(cable),
            Act::Plug(cable) => return self.stage.plug(cable),
            Act::Talk(_) | Act::Until(_) => return Ok(()),
        };
        self.stage.say(input).map(|_accepted| ())
    }

    /// The session of a program, made when it is first needed.
    fn session(&mut self, number: usize) -> Result<SessionId, Failure> {
        let (Some(slot), Some(program)) = (self.sessions.get_mut(number), PROGRAMS.get(number)) else {
            return Err(Failure::new(Status::DIFFERENT, "the story has no such program"));
        };
        if let Some(session) = slot {
            return Ok(*session);
        }
        match self.stage.say(Input::Session { on: program.on.into() })? {
            Accepted::Session(session) => {
                *slot = Some(session);
                self.stage.say(Input::Roaming { session, mode: program.roams })?;
                Ok(session)
            }
            Accepted::Done | Accepted::Update(_) => {
                Err(Failure::new(Status::DIFFERENT, "the core did not make a session"))
            }
        }
    }

    fn is(&self, told: Told, event: &Event) -> bool {
        let of = |program: usize| {
            event.session().is_some() && event.session() == self.sessions.get(program).copied().flatten()
        };
        let is_now = |wanted| matches!(event, Event::StateChanged { state, .. } if *state == wanted);
        match told {
            Told::Opened(program) => of(program) && matches!(event, Event::Opened { .. }),
            Told::Closed(program) => of(program) && matches!(event, Event::Closed { .. }),
            Told::Disconnected(program) => of(program) && is_now(SessionState::Disconnected),
            Told::Connected(program) => of(program) && is_now(SessionState::Connected),
            Told::Offered(program) => {
                of(program) && matches!(event, Event::PreferredConfigurationChanged { .. })
            }
            Told::Activated(program) => {
                of(program) && matches!(event, Event::NewConfigurationActivated { .. })
            }
            Told::Down(link) => {
                matches!(event, Event::ConfigurationChanged { id, state, .. } if id == link && *state < ConfigurationState::Active)
            }
            Told::Dead(link) => {
                matches!(event, Event::ConfigurationChanged { id, state, .. } if id == link && *state < ConfigurationState::Discovered)
            }
        }
    }

    /// Notes the edges that this step walked.
    fn find_walked(&mut self, step: &Step, scene: &Scene) {
        let Some(session) = self.sessions.get(CALL).copied().flatten() else { return };
        let told: Vec<Event> = scene
            .lines
            .iter()
            .filter_map(|line| match line {
                Line::Told(_, event, _) if event.session() == Some(session) => Some(event.clone()),
                Line::Told(..) | Line::Said(_) | Line::Done(_) => None,
            })
            .collect();
        let walked = step.edges.iter().copied();
        let walked =
            walked.filter(|edge| seen(self.stage, |manager| edge.is_walked(manager, session, &told)));
        self.walked.extend(walked);
    }

    fn show(&mut self, after: Duration, event: &Event, looks: &[Look]) -> Result<(), Failure> {
        let program =
            event.session().and_then(|told| self.sessions.iter().position(|session| *session == Some(told)));
        let program = program.and_then(|program| PROGRAMS.get(program)).map(|program| program.name);
        if let Some(name) = program {
            self.told = self.told.saturating_add(1);
            if matches!(event, Event::Error { cause: Cause::LinkLost, .. }) {
                self.losses.push((name, after));
            }
            if matches!(event, Event::PreferredConfigurationChanged { kind: OfferKind::Rescue, .. }) {
                self.rescued_after.get_or_insert(after);
            }
        }
        let mut words = narrate::event(event);
        if let Event::Opened { session } = event {
            words.push_str(&seen(self.stage, |manager| narrate::interface_of(manager, *session)));
        }
        let after = format!("{} µs", after.as_micros());
        self.picture.event(&after, program, &words, looks.to_vec());
        let line = format!("   {after:>12}  {:<7}{words}", program.unwrap_or_default());
        self.text(if program.is_some() { line } else { styled(FAINT, line) })
    }

    /// How every link and every session stands: the lanes of the picture.
    fn looks(&self) -> Vec<Look> {
        seen(self.stage, |manager| {
            let links = CABLES.iter().map(|cable| Look::of_link(manager, cable.name));
            let sessions = self.sessions.iter().map(|session| Look::of_session(manager, *session));
            links.chain(sessions).collect()
        })
    }

    fn end(&mut self) -> Result<Status, Failure> {
        let losses =
            self.losses.iter().map(|(name, after)| format!("{name} knew after {} µs", after.as_micros()));
        let losses: Vec<String> = losses.collect();
        let rescued = self.rescued_after.unwrap_or_default().as_micros();
        let summary = format!(
            "Four programs were told {} things. When the plug of cable0 was pulled, {}; when that of {FIBRE} was, \
             call was offered another link after {rescued} µs.",
            self.told,
            losses.join(" and ")
        );
        self.text(format_args!("\n{}", styled(GOOD, &summary)))?;
        self.picture.heading("What came of it", self.looks());
        summary.split_inclusive(['.', ';']).for_each(|sentence| self.picture.note(sentence.trim()));
        self.text("\nThe documented diagram of roaming, as it was walked above:")?;
        for edge in Edge::ALL {
            let (name, what) = edge.words();
            let is_walked = self.walked.contains(&edge);
            let (tick, style) = if is_walked { ("✓", GOOD) } else { ("✗", BAD) };
            let line = format!("{tick} {name}  {what}");
            self.picture.note(&line);
            self.text(format_args!("   {}", styled(style, line)))?;
        }
        self.text(NEXT)?;
        let all = Edge::ALL.iter().all(|edge| self.walked.contains(edge));
        Ok(if all { Status::DONE } else { Status::DIFFERENT })
    }

    fn text(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.output.is_json() { Ok(()) } else { self.output.line(text) }
    }
}

/// The links that are up or held in the end of a step, and how many sessions hold each.
fn holders(manager: &Manager) -> String {
    let links = CABLES.iter().filter_map(|cable| manager.configuration(cable.name));
    let links = links.filter(|it| it.state() == ConfigurationState::Active || it.holders() > 0);
    let link = |link: ConfigurationView<'_>| {
        let plural = if link.holders() == 1 { "" } else { "s" };
        format!("{} is {}, held by {} session{plural}", link.id(), link.state(), link.holders())
    };
    links.map(link).collect::<Vec<_>>().join("; ")
}

const NEXT: &str = "
Where to go on:
  netsession list               what there is on this machine
  netsession monitor            what happens to it, as it happens
  netsession run CONFIG -- CMD  hold a session while a command runs
  netsession open CONFIG        hold one yourself; --roam application asks you as call was asked
  README.md                     the same from your own program, in ten lines";
