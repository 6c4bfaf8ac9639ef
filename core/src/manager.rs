//! The door of the machine: inputs in, outputs out, and views of what stands.

use crate::{
    Accepted, Capabilities, ConfigurationId, ConfigurationState, ConfigurationView, Input, Instant, Output,
    Refused, SessionId, SessionView,
};

/// The state machine. See the crate's documentation for its rules.
#[derive(Clone, Debug, Default)]
pub struct Manager {
    now: Instant,
}

impl Manager {
    /// A machine that knows nothing, with the default constants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says one thing to the machine. The only way in.
    ///
    /// # Errors
    /// [`Refused`] says why the input changed nothing.
    pub fn handle_input(&mut self, now: Instant, input: Input) -> Result<Accepted, Refused> {
        let _ = input;
        self.now = self.now.max(now);
        Ok(Accepted::Done)
    }

    /// Takes the next thing that the machine says, `Idle` when there is nothing more. The only way out.
    pub fn poll_output(&mut self) -> Output {
        Output::Idle { wake: None }
    }

    /// The latest time that an input brought.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// A session; `None` if it was dropped or never made.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<SessionView<'_>> {
        let _ = id;
        None
    }

    /// All sessions that were not dropped, in the order in which they were made.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView<'_>> {
        core::iter::empty()
    }

    /// The configuration with this identifier.
    #[must_use]
    pub fn configuration(&self, id: &str) -> Option<ConfigurationView<'_>> {
        let _ = id;
        None
    }

    /// The configuration that a handle names; `None` if it was removed, even if its identifier is back.
    #[must_use]
    pub fn configuration_at(&self, id: ConfigurationId) -> Option<ConfigurationView<'_>> {
        let _ = id;
        None
    }

    /// Access points and service networks in the order in which they were added, those whose state
    /// includes `filter`'s (R-REG-4).
    pub fn configurations(
        &self,
        filter: Option<ConfigurationState>,
    ) -> impl Iterator<Item = ConfigurationView<'_>> {
        let _ = filter;
        core::iter::empty()
    }

    /// The configuration to use where nobody said which (R-REG-5).
    #[must_use]
    pub fn default_configuration(&self) -> Option<ConfigurationView<'_>> {
        None
    }

    /// Whether some link that counts is up (R-REG-6).
    #[must_use]
    pub const fn is_online(&self) -> bool {
        false
    }

    /// What the platform can do with any of the configurations (R-REG-9).
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::empty()
    }

    /// How many answers came too late, twice, or for nothing (R-GEN-3).
    #[must_use]
    pub const fn stale_answers(&self) -> u64 {
        0
    }
}
