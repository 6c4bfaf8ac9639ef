//! A session on two transmitters that lead to the same place: opened, rescued when the first one is out of reach,
//! and closed. What is told in each chapter is compared with what should be.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use netsession_core::{
    Accepted, Add, Event, Input, LinkState, Observation, Refused, RoamingMode, SessionId, SnapshotEntry,
};

use crate::radio::Driver;

/// Tells it, line by line. An error says what was told in place of what.
pub(crate) fn tell(say: impl Fn(&str)) -> Result<(), String> {
    let mut driver = Driver::new();
    let session = begin(&mut driver).map_err(|refused| refused.to_string())?;
    let mut chapter =
        |title: &str, expected: &[&str], happen: &dyn Fn(&mut Driver) -> Result<(), Refused>| {
            say(&format!("{title}\n"));
            happen(&mut driver).map_err(|refused| refused.to_string())?;
            while is_asked_nothing(&driver, session)
                && driver.pass_time().map_err(|refused| refused.to_string())?
            {}
            let told: Vec<String> = driver.take_events().into_iter().filter_map(words).collect();
            told.iter().for_each(|line| say(&format!("  {line}\n")));
            if told == expected {
                Ok(())
            } else {
                Err(format!("{title}: this should have been told: {expected:?}\n"))
            }
        };
    chapter("open", &["0 connecting", "40 connected", "40 opened"], &|driver| {
        driver.handle(Input::Open { session }).map(drop)
    })?;
    chapter("out of reach", &["40 roaming", "40 far offered (rescue)"], &|driver| driver.lose("near"))?;
    chapter("migrate", &["80 far is up"], &|driver| driver.handle(Input::Migrate { session }).map(drop))?;
    chapter("accept", &["80 connected"], &|driver| driver.handle(Input::Accept { session }).map(drop))?;
    chapter("in reach again", &["30040 near offered (upgrade)"], &|driver| driver.hear("near"))?;
    chapter("close", &["30040 closed", "30040 closing", "30045 disconnected"], &|driver| {
        driver.handle(Input::Close { session }).map(drop)
    })
}

/// Both transmitters are in reach, and a session is on what they are called together.
fn begin(driver: &mut Driver) -> Result<SessionId, Refused> {
    let transmitters = ["near", "far"];
    let known = transmitters.map(|id| SnapshotEntry::new(Observation::new(id, LinkState::Defined)));
    driver.handle(Input::Snapshot(known.into()))?;
    transmitters.iter().try_for_each(|id| driver.hear(id))?;
    driver.handle(Input::Add(Add::service_network("home", transmitters)))?;
    let Accepted::Session(session) = driver.handle(Input::Session { on: "home".into() })? else {
        return Err(Refused::UnknownConfiguration("home".into()));
    };
    driver.handle(Input::Roaming { session, mode: RoamingMode::Application })?;
    driver.take_events();
    Ok(session)
}

/// Whether nothing waits for an answer of the application: only then is it time that goes on.
fn is_asked_nothing(driver: &Driver, session: SessionId) -> bool {
    let view = driver.manager().session(session);
    view.is_some_and(|view| view.offer().is_none() && view.candidate().is_none())
}

/// What a session is told, with the milliseconds since the beginning.
fn words((at, event): (netsession_core::Instant, Event)) -> Option<String> {
    event.session()?;
    Some(match event {
        Event::StateChanged { state, .. } => format!("{at} {state}"),
        Event::Opened { .. } => format!("{at} opened"),
        Event::Closed { .. } => format!("{at} closed"),
        Event::Error { cause, .. } => format!("{at} error: {cause}"),
        Event::PreferredConfigurationChanged { id, kind, .. } => format!("{at} {id} offered ({kind})"),
        Event::NewConfigurationActivated { id, .. } => format!("{at} {id} is up"),
        Event::OfferWithdrawn { .. }
        | Event::UsagePoliciesChanged { .. }
        | Event::ConfigurationAdded { .. }
        | Event::ConfigurationRemoved { .. }
        | Event::ConfigurationChanged { .. }
        | Event::OnlineStateChanged { .. }
        | Event::UpdateCompleted { .. } => return None,
    })
}
