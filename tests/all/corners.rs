//! Corners where the contract leaves open in which words, or when, something is said: looked at is only what it does
//! not leave open.

use crate::scene::play;

/// b is preferred to a, which session 1 uses; session 2 is on b.
const BOTH: &str = r#"
    0 {"add":{"id":"b","type":"access_point","link":"discovered"}}
    0 {"add":{"id":"a","type":"access_point","link":"active"}}
    0 {"add":{"id":"wan","type":"service_network","members":["b","a"],"hold_off_ms":100}}
    0 {"session":{"on":"wan"}}
    0 {"session":{"on":"b"}}
    0 {"roaming":{"session":1,"mode":"application"}}
    0 {"open":{"session":1}}
    10 {"open":{"session":2}}"#;

/// R-ROAM-42, R-X-16: the input that brings b up, or in which its hold-off ends, is the one in which it is stopped
/// because nobody wants it. The application would be asked about a link that is going down.
#[test]
fn what_is_about_to_be_stopped_is_not_offered() {
    let its_start_was_given_up = r#"
        20 {"observed":{"id":"b","link":"defined"}}
        30 {"change":{"id":"wan","hold_off_ms":0}}
        40 {"observed":{"id":"b","link":"active"}}"#;
    let its_last_holder_goes = r#"
        20 {"observed":{"id":"b","link":"active"}}
        100 {"close":{"session":2}}"#;
    let it_was_used_while_its_cancel_is_awaited = r#"
        20 {"close":{"session":2}}
        30 {"open":{"session":2}}
        40 {"observed":{"id":"b","link":"active"}}
        100 {"close":{"session":2}}"#;
    let it_is_on_its_way = r#"
        20 {"observed":{"id":"b","link":"connecting"}}
        100 {"close":{"session":2}}"#;
    for then in [
        its_start_was_given_up,
        its_last_holder_goes,
        it_was_used_while_its_cancel_is_awaited,
        it_is_on_its_way,
    ] {
        let played = play(&format!("{BOTH}{then}"));
        let said = played.last().join("\n");
        assert!(said.contains(r#""stop":"b""#), "{then}\n{said}");
        assert!(!said.contains("preferred_configuration_changed"), "{then}\n{said}");
    }
}

/// R-DEV-2, R-ROAM-38: a comes back by itself while b, for which the application decided, waits for an earlier cancel.
/// It is stopped for b, as by any migrate, and only when it is down is b started.
#[test]
fn what_comes_back_in_the_way_of_a_migration_makes_room() {
    let played = play(
        r#"
        0 {"add":{"id":"b","type":"access_point","device":"radio","link":"discovered"}}
        0 {"add":{"id":"a","type":"access_point","device":"radio","link":"defined"}}
        0 {"add":{"id":"wan","type":"service_network","members":["a","b"]}}
        0 {"session":{"on":"wan"}}
        0 {"session":{"on":"b"}}
        0 {"roaming":{"session":1,"mode":"application"}}
        10 {"open":{"session":2}}
        15 {"close":{"session":2}}
        18 {"observed":{"id":"a","link":"active"}}
        20 {"open":{"session":1}}
        25 {"observed":{"id":"a","link":"defined"}}
        30 {"migrate":{"session":1}}
        40 {"observed":{"id":"a","link":"active"}}
        50 {"completed":{"op":2,"result":"ok"}}
        60 {"observed":{"id":"a","link":"discovered"}}"#,
    );
    let (last, before) = played.said.split_last().unwrap();
    assert!(before.concat().iter().any(|line| line.contains(r#""stop":"a""#)), "{before:#?}");
    assert!(!before[11..].concat().iter().any(|line| line.contains(r#""start":"b""#)), "{before:#?}");
    assert!(last.iter().any(|line| line.contains(r#""start":"b""#)), "{last:#?}");
}

/// R-ROAM-42, R-X-52: the system brings up b, to which a forced session moves, and b falls back. It could come up only
/// after a went down, and no forced upgrade breaks first: the session is back on a at once.
#[test]
fn a_forced_upgrade_that_falls_back_stops_nothing() {
    let played = play(
        r#"
        0 {"add":{"id":"b","type":"access_point","device":"radio","connect_timeout_ms":1000}}
        0 {"add":{"id":"a","type":"access_point","device":"radio","link":"active"}}
        0 {"add":{"id":"wan","type":"service_network","members":["b","a"]}}
        0 {"session":{"on":"wan"}}
        0 {"open":{"session":1}}
        10 {"observed":{"id":"b","link":"connecting"}}
        20 {"observed":{"id":"b","link":"discovered"}}"#,
    );
    let said = played.said.concat().join("\n");
    assert!(!said.contains(r#""stop""#), "{said}");
    assert!(played.last().iter().any(|line| line.contains(r#""state":"connected""#)), "{said}");
}

/// R-ROAM-34, R-ROAM-27: a suppressed session moves by its own choice, and then its network can roam no more. As reject.
#[test]
fn a_move_of_its_own_choice_ends_with_the_capability() {
    let can = |flags| format!(r#""capabilities":["can_start_and_stop_interfaces"{flags}]"#);
    let (little, much) = (can(""), can(r#","forced_roaming""#));
    let played = play(&format!(
        r#"
        0 {{"add":{{"id":"a","type":"access_point","link":"active",{little}}}}}
        0 {{"add":{{"id":"b","type":"access_point","link":"discovered",{much}}}}}
        0 {{"add":{{"id":"wan","type":"service_network","members":["a","b"]}}}}
        0 {{"session":{{"on":"wan"}}}}
        0 {{"roaming":{{"session":1,"mode":"suppressed"}}}}
        0 {{"open":{{"session":1}}}}
        10 {{"migrate_to":{{"session":1,"member":"b"}}}}
        15 {{"tick":{{}}}}
        20 {{"change":{{"id":"b",{little}}}}}"#
    ));
    let said = played.last().join("\n");
    assert!(said.contains(r#""state":"connected""#) && said.contains(r#""cancel":1"#), "{said}");
}

/// R-ROAM-7, R-DEV-2: b waits for an earlier cancel, so a is still up when the time for b is over. The session stays on it.
#[test]
fn a_migration_that_never_began_leaves_the_session_where_it_is() {
    let played = play(
        r#"
        0 {"add":{"id":"b","type":"access_point","device":"radio","link":"discovered","connect_timeout_ms":1000}}
        0 {"add":{"id":"a","type":"access_point","device":"radio"}}
        0 {"add":{"id":"wan","type":"service_network","members":["b","a"]}}
        0 {"session":{"on":"wan"}}
        0 {"session":{"on":"b"}}
        0 {"roaming":{"session":1,"mode":"application"}}
        10 {"open":{"session":2}}
        15 {"close":{"session":2}}
        18 {"observed":{"id":"a","link":"active"}}
        20 {"open":{"session":1}}
        25 {"tick":{}}
        30 {"migrate":{"session":1}}
        1030 {"tick":{}}"#,
    );
    let said = played.said.concat().join("\n");
    assert!(!said.contains(r#""stop":"a""#) && !said.contains(r#""closed":{"session":1}"#), "{said}");
    let last = played.last().join("\n");
    assert!(last.contains(r#""state":"connected""#) && last.contains(r#""error":"roaming""#), "{said}");
}
