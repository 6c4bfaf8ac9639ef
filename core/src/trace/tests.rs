use alloc::string::{String, ToString};
use alloc::{format, vec};
use core::time::Duration;

use crate::*;

fn read(text: &str) -> Input {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    match serde_json::from_str::<Input>(text) {
        Ok(input) => panic!("{text} was read as {input:?}"),
        Err(error) => error.to_string(),
    }
}

/// Each line is written exactly as the trace has it, and shortest: reading and writing gives it back.
#[test]
fn every_input_reads_and_writes_back() {
    let lines = [
        r#"{"config":{"hold_off_ms":7,"retry_after_ms":1,"give_up_after":2,"answer_within_ms":null,"rescue_answer_within_ms":3,"stop_timeout_ms":4,"update_timeout_ms":5,"ask_timeout_ms":6,"rescue_grace_ms":8,"can_ask_user":false}}"#,
        r#"{"config":{"hold_off_ms":0,"retry_after_ms":30000,"give_up_after":5,"answer_within_ms":9,"rescue_answer_within_ms":30000,"stop_timeout_ms":30000,"update_timeout_ms":30000,"ask_timeout_ms":300000,"rescue_grace_ms":0,"can_ask_user":true}}"#,
        r#"{"add":{"id":"eth0","type":"access_point"}}"#,
        r#"{"add":{"id":"eth0","type":"access_point","name":"Office","bearer":"3g","purpose":"public","device":"radio","shutdown":"last_close","capabilities":["can_start_and_stop_interfaces","network_session_required"],"connect_timeout_ms":0,"loss_grace_ms":100,"polls":true,"counts_for_online":false,"link":"active","interface":{"index":2,"name":"eth0","addresses":["192.0.2.7/24","2001:db8::1/64"]}}}"#,
        r#"{"add":{"id":"wan","type":"service_network"}}"#,
        r#"{"add":{"id":"wan","type":"service_network","name":"WAN","purpose":"private","connect_timeout_ms":5,"members":["eth0","wlan0"],"hold_off_ms":null,"retry_after_ms":2,"answer_within_ms":null}}"#,
        r#"{"add":{"id":"any","type":"user_choice","name":"Any"}}"#,
        r#"{"change":{"id":"wan","members":[]}}"#,
        r#"{"change":{"id":"eth0","device":null,"connect_timeout_ms":9,"hold_off_ms":null,"retry_after_ms":3}}"#,
        r#"{"remove":{"id":"eth0"}}"#,
        r#"{"observed":{"id":"eth0","link":"closing"}}"#,
        r#"{"observed":{"id":"eth0","link":"active","interface":{"index":2,"name":"eth0"},"seamless_group":"g"}}"#,
        r#"{"snapshot":[]}"#,
        r#"{"snapshot":[{"id":"a","link":"undefined"},{"id":"b","bearer":"wlan","link":"active","interface":{"index":3,"name":"b"},"seamless_group":"g"}]}"#,
        r#"{"completed":{"op":1,"result":"ok"}}"#,
        r#"{"completed":{"op":2,"result":"timed_out","reason":"no \"answer\""}}"#,
        r#"{"counters":{"id":"eth0","received":18446744073709551615,"sent":0}}"#,
        r#"{"policies":{"id":"eth0","policies":["no_background_traffic"]}}"#,
        r#"{"policies":{"id":"eth0","policies":[]}}"#,
        r#"{"default":{"id":"eth0"}}"#,
        r#"{"default":{"id":null}}"#,
        r#"{"session":{"on":"wan"}}"#,
        r#"{"open":{"session":1}}"#,
        r#"{"close":{"session":2}}"#,
        r#"{"stop":{"session":3}}"#,
        r#"{"migrate":{"session":4}}"#,
        r#"{"ignore":{"session":5}}"#,
        r#"{"accept":{"session":6}}"#,
        r#"{"reject":{"session":7}}"#,
        r#"{"drop":{"session":8}}"#,
        r#"{"migrate_to":{"session":1,"member":"eth0"}}"#,
        r#"{"roaming":{"session":1,"mode":"application"}}"#,
        r#"{"reopen":{"session":1,"policy":"when_available"}}"#,
        r#"{"property":{"session":1,"key":"ConnectInBackground","value":true}}"#,
        r#"{"property":{"session":1,"key":"k","value":-9223372036854775808}}"#,
        r#"{"property":{"session":1,"key":"k","value":"text"}}"#,
        r#"{"property":{"session":1,"key":"k","value":null}}"#,
        r#"{"resolved":{"op":4,"choice":"wan"}}"#,
        r#"{"resolved":{"op":4,"choice":null}}"#,
        r#"{"refresh_counters":{"id":"eth0"}}"#,
        r#"{"update":{}}"#,
        r#"{"tick":{}}"#,
    ];
    let mut seen = vec![];
    for line in lines {
        let input = read(line);
        let written = serde_json::to_string(&input).unwrap();
        assert_eq!(written, line);
        assert_eq!(read(&written), input);
        seen.push(core::mem::discriminant(&input));
    }
    let kinds = seen.iter().enumerate().filter(|(at, kind)| !seen[..*at].contains(kind)).count();
    assert_eq!(kinds, 27, "a new input needs a line here");
}

#[test]
fn what_is_left_out_has_its_default() {
    assert_eq!(read(r#"{"config":{}}"#), Input::Config(Config::default()));
    assert_eq!(
        read(r#"{"add":{"id":"eth0","type":"access_point","link":"defined","interface":null}}"#),
        Input::Add(Add::access_point("eth0"))
    );
    let entry = SnapshotEntry::new(Observation::new("eth0", LinkState::Defined));
    let nulls =
        r#"{"snapshot":[{"id":"eth0","type":"access_point","interface":null,"seamless_group":null}]}"#;
    assert_eq!(read(nulls), Input::Snapshot(vec![entry.clone()]));
    assert_eq!(read(r#"{"snapshot":[{"id":"eth0"}]}"#), Input::Snapshot(vec![entry]));
    assert_eq!(
        read(r#"{"observed":{"id":"eth0","link":"active","interface":null,"seamless_group":null}}"#),
        Input::Observed(Observation::new("eth0", LinkState::Active))
    );
}

#[test]
fn null_is_not_the_same_as_left_out() {
    let absent = read(r#"{"change":{"id":"wan"}}"#);
    assert_eq!(absent, Input::Change(Change::new("wan", Settings::default())));
    for (field, settings) in [
        ("device", Settings { device: Some(None), ..Settings::default() }),
        ("hold_off_ms", Settings { hold_off: Some(None), ..Settings::default() }),
        ("retry_after_ms", Settings { retry_after: Some(None), ..Settings::default() }),
        ("answer_within_ms", Settings { answer_within: Some(None), ..Settings::default() }),
    ] {
        let named = read(&format!(r#"{{"change":{{"id":"wan","{field}":null}}}}"#));
        assert_eq!(named, Input::Change(Change::new("wan", settings)), "{field}");
    }
    let zero = Settings { hold_off: Some(Some(Duration::ZERO)), ..Settings::default() };
    assert_eq!(read(r#"{"change":{"id":"wan","hold_off_ms":0}}"#), Input::Change(Change::new("wan", zero)));
}

#[test]
fn every_wrong_field_is_named() {
    for (line, part) in [
        (r#"{"config":{"holdoff":0}}"#, "unknown field `holdoff`"),
        (r#"{"config":{"hold_off_ms":null}}"#, "expected u64"),
        (r#"{"add":{"type":"access_point"}}"#, "missing field `id`"),
        (r#"{"add":{"id":"a"}}"#, "missing field `type`"),
        (r#"{"add":{"id":"a","type":"invalid"}}"#, "access_point, service_network or user_choice"),
        (r#"{"add":{"id":"a","type":"access_point","colour":1}}"#, "unknown field `colour`"),
        (r#"{"add":{"id":"a","type":"access_point","name":null}}"#, "expected a string"),
        (r#"{"add":{"id":"a","type":"access_point","id":"b"}}"#, "duplicate field `id`"),
        (r#"{"add":{"id":"a","type":"access_point","seamless_group":"g"}}"#, "`seamless_group` stands in"),
        (r#"{"add":{"id":"a","type":"access_point","connect_timeout_ms":1.5}}"#, "expected u64"),
        (r#"{"add":{"id":"a","type":"access_point","connect_timeout_ms":-1}}"#, "expected u64"),
        (r#"{"change":{"members":[]}}"#, "missing field `id`"),
        (r#"{"change":{"id":"a","type":"access_point"}}"#, "field `type` cannot be changed"),
        (r#"{"change":{"id":"a","link":"active"}}"#, "field `link` is changed by `observed`"),
        (r#"{"change":{"id":"a","interface":null}}"#, "field `interface` is changed by `observed`"),
        (r#"{"observed":{"id":"a"}}"#, "missing field `link`"),
        (r#"{"observed":{"id":"a","link":"up"}}"#, "unknown variant `up`"),
        (r#"{"observed":{"id":"a","link":"active","name":"x"}}"#, "unknown field `name`"),
        (
            r#"{"observed":{"id":"a","link":"active","interface":{"index":1,"name":"a","mtu":1}}}"#,
            "unknown field `mtu`",
        ),
        (
            r#"{"snapshot":[{"id":"a","type":"service_network"}]}"#,
            "`type` must be access_point in a snapshot",
        ),
        (r#"{"property":{"session":1,"key":"k"}}"#, "missing field `value`"),
        (
            r#"{"property":{"session":1,"key":"k","value":1.5}}"#,
            "expected true, false, a whole number of 64 bits, or text",
        ),
        (
            r#"{"property":{"session":1,"key":"k","value":9223372036854775808}}"#,
            "integer `9223372036854775808`, expected true",
        ),
        (r#"{"resolved":{"op":1}}"#, "missing field `choice`"),
        (r#"{"default":{}}"#, "missing field `id`"),
        (r#"{"remove":{"id":"a","force":true}}"#, "unknown field `force`"),
        (r#"{"open":{"session":-1}}"#, "expected u64"),
        (r#"{"tick":{"x":1}}"#, "unknown field `x`"),
        (r#"{"tock":{}}"#, "unknown variant `tock`"),
    ] {
        let error = refused(line);
        assert!(error.contains(part), "{line}\n says {error}\n not {part}");
    }
}

#[test]
fn outputs_write_as_the_trace_has_them() {
    let op = OperationId(4);
    let session = SessionId::unresolved(1);
    let id = || Identifier::from("eth0");
    for (effect, line) in [
        (Effect::Start { op, id: id() }, r#"{"op":4,"start":"eth0"}"#),
        (Effect::Stop { op, id: id() }, r#"{"op":4,"stop":"eth0"}"#),
        (Effect::Cancel { op, cancelled: OperationId(1) }, r#"{"op":4,"cancel":1}"#),
        (
            Effect::Resolve { op, session, among: vec!["wan".into(), id()] },
            r#"{"op":4,"resolve":{"session":1,"among":["wan","eth0"]}}"#,
        ),
        (Effect::Update { op }, r#"{"op":4,"update":{}}"#),
        (Effect::ReadCounters { id: id() }, r#"{"read_counters":"eth0"}"#),
        (Effect::Watch { id: id() }, r#"{"watch":"eth0"}"#),
        (Effect::Unwatch { id: id() }, r#"{"unwatch":"eth0"}"#),
    ] {
        assert_eq!(serde_json::to_string(&effect).unwrap(), line);
    }
}

#[test]
fn events_write_and_read_back() {
    for line in [
        r#"{"state_changed":{"session":1,"state":"connecting"}}"#,
        r#"{"opened":{"session":1}}"#,
        r#"{"closed":{"session":1}}"#,
        r#"{"error":{"session":1,"error":"session_aborted","cause":"link_lost","reason":null}}"#,
        r#"{"preferred_configuration_changed":{"session":1,"id":"wlan0","seamless":false,"kind":"upgrade"}}"#,
        r#"{"offer_withdrawn":{"session":1,"id":"wlan0"}}"#,
        r#"{"new_configuration_activated":{"session":1,"id":"wlan0","decision_due":true}}"#,
        r#"{"usage_policies_changed":{"session":1,"policies":[]}}"#,
        r#"{"configuration_added":{"id":"eth0"}}"#,
        r#"{"configuration_removed":{"id":"eth0"}}"#,
        r#"{"configuration_changed":{"id":"eth0","state":"active","changed":["state","interface"]}}"#,
        r#"{"online_state_changed":{"online":true}}"#,
        r#"{"update_completed":{"token":1}}"#,
    ] {
        let event: Event = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
    }
}

#[test]
fn queries_read_and_write_back() {
    for line in [
        r#"{"session":1}"#,
        r#"{"configuration":"eth0"}"#,
        r#"{"manager":{}}"#,
        r#"{"why":{"session":1}}"#,
        r#"{"why":{"configuration":"wan"}}"#,
    ] {
        let query: trace::Query = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&query).unwrap(), line);
    }
    let error = serde_json::from_str::<trace::Query>(r#"{"manager":{"all":true}}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `all`"), "{error}");
}

fn viewed(manager: &Manager, query: &str) -> String {
    let mut query: trace::Query = serde_json::from_str(query).unwrap();
    if let Some(session) = query.session_mut() {
        let number = session.number();
        *session = manager.sessions().map(|view| view.id()).find(|id| id.number() == number).unwrap();
    }
    serde_json::to_string(&trace::answer(manager, &query).unwrap()).unwrap()
}

#[test]
fn views_have_every_field_in_the_order_of_the_trace() {
    let mut manager = Manager::new();
    let add = r#"{"add":{"id":"eth0","type":"access_point","name":"Office","bearer":"lte","purpose":"public","capabilities":["forced_roaming"],"link":"active","interface":{"index":2,"name":"eth0"}}}"#;
    for line in [
        add,
        r#"{"add":{"id":"wan","type":"service_network","members":["eth0"],"connect_timeout_ms":7}}"#,
        r#"{"add":{"id":"any","type":"user_choice"}}"#,
        r#"{"session":{"on":"eth0"}}"#,
        r#"{"session":{"on":"nowhere"}}"#,
    ] {
        manager.handle_input(Instant::ZERO, read(line)).unwrap();
    }
    let id = manager.sessions().next().unwrap().id();
    manager.handle_input(Instant::ZERO, Input::Open { session: id }).unwrap();
    for (query, view) in [
        (
            r#"{"session":1}"#,
            r#"{"session":1,"state":"connected","is_open":true,"error":null,"error_string":null,"configuration":"eth0","active_configuration":"eth0","offer":null,"candidate":null,"interface":{"index":2,"name":"eth0"},"received":0,"sent":0,"active_time":0,"policies":[],"roaming":"forced","reopen":"never","properties":{"ActiveConfiguration":"eth0"}}"#,
        ),
        (
            r#"{"configuration":"eth0"}"#,
            r#"{"id":"eth0","type":"access_point","name":"Office","state":"active","link":"active","bearer":"lte","bearer_name":"LTE","bearer_family":"4g","purpose":"public","roaming_available":false,"members":[],"connect_timeout_ms":30000,"interface":{"index":2,"name":"eth0"},"device":null,"shutdown":"owned_only","capabilities":["forced_roaming"],"policies":[],"received":0,"sent":0,"holders":1,"ours":false}"#,
        ),
        (
            r#"{"configuration":"wan"}"#,
            r#"{"id":"wan","type":"service_network","name":"wan","state":"active","link":null,"bearer":null,"bearer_name":null,"bearer_family":null,"purpose":"unknown","roaming_available":false,"members":["eth0"],"connect_timeout_ms":7,"interface":null,"device":null,"shutdown":null,"capabilities":["forced_roaming"],"policies":[],"received":0,"sent":0,"holders":0,"ours":false}"#,
        ),
        (
            r#"{"manager":{}}"#,
            r#"{"online":true,"capabilities":["forced_roaming"],"default":"wan","configurations":["eth0","wan"]}"#,
        ),
        (r#"{"why":{"session":1}}"#, r#"{"why":[{"id":"eth0","chosen":true,"because":"in_use"}]}"#),
        (r#"{"why":{"configuration":"wan"}}"#, r#"{"why":[{"id":"eth0","chosen":true,"because":"best"}]}"#),
    ] {
        assert_eq!(viewed(&manager, query), view);
    }
    let null = viewed(&manager, r#"{"session":2}"#);
    for part in [
        r#""state":"invalid","is_open":false,"error":"invalid_configuration""#,
        r#""configuration":"nowhere","active_configuration":"""#,
        r#""interface":null"#,
        r#""properties":{}"#,
    ] {
        assert!(null.contains(part), "{null}\n has no {part}");
    }
}

#[test]
fn queries_about_what_is_not_there_are_refused() {
    let manager = Manager::new();
    let ask = |query: &str| {
        let query: trace::Query = serde_json::from_str(query).unwrap();
        trace::answer(&manager, &query).unwrap_err().word()
    };
    assert_eq!(ask(r#"{"session":1}"#), "unknown_session");
    assert_eq!(ask(r#"{"why":{"session":1}}"#), "unknown_session");
    assert_eq!(ask(r#"{"configuration":"x"}"#), "unknown_configuration");
    assert_eq!(ask(r#"{"why":{"configuration":"x"}}"#), "unknown_configuration");
}
