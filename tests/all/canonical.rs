//! The canonical form of single fields: machines that go on in different ways have different bytes, and what can
//! no longer matter has none. The small worlds of the search leave these fields alone.

use std::time::Duration;

use netsession_core::{Add, Fate, Identifier, Input, LinkState, RoamingMode, RoamingStep, Standing};

use crate::machine::Machine;
use crate::scene::play;

/// A service network of what is preferred and what is in use; the session on it is asked.
const ASKED: &str = r#"
    0 {"add":{"id":"a","type":"access_point","link":"defined"}}
    0 {"add":{"id":"b","type":"access_point","link":"active"}}
    0 {"add":{"id":"wan","type":"service_network","members":["a","b"]}}
    0 {"session":{"on":"wan"}}
    0 {"roaming":{"session":1,"mode":"application"}}
    0 {"open":{"session":1}}"#;

/// Two beginnings after which `then` is not the same.
fn assert_differ(what: &str, one: &str, other: &str, then: &str) {
    let [first, second] = [one, other].map(|begin| play(&format!("{begin}\n{then}")).last().to_vec());
    assert_ne!(first, second, "{what}: these two go on alike, and prove nothing");
    let [one, other] = [one, other].map(|begin| play(begin).manager.canonical());
    assert_ne!(one, other, "{what} makes a difference");
}

/// Two beginnings that differ in nothing that can still matter; `then` is one thing that is said to both.
fn assert_alike(what: &str, one: &str, other: &str, then: &str) {
    let [first, second] = [one, other].map(|begin| play(&format!("{begin}\n{then}")).last().to_vec());
    assert_eq!(first, second, "{what}: these two do not go on alike");
    let [one, other] = [one, other].map(|begin| play(begin).manager.canonical());
    assert_eq!(one, other, "{what} makes no difference any more");
}

#[test]
fn names_and_values_make_a_difference() {
    let named =
        |id| format!("0 {{\"add\":{{\"id\":\"{id}\",\"type\":\"access_point\"}}}}\n0 {{\"tick\":{{}}}}");
    let goes = r#"1 {"snapshot":[]}"#;
    assert_differ("an identifier", &named("eth0"), &named("eth1"), goes);

    let begin = r#"
        0 {"add":{"id":"eth0","type":"access_point","link":"active"}}
        0 {"add":{"id":"any","type":"user_choice"}}
        0 {"session":{"on":"any"}}"#;
    let property = |value| {
        format!(
            r#"{begin}
            0 {{"property":{{"session":1,"key":"ConnectInBackground","value":{value}}}}}"#
        )
    };
    assert_differ(
        "the value of a property",
        &property("true"),
        &property("false"),
        r#"1 {"open":{"session":1}}"#,
    );
}

#[test]
fn numbers_of_every_size_make_a_difference() {
    let limited = |limit: Duration| {
        let mut add = Add::access_point("eth0");
        add.link = LinkState::Discovered;
        add.settings.connect_timeout = Some(limit);
        let mut machine = Machine::with([Input::Add(add)]);
        let session = machine.session(0, "eth0");
        let bytes = machine.manager.canonical();
        machine.take(0, Input::Open { session }).expect("a session opens");
        (machine.wake(), bytes)
    };
    let whole = Duration::from_secs;
    for (one, other) in [
        // Seven bits are a byte: the lowest seven, those above, and one number that is no two smaller ones.
        (whole(200), whole(201)),
        (whole(300), whole(556)),
        (Duration::new(129, 5), Duration::new(1, 641)),
    ] {
        let ((first, one), (second, other)) = (limited(one), limited(other));
        assert_ne!(first, second);
        assert_ne!(one, other, "{first:?} and {second:?} are not the same");
    }
}

/// R-OPEN-12, R-X-19: the share is counted from the beginning of the attempt.
#[test]
fn since_when_a_member_is_tried_makes_a_difference() {
    let begin = r#"
        0 {"config":{"give_up_after":1}}
        0 {"add":{"id":"a","type":"access_point","link":"discovered"}}
        0 {"add":{"id":"b","type":"access_point","link":"discovered","connect_timeout_ms":0}}
        0 {"add":{"id":"c","type":"access_point","link":"defined"}}
        0 {"add":{"id":"wan","type":"service_network","members":["a","b","c"]}}
        0 {"session":{"on":"wan"}}
        0 {"open":{"session":1}}"#;
    let failed_at = |at| {
        format!(
            r#"{begin}
            {at} {{"completed":{{"op":1,"result":"failed"}}}}
            12000 {{"tick":{{}}}}"#
        )
    };
    let joins = r#"12000 {"observed":{"id":"c","link":"discovered"}}"#;
    assert_differ("the beginning of the attempt", &failed_at(5_000), &failed_at(10_000), joins);
}

/// R-LOSS-4: when the next try is due is kept while there is nothing to open, and no longer once it was given up.
#[test]
fn when_it_opens_again_makes_a_difference_until_it_is_given_up() {
    let lost_at = |give_up_after, at, end| {
        format!(
            r#"0 {{"config":{{"give_up_after":{give_up_after}}}}}
            0 {{"add":{{"id":"eth0","type":"access_point","link":"active"}}}}
            0 {{"session":{{"on":"eth0"}}}}
            0 {{"reopen":{{"session":1,"policy":"when_available"}}}}
            0 {{"open":{{"session":1}}}}
            {at} {{"observed":{{"id":"eth0","link":"discovered"}}}}
            {at} {{"completed":{{"op":1,"result":"failed"}}}}
            {at} {{"observed":{{"id":"eth0","link":"{end}"}}}}
            3000 {{"tick":{{}}}}"#
        )
    };
    let back = r#"3000 {"observed":{"id":"eth0","link":"discovered"}}"#;
    let [one, other] = [2_500, 1_000].map(|at| lost_at(5, at, "defined"));
    assert_differ("when it is tried again", &one, &other, back);
    let [one, other] = [2_500, 2_700].map(|at| lost_at(1, at, "defined"));
    assert_alike("when it would have been tried again", &one, &other, back);
}

/// R-ROAM-43: a loss soon after a start counts as a failure; how long what was found running has lasted, or what
/// has lasted long enough, does not matter.
#[test]
fn how_long_a_link_has_lasted_makes_no_difference_where_it_is_not_asked() {
    let opened_at = |link, at, end| {
        format!(
            r#"0 {{"add":{{"id":"a","type":"access_point","link":"{link}"}}}}
            0 {{"session":{{"on":"a"}}}}
            {at} {{"open":{{"session":1}}}}
            {at} {{"observed":{{"id":"a","link":"active"}}}}
            {end} {{"tick":{{}}}}"#
        )
    };
    let falls = |at| format!(r#"{at} {{"observed":{{"id":"a","link":"discovered"}}}}"#);
    let [one, other] = [1_000, 2_000].map(|at| opened_at("active", at, 5_000));
    assert_alike("since when it is open", &one, &other, &falls(5_000));
    let [one, other] = [20_000, 10_000].map(|at| opened_at("discovered", at, 50_000));
    assert_alike("since when it has lasted", &one, &other, &falls(50_000));
}

/// R-ROAM-43: a refusal that has ended leaves nothing behind.
#[test]
fn a_refusal_that_is_over_makes_no_difference() {
    let offered = format!(
        r#"{ASKED}
        10 {{"observed":{{"id":"a","link":"discovered"}}}}"#
    );
    let over = r#"
        30 {"observed":{"id":"a","link":"defined"}}
        40 {"observed":{"id":"a","link":"discovered"}}
        50 {"observed":{"id":"a","link":"defined"}}"#;
    let ignored = format!(
        r#"{offered}
        20 {{"ignore":{{"session":1}}}}{over}"#
    );
    let back = r#"60 {"observed":{"id":"a","link":"discovered"}}"#;
    assert_alike("what was ignored once", &ignored, &format!("{offered}{over}"), back);
}

/// R-ROAM-43: that a member dropped is kept of a refusal until it is back.
#[test]
fn a_member_that_is_back_makes_no_difference() {
    let failed = r#"
        0 {"add":{"id":"a","type":"access_point"}}
        0 {"add":{"id":"b","type":"access_point","link":"active"}}
        0 {"add":{"id":"wan","type":"service_network","members":["a","b"]}}
        0 {"session":{"on":"wan"}}
        0 {"open":{"session":1}}
        10 {"observed":{"id":"a","link":"discovered"}}
        20 {"completed":{"op":1,"result":"failed"}}"#;
    // After a start of ours; the next time by itself.
    let once = r#"
        30 {"observed":{"id":"a","link":"defined"}}
        40 {"observed":{"id":"a","link":"discovered"}}"#;
    let again = r#"
        50 {"observed":{"id":"a","link":"defined"}}
        60 {"observed":{"id":"a","link":"discovered"}}"#;
    let back = r#"70 {"observed":{"id":"a","link":"active"}}"#;
    assert_alike("a drop", &format!("{failed}{once}{again}"), &format!("{failed}{again}"), back);
}

#[test]
fn constants_make_a_difference() {
    let limited = |limit| {
        format!(
            r#"0 {{"config":{{"stop_timeout_ms":{limit}}}}}
            0 {{"add":{{"id":"a","type":"access_point","link":"active"}}}}
            0 {{"session":{{"on":"a"}}}}"#
        )
    };
    assert_differ("how long a stop may take", &limited(1), &limited(2), r#"1 {"stop":{"session":1}}"#);
}

/// What the search counts its rows by (R-ROAM-1, R-ROAM-5, R-ROAM-6, R-ROAM-38).
#[test]
fn a_session_stands_somewhere_in_the_table_of_roaming() {
    let mut scene = ASKED.to_owned();
    for (line, step, fate, to) in [
        (r#"10 {"tick":{}}"#, RoamingStep::Settled, Fate::Alive, None),
        (
            r#"20 {"observed":{"id":"a","link":"discovered"}}"#,
            RoamingStep::OfferedUpgrade,
            Fate::Alive,
            Some("a"),
        ),
        (r#"30 {"migrate":{"session":1}}"#, RoamingStep::Migrating, Fate::Alive, Some("a")),
        (r#"40 {"observed":{"id":"b","link":"defined"}}"#, RoamingStep::Migrating, Fate::Dead, Some("a")),
        (r#"50 {"observed":{"id":"a","link":"active"}}"#, RoamingStep::Trial, Fate::Dead, Some("a")),
    ] {
        scene = format!("{scene}\n{line}");
        let played = play(&scene);
        let session = played.manager.sessions().next().expect("there is a session");
        let to = to.map(Identifier::from);
        let standing = Standing { step, fate, mode: RoamingMode::Application, to: to.as_ref() };
        assert_eq!(session.standing(), Some(standing), "{line}");
    }
}
