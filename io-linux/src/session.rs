//! [`Session`]: a hold on a configuration, with a way to wait for it.

use std::fmt;
use std::time::{Duration, Instant};

use netsession_core::{
    Accepted, Identifier, Input, Interface, PropertyValue, ReopenPolicy, RoamingMode, SessionError,
    SessionId, SessionState, SessionView, UsagePolicies,
};

use crate::engine::Attempt;
use crate::{Driver, Error};

/// How long Qt's `waitForOpened` waits where nobody said how long.
pub const DEFAULT_WAIT_MS: i64 = 30_000;

/// How [`Session::wait_for_opened`] ended (R-WAIT-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the answers of the contract")]
pub enum WaitResult {
    /// The session is open.
    Opened,
    /// Nobody has asked to open it, or somebody has closed it meanwhile.
    NotOpening,
    /// The attempt to open it failed.
    Failed(SessionError),
    /// The time is over; the attempt goes on.
    TimedOut,
}

/// A session on a configuration of a [`Driver`]. Dropping it closes it, without events (R-ST-8).
///
/// Commands take effect at once and are answered by events ([`Driver::next_event`]). Reads show what the
/// driver knows after its last [`turn`](Driver::turn).
pub struct Session {
    driver: Driver,
    id: SessionId,
}

impl Session {
    pub(crate) fn new(driver: Driver, configuration: &str) -> Self {
        let id = match driver.handle(Input::Session { on: Identifier::from(configuration) }) {
            Ok(Accepted::Session(id)) => id,
            // A handle that names nothing reads as a null session.
            Ok(Accepted::Done | Accepted::Update(_)) | Err(_) => SessionId::unresolved(0),
        };
        Self { driver, id }
    }

    /// Asks for the link. Ends in exactly one of Opened, Error and Closed (R-OPEN-11).
    pub fn open(&self) {
        self.command(Input::Open { session: self.id });
    }

    /// Gives the hold back; the last one takes the link down as its policy says.
    pub fn close(&self) {
        self.command(Input::Close { session: self.id });
    }

    /// Takes the link down, for every session on it.
    pub fn stop(&self) {
        self.command(Input::Stop { session: self.id });
    }

    /// Waits until an attempt to open has ended, at most `timeout_ms` milliseconds; a negative number
    /// sets no limit. Events queue meanwhile. An error of the driver is kept for the next
    /// [`Driver::turn`].
    pub fn wait_for_opened(&self, timeout_ms: i64) -> WaitResult {
        let deadline = u64::try_from(timeout_ms)
            .ok()
            .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        if self.is_open() {
            return WaitResult::Opened;
        }
        if self.driver.attempt(self.id) != Some(Attempt::Opening) {
            return WaitResult::NotOpening;
        }
        loop {
            match self.driver.attempt(self.id) {
                Some(Attempt::Opening) => {}
                Some(Attempt::Opened) => return WaitResult::Opened,
                Some(Attempt::Failed(error)) => return WaitResult::Failed(error),
                None => return WaitResult::NotOpening,
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return WaitResult::TimedOut;
            }
            self.driver.wait_and_turn(left);
        }
    }

    /// Its handle, as events name it.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.view(|view| view.state()).unwrap_or(SessionState::Invalid)
    }

    /// Whether it holds a link that is up, from Opened to Closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.view(|view| view.is_open()).unwrap_or(false)
    }

    /// The last error, until the next.
    #[must_use]
    pub fn error(&self) -> Option<SessionError> {
        self.view(|view| view.error()).unwrap_or(Some(SessionError::InvalidConfiguration))
    }

    /// The last error in words.
    #[must_use]
    pub fn error_string(&self) -> Option<String> {
        self.view(|view| view.error_string().map(str::to_owned)).flatten()
    }

    /// The identifier that it was made on.
    #[must_use]
    pub fn configuration(&self) -> Identifier {
        self.view(|view| view.configuration().clone()).unwrap_or_default()
    }

    /// The access point in use while it is open.
    #[must_use]
    pub fn active_configuration(&self) -> Option<Identifier> {
        self.view(|view| view.active_configuration().cloned()).flatten()
    }

    /// The interface, exactly while the state is Connected (R-ST-6).
    #[must_use]
    pub fn interface(&self) -> Option<Interface> {
        self.view(|view| view.interface().cloned()).flatten()
    }

    /// Bytes received on the link, by the kernel's count of now (R-STAT-1).
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.driver.refresh_counters(self.id);
        self.view(|view| view.bytes_received()).unwrap_or(0)
    }

    /// Bytes sent on the link, by the kernel's count of now (R-STAT-1).
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.driver.refresh_counters(self.id);
        self.view(|view| view.bytes_sent()).unwrap_or(0)
    }

    /// Whole seconds since it became Connected (R-STAT-2).
    #[must_use]
    pub fn active_time(&self) -> u64 {
        self.command(Input::Tick {});
        self.view(|view| view.active_time()).unwrap_or(0)
    }

    /// The usage policies that hold for it.
    #[must_use]
    pub fn usage_policies(&self) -> UsagePolicies {
        self.view(|view| view.usage_policies()).unwrap_or_default()
    }

    /// A property.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<PropertyValue> {
        self.view(|view| view.property(key)).flatten()
    }

    /// Writes a property; `None` removes it.
    ///
    /// # Errors
    /// [`Error::Refused`] if the property is read only, of another type, or too large.
    pub fn set_property(&self, key: &str, value: Option<PropertyValue>) -> Result<(), Error> {
        self.driver.handle(Input::Property { session: self.id, key: key.to_owned(), value }).map(drop)
    }

    /// Sets how it roams.
    ///
    /// # Errors
    /// [`Error::Refused`] if the session is none of the core's.
    pub fn set_roaming_mode(&self, mode: RoamingMode) -> Result<(), Error> {
        self.driver.handle(Input::Roaming { session: self.id, mode }).map(drop)
    }

    /// Sets whether it opens again after a loss.
    ///
    /// # Errors
    /// [`Error::Refused`] if the session is none of the core's.
    pub fn set_reopen_policy(&self, policy: ReopenPolicy) -> Result<(), Error> {
        self.driver.handle(Input::Reopen { session: self.id, policy }).map(drop)
    }

    /// Something that is refused only for a handle that names nothing, where it means nothing.
    fn command(&self, input: Input) {
        let _: Result<Accepted, Error> = self.driver.handle(input);
    }

    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    pub(crate) fn view<T>(&self, read: impl FnOnce(SessionView<'_>) -> T) -> Option<T> {
        self.driver.manager().session(self.id).map(read)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.drop_session(self.id);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("state", &self.state()).finish_non_exhaustive()
    }
}
