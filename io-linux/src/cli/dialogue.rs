//! What a session asks a person while it roams, and what the person, or a check of theirs, answers.
//!
//! Questions are events; answers are lines, given to the core as they come. It knows whether an answer came in
//! time: here that is only put into words.

use std::process::ExitStatus;

use netsession_core::trace::{Query, Subject};
use netsession_core::{Event, Identifier, Input, OfferKind, Refused, SessionState};
use netsession_io_linux::{Error, Session};

use super::check::{self, Check};
use super::complain;
use super::host::Host;
use super::narrate;
use super::output::{HEADING, styled};
use super::status::{Failure, Status};
use super::table::printable;

const HELP: &str = "\
migrate, m         move to what is offered; both links stay up until you decide
ignore, i          stay; it is not offered again until it goes away and comes back
accept, a          stay on what is on trial, and give up the other
reject, r          go back to the other
migrate MEMBER     try this member, offered or not
why                which members there are, and what speaks against each
Ctrl-D             close the session";

/// Something that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    /// Whether to move there.
    Offer(Identifier),
    /// Whether to stay there.
    Trial(Identifier),
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer<'a> {
    Migrate,
    MigrateTo(&'a str),
    Ignore,
    Accept,
    Reject,
    Why,
    Help,
    Nothing,
    Unknown,
}

impl<'a> Answer<'a> {
    fn read(line: &'a str) -> Self {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (word, rest.trim()) {
            ("migrate" | "m", "") => Self::Migrate,
            ("migrate" | "m" | "migrate_to", member) if !member.is_empty() => Self::MigrateTo(member),
            ("ignore" | "i", "") => Self::Ignore,
            ("accept" | "a", "") => Self::Accept,
            ("reject" | "r", "") => Self::Reject,
            ("why" | "w", "") => Self::Why,
            ("help" | "h" | "?", "") => Self::Help,
            ("", _) => Self::Nothing,
            _ => Self::Unknown,
        }
    }
}

/// A conversation about one session.
pub(crate) struct Dialogue<'a> {
    session: &'a Session,
    /// The command of `--check`.
    command: Option<&'a str>,
    check: Option<Check>,
    /// What was asked last and not answered.
    asked: Option<Question>,
}

impl<'a> Dialogue<'a> {
    /// About this session, whose trials are decided by `command`, if there is one.
    pub(crate) const fn new(session: &'a Session, command: Option<&'a str>) -> Self {
        Self { session, command, check: None, asked: None }
    }

    /// Asks what an event that was shown asks, and ends a check whose trial is over.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(crate) fn on_event(&mut self, host: &mut Host, event: &Event) -> Result<(), Failure> {
        if event.session() != Some(self.session.id()) {
            return Ok(());
        }
        if let Some(Question::Trial(candidate)) = &self.asked
            && self.check.is_some()
            && !self.is_on_trial(host, candidate)
        {
            self.check = None;
            return host.say("The trial is over; the check was stopped.");
        }
        if let Event::PreferredConfigurationChanged { id, kind, .. } = event {
            self.asked = Some(Question::Offer(id.clone()));
            return self.ask_about_offer(host, id, *kind);
        }
        if let Event::NewConfigurationActivated { id, decision_due: true, .. } = event {
            self.asked = Some(Question::Trial(id.clone()));
            return self.ask_about_trial(host, id);
        }
        Ok(())
    }

    /// Takes a line as an answer.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(crate) fn on_line(&mut self, host: &mut Host, line: &str) -> Result<(), Failure> {
        let session = self.session.id();
        match Answer::read(line) {
            Answer::Migrate => self.answer(host, Input::Migrate { session }),
            Answer::MigrateTo(member) => self.migrate_to(host, member),
            Answer::Ignore => self.answer(host, Input::Ignore { session }),
            Answer::Accept => self.answer(host, Input::Accept { session }),
            Answer::Reject => self.answer(host, Input::Reject { session }),
            Answer::Why => host.explain(&Query::Why(Subject::Session(session))),
            Answer::Help => HELP.lines().try_for_each(|line| host.say(line)),
            Answer::Nothing => Ok(()),
            Answer::Unknown => {
                let message = format!("{:?} is no answer; help lists them", printable(line));
                host.say_or_complain(&message)
            }
        }
    }

    /// Takes the end of a check, if it has ended, as an answer.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(crate) fn on_child(&mut self, host: &mut Host) -> Result<(), Failure> {
        let Some(check) = &mut self.check else { return Ok(()) };
        let ended = check.ended().map_err(|error| {
            Failure::new(Status::SYSTEM, format_args!("cannot tell how the check ended: {error}"))
        })?;
        let Some(status) = ended else { return Ok(()) };
        self.check = None;
        host.say(&format!("The check ended with {}: {}.", in_words(status), verdict(status)))?;
        let session = self.session.id();
        let input = if status.success() { Input::Accept { session } } else { Input::Reject { session } };
        self.answer(host, input)
    }

    fn ask_about_offer(&self, host: &mut Host, id: &Identifier, kind: OfferKind) -> Result<(), Failure> {
        // What was offered may be gone by the time that its event is shown.
        if !self.is_offered(host, id) {
            return Ok(());
        }
        let id = printable(id);
        host.say(&match kind {
            OfferKind::Upgrade => format!("{id} is preferred to what is in use, and can be used now:"),
            OfferKind::Rescue => {
                let limit = host.constants().rescue_answer_within.as_secs();
                format!("The link in use is lost. Without an answer {id} is ignored after {limit} s:")
            }
        })?;
        host.explain(&Query::Why(Subject::Session(self.session.id())))?;
        host.say(&styled(HEADING, format_args!("Move to {id}? migrate (m) or ignore (i)")))
    }

    fn ask_about_trial(&mut self, host: &mut Host, id: &Identifier) -> Result<(), Failure> {
        if !self.is_on_trial(host, id) {
            return Ok(());
        }
        let (has, interface) = {
            let manager = host.driver.manager();
            let candidate = manager.session(self.session.id()).and_then(|view| view.candidate());
            let interface = candidate.and_then(|candidate| candidate.interface).cloned();
            (interface.as_ref().map(narrate::interface).unwrap_or_default(), interface)
        };
        let index = interface.as_ref().map(|it| format!(", index {}", it.index)).unwrap_or_default();
        let name = printable(id);
        host.say(&format!("{name} is up{has}{index}; what was used until now is kept until you decide."))?;
        let lacks = host.lacks(self.session);
        lacks.iter().try_for_each(|lack| host.say(&format!("Mind: {}", printable(lack))))?;
        if let Some(command) = self.command {
            let subject = check::Subject {
                configuration: &self.session.configuration(),
                candidate: id,
                interface: interface.as_ref(),
                lacks: &lacks.join("; "),
            };
            match Check::start(command, &subject) {
                Ok(check) => {
                    self.check = Some(check);
                    host.say("The check runs; its exit status decides, unless you do before.")?;
                }
                Err(error) => complain(&format!("cannot run the check: {error}; decide yourself")),
            }
        }
        host.say(&styled(HEADING, format_args!("Stay on {name}? accept (a) or reject (r)")))
    }

    fn migrate_to(&mut self, host: &mut Host, member: &str) -> Result<(), Failure> {
        let session = self.session.id();
        match host.driver.find(member) {
            Ok(id) if self.is_offered(host, &id) => self.answer(host, Input::Migrate { session }),
            Ok(member) => self.answer(host, Input::MigrateTo { session, member }),
            Err(error) => host.say_or_complain(&error.to_string()),
        }
    }

    fn answer(&mut self, host: &mut Host, input: Input) -> Result<(), Failure> {
        let is_about_offer = !matches!(input, Input::Accept { .. } | Input::Reject { .. });
        let is_ignored = matches!(input, Input::Ignore { .. });
        match host.driver.handle(input) {
            Ok(_) => {
                self.asked = None;
                self.check = None;
                if is_ignored { host.say("Ignored.") } else { Ok(()) }
            }
            Err(Error::Refused(Refused::NotRoaming)) => host.say(&self.too_late(is_about_offer)),
            Err(error) => host.say_or_complain(&error.to_string()),
        }
    }

    fn too_late(&self, is_about_offer: bool) -> String {
        match &self.asked {
            Some(Question::Offer(id)) if is_about_offer => {
                format!("Too late: {} is no longer offered.", printable(id))
            }
            Some(Question::Trial(id)) if !is_about_offer => {
                format!("Too late: the trial of {} is over.", printable(id))
            }
            Some(Question::Offer(_) | Question::Trial(_)) | None if is_about_offer => {
                "Nothing is offered now.".to_owned()
            }
            Some(Question::Offer(_) | Question::Trial(_)) | None => "Nothing is on trial now.".to_owned(),
        }
    }

    fn is_offered(&self, host: &Host, id: &Identifier) -> bool {
        let manager = host.driver.manager();
        let offer = manager.session(self.session.id()).and_then(|view| view.offer());
        offer.is_some_and(|offer| offer.id == id)
    }

    fn is_on_trial(&self, host: &Host, id: &Identifier) -> bool {
        let manager = host.driver.manager();
        manager.session(self.session.id()).is_some_and(|view| {
            view.state() == SessionState::Roaming && view.candidate().is_some_and(|it| it.id == id)
        })
    }
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, signal) => format!("signal {}", signal.unwrap_or(0)),
    }
}

fn verdict(status: ExitStatus) -> &'static str {
    if status.success() { "accepted" } else { "rejected" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_long_and_short_forms() {
        for (line, expected) in [
            ("migrate", Answer::Migrate),
            ("m", Answer::Migrate),
            ("m  eth0 ", Answer::MigrateTo("eth0")),
            ("migrate_to my eth", Answer::MigrateTo("my eth")),
            ("i", Answer::Ignore),
            ("ignore", Answer::Ignore),
            ("a", Answer::Accept),
            ("accept", Answer::Accept),
            ("r", Answer::Reject),
            ("reject", Answer::Reject),
            ("why", Answer::Why),
            ("?", Answer::Help),
            ("", Answer::Nothing),
            ("accept eth0", Answer::Unknown),
            ("migrate_to", Answer::Unknown),
            ("yes", Answer::Unknown),
        ] {
            assert_eq!(Answer::read(line), expected, "{line}");
        }
    }
}
