//! Sockets that are bound to the link of a session.

use std::net::{IpAddr, UdpSocket};

use netsession_io_linux::Error;

use super::namespace::run_again;
use super::two_links::{FAR, NEAR, connect_to, converse, listen, open, plug_in, with_addresses_and_gateways};
use super::*;

kernel_tests! {
    fn a_bound_socket_takes_the_link_of_its_session_whatever_the_routes_prefer(namespace) {
        plug_in(namespace);
        let driver = with_addresses_and_gateways(Driver::builder()).build().unwrap();
        let sessions = [open(&driver, "eth0"), open(&driver, "eth1")];
        until(&driver, "all addresses", |_| {
            sessions.iter().all(|session| session.interface().is_some_and(|it| it.addresses.len() == 2))
        });
        let listeners = listen(namespace);
        for (session, near) in sessions.iter().zip(NEAR) {
            for ((listener, near), far) in listeners.iter().zip(near).zip(FAR) {
                let near: IpAddr = near.parse().unwrap();
                let (stream, other_end) = connect_to(listener, |socket| session.bind_to_session(socket));
                assert_eq!(stream.local_addr().unwrap().ip(), near);
                converse(&stream, &other_end);
                let any = if near.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let datagrams = UdpSocket::bind(any).unwrap();
                session.bind_to_session(&datagrams).unwrap();
                session.bind_to_session(&datagrams).expect("it is bound to that already");
                datagrams.connect((far.parse::<IpAddr>().unwrap(), 9)).unwrap();
                assert_eq!(datagrams.local_addr().unwrap().ip(), near);
            }
        }
    }

    fn what_cannot_be_bound_is_refused_in_words(namespace) {
        plug_in(namespace);
        let driver = with_addresses_and_gateways(Driver::builder()).build().unwrap();
        let session = driver.session("eth0");
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let why = |result: Result<(), Error>| result.unwrap_err().to_string();
        assert!(why(session.bind_to_session(&socket)).contains("open it"));
        session.open();
        assert_eq!(session.wait_for_opened(-1), netsession_io_linux::WaitResult::Opened);
        let file = std::fs::File::open("/proc/self/status").unwrap();
        assert!(why(session.bind_to_session(&file)).contains("not a network socket"));
        namespace.ip("link del eth0");
        assert!(why(session.bind_to_session(&socket)).contains("eth0: the interface is gone"));
    }
}

#[test]
fn any_user_may_bind_a_socket_once() {
    const PATH: &str = concat!(module_path!(), "::any_user_may_bind_a_socket_once");
    const DEEPER: &str = "NETSESSION_TEST_IS_ANY_USER";
    if std::env::var_os(DEEPER).is_some() {
        let driver = Driver::new().unwrap();
        for name in ["eth0", "eth1"] {
            let is_active =
                |driver: &Driver| state_of(driver, name) == Some(netsession_core::ConfigurationState::Active);
            until(&driver, "active", is_active);
        }
        let sessions = ["eth0", "eth1"].map(|name| open(&driver, name));
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        sessions[0].bind_to_session(&socket).unwrap();
        let refused = sessions[1].bind_to_session(&socket).unwrap_err().to_string();
        assert!(refused.contains("eth1") && refused.contains("CAP_NET_RAW"), "{refused}");
        sessions[0].bind_to_session(&socket).expect("it is still bound to the first");
        return;
    }
    namespace::run(PATH, |namespace| {
        plug_in(namespace);
        for (link, near) in NEAR.iter().enumerate() {
            namespace.ip(&format!("addr add {}/24 dev eth{link}", near[0]));
            namespace.ip(&format!("link set eth{link} up"));
        }
        // A user namespace of its own has no say over the network namespace of another.
        run_again(PATH, std::process::Command::new("unshare").arg("--user").env(DEEPER, "1"));
    });
}
