//! Byte counters of sessions, beside streams of known size.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::rc::Rc;

use netsession_core::{Accepted, Effect, Input, Refused};
use netsession_io_linux::{Observer, Session};

use super::truth::until_true;
use super::two_links::open;
use super::*;

const INDEX: u32 = 500;
const NEAR: &str = "192.0.2.7";
const FAR: &str = "192.0.2.1";
/// A second stream after a first that is larger: only then does a counter of a new link tell that it went back.
const SIZES: [usize; 2] = [1 << 20, 1 << 18];

/// What the headers of all packets, acknowledgements, what is sent twice, and a few packets about neighbours may
/// come to.
const fn overhead(size: usize) -> usize {
    size / 10 + (1 << 16)
}

/// A plugged-in cable with an address at each end, always of the same index.
fn connect(namespace: &Namespace) {
    namespace.cable_with_index("eth0", INDEX);
    namespace.ip("link set eth0 addrgenmode none");
    namespace.far_ip(&format!("addr add {FAR}/24 dev eth0p"));
    namespace.ip(&format!("addr add {NEAR}/24 dev eth0"));
    namespace.ip("link set eth0 up");
    until_ip(namespace, "carrier", |link| link["ifname"] != "eth0" || link["operstate"] == "UP");
}

/// Streams so many bytes out, and half as many in.
fn stream(namespace: &Namespace, size: usize) {
    let listener = namespace.on_far_side(|| TcpListener::bind((FAR, 0)).unwrap());
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    for (mut from, mut to, size) in [(&near, &far, size), (&far, &near, size / 2)] {
        std::thread::scope(|scope| {
            scope.spawn(move || from.write_all(&vec![7; size]).unwrap());
            to.read_exact(&mut vec![0; size]).unwrap();
        });
    }
}

fn bytes(session: &Session) -> [usize; 2] {
    [session.bytes_sent(), session.bytes_received()].map(|bytes| usize::try_from(bytes).unwrap())
}

/// How often the core has asked for counters, and how often it was told of some.
#[derive(Clone, Default)]
struct Readings(Rc<RefCell<[u32; 2]>>);

impl Observer for Readings {
    fn input(&mut self, _: netsession_core::Instant, input: &Input) {
        self.0.borrow_mut()[1] += u32::from(matches!(input, Input::Counters { .. }));
    }

    fn result(&mut self, _: netsession_core::Instant, _: &Result<Accepted, Refused>) {}

    fn output(&mut self, _: netsession_core::Instant, output: &Output) {
        let is_asked = matches!(output, Output::Effect(Effect::ReadCounters { .. }));
        self.0.borrow_mut()[0] += u32::from(is_asked);
    }
}

kernel_tests! {
    /// R-STAT-1
    fn bytes_are_those_of_a_stream_and_do_not_go_down_when_the_link_is_made_anew(namespace) {
        connect(namespace);
        let driver = Driver::builder().receive_buffer_bytes(1).build().unwrap();
        let session = open(&driver, "eth0");
        catch_up(&driver);
        let mut before = bytes(&session);
        for (number, size) in SIZES.into_iter().enumerate() {
            stream(namespace, size);
            let after = bytes(&session);
            for ((before, after), moved) in before.into_iter().zip(after).zip([size, size / 2]) {
                let counted = after - before;
                let range = moved..=moved + overhead(size);
                assert!(range.contains(&counted), "{counted} counted of {moved}");
            }
            before = after;
            if number == 0 {
                // While nobody reads, so that what happened is lost and nothing but the counters tells of it.
                namespace.ip("link del eth0");
                connect(namespace);
                namespace.ip_batch(&"link set eth0 txqueuelen 7\nlink set eth0 txqueuelen 8\n".repeat(50));
                until(&driver, "read anew", |driver| driver.resyncs() > 0);
                until_true(&driver, namespace);
                assert!(driver.lost_notifications() > 0 && session.is_open());
                let anew = bytes(&session);
                assert!(anew.into_iter().zip(before).all(|(anew, before)| anew >= before), "{anew:?} {before:?}");
                before = anew;
            }
        }
    }

    /// R-STAT-1: what a link has moved counts from when it became Active.
    fn a_link_that_was_seen_to_go_and_come_counts_from_nothing(namespace) {
        connect(namespace);
        let driver = Driver::new().unwrap();
        let session = open(&driver, "eth0");
        catch_up(&driver);
        stream(namespace, SIZES[0]);
        assert!(bytes(&session)[0] >= SIZES[0]);
        namespace.ip("link del eth0");
        until(&driver, "closed", |_| !session.is_open());
        connect(namespace);
        until(&driver, "there", |driver| state_of(driver, "eth0").is_some());
        let again = open(&driver, "eth0");
        catch_up(&driver);
        assert!(bytes(&again)[0] < SIZES[0]);
        stream(namespace, SIZES[1]);
        assert!(bytes(&again)[0] >= SIZES[1]);
    }

    /// R-STAT-3
    fn counters_are_read_when_a_link_becomes_active_and_when_somebody_asks(namespace) {
        connect(namespace);
        let readings = Readings::default();
        let driver = Driver::builder().observer(Box::new(readings.clone())).build().unwrap();
        let session = open(&driver, "eth0");
        catch_up(&driver);
        assert_eq!(*readings.0.borrow(), [1, 1], "it became active");
        stream(namespace, SIZES[0]);
        namespace.ip("link set eth0 txqueuelen 7");
        namespace.ip("link add other type veth peer name another");
        namespace.ip("addr add 192.0.2.9/24 dev eth0");
        until(&driver, "read", |_| session.interface().is_some_and(|it| it.addresses.len() == 2));
        driver.handle(Input::Update {}).unwrap();
        until(&driver, "read again", |driver| driver.resyncs() > 0);
        assert_eq!(*readings.0.borrow(), [1, 1], "nobody has asked");
        assert!(session.bytes_sent() >= u64::try_from(SIZES[0]).unwrap());
        assert_eq!(*readings.0.borrow(), [2, 2]);
    }
}
