//! A program may say a command by its method or as an input: it is the same command.

use netsession_core::{
    Add, Input, Instant, LinkState, Manager, Output, PropertyValue, ReopenPolicy, RoamingMode, SessionId,
};

use crate::machine::Machine;

const NOW: Instant = Instant::ZERO;

fn machine() -> (Machine, SessionId) {
    let mut link = Add::access_point("eth0");
    link.link = LinkState::Active;
    let mut machine = Machine::with([Input::Add(link), Input::Add(Add::service_network("wan", ["eth0"]))]);
    let session = machine.session(0, "wan");
    (machine, session)
}

fn drain(manager: &mut Manager) -> Vec<Output> {
    let mut said = vec![manager.poll_output()];
    while !matches!(said.last(), Some(Output::Idle { .. })) {
        said.push(manager.poll_output());
    }
    said
}

/// Says it by its method to one machine and as an input to another, before open() and after it.
macro_rules! assert_same {
    ($($method:ident($($argument:expr),*) $input:expr;)*) => {$(
        for is_open in [false, true] {
            let ((mut one, session), (mut other, _)) = (machine(), machine());
            if is_open {
                one.take(0, Input::Open { session }).expect("open() is taken");
                other.take(0, Input::Open { session }).expect("open() is taken");
            }
            let answer = one.manager.$method(NOW, session $(, $argument)*);
            assert_eq!(answer, other.take(0, $input(session)), stringify!($method));
            assert_eq!(drain(&mut one.manager), other.said, stringify!($method));
            let view = |machine: &Machine| machine.manager.session(session).map(|it| {
                (it.state(), it.is_open(), it.roaming_mode(), it.reopen_policy(), it.property("key"))
            });
            assert_eq!(view(&one), view(&other), stringify!($method));
        }
    )*};
}

#[test]
fn a_method_says_what_its_input_says() {
    let (mode, policy, value) =
        (RoamingMode::Application, ReopenPolicy::WhenAvailable, PropertyValue::Integer(7));
    assert_same! {
        open() |session| Input::Open { session };
        close() |session| Input::Close { session };
        stop() |session| Input::Stop { session };
        migrate() |session| Input::Migrate { session };
        ignore() |session| Input::Ignore { session };
        accept() |session| Input::Accept { session };
        reject() |session| Input::Reject { session };
        drop_session() |session| Input::Drop { session };
        migrate_to("eth0") |session| Input::MigrateTo { session, member: "eth0".into() };
        set_roaming_mode(mode) |session| Input::Roaming { session, mode };
        set_reopen_policy(policy) |session| Input::Reopen { session, policy };
        write_property("key", Some(value.clone()))
            |session| Input::Property { session, key: "key".into(), value: Some(value.clone()) };
    }
}

#[test]
fn what_is_made_is_returned() {
    let (mut machine, first) = machine();
    let second = machine.manager.create_session(NOW, "eth0").expect("a session is made");
    assert!(second != first && machine.manager.session(second).is_some());
    drain(&mut machine.manager);
    let one = machine.manager.update_configurations(NOW).expect("it is asked for");
    drain(&mut machine.manager);
    let other = machine.manager.update_configurations(NOW).expect("it is asked for");
    assert_ne!(one, other);
}

/// What a program answers to is the offer that it has seen: one that is made anew is another.
#[test]
fn an_offer_made_anew_is_another() {
    let link = |id: &str, link| {
        let mut add = Add::access_point(id);
        add.link = link;
        Input::Add(add)
    };
    let network = Input::Add(Add::service_network("wan", ["eth0", "wlan0"]));
    let population = [link("eth0", LinkState::Defined), link("wlan0", LinkState::Active), network];
    let mut machine = Machine::with(population);
    let session = machine.session(0, "wan");
    machine.take(0, Input::Roaming { session, mode: RoamingMode::Application }).expect("a mode is taken");
    machine.take(0, Input::Open { session }).expect("open() is taken");
    let mut offer = |at_ms| {
        machine.observe(at_ms, "eth0", LinkState::Discovered);
        let step = machine.manager.session(session).and_then(|it| it.offer().map(|offer| offer.step));
        machine.observe(at_ms + 1, "eth0", LinkState::Defined);
        step.expect("an offer")
    };
    assert!(offer(10) < offer(20));
}
