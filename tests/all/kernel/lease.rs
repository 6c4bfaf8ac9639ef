//! An address by DHCP, from a real server at the other end of a cable.
//!
//! Needs `udhcpd` (BusyBox), which leases for seconds.

use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use netsession_core::{LinkState, SessionError, SessionState};
use netsession_io_linux::{Configuration, Session, WaitResult};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::marks::marks;
use super::two_links::{default_routes, open};
use super::*;
use crate::program::support;

const ROUTER: &str = "10.9.0.254";
/// More than any test takes.
const LONG_SECONDS: u32 = 3600;

/// A DHCP server on the far side of `eth0`.
struct Server {
    child: Child,
    confirmed: Arc<AtomicUsize>,
}

impl Server {
    /// Returns when it serves one address, 10.9.0.`last`. `None`, said loudly, if there is no such program.
    fn start(namespace: &Namespace, last: u8, lease_seconds: u32) -> Option<Self> {
        Self::start_with(namespace, [&format!("10.9.0.{last}"); 2], lease_seconds, ROUTER)
    }

    /// The same with the addresses from the first to the last of these.
    fn start_with(
        namespace: &Namespace,
        [first, last]: [&str; 2],
        lease_seconds: u32,
        router: &str,
    ) -> Option<Self> {
        let folder = support::scratch("udhcpd");
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let text = format!(
            "start {first}\nend {last}\ninterface eth0p\nlease_file {}\npidfile {}\noffer_time 1\n\
             opt subnet 255.255.255.0\nopt router {router}\nopt dns {ROUTER}\nopt lease {lease_seconds}\n",
            path("leases"),
            path("pid")
        );
        std::fs::write(path("leases"), "").unwrap();
        std::fs::write(path("configuration"), text).unwrap();
        let arguments = ["-f", "-a", "1", &path("configuration")];
        let mut child = namespace
            .far("udhcpd")
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let Some(line) = lines.by_ref().map_while(Result::ok).find(|line| line.contains("started")) else {
            child.wait().unwrap();
            support::cannot_run("udhcpd does not start; install it");
            return None;
        };
        assert!(line.contains("udhcpd"), "{line}");
        let confirmed = Arc::new(AtomicUsize::new(0));
        let count = confirmed.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok).filter(|line| line.contains("sending ACK")) {
                drop(line);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Some(Self { child, confirmed })
    }

    fn confirmed(&self) -> usize {
        self.confirmed.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A driver that asks for an address for `eth0`, and gives up after so long; 0: never.
fn leasing(namespace: &Namespace, connect_timeout_ms: u32) -> Driver {
    leasing_with(namespace, &format!("connect_timeout_ms = {connect_timeout_ms}"))
}

fn leasing_with(namespace: &Namespace, settings: &str) -> Driver {
    namespace.cable("eth0");
    namespace.far_ip(&format!("addr add {ROUTER}/24 dev eth0p"));
    let text = format!("[access-point.office]\ninterface = \"eth0\"\naddresses = \"dhcp\"\n{settings}");
    let configuration = Configuration::from_toml(&text).unwrap_or_else(|faults| panic!("{faults}"));
    Driver::builder().configuration(configuration).build().unwrap()
}

fn link(driver: &Driver) -> Option<LinkState> {
    driver.manager().configuration("office").unwrap().link()
}

fn addresses(session: &Session) -> Vec<String> {
    let interface = session.interface().unwrap();
    interface.addresses.iter().filter(|it| it.address.is_ipv4()).map(ToString::to_string).collect()
}

/// What `ip` says on the far side.
fn far_output(namespace: &Namespace, arguments: &str) -> String {
    let output = namespace.far("ip").args(arguments.split(' ')).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// When the link is down: neither an address of IPv4, nor a default route, nor a socket that still asks.
fn nothing_is_left(driver: &Driver, namespace: &Namespace) {
    until(driver, "down", |_| !namespace.ip("link show eth0").contains(",UP"));
    let shown = namespace.ip("addr show eth0");
    assert!(!shown.contains("inet "), "{shown}");
    assert_eq!(default_routes(namespace), NOTHING);
    let packet = std::fs::read_to_string("/proc/self/net/packet").unwrap();
    assert_eq!(packet.lines().count(), 1, "only the heading: {packet}");
}

kernel_tests! {
    fn an_address_is_leased_by_a_start_and_given_up_by_a_stop(namespace) {
        let driver = leasing(namespace, 0);
        let Some(_server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        for _ in 0..2 {
            let session = open(&driver, "office");
            assert_eq!(addresses(&session), ["10.9.0.7/24"]);
            assert_eq!(default_routes(namespace), [format!("eth0 via {ROUTER} metric 100")]);
            let mark = marks()[&IpAddr::from([10, 9, 0, 7])];
            assert!(mark.is_none_or(|mark| mark == super::marks::OURS), "{mark:?}");
            catch_up(&driver);
            // Half of the lease, but for the time that this test took.
            let idle = driver.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
            assert!(idle.is_some_and(|idle| idle > Duration::from_secs(u64::from(LONG_SECONDS) / 4)), "{idle:?}");
            session.close();
            until(&driver, "down", |_| session.state() == SessionState::Disconnected);
            nothing_is_left(&driver, namespace);
        }
    }

    fn a_stop_gives_the_address_back_so_that_another_can_have_it(namespace) {
        let driver = leasing(namespace, 20_000);
        let Some(_server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        // The server has one address, and knows who has it by this.
        for own in ["02:00:00:00:00:01", "02:00:00:00:00:02"] {
            namespace.ip(&format!("link set eth0 address {own}"));
            let session = open(&driver, "office");
            session.close();
            nothing_is_left(&driver, namespace);
        }
    }

    fn without_a_server_opening_fails_in_time_and_leaves_nothing(namespace) {
        let driver = leasing(namespace, 300);
        let session = driver.session("office");
        session.open();
        until(&driver, "asked for", |driver| link(driver) == Some(LinkState::Connecting));
        assert!(matches!(session.wait_for_opened(-1), WaitResult::Failed(_)));
        until(&driver, "down", |_| session.state() == SessionState::Disconnected);
        nothing_is_left(&driver, namespace);
        session.open();
        session.close();
        nothing_is_left(&driver, namespace);
    }

    fn a_cable_that_is_plugged_in_later_is_asked_by_then(namespace) {
        let driver = leasing(namespace, 0);
        let Some(_server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        namespace.pull("eth0");
        let session = driver.session("office");
        session.open();
        until(&driver, "asked for", |driver| link(driver) == Some(LinkState::Connecting));
        catch_up(&driver);
        namespace.plug("eth0");
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        assert_eq!(addresses(&session), ["10.9.0.7/24"]);
    }

    fn what_cannot_be_given_fails_the_opening_and_leaves_nothing(namespace) {
        let driver = leasing(namespace, 0);
        // On no network of the link.
        let Some(_server) = Server::start_with(namespace, ["10.9.0.7"; 2], LONG_SECONDS, "192.0.2.1") else { return };
        let session = driver.session("office");
        session.open();
        assert!(matches!(session.wait_for_opened(-1), WaitResult::Failed(_)));
        let why = driver.turn().unwrap_err().to_string();
        assert!(why.contains("leased") && why.contains("192.0.2.1") && why.contains("eth0"), "{why}");
        nothing_is_left(&driver, namespace);
    }

    fn what_another_network_leases_takes_the_place_of_what_was(namespace) {
        // The link outlives its session.
        let driver = leasing_with(namespace, "shutdown = \"never\"");
        let Some(server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        let session = open(&driver, "office");
        namespace.pull("eth0");
        until(&driver, "lost", |_| !session.is_open());
        drop(server);
        let Some(_other) = Server::start(namespace, 8, LONG_SECONDS) else { return };
        namespace.plug("eth0");
        until(&driver, "another", |driver| {
            let manager = driver.manager();
            let view = manager.configuration("office").unwrap();
            let has = |text: &str| view.interface().unwrap().addresses.iter().any(|it| it.to_string() == text);
            has("10.9.0.8/24") && view.link() == Some(LinkState::Active)
        });
        assert!(!namespace.ip("addr show eth0").contains("10.9.0.7"));
        assert_eq!(default_routes(namespace), [format!("eth0 via {ROUTER} metric 100")]);
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        session.stop();
        nothing_is_left(&driver, namespace);
    }

    fn an_open_session_keeps_its_link_when_the_address_changes(namespace) {
        const OTHER_ROUTER: &str = "10.8.0.254";
        let driver = leasing_with(namespace, "shutdown = \"never\"");
        namespace.far_ip(&format!("addr add {OTHER_ROUTER}/24 dev eth0p"));
        let Some(mut server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        let session = open(&driver, "office");
        for (address, router) in [("10.9.0.8", ROUTER), ("10.8.0.9", OTHER_ROUTER)] {
            drop(server);
            let Some(other) = Server::start_with(namespace, [address; 2], LONG_SECONDS, router) else { return };
            server = other;
            // It asks afresh. What it has is good until there is an answer.
            namespace.pull("eth0");
            until(&driver, "lost", |_| !session.is_open());
            namespace.plug("eth0");
            until(&driver, "back", |driver| link(driver) == Some(LinkState::Active));
            session.open();
            assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
            told(&driver);
            until(&driver, "another", |_| addresses(&session) == [format!("{address}/24")]);
            catch_up(&driver);
            assert!(session.is_open());
            let told = told(&driver);
            assert!(told.iter().all(|event| event.contains("interface")), "{told:?}");
            assert_eq!(addresses(&session), [format!("{address}/24")]);
            assert_eq!(namespace.ip("addr show eth0").matches("inet ").count(), 1);
            assert_eq!(default_routes(namespace), [format!("eth0 via {router} metric 100")]);
        }
        session.stop();
        nothing_is_left(&driver, namespace);
    }

    fn a_lease_is_renewed_while_there_is_a_server_and_lost_when_there_is_none(namespace) {
        let driver = leasing(namespace, 0);
        let Some(server) = Server::start(namespace, 7, 4) else { return };
        let session = open(&driver, "office");
        told(&driver);
        // By then the kernel has taken back what it was not told to keep for longer.
        until(&driver, "renewed three times", |_| server.confirmed() > 3);
        catch_up(&driver);
        assert!(session.is_open());
        assert_eq!(told(&driver), NOTHING, "nobody is told of it");
        drop(server);
        until(&driver, "lost", |_| !session.is_open());
        assert_eq!(session.error(), Some(SessionError::SessionAborted));
        until(&driver, "down", |_| session.state() == SessionState::Disconnected);
        catch_up(&driver);
        assert!(!namespace.ip("addr show eth0").contains("inet "));
        assert_eq!(default_routes(namespace), NOTHING);
    }

    fn what_a_killed_driver_has_leased_goes_when_the_lease_ends(namespace) {
        let driver = leasing(namespace, 0);
        let Some(_server) = Server::start(namespace, 7, 4) else { return };
        let _session = open(&driver, "office");
        // With another address its routes do not go by themselves.
        namespace.ip("addr add 192.0.2.7/24 dev eth0");
        let lifetime = || {
            let shown: Value = serde_json::from_str(&namespace.ip("-j addr show eth0")).unwrap();
            let addresses = shown[0]["addr_info"].as_array().unwrap().clone();
            let leased = addresses.iter().find(|it| it["local"] == "10.9.0.7")?;
            Some((leased["valid_life_time"].as_u64().unwrap(), leased["preferred_life_time"].as_u64().unwrap()))
        };
        let (valid, preferred) = lifetime().unwrap();
        assert!(valid <= 5 && valid == preferred, "{valid} {preferred}");
        assert!(namespace.ip("route show default").contains("src 10.9.0.7"));
        // From now on nobody carries it.
        let other = Driver::new().unwrap();
        until(&other, "gone", |_| lifetime().is_none());
        assert_eq!(default_routes(namespace), NOTHING);
        assert!(namespace.ip("addr show eth0").contains("192.0.2.7"), "what others gave stays");
    }

    fn an_address_that_somebody_uses_is_declined_and_another_is_asked_for(namespace) {
        let driver = leasing(namespace, 0);
        let both = ["10.9.0.7", "10.9.0.8"];
        both.iter().for_each(|address| namespace.far_ip(&format!("addr add {address}/24 dev eth0p")));
        let Some(_server) = Server::start_with(namespace, both, LONG_SECONDS, ROUTER) else { return };
        let session = driver.session("office");
        session.open();
        let why = until_some("told", || {
            driver.wait(Some(FOR_EVER)).unwrap();
            driver.turn().err().map(|error| error.to_string())
        });
        let shown = far_output(namespace, "-br link show eth0p");
        let owner = shown.split_whitespace().find(|word| word.matches(':').count() == 5).unwrap();
        assert!(why.contains(&format!("is in use by {owner}")) && why.contains("eth0"), "{why}");
        assert!(!namespace.ip("addr show eth0").contains("inet "), "it was not used for a moment");
        assert_eq!(link(&driver), Some(LinkState::Connecting));
        let [used, other]: [&str; 2] = if why.contains(both[0]) { both } else { [both[1], both[0]] };
        namespace.far_ip(&format!("addr del {other}/24 dev eth0p"));
        // A server that was not told would offer the first again.
        until(&driver, "open", |_| session.is_open());
        assert_eq!(addresses(&session), [format!("{other}/24")], "and not {used}");
    }

    fn others_are_told_where_a_new_address_is(namespace) {
        let driver = leasing(namespace, 0);
        let Some(_server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        namespace.far_ip("neigh replace 10.9.0.7 lladdr 02:00:00:00:00:07 dev eth0p nud stale");
        let own = "02:00:00:00:00:01";
        namespace.ip(&format!("link set eth0 address {own}"));
        let _session = open(&driver, "office");
        until_some("told", || far_output(namespace, "neigh show 10.9.0.7").contains(own).then_some(()));
    }

    fn a_program_without_a_configuration_file_asks_too(namespace) {
        namespace.cable("eth0");
        namespace.far_ip(&format!("addr add {ROUTER}/24 dev eth0p"));
        let driver = Driver::builder().dhcp("eth0").build().unwrap();
        let Some(_server) = Server::start(namespace, 7, LONG_SECONDS) else { return };
        let session = open(&driver, "eth0");
        assert_eq!(addresses(&session), ["10.9.0.7/24"]);
        assert_eq!(default_routes(namespace), [format!("eth0 via {ROUTER} metric 100")]);
        session.close();
        nothing_is_left(&driver, namespace);
    }

    fn without_the_right_to_ask_a_start_says_what_is_missing(namespace) {
        let driver = leasing(namespace, 0);
        let mut sets = capabilities(None).unwrap();
        sets.effective.remove(CapabilitySet::NET_RAW);
        set_capabilities(None, sets).unwrap();
        let session = driver.session("office");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Failed(SessionError::OperationNotSupported));
        assert!(session.error_string().unwrap().contains("CAP_NET_RAW"), "{:?}", session.error_string());
        until(&driver, "down", |_| session.state() == SessionState::Disconnected);
        nothing_is_left(&driver, namespace);
    }
}
