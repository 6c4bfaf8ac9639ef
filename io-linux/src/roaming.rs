//! The typed door to roaming: an offer that can be answered once, a migration, a trial that can be decided
//! once.
//!
//! Events stay plain data: [`Event::PreferredConfigurationChanged`] and [`Event::NewConfigurationActivated`]
//! say that there is something to answer, and may be dropped. What is answered is taken from the session,
//! whenever it suits: [`Session::offer`] and [`Session::trial`] give what stands now.
//!
//! ```text
//! session.offer() ── ignore ──► the session stays where it is
//!        │
//!     migrate ──► Migration ── wait_for_trial ──► Trial ── accept ──► the session has moved
//!                     ▲                             │
//! session.migrate_to ─┘                          reject ──► the session stays where it is
//! ```
//!
//! An answer to what no longer stands is refused as [`Refused::NotRoaming`] and changes nothing: not the
//! session, and not the offer or trial that stands in its place.
//!
//! [`Event::PreferredConfigurationChanged`]: netsession_core::Event::PreferredConfigurationChanged
//! [`Event::NewConfigurationActivated`]: netsession_core::Event::NewConfigurationActivated
//!
//! ```no_run
//! use netsession_io_linux::{Driver, Error, MigrationResult};
//!
//! # fn is_good_enough(_: &std::net::TcpStream) -> bool { true }
//! # fn roam(driver: &Driver, session: &netsession_io_linux::Session) -> Result<(), Error> {
//! if let Some(offer) = session.offer() {
//!     match offer.migrate()?.wait_for_trial(30_000) {
//!         MigrationResult::Trial(trial) => {
//!             for lack in trial.lacks()? {
//!                 eprintln!("{lack}");
//!             }
//!             let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
//!             trial.bind_to_candidate(&socket)?;
//!             trial.accept()?;
//!         }
//!         MigrationResult::Moved => println!("moved without a question"),
//!         other => println!("still where it was: {other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use netsession_core::{
    CandidateView, Identifier, Input, Interface, LinkState, OfferKind, Refused, RoamingMode, SessionError,
    SessionId, SessionState, SessionView,
};

use crate::bind::bind_to_interface;
use crate::{Driver, Error, Lack, Session};

/// An access point that a session may move to, as it was when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// Which.
    pub id: Identifier,
    /// Its interface with its addresses, as soon as the kernel has told of it.
    pub interface: Option<Interface>,
}

/// The application is asked whether to move. To drop it answers nothing.
#[must_use = "an offer stands until it is answered or withdrawn"]
pub struct Offer {
    standing: Standing,
    id: Identifier,
    kind: OfferKind,
    is_seamless: bool,
}

/// A move that is under way. To drop it changes nothing: the move goes on, and
/// [`Session::trial`] gives its trial.
#[must_use = "a migration leads to a trial that waits for an answer"]
pub struct Migration {
    driver: Driver,
    session: SessionId,
    to: Identifier,
}

/// Both links are up, and the application is asked which to keep. To drop it answers nothing.
#[must_use = "a trial holds both links until it is decided"]
pub struct Trial {
    standing: Standing,
    candidate: Candidate,
}

/// How [`Migration::wait_for_trial`] ended.
#[derive(Debug)]
#[must_use = "a trial waits for an answer"]
#[non_exhaustive]
pub enum MigrationResult {
    /// The other link is up: try it, and accept or reject it.
    Trial(Trial),
    /// The session is on the other link; nobody was to be asked.
    Moved,
    /// The session did not move. It is where it was, or it has lost that and looks for another:
    /// [`Session::offer`] may have one.
    Failed(Option<SessionError>),
    /// The session is not open any more.
    Ended(Option<SessionError>),
    /// The time is over; the move goes on.
    TimedOut(Migration),
}

/// A question of a session, and which one it was.
struct Standing {
    driver: Driver,
    session: SessionId,
    step: u64,
}

impl Session {
    /// The offer that waits for an answer, if there is one.
    pub fn offer(&self) -> Option<Offer> {
        self.view(|view| {
            let offer = view.offer()?;
            Some(Offer {
                standing: self.standing(step_of_offer(&view)?),
                id: offer.id.clone(),
                kind: offer.kind,
                is_seamless: offer.seamless,
            })
        })
        .flatten()
    }

    /// The trial that waits for a decision, if there is one.
    pub fn trial(&self) -> Option<Trial> {
        self.view(|view| {
            let standing = self.standing(step_of_trial(&view)?);
            Some(Trial { standing, candidate: Candidate::new(view.candidate()?) })
        })
        .flatten()
    }

    /// The access point that is on trial.
    #[must_use]
    pub fn candidate(&self) -> Option<Candidate> {
        self.view(|view| view.candidate().map(Candidate::new)).flatten()
    }

    /// Moves to a member of the service network that the application chooses itself (R-ROAM-27).
    ///
    /// # Errors
    /// [`Error::Refused`] if the session is moving already, or the member cannot be used now. A member that was down
    /// and is watched since the session was opened shows no carrier at first; an event tells when it does.
    pub fn migrate_to(&self, member: &Identifier) -> Result<Migration, Error> {
        let (driver, session) = (self.driver().clone(), self.id());
        driver.handle(Input::MigrateTo { session, member: member.clone() })?;
        Ok(Migration { driver, session, to: member.clone() })
    }

    /// How it roams.
    #[must_use]
    pub fn roaming_mode(&self) -> RoamingMode {
        self.view(|view| view.roaming_mode()).unwrap_or(RoamingMode::Suppressed)
    }

    /// Binds a socket to the interface of the link that the session uses: of the one in use until a trial is
    /// accepted. Any user may do that, for IPv4 and IPv6, TCP and UDP.
    ///
    /// Bind a socket before it is connected, and open new ones when the session has moved: what is bound stays
    /// bound. A bound socket uses the routes of its interface and no others ([`Driver::lacks`]).
    ///
    /// # Errors
    /// [`Error::NoLink`] if the session is not open, or its link is lost; [`Error::Bind`] if the interface is
    /// gone, or the socket is bound to another and this process lacks CAP_NET_RAW.
    pub fn bind_to_session(&self, socket: impl AsFd) -> Result<(), Error> {
        let Some(active) = self.active_configuration() else {
            let why = "the session is not open; open it, and wait until it is";
            return Err(Error::NoLink { configuration: self.configuration(), why });
        };
        let interface = {
            let manager = self.driver().manager();
            let link = manager.configuration(&active);
            let link = link.filter(|link| link.link() == Some(LinkState::Active));
            link.and_then(|link| link.interface().cloned())
        };
        let why = "it is down; wait until the session is connected again";
        let interface = interface.ok_or(Error::NoLink { configuration: active, why })?;
        bind_to_interface(socket.as_fd(), &interface)
    }

    fn standing(&self, step: u64) -> Standing {
        Standing { driver: self.driver().clone(), session: self.id(), step }
    }
}

impl Offer {
    /// Where to.
    #[must_use]
    pub const fn id(&self) -> &Identifier {
        &self.id
    }

    /// Why: something better, or the link in use was lost.
    #[must_use]
    pub const fn kind(&self) -> OfferKind {
        self.kind
    }

    /// Whether connections survive the move by themselves.
    #[must_use]
    pub const fn is_seamless(&self) -> bool {
        self.is_seamless
    }

    /// Takes the offer: the other link is brought up beside the one in use (R-ROAM-5).
    ///
    /// # Errors
    /// [`Refused::NotRoaming`] if it does not stand any more; nothing changed.
    pub fn migrate(self) -> Result<Migration, Error> {
        let Self { standing, id, .. } = self;
        standing.answer(step_of_offer, |session| Input::Migrate { session })?;
        Ok(Migration { driver: standing.driver, session: standing.session, to: id })
    }

    /// Declines it; it is not made again until the access point has gone and come back (R-ROAM-2, R-ROAM-43).
    ///
    /// # Errors
    /// [`Refused::NotRoaming`] if it does not stand any more; nothing changed.
    pub fn ignore(self) -> Result<(), Error> {
        self.standing.answer(step_of_offer, |session| Input::Ignore { session })
    }
}

impl Migration {
    /// Where to.
    #[must_use]
    pub const fn to(&self) -> &Identifier {
        &self.to
    }

    /// Makes the driver run until the trial begins or cannot any more, at most `timeout_ms` milliseconds; a
    /// negative number sets no limit. Events queue meanwhile. An error of the driver is kept for the next
    /// [`Driver::turn`].
    pub fn wait_for_trial(self, timeout_ms: i64) -> MigrationResult {
        let deadline = u64::try_from(timeout_ms)
            .ok()
            .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        loop {
            if let Some(result) = self.result() {
                return result;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return MigrationResult::TimedOut(self);
            }
            self.driver.wait_and_turn(left);
        }
    }

    /// How it has ended, if it has.
    fn result(&self) -> Option<MigrationResult> {
        let manager = self.driver.manager();
        let Some(view) = manager.session(self.session) else { return Some(MigrationResult::Ended(None)) };
        if !view.is_open() {
            return Some(MigrationResult::Ended(view.error()));
        }
        let is_meant = |id: &Identifier| *id == self.to;
        let Some(candidate) = view.candidate().filter(|candidate| is_meant(candidate.id)) else {
            if view.active_configuration().is_some_and(is_meant) {
                return Some(MigrationResult::Moved);
            }
            let is_asked = view.offer().is_some() || view.candidate().is_some();
            let is_on_its_way = !is_asked
                && view.state() == SessionState::Roaming
                && view.why().iter().any(|member| member.chosen && is_meant(member.id));
            return (!is_on_its_way).then(|| MigrationResult::Failed(view.error()));
        };
        let step = candidate.step;
        let standing = Standing { driver: self.driver.clone(), session: self.session, step };
        Some(MigrationResult::Trial(Trial { standing, candidate: Candidate::new(candidate) }))
    }
}

impl Trial {
    /// The other access point and its interface, as they were when this trial was taken from the session;
    /// [`Session::candidate`] tells of addresses that have come since.
    #[must_use]
    pub const fn candidate(&self) -> &Candidate {
        &self.candidate
    }

    /// What the candidate lacks for traffic that is bound to it, by the kernel's routes and settings of now.
    ///
    /// # Errors
    /// As [`Driver::lacks`].
    pub fn lacks(&self) -> Result<Vec<Lack>, Error> {
        self.standing.driver.lacks(&self.candidate.id)
    }

    /// Binds a socket to the candidate's interface, as [`Session::bind_to_session`] does to the one in use.
    ///
    /// # Errors
    /// [`Error::NoLink`] if its interface is not known, [`Error::Bind`] as there.
    pub fn bind_to_candidate(&self, socket: impl AsFd) -> Result<(), Error> {
        let interface = self.candidate.interface.as_ref().ok_or_else(|| Error::NoLink {
            configuration: self.candidate.id.clone(),
            why: "its interface is not known",
        })?;
        bind_to_interface(socket.as_fd(), interface)
    }

    /// Keeps the candidate; the other link is let go (R-ROAM-9).
    ///
    /// # Errors
    /// [`Refused::NotRoaming`] if the trial is over; nothing changed.
    pub fn accept(self) -> Result<(), Error> {
        self.standing.answer(step_of_trial, |session| Input::Accept { session })
    }

    /// Goes back to the link in use and lets the candidate go (R-ROAM-10).
    ///
    /// # Errors
    /// [`Refused::NotRoaming`] if the trial is over; nothing changed.
    pub fn reject(self) -> Result<(), Error> {
        self.standing.answer(step_of_trial, |session| Input::Reject { session })
    }
}

impl Standing {
    /// Says the answer if the question still stands.
    fn answer(
        &self,
        step_now: impl FnOnce(&SessionView<'_>) -> Option<u64>,
        answer: impl FnOnce(SessionId) -> Input,
    ) -> Result<(), Error> {
        let now = self.driver.manager().session(self.session).and_then(|view| step_now(&view));
        if now != Some(self.step) {
            return Err(Refused::NotRoaming.into());
        }
        self.driver.handle(answer(self.session)).map(drop)
    }
}

impl Candidate {
    fn new(view: CandidateView<'_>) -> Self {
        Self { id: view.id.clone(), interface: view.interface.cloned() }
    }
}

/// Which offer stands.
fn step_of_offer(view: &SessionView<'_>) -> Option<u64> {
    view.offer().map(|offer| offer.step)
}

/// Which trial stands.
fn step_of_trial(view: &SessionView<'_>) -> Option<u64> {
    view.candidate().map(|candidate| candidate.step)
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Offer");
        debug.field("session", &self.standing.session).field("id", &self.id).field("kind", &self.kind);
        debug.field("is_seamless", &self.is_seamless).finish_non_exhaustive()
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Migration");
        debug.field("session", &self.session).field("to", &self.to).finish_non_exhaustive()
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Trial");
        debug.field("session", &self.standing.session).field("candidate", &self.candidate);
        debug.finish_non_exhaustive()
    }
}
