//! Sockets that fail, on the links that this machine has: these are only looked at.

use netsession_core::{Effect, Input, OperationId, Outcome};

use super::*;

/// Turns at this time until all has been read, and says what there was to tell: snapshots, and answers.
fn turned(rtnetlink: &mut Rtnetlink, now: Instant) -> Result<Vec<Input>, Error> {
    let mut inputs = Vec::new();
    // The kernel answers as it is asked.
    while rtnetlink.turn(now)? || rtnetlink.next_deadline().is_some_and(|at| at <= now) {}
    inputs.extend(std::iter::from_fn(|| rtnetlink.next_input()));
    inputs.retain(|input| matches!(input, Input::Snapshot(_) | Input::Completed { .. }));
    Ok(inputs)
}

fn fail(rtnetlink: &mut Rtnetlink, now: Instant) {
    rtnetlink.failed = Some(Error::system("read", std::io::Error::from(Errno::NETDOWN)));
    let error = rtnetlink.turn(now).unwrap_err();
    assert!(error.to_string().contains("read"), "{error}");
}

#[test]
fn after_an_error_new_sockets_bring_a_new_snapshot_and_the_answers_that_are_owed() {
    let poll = mio::Poll::new().unwrap();
    let mut rtnetlink = Rtnetlink::new(poll.registry().try_clone().unwrap(), 1 << 20).unwrap();
    let began = Instant::now();
    let first = turned(&mut rtnetlink, began).unwrap();
    assert!(matches!(&first[..], [Input::Snapshot(_)]), "{first:?}");

    // One that has not been looked at yet, one that is under way when the sockets fail.
    for turns in [0, 1] {
        let op = OperationId(7);
        rtnetlink.request(Effect::Update { op }, How::default());
        for _ in 0..turns {
            rtnetlink.read_notification().unwrap();
        }
        fail(&mut rtnetlink, began);
        let retry_at = began + RETRY_AT_FIRST;
        assert_eq!(rtnetlink.next_deadline(), Some(retry_at));
        assert_eq!(turned(&mut rtnetlink, began).unwrap(), [], "there is nothing to read from");
        let told = turned(&mut rtnetlink, retry_at).unwrap();
        let [Input::Snapshot(_), Input::Completed { op: answered, result: Outcome::Ok, .. }] = &told[..]
        else {
            panic!("{turns}: {told:?}")
        };
        assert_eq!(*answered, op);
    }
}

#[test]
fn sockets_that_fail_again_before_they_brought_anything_are_left_alone_for_longer_each_time() {
    let poll = mio::Poll::new().unwrap();
    let mut rtnetlink = Rtnetlink::new(poll.registry().try_clone().unwrap(), 1 << 20).unwrap();
    let mut now = Instant::now();
    turned(&mut rtnetlink, now).unwrap();
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        fail(&mut rtnetlink, now);
        assert_eq!(rtnetlink.next_deadline(), Some(now + Duration::from_secs(seconds)));
        now += Duration::from_secs(seconds);
    }
    assert!(matches!(&turned(&mut rtnetlink, now).unwrap()[..], [Input::Snapshot(_)]));
    fail(&mut rtnetlink, now);
    assert_eq!(rtnetlink.next_deadline(), Some(now + RETRY_AT_FIRST), "it was well in between");
}
