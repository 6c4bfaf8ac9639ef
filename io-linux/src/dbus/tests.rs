//! A scripted bus at the other end of a socket.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use proptest::prelude::*;
use zvariant::serialized::{Context, Data};
use zvariant::{Endian, ObjectPath, Value, to_bytes};

use super::*;

const ASKED: &[u8] = b"\0AUTH EXTERNAL\r\nDATA\r\n";
pub(crate) const LET_IN: &[u8] = b"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";

pub(crate) fn pair() -> (Connection, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Connection::on(ours.into()).unwrap(), theirs)
}

/// A connection that was let in and greeted, and what it sends on the way.
fn inside() -> (Connection, UnixStream) {
    let (mut connection, mut bus) = pair();
    assert!(connection.receive().unwrap().is_none());
    bus.write_all(LET_IN).unwrap();
    assert!(connection.receive().unwrap().is_none());
    bus.write_all(&answer(HELLO, &":1.7")).unwrap();
    assert!(connection.receive().unwrap().is_none());
    let mut sent = vec![0; ASKED.len() + b"BEGIN\r\n".len()];
    bus.read_exact(&mut sent).unwrap();
    assert_eq!(sent, [ASKED, b"BEGIN\r\n"].concat());
    assert_eq!(received_by(&mut bus).member.unwrap(), "Hello");
    (connection, bus)
}

fn received_by(bus: &mut UnixStream) -> Message {
    let mut bytes = vec![0; 16];
    bus.read_exact(&mut bytes).unwrap();
    bytes.resize(message::length(&bytes).unwrap().unwrap(), 0);
    bus.read_exact(&mut bytes[16..]).unwrap();
    message::read(&bytes).unwrap()
}

/// A message of a kind, from the bus unless a field says otherwise.
pub(crate) fn said<B: Serialize + DynamicType>(
    endian: Endian,
    kind: u8,
    fields: Vec<(u8, Value<'_>)>,
    body: &B,
) -> Vec<u8> {
    let context = Context::new_dbus(endian, 0);
    let mut fields = fields;
    if fields.iter().all(|(code, _)| *code != 7) {
        fields.push((7, Value::from(BUS)));
    }
    if body.signature() != zvariant::Signature::Unit {
        fields.push((8, Value::from(body.signature())));
    }
    let body = to_bytes(context, body).unwrap();
    let order = if endian == Endian::Little { b'l' } else { b'B' };
    let length = u32::try_from(body.len()).unwrap();
    let mut bytes = to_bytes(context, &(order, kind, 0_u8, 1_u8, length, 9_u32, fields)).unwrap().to_vec();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(&body);
    bytes
}

pub(crate) fn answer<B: Serialize + DynamicType>(serial: u32, body: &B) -> Vec<u8> {
    said(Endian::Little, 2, vec![(5, Value::from(serial))], body)
}

fn signal<B: Serialize + DynamicType>(endian: Endian, body: &B) -> Vec<u8> {
    let path = ObjectPath::try_from("/a/b").unwrap();
    said(endian, 4, vec![(1, path.into()), (2, "a.b".into()), (3, "C".into())], body)
}

/// All that comes, and what ended it.
fn all(connection: &mut Connection) -> (Vec<Message>, Option<Closed>) {
    let mut messages = Vec::new();
    loop {
        match connection.receive() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, None),
            Err(closed) => return (messages, Some(closed)),
        }
    }
}

#[test]
fn a_call_goes_out_when_we_are_let_in_and_its_answer_comes_back() {
    let (mut connection, mut bus) = pair();
    let call = Call { destination: "a.b", path: "/c", interface: "d.e", member: "F" };
    let early = connection.call(&call, &("x", 7_u32)).unwrap();
    assert!(connection.receive().unwrap().is_none());
    // The bus need not ask again who we are.
    bus.write_all(b"OK 0\r\n").unwrap();
    assert!(connection.receive().unwrap().is_none());
    bus.read_exact(&mut vec![0; ASKED.len() + b"BEGIN\r\n".len()]).unwrap();
    assert_eq!(received_by(&mut bus).member.unwrap(), "Hello");
    let received = received_by(&mut bus);
    assert_eq!(received.kind, Kind::Call);
    assert_eq!(received.body::<(&str, u32)>(), Some(("x", 7)));
    assert_eq!(received.body::<(&str, u64)>(), None, "another type");
    bus.write_all(&[answer(HELLO, &":1.7"), answer(early, &vec!["y", "z"])].concat()).unwrap();
    let (messages, closed) = all(&mut connection);
    assert_eq!((messages.len(), closed), (1, None));
    assert_eq!((messages[0].kind, messages[0].reply_to), (Kind::Reply, Some(early)));
    assert_eq!(messages[0].body::<Vec<&str>>().unwrap(), ["y", "z"]);
    let later = connection.call(&call, &()).unwrap();
    assert!(later > early && connection.receive().unwrap().is_none());
    assert_eq!(received_by(&mut bus).body::<&str>(), None);
}

#[test]
fn messages_come_in_any_pieces_and_in_both_orders_of_bytes() {
    let body = ("text", vec![1_u64, 2], Value::from(true));
    let stream = [signal(Endian::Little, &body), signal(Endian::Big, &body)].concat();
    for piece in [1, 7, 16, 17, stream.len()] {
        let (mut connection, mut bus) = inside();
        let mut count = 0;
        for bytes in stream.chunks(piece) {
            bus.write_all(bytes).unwrap();
            let (messages, closed) = all(&mut connection);
            assert_eq!(closed, None);
            count += messages.len();
            for message in messages {
                assert_eq!(message.member.as_deref(), Some("C"));
                assert_eq!(message.body::<(&str, Vec<u64>, Value<'_>)>(), Some(body.clone()));
            }
        }
        assert_eq!(count, 2, "in pieces of {piece}");
    }
}

#[test]
fn what_came_before_the_end_is_not_lost() {
    for cut in [0, 1, 15, 16, 40] {
        let (mut connection, mut bus) = inside();
        let whole = signal(Endian::Little, &7_u32);
        bus.write_all(&[whole.as_slice(), &whole[..cut]].concat()).unwrap();
        drop(bus);
        // Nobody takes this any more.
        let call = Call { destination: "a.b", path: "/c", interface: "d.e", member: "F" };
        connection.call(&call, &()).unwrap();
        let (messages, closed) = all(&mut connection);
        assert_eq!((messages.len(), closed), (1, Some(Closed::Ended)), "cut at {cut}");
    }
}

#[test]
fn who_does_not_let_us_in_is_left() {
    let mut endless = b"OK".to_vec();
    endless.resize(LONGEST_LINE_BYTES + 2, b' ');
    for (said, expected) in [
        (&b"REJECTED EXTERNAL\r\n"[..], "the bus refuses: REJECTED EXTERNAL"),
        (b"DATA\r\nREJECTED\r\n", "the bus refuses: REJECTED"),
        (b"ERROR \xff\r\n", "the bus refuses: ERROR \u{fffd}"),
        (b"DATA\r\nDATA\r\n", "the bus sent what is no message: another line than was waited for"),
        (b"HTTP/1.1 400\r\n", "the bus sent what is no message: another line than was waited for"),
        (b"\r\n", "the bus sent what is no message: another line than was waited for"),
        (&endless, "the bus sent what is no message: a line without an end"),
    ] {
        let (mut connection, mut bus) = pair();
        bus.write_all(said).unwrap();
        assert_eq!(all(&mut connection).1.unwrap().to_string(), expected);
    }
    let (mut connection, mut bus) = pair();
    let refusal = said(Endian::Little, 3, vec![(5, Value::from(HELLO)), (4, "a.No".into())], &"why");
    bus.write_all(&[LET_IN, &refusal].concat()).unwrap();
    assert_eq!(all(&mut connection).1, Some(Closed::Refused("a.No".to_owned())));
}

#[test]
fn half_a_line_and_silence_are_waited_for_in_silence() {
    for said in [&b""[..], b"DA", b"DATA\r", b"DATA\r\nOK 012"] {
        let (mut connection, mut bus) = pair();
        bus.write_all(said).unwrap();
        assert_eq!(all(&mut connection).1, None);
    }
}

#[test]
fn what_is_no_message_ends_it() {
    let whole = signal(Endian::Little, &7_u32);
    let with = |at: usize, bytes: &[u8]| {
        let mut wrong = whole.clone();
        wrong[at..at + bytes.len()].copy_from_slice(bytes);
        wrong
    };
    let without_member = said(Endian::Little, 4, vec![(1, ObjectPath::try_from("/a").unwrap().into())], &());
    let wrong_type = said(Endian::Little, 2, vec![(5, Value::from("1"))], &());
    for (wrong, expected) in [
        (with(0, b"x"), "neither of the two orders of bytes"),
        (with(1, &[0]), "of no kind"),
        (with(3, &[2]), "another version"),
        (with(8, &[0; 4]), "a wrong head"),
        // One field says that it is longer than all.
        (with(20, &[0xff; 4]), "a wrong head"),
        (without_member, "a head without what it must have"),
        (wrong_type, "a wrong field of the head"),
    ] {
        let (mut connection, mut bus) = inside();
        bus.write_all(&[whole.as_slice(), &wrong].concat()).unwrap();
        let (messages, closed) = all(&mut connection);
        assert_eq!((messages.len(), closed.unwrap()), (1, Closed::Malformed(expected)));
    }
}

#[test]
fn what_claims_to_be_huge_ends_it_before_it_is_there() {
    for (at, length) in [(4, u32::MAX), (12, u32::MAX), (12, 20_000), (4, 1 << 20)] {
        let (mut connection, mut bus) = inside();
        let mut huge = signal(Endian::Little, &7_u32);
        huge[at..at + 4].copy_from_slice(&length.to_le_bytes());
        bus.write_all(&huge[..16]).unwrap();
        let closed = all(&mut connection).1;
        assert!(
            matches!(closed, Some(Closed::TooLarge(claimed)) if claimed > u64::from(length)),
            "{closed:?}"
        );
    }
    let (mut connection, mut bus) = inside();
    let large = signal(Endian::Little, &"x".repeat(LARGEST_BYTES - 200));
    let writer = std::thread::spawn(move || bus.write_all(&large));
    let message = loop {
        if let Some(message) = connection.receive().unwrap() {
            break message;
        }
    };
    assert!(message.body_bytes() > LARGEST_BYTES - 200, "one of the allowed length passes");
    writer.join().unwrap().unwrap();
}

#[test]
fn a_bus_that_takes_nothing_is_left_when_it_is_too_much() {
    let (mut connection, _bus) = inside();
    let call = Call { destination: "a.b", path: "/c", interface: "d.e", member: "F" };
    let body = "x".repeat(10_000);
    let closed = loop {
        if let Err(closed) = connection.call(&call, &body) {
            break closed;
        }
        assert!(connection.receive().unwrap().is_none());
    };
    assert_eq!(closed, Closed::Congested);
}

#[test]
fn connects_to_the_first_that_listens() {
    let poll = mio::Poll::new().unwrap();
    let folder = std::env::temp_dir().join(format!("netsession-dbus-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let listener = UnixListener::bind(folder.join("bus")).unwrap();
    let open = |addresses: &str| Connection::open(poll.registry(), mio::Token(0), Some(addresses));
    let path = |name: &str| format!("unix:path={}", folder.join(name).display());
    open(&format!("tcp:host=x;{};{}", path("none"), path("bus"))).unwrap();
    listener.accept().unwrap();
    let Err(Closed::System { source: Errno::NOENT, .. }) = open(&path("none")) else { panic!("none there") };
    let Err(Closed::Address(_)) = open("tcp:host=x") else { panic!("no socket") };
    std::fs::remove_dir_all(&folder).unwrap();
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(place in 0_usize..200, noise in proptest::collection::vec(any::<u8>(), 0..40), cut in 0_usize..400) {
        let body = (std::collections::BTreeMap::from([("Metered", Value::from(1_u32))]), vec![ObjectPath::try_from("/x").unwrap()]);
        let mut bytes = [signal(Endian::Big, &body), signal(Endian::Little, &body)].concat();
        let end = (place + noise.len()).min(bytes.len());
        let start = place.min(end);
        bytes.splice(start..end, noise);
        bytes.truncate(cut);
        let (mut connection, mut bus) = inside();
        bus.write_all(&bytes).unwrap();
        drop(bus);
        let (messages, closed) = all(&mut connection);
        prop_assert!(closed.is_some());
        for message in messages {
            let _ = message.body::<(std::collections::BTreeMap<&str, Value<'_>>, Vec<ObjectPath<'_>>)>();
            let _ = message.body::<&str>();
        }
    }

    #[test]
    fn nothing_that_claims_to_be_a_message_makes_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = message::length(&bytes);
        let _ = message::read(&bytes);
        let data = Data::new(bytes.as_slice(), Context::new_dbus(Endian::Little, 0));
        let _ = data.deserialize::<std::collections::BTreeMap<&str, Value<'_>>>();
    }
}

/// The first of these messages, its number, and what comes after it.
pub(crate) fn first(bytes: &[u8]) -> Option<(Message, u32, &[u8])> {
    let length = message::length(bytes).unwrap()?;
    let (message, rest) = bytes.split_at_checked(length)?;
    let serial = u32::from_le_bytes(*message[8..].first_chunk().unwrap());
    Some((message::read(message).unwrap(), serial, rest))
}
