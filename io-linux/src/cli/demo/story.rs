//! What the demonstration shows, step by step, on any [`Stage`].
//!
//! Each step acts, waits until what should follow has been told, and then a little longer, so that a
//! session of which nothing is shown was indeed told nothing.

use std::time::Duration;

use netsession_core::{Accepted, Cause, ConfigurationView, Event, Input, Manager, SessionId, SessionState};

use super::stage::{CABLE, NETWORK, SPARE, Stage};
use crate::cli::journal::{Counters, Journal};
use crate::cli::list;
use crate::cli::narrate;
use crate::cli::output::{BAD, FAINT, GOOD, HEADING, Output, styled};
use crate::cli::status::{Failure, Status};

/// Longer than anything in the story takes on a machine that is not stuck.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must be told before a step is over.
const QUIET: Duration = Duration::from_millis(50);

/// The programs of the story that hold sessions, and where.
const PROGRAMS: [(&str, &str); 3] = [("mail", CABLE), ("music", CABLE), ("backup", NETWORK)];
const MAIL: usize = 0;
const MUSIC: usize = 1;
const BACKUP: usize = 2;

/// What somebody does.
#[derive(Clone, Copy)]
enum Act {
    /// Makes a session, if there is none, and opens it.
    Open(usize),
    Close(usize),
    /// Gives up a session that is closed: it would go on to tell the state of its link.
    Forget(usize),
    Stop(usize),
    Pull,
    Plug,
}

/// What must be told to a program before a step is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Opened(usize),
    Closed(usize),
    Disconnected(usize),
}

struct Step {
    /// What is done, for people.
    heading: &'static str,
    acts: &'static [Act],
    follows: &'static [Told],
    /// What is to be seen in it.
    moral: &'static str,
}

const STORY: &[Step] = &[
    Step {
        heading: "mail opens a session on cable0, whose link is down",
        acts: &[Act::Open(MAIL)],
        follows: &[Told::Opened(MAIL)],
        moral: "Opening started the link. mail was told the moment that it could be used.",
    },
    Step {
        heading: "music opens a session on cable0 too",
        acts: &[Act::Open(MUSIC)],
        follows: &[Told::Opened(MUSIC)],
        moral: "The link is shared: nothing had to be started, and mail need not know.",
    },
    Step {
        heading: "music closes its session",
        acts: &[Act::Close(MUSIC)],
        follows: &[Told::Closed(MUSIC)],
        moral: "mail still holds the link, so it stays up, and mail was told nothing.",
    },
    Step {
        heading: "mail closes its session, the last one",
        acts: &[Act::Forget(MUSIC), Act::Close(MAIL)],
        follows: &[Told::Closed(MAIL), Told::Disconnected(MAIL)],
        moral: "The last close took down the link, because opening had started it.",
    },
    Step {
        heading: "both open again",
        acts: &[Act::Open(MAIL), Act::Open(MUSIC)],
        follows: &[Told::Opened(MAIL), Told::Opened(MUSIC)],
        moral: "One start served both.",
    },
    Step {
        heading: "somebody pulls the plug of cable0 at its far end",
        acts: &[Act::Pull],
        follows: &[Told::Closed(MAIL), Told::Closed(MUSIC)],
        moral: "Everybody who held the link was told why, at once; nobody had to ask or poll.",
    },
    Step {
        heading: "backup opens a session on the service network office: cable0, else cable1",
        acts: &[Act::Open(BACKUP)],
        follows: &[Told::Opened(BACKUP)],
        moral: "cable0 is dead, so the service network chose cable1.",
    },
    Step {
        heading: "backup closes",
        acts: &[Act::Close(BACKUP)],
        follows: &[Told::Closed(BACKUP)],
        moral: "cable1 was found running, so the last close leaves it running.",
    },
    Step {
        heading: "the plug is back; mail and music open again",
        acts: &[Act::Forget(BACKUP), Act::Plug, Act::Open(MAIL), Act::Open(MUSIC)],
        follows: &[Told::Opened(MAIL), Told::Opened(MUSIC)],
        moral: "A session that was lost opens again when its program says so, never by itself.",
    },
    Step {
        heading: "mail stops the link, for everybody",
        acts: &[Act::Stop(MAIL)],
        follows: &[Told::Closed(MAIL), Told::Closed(MUSIC), Told::Disconnected(MAIL)],
        moral: "mail wanted it and sees no error; music is told that its session was aborted, and why.",
    },
];

/// Plays the story, and says in the end what happened.
///
/// # Errors
/// The output cannot be written, or the stage broke.
pub(crate) fn play(stage: &mut dyn Stage, journal: &Journal, output: &mut Output) -> Result<Status, Failure> {
    let sessions = [None; PROGRAMS.len()];
    let mut play = Play { stage, journal, output, sessions, told: 0, losses: Vec::new() };
    play.begin()?;
    for (step, number) in STORY.iter().zip(1..) {
        if !play.step(number, step)? {
            return Ok(Status::DIFFERENT);
        }
    }
    play.end()?;
    Ok(Status::DONE)
}

struct Play<'a> {
    stage: &'a mut dyn Stage,
    journal: &'a Journal,
    output: &'a mut Output,
    sessions: [Option<SessionId>; PROGRAMS.len()],
    /// How many events sessions were told.
    told: usize,
    /// Who was told of the loss of the link, after how long.
    losses: Vec<(&'static str, Duration)>,
}

impl Play<'_> {
    fn begin(&mut self) -> Result<(), Failure> {
        self.text(self.stage.place())?;
        let table = self.stage.look(&|manager| list::table(manager, &Counters::new()));
        self.text(format_args!("\n{}", table.trim_end()))
    }

    /// Whether all that should follow did.
    fn step(&mut self, number: usize, step: &Step) -> Result<bool, Failure> {
        self.text(format_args!("\n{}", styled(HEADING, format_args!("{number}. {}", step.heading))))?;
        let before = self.stage.now();
        for act in step.acts {
            self.act(*act)?;
        }
        let mut missing = step.follows.to_vec();
        let mut told = Vec::new();
        // Shown afterwards: showing one would count as time until the next.
        while let Some((at, event)) =
            self.stage.next_event(if missing.is_empty() { QUIET } else { PATIENCE })?
        {
            missing.retain(|told| !self.is(*told, &event));
            told.push((at.saturating_since(before), event));
        }
        for (after, event) in told {
            self.show(after, &event)?;
        }
        self.output.text(self.journal.take_lines())?;
        self.text(styled(FAINT, format_args!("   {}", self.stage.look(&holders))))?;
        if missing.is_empty() {
            self.text(format_args!("   {}", step.moral))?;
            return Ok(true);
        }
        let message =
            "More should have followed and did not. Please report it, with what --trace FILE records.";
        self.text(styled(BAD, format_args!("   {message}")))?;
        Ok(false)
    }

    fn act(&mut self, act: Act) -> Result<(), Failure> {
        let input = match act {
            Act::Open(program) => Input::Open { session: self.session(program)? },
            Act::Close(program) => Input::Close { session: self.session(program)? },
            Act::Stop(program) => Input::Stop { session: self.session(program)? },
            Act::Forget(program) => {
                let session = self.session(program)?;
                self.sessions = self.sessions.map(|other| other.filter(|other| *other != session));
                Input::Drop { session }
            }
            Act::Pull => return self.stage.pull(),
            Act::Plug => return self.stage.plug(),
        };
        self.stage.say(input).map(|_accepted| ())
    }

    /// The session of a program, made when it is first needed.
    fn session(&mut self, program: usize) -> Result<SessionId, Failure> {
        let (Some(slot), Some((_, configuration))) = (self.sessions.get_mut(program), PROGRAMS.get(program))
        else {
            return Err(Failure::new(Status::DIFFERENT, "the story has no such program"));
        };
        if let Some(session) = slot {
            return Ok(*session);
        }
        match self.stage.say(Input::Session { on: (*configuration).into() })? {
            Accepted::Session(session) => Ok(*slot.insert(session)),
            Accepted::Done | Accepted::Update(_) => {
                Err(Failure::new(Status::DIFFERENT, "the core did not make a session"))
            }
        }
    }

    fn is(&self, told: Told, event: &Event) -> bool {
        let (Told::Opened(program) | Told::Closed(program) | Told::Disconnected(program)) = told;
        let is_wanted = match told {
            Told::Opened(_) => matches!(event, Event::Opened { .. }),
            Told::Closed(_) => matches!(event, Event::Closed { .. }),
            Told::Disconnected(_) => {
                matches!(event, Event::StateChanged { state: SessionState::Disconnected, .. })
            }
        };
        is_wanted
            && event.session().is_some()
            && event.session() == self.sessions.get(program).copied().flatten()
    }

    fn show(&mut self, after: Duration, event: &Event) -> Result<(), Failure> {
        let program =
            event.session().and_then(|told| self.sessions.iter().position(|session| *session == Some(told)));
        let program = program.and_then(|program| PROGRAMS.get(program)).map(|(name, _)| *name);
        if let Some(name) = program {
            self.told = self.told.saturating_add(1);
            if matches!(event, Event::Error { cause: Cause::LinkLost, .. }) {
                self.losses.push((name, after));
            }
        }
        let mut words = narrate::event(event);
        if let Event::Opened { session } = event {
            words.push_str(&self.stage.look(&|manager| narrate::interface_of(manager, *session)));
        }
        let after = format!("{:>9} µs", after.as_micros());
        let line = match program {
            Some(name) => format!("   {after}  {name:<7}{words}"),
            None => format!("   {after}  {:<7}{words}", ""),
        };
        self.text(if program.is_some() { line } else { styled(FAINT, line) })
    }

    fn end(&mut self) -> Result<(), Failure> {
        let losses: Vec<String> = self
            .losses
            .iter()
            .map(|(name, after)| format!("{name} knew after {} µs", after.as_micros()))
            .collect();
        let summary = format!(
            "Three programs were told {} things. When the plug was pulled, {}.",
            self.told,
            losses.join(" and ")
        );
        self.text(format_args!("\n{}", styled(GOOD, summary)))?;
        self.text(NEXT)
    }

    fn text(&mut self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.output.is_json() { Ok(()) } else { self.output.line(text) }
    }
}

/// What each link is in the end, and how many sessions hold it.
fn holders(manager: &Manager) -> String {
    let links = [CABLE, SPARE].into_iter().filter_map(|id| manager.configuration(id));
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
  README.md                     the same from your own program, in ten lines";
