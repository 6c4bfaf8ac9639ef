//! The default route follows a session through many roams while packets flow that know nothing of it.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use netsession_core::RoamingMode;
use netsession_io_linux::{MigrationResult, Session};
use socket2::{Domain, Protocol, Socket, Type};

use super::two_links::{
    FAR, make_point_to_point, open, plug_in, until_watched, wan, with_addresses, with_addresses_and_gateways,
};
use super::*;

const ROAMS: u64 = 200;
/// Packets of each family that take a link before the next roam.
const BETWEEN_ROAMS: u64 = 10;
const BETWEEN_PACKETS: Duration = Duration::from_millis(1);
const PORT: u16 = 4711;

/// A packet that arrived: its number, and the link that it came by.
type Arrival = (u64, usize);

/// Where packets go, and what is known of them on the way.
#[derive(Default)]
struct Stream {
    /// The number of the last packet that has been begun.
    begun: AtomicU64,
    /// The number of the last packet that has been sent, or has failed to be.
    done: AtomicU64,
    failed: AtomicU64,
    is_over: AtomicBool,
}

impl Stream {
    /// One packet with each number, 1 000 a second.
    fn send(&self, to: SocketAddr) {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).unwrap();
        let mut due = Instant::now();
        for number in 1_u64.. {
            // The pace of the stream, not a wait for anything. What a busy machine has held up is not made up
            // for: a burst would not fit into the buffer of the receiver.
            due = Instant::now().max(due + BETWEEN_PACKETS);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.begun.store(number, Ordering::SeqCst);
            if socket.send_to(&number.to_be_bytes(), to).is_err() {
                self.failed.fetch_add(1, Ordering::SeqCst);
            }
            self.done.store(number, Ordering::SeqCst);
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
        }
    }
}

/// Ends what the threads do, also when the test fails: the scope waits for them.
struct End<'a>(&'a [Stream; 2], &'a [AtomicBool]);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let Self(streams, roams) = self;
        let all = streams.iter().map(|stream| &stream.is_over).chain(roams.iter());
        all.for_each(|is_over| is_over.store(true, Ordering::SeqCst));
    }
}

/// A socket on the far side that hears what comes by one link.
fn ear(far: IpAddr, link: usize) -> UdpSocket {
    let address = SocketAddr::from((far, PORT));
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.bind_device(Some(format!("eth{link}p").as_bytes())).unwrap();
    socket.bind(&address.into()).unwrap();
    socket.set_recv_buffer_size(4 * 1024 * 1024).unwrap();
    // Only so that it ends.
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    socket.into()
}

fn listen(socket: &UdpSocket, link: usize, stream: &Stream, arrivals: &Sender<Arrival>) {
    let mut bytes = [0; 8];
    loop {
        match socket.recv(&mut bytes) {
            Ok(_) => arrivals.send((u64::from_be_bytes(bytes), link)).unwrap(),
            Err(_) if stream.is_over.load(Ordering::SeqCst) => return,
            Err(_) => {}
        }
    }
}

/// A roam as the stream saw it: the last packet that was surely sent before, the first that was surely sent
/// after it.
#[derive(Clone, Copy)]
struct Roam {
    before: u64,
    after: u64,
}

/// Packets that arrived by a link that the session was surely not on.
fn wrong(arrivals: &[Arrival], roams: &[Roam]) -> Vec<Arrival> {
    let is_wrong = |(number, link): &Arrival| {
        // The first roam is from eth0 to eth1, the next back.
        let over = roams.iter().filter(|roam| roam.after <= *number).count();
        let is_amid = roams.get(over).is_some_and(|roam| *number > roam.before);
        *link != over % 2 && !is_amid
    };
    arrivals.iter().copied().filter(is_wrong).collect()
}

/// How often the link changed, in the order of the packets.
fn changes(arrivals: &mut [Arrival]) -> usize {
    arrivals.sort_unstable();
    arrivals.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
}

fn roam(driver: &Driver, session: &Session, to: usize) {
    let member = format!("eth{to}").into();
    let MigrationResult::Trial(trial) = session.migrate_to(&member).unwrap().wait_for_trial(-1) else {
        panic!("no trial of {member}")
    };
    // Both families are to move.
    let is_whole =
        || session.candidate().and_then(|it| it.interface).is_some_and(|it| it.addresses.len() == 2);
    until(driver, "both families", |_| is_whole());
    trial.accept().unwrap();
}

/// Reads until so many more have come by the link of the session since the roam.
fn read_on(arrivals: &Receiver<Arrival>, read: &mut Vec<Arrival>, link: usize, after: u64) {
    let mut left = BETWEEN_ROAMS;
    while left > 0 {
        let arrival = arrivals.recv_timeout(FOR_EVER).expect("packets keep coming");
        read.push(arrival);
        left -= u64::from(arrival.1 == link && arrival.0 >= after);
    }
}

/// Asks for the way to both families as often as possible, each time as a new socket, which has no address yet
/// that may be gone; only while the session roams, since the machine has other things to do as well. How often
/// that was, and how often there was none.
fn ask_for_the_way(roaming: &Receiver<&AtomicBool>) -> (u64, u64) {
    let (mut asked, mut failed) = (0, 0);
    for is_over in roaming {
        while !is_over.load(Ordering::SeqCst) {
            for (any, far) in ["0.0.0.0:0", "[::]:0"].into_iter().zip(FAR) {
                let far = SocketAddr::new(far.parse().unwrap(), PORT);
                asked += 1;
                failed += u64::from(UdpSocket::bind(any).unwrap().connect(far).is_err());
            }
        }
    }
    (asked, failed)
}

/// Streams packets of both families while the session roams to and fro, and checks where they went.
fn stream_through_roams(namespace: &Namespace, driver: &Driver) {
    let session = open(driver, "wan");
    session.set_roaming_mode(RoamingMode::Application).unwrap();
    until(driver, "both families", |_| session.interface().is_some_and(|it| it.addresses.len() == 2));
    until_watched(namespace, driver, "eth1");
    let streams = [Stream::default(), Stream::default()];
    let mut all = [Vec::new(), Vec::new()];
    let mut roams = [Vec::new(), Vec::new()];
    let ears: Vec<[UdpSocket; 2]> = namespace
        .on_far_side(|| FAR.iter().map(|far| [0, 1].map(|link| ear(far.parse().unwrap(), link))).collect());
    let is_over: Vec<AtomicBool> = (0..ROAMS).map(|_| AtomicBool::new(false)).collect();
    let ways = std::thread::scope(|scope| {
        let _end = End(&streams, &is_over);
        let arrivals = [0, 1].map(|family| {
            let (sender, arrivals) = channel();
            let stream = &streams[family];
            for (link, ear) in ears[family].iter().enumerate() {
                let sender = sender.clone();
                scope.spawn(move || listen(ear, link, stream, &sender));
            }
            scope.spawn(move || stream.send(SocketAddr::new(FAR[family].parse().unwrap(), PORT)));
            arrivals
        });
        let (roaming, is_roaming) = channel();
        let ways = scope.spawn(move || ask_for_the_way(&is_roaming));
        for (family, arrivals) in arrivals.iter().enumerate() {
            read_on(arrivals, &mut all[family], 0, 1);
        }
        for number in 1..=ROAMS {
            let link = usize::from(number % 2 == 1);
            let before = [0, 1].map(|family| streams[family].done.load(Ordering::SeqCst));
            let is_over = &is_over[usize::try_from(number).unwrap() - 1];
            roaming.send(is_over).unwrap();
            roam(driver, &session, link);
            is_over.store(true, Ordering::SeqCst);
            for (family, arrivals) in arrivals.iter().enumerate() {
                let after = streams[family].begun.load(Ordering::SeqCst) + 1;
                roams[family].push(Roam { before: before[family], after });
                read_on(arrivals, &mut all[family], link, after);
            }
            catch_up(driver);
        }
        for (family, arrivals) in arrivals.iter().enumerate() {
            streams[family].is_over.store(true, Ordering::SeqCst);
            all[family].extend(arrivals);
        }
        drop(roaming);
        ways.join().unwrap()
    });
    eprintln!("the way asked for {} times in {ROAMS} roams, {} times there was none", ways.0, ways.1);
    for (family, arrivals) in all.iter_mut().enumerate() {
        check(&streams[family], arrivals, &roams[family]);
    }
    assert_eq!(ways.1, 0);
}

fn check(stream: &Stream, arrivals: &mut [Arrival], roams: &[Roam]) {
    let (sent, failed) = (stream.done.load(Ordering::SeqCst), stream.failed.load(Ordering::SeqCst));
    let wrong = wrong(arrivals, roams);
    let changes = changes(arrivals);
    eprintln!(
        "{sent} packets sent in {ROAMS} roams, {failed} failed, {} arrived, {} by the wrong link, {changes} changes \
         of link",
        arrivals.len(),
        wrong.len()
    );
    assert_eq!((failed, wrong), (0, Vec::new()));
    assert_eq!(u64::try_from(changes).unwrap(), ROAMS, "each roam moves the stream once");
    assert_eq!(u64::try_from(arrivals.len()).unwrap(), sent, "lost");
}

kernel_tests! {
    fn no_packet_is_lost_or_takes_the_wrong_link_in_two_hundred_roams(namespace) {
        plug_in(namespace);
        let builder = wan(with_addresses_and_gateways(Driver::builder())).follow_default_route("wan");
        stream_through_roams(namespace, &builder.build().unwrap());
    }

    /// The one default route is that of the session: nothing else would catch what falls into a gap.
    fn nor_without_gateways_where_no_other_default_route_is_there(namespace) {
        plug_in(namespace);
        make_point_to_point(namespace);
        let driver = wan(with_addresses(Driver::builder())).follow_default_route("wan").build().unwrap();
        stream_through_roams(namespace, &driver);
    }
}
