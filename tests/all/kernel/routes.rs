//! Default routes: those of the members, the one that follows the session, and what is said to lack.

use netsession_io_linux::Lack;

use super::two_links::{
    FAR, GATEWAYS, NEAR, default_routes, open, plug_in, routes_by, wan, with_addresses_and_gateways,
};
use super::*;

/// By which interface, and from which address, the kernel would send to the far side.
fn way_out(namespace: &Namespace, family: usize) -> (String, String) {
    let answer = namespace.ip(&format!("-j route get {}", FAR[family]));
    let routes: Vec<Value> = serde_json::from_str(&answer).unwrap();
    let text = |key: &str| routes[0][key].as_str().unwrap().to_owned();
    (text("dev"), text("prefsrc"))
}

kernel_tests! {
    fn each_member_gets_its_default_route_and_a_stop_takes_exactly_that_back(namespace) {
        plug_in(namespace);
        let driver = wan(with_addresses_and_gateways(Driver::builder())).build().unwrap();
        namespace.ip("link set eth1 up");
        namespace.ip("addr add 198.51.100.7/24 dev eth1");
        namespace.ip("route add default via 198.51.100.1 dev eth1 metric 200 proto static");
        let before = default_routes(namespace);
        until(&driver, "up", |driver| state_of(driver, "eth1") == Some(netsession_core::ConfigurationState::Active));
        let second = driver.session("eth1");
        second.open();
        let first = open(&driver, "eth0");
        // What was up before is not started, so it gets nothing.
        let all = [routes_by(0, 100).to_vec(), before.clone()].concat();
        let sorted = |mut lines: Vec<String>| { lines.sort_unstable(); lines };
        assert_eq!(sorted(default_routes(namespace)), sorted(all));
        first.close();
        until(&driver, "down", |_| first.state() == netsession_core::SessionState::Disconnected);
        assert_eq!(default_routes(namespace), before);
        second.stop();
        until(&driver, "down", |_| second.state() == netsession_core::SessionState::Disconnected);
        second.open();
        assert_eq!(second.wait_for_opened(-1), netsession_io_linux::WaitResult::Opened);
        assert_eq!(default_routes(namespace), routes_by(1, 200), "of the second member");
    }

    fn a_gateway_that_is_not_on_the_link_fails_the_start_in_words(namespace) {
        namespace.cable("eth0");
        let driver = with_address(Driver::builder()).gateway("eth0", "198.51.100.1".parse().unwrap());
        let driver = driver.build().unwrap();
        let session = driver.session("eth0");
        session.open();
        assert!(matches!(session.wait_for_opened(-1), netsession_io_linux::WaitResult::Failed(_)));
        let text = session.error_string().unwrap();
        assert!(text.contains("default route of IPv4 by 198.51.100.1"), "{text}");
        until(&driver, "taken back", |_| !namespace.ip("addr show eth0").contains("192.0.2.7"));
    }

    fn the_default_route_is_there_while_the_session_is_open_and_no_longer(namespace) {
        plug_in(namespace);
        let builder = with_addresses_and_gateways(Driver::builder());
        let driver = builder.follow_default_route("eth1").build().unwrap();
        // Started by another session, with routes of its own.
        let _other = open(&driver, "eth0");
        assert_eq!(way_out(namespace, 0).0, "eth0");
        let session = open(&driver, "eth1");
        until(&driver, "IPv6 as well", |_| session.interface().is_some_and(|it| it.addresses.len() == 2));
        for (family, near) in NEAR[1].into_iter().enumerate() {
            assert_eq!(way_out(namespace, family), ("eth1".to_owned(), near.to_owned()));
        }
        let ours: Vec<String> =
            default_routes(namespace).into_iter().filter(|line| line.ends_with("metric 50")).collect();
        assert_eq!(ours, routes_by(1, 50));
        session.close();
        for family in 0..2 {
            assert_eq!(way_out(namespace, family).0, "eth0");
        }
        assert!(!default_routes(namespace).iter().any(|line| line.ends_with("metric 50")));
    }

    fn the_gateway_is_that_of_the_links_own_route_whenever_it_comes_and_changes(namespace) {
        plug_in(namespace);
        namespace.ip("link set eth0 up");
        namespace.ip("addr add 10.0.0.1/24 dev eth0");
        let driver = Driver::builder().follow_default_route("eth0").build().unwrap();
        until(&driver, "active", |driver| {
            state_of(driver, "eth0") == Some(netsession_core::ConfigurationState::Active)
        });
        let session = driver.session("eth0");
        session.open();
        let told = driver.turn().unwrap_err().to_string();
        assert!(told.contains("eth0") && told.contains("no gateway is known"), "{told}");
        let ours = |namespace: &Namespace| {
            default_routes(namespace).into_iter().find(|line| line.ends_with("metric 50"))
        };
        assert_eq!(ours(namespace), None);
        for gateway in ["10.0.0.254", "10.0.0.253"] {
            namespace.ip(&format!("route replace default via {gateway} dev eth0 metric 300"));
            let wanted = format!("eth0 via {gateway} metric 50");
            until(&driver, "followed", |_| ours(namespace).as_ref() == Some(&wanted));
        }
        namespace.ip("route del default metric 300");
        // The driver says so, and that is all that fails.
        let end = Instant::now() + FOR_EVER;
        while ours(namespace).is_some() {
            assert!(Instant::now() < end);
            driver.wait(Some(FOR_EVER)).unwrap();
            let _ = driver.turn();
        }
        assert!(session.is_open());
    }

    fn a_link_on_which_there_is_nobody_to_ask_needs_no_gateway(namespace) {
        namespace.cable("eth0");
        namespace.ip("link set eth0 arp off");
        let driver = with_address(Driver::builder()).follow_default_route("eth0").build().unwrap();
        let session = open(&driver, "eth0");
        assert_eq!(default_routes(namespace), ["eth0 via - metric 50"]);
        catch_up(&driver);
        session.close();
        assert_eq!(default_routes(namespace), NOTHING);
    }

    fn another_route_that_goes_before_it_is_named_and_nothing_is_half_done(namespace) {
        plug_in(namespace);
        let builder = with_addresses_and_gateways(Driver::builder());
        let driver = builder.follow_default_route("eth1").build().unwrap();
        let _other = open(&driver, "eth0");
        namespace.ip(&format!("route add default via {} dev eth0 metric 50 proto static", GATEWAYS[0][0]));
        let session = driver.session("eth1");
        session.open();
        let told = loop {
            driver.wait(Some(FOR_EVER)).unwrap();
            if let Err(error) = driver.turn() {
                break error.to_string();
            }
        };
        assert!(told.contains("eth1") && told.contains("10.0.0.254 (metric 50) goes before it"), "{told}");
        assert_eq!(session.wait_for_opened(-1), netsession_io_linux::WaitResult::Opened);
        assert_eq!(way_out(namespace, 0).0, "eth0");
        session.close();
        assert!(namespace.ip("route show default metric 50").contains("static"), "it is not ours to take");
    }

    fn what_a_link_lacks_is_read_when_asked(namespace) {
        plug_in(namespace);
        for (link, near) in NEAR.iter().enumerate() {
            namespace.ip(&format!("link set eth{link} up"));
            namespace.ip(&format!("addr add {}/24 dev eth{link}", near[0]));
        }
        let driver = Driver::new().unwrap();
        until(&driver, "active", |driver| {
            state_of(driver, "eth1") == Some(netsession_core::ConfigurationState::Active)
        });
        let interface = || "eth1".to_owned();
        assert_eq!(driver.lacks("eth1").unwrap(), [Lack::DefaultRouteIpv4 { interface: interface() }]);
        namespace.ip("route add default via 10.0.1.254 dev eth1 metric 200");
        assert_eq!(driver.lacks("eth1").unwrap(), []);
        namespace.ip("route add default via 10.0.0.254 dev eth0 metric 100");
        std::fs::write("/proc/sys/net/ipv4/conf/eth1/rp_filter", "1").unwrap();
        let way_back = Lack::WayBack { interface: interface(), preferred: "eth0".to_owned() };
        assert_eq!(driver.lacks("eth1").unwrap(), [way_back]);
        std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "2").unwrap();
        assert_eq!(driver.lacks("eth1").unwrap(), []);
        assert!(driver.lacks("eth9").unwrap_err().to_string().contains("eth0, eth1"));
    }
}
