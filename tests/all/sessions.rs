//! What a session promises and a transcript cannot say: texts, and null sessions read by accessors.

use netsession_core::{
    Add, Cause, Event, Input, LinkState, OperationId, Outcome, Output, SessionError, SessionState,
};

use crate::machine::Machine;

/// R-ST-5: Invalid from birth and for ever, whatever is said to it.
#[test]
fn a_null_session_is_harmless() {
    let mut machine = Machine::with([Input::Add(Add::access_point("eth0"))]);
    for name in ["nowhere", ""] {
        let session = machine.session(0, name);
        let key = || "key".to_owned();
        let commands = [
            Input::Close { session },
            Input::Stop { session },
            Input::Property { session, key: key(), value: Some(netsession_core::PropertyValue::Bool(true)) },
            Input::Open { session },
        ];
        for command in [None].into_iter().chain(commands.map(Some)) {
            if let Some(command) = command {
                // Accepted or refused, it changes nothing.
                let _ = machine.take(1, command);
            }
            let view = machine.manager.session(session).unwrap();
            assert_eq!(view.state(), SessionState::Invalid);
            assert_eq!(view.error(), Some(SessionError::InvalidConfiguration));
            assert!(!view.error_string().unwrap_or_default().is_empty());
            assert_eq!(view.configuration(), &name);
            assert!(!view.is_open() && view.active_configuration().is_none() && view.interface().is_none());
            assert_eq!((view.bytes_received(), view.bytes_sent(), view.active_time()), (0, 0, 0));
            assert_eq!(view.properties().count(), 0);
            assert_eq!(view.property(netsession_core::property::ACTIVE_CONFIGURATION), None);
            assert_eq!(view.property("key"), None);
        }
    }
}

/// R-ERR-1: the last error stays until the next, and its text says what failed, on what, and why.
#[test]
fn the_last_error_stays_and_says_what_failed() {
    let mut add = Add::access_point("eth0");
    add.link = LinkState::Discovered;
    let mut machine = Machine::with([Input::Add(add)]);
    let session = machine.session(0, "eth0");
    let read = |machine: &Machine| {
        let view = machine.manager.session(session).unwrap();
        (view.error(), view.error_string().map(str::to_owned))
    };
    assert_eq!(read(&machine), (None, None));

    machine.take(1, Input::Open { session }).unwrap();
    let reason = || Some("the cable is not plugged in".to_owned());
    let failed = Input::Completed { op: OperationId(1), result: Outcome::Failed, reason: reason() };
    machine.take(2, failed).unwrap();
    let event =
        Event::Error { session, error: SessionError::Unknown, cause: Cause::Failed, reason: reason() };
    assert!(machine.said.contains(&Output::Event(event)), "{:?}", machine.said);
    let first = read(&machine);
    assert_eq!(first.0, Some(SessionError::Unknown));
    let text = first.1.clone().unwrap();
    assert!(text.contains("eth0") && text.contains("the cable is not plugged in"), "{text}");

    // Another attempt that goes well leaves it as it is.
    machine.take(3, Input::Open { session }).unwrap();
    machine.observe(4, "eth0", LinkState::Active);
    assert!(machine.manager.session(session).unwrap().is_open());
    assert_eq!(read(&machine), first);

    machine.observe(5, "eth0", LinkState::Defined);
    let second = read(&machine);
    assert_eq!(second.0, Some(SessionError::SessionAborted));
    assert!(second.1.as_ref().is_some_and(|text| text.contains("eth0")), "{second:?}");
    assert_ne!(second.1, first.1);
}
