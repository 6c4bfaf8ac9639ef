//! The state in short.

use std::fmt::Write as _;

use super::Model;

impl Model {
    /// The state on a few lines, for people.
    #[must_use]
    pub fn in_short(&self) -> String {
        let mut text = format!("now {} ms", self.now);
        for (key, it) in &self.configurations {
            if let Some(ap) = it.access_point() {
                let (level, request, ours) = (ap.level, &ap.request, ap.ours);
                let _ = write!(text, "\n  {key} {}: {level} {request:?} ours {ours}", it.identifier);
                let _ = write!(text, " held {} {:?} {:?}", ap.held, ap.touched, ap.grace);
            } else {
                let _ = write!(text, "\n  {key} {}: {:?}", it.identifier, self.members(*key));
            }
        }
        for (number, session) in &self.sessions {
            let _ = write!(text, "\n  session {number} {:?} {:?}", session.told, session.phase);
            let _ = write!(text, " {:?} {:?} {:?}", session.refusals, session.failures, session.reopening);
        }
        text
    }
}
