//! A configuration on real links, and another in its place while sessions are open.

use netsession_core::{ConfigurationState, Input, LinkState, SessionState, UsagePolicies};
use netsession_io_linux::configuration::Postponed;
use netsession_io_linux::{Driver, Error, Session, WaitResult};

use super::two_links::{GATEWAYS, NEAR, default_routes, open, plug_in};
use super::*;

fn configured(text: &str) -> Driver {
    Driver::builder().configuration(configuration(text)).build().unwrap()
}

fn ids(driver: &Driver) -> Vec<String> {
    driver.manager().configurations(None).map(|view| view.id().to_string()).collect()
}

fn members(driver: &Driver, network: &str) -> Vec<String> {
    let manager = driver.manager();
    manager.configuration(network).unwrap().members().map(ToString::to_string).collect()
}

fn has_closed(driver: &Driver, session: &Session) {
    session.close();
    until(driver, "down", |_| session.state() == SessionState::Disconnected);
}

/// An access point by the name of its interface, with an address.
fn table(id: &str, interface: &str, last: u8) -> String {
    format!("[access-point.{id}]\ninterface = \"{interface}\"\naddress = [\"192.0.2.{last}/24\"]\n")
}

kernel_tests! {
    fn an_access_point_of_the_file_outlives_its_interface_and_so_do_its_sessions(namespace) {
        let driver = configured(&(table("office", "eth0", 7) + "metered = true"));
        assert_eq!((ids(&driver), announced(&driver)), (vec!["office".to_owned()], vec![]), "in silence");
        assert_eq!(state_of(&driver, "office"), Some(ConfigurationState::Defined));
        let session = driver.session("office");
        for _ in 0..2 {
            namespace.cable("eth0");
            until(&driver, "there", |_| session.state() == SessionState::Disconnected);
            session.open();
            assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
            assert_eq!(session.interface().unwrap().name, "eth0");
            assert_eq!(session.usage_policies(), UsagePolicies::NO_BACKGROUND_TRAFFIC);
            // Everything is looked at again, which changes nothing.
            let before = driver.resyncs();
            driver.handle(Input::Update {}).unwrap();
            until(&driver, "looked at again", |driver| driver.resyncs() > before);
            assert!(session.is_open());
            namespace.ip("link del eth0");
            until(&driver, "gone", |_| session.state() == SessionState::NotAvailable);
            assert!(!session.is_open());
        }
        driver.handle(Input::Update {}).unwrap();
        until(&driver, "looked at again", |driver| driver.resyncs() > 2);
        assert_eq!(ids(&driver), ["office"], "also in a snapshot");
    }

    fn addresses_gateways_and_metrics_are_those_of_the_file(namespace) {
        plug_in(namespace);
        let driver = configured(&format!(
            "[access-point.a]\ninterface = \"eth0\"\naddress = [\"{}/24\", \"{}/64\"]\ngateway = [\"{}\", \"{}\"]\nmetric = 700
            [access-point.b]\ninterface = \"eth1\"\naddress = [\"{}/24\"]\ngateway = [\"{}\"]
            [service-network.wan]\nmembers = [\"b\", \"a\"]",
            NEAR[0][0], NEAR[0][1], GATEWAYS[0][0], GATEWAYS[0][1], NEAR[1][0], GATEWAYS[1][0]
        ));
        let (a, b) = (open(&driver, "a"), open(&driver, "b"));
        let mut routes = default_routes(namespace);
        routes.sort_unstable();
        assert_eq!(routes, [
            format!("eth0 via {} metric 700", GATEWAYS[0][0]),
            format!("eth0 via {} metric 700", GATEWAYS[0][1]),
            format!("eth1 via {} metric 100", GATEWAYS[1][0]),
        ]);
        // Others hold from the next start on.
        let postponed = driver.reconfigure(configuration(&table("a", "eth0", 9)));
        assert!(postponed.contains(&Postponed::Addresses("a".into())), "{postponed:?}");
        assert!(postponed.contains(&Postponed::InUse("b".into())), "{postponed:?}");
        assert!(a.is_open() && b.is_open());
        has_closed(&driver, &a);
        assert!(!namespace.ip("addr show eth0").contains(NEAR[0][0]), "what was given is taken back");
        a.open();
        assert_eq!(a.wait_for_opened(-1), WaitResult::Opened);
        assert_eq!(a.interface().unwrap().addresses[0].to_string(), "192.0.2.9/24");
    }

    fn what_is_ignored_never_reaches_the_core(namespace) {
        namespace.cable("eth0");
        let driver = configured("[ignore]\nkinds = [\"bridge\"]");
        announced(&driver);
        namespace.ip("link add br0 type bridge");
        namespace.ip("link add veth1a2b3c4 type veth peer name vethXY12ab9");
        namespace.ip("addr add 198.51.100.1/24 dev br0");
        namespace.ip("link set veth1a2b3c4 up");
        namespace.ip("link set vethXY12ab9 up");
        namespace.ip("link del veth1a2b3c4");
        // What comes after is heard after.
        namespace.cable("last0");
        until(&driver, "the last", |driver| ids(driver) == ["eth0", "last0"]);
        assert_eq!(announced(&driver).iter().filter(|line| !line.contains("last0")).count(), 0);
    }

    fn a_service_network_has_all_interfaces_of_a_table_for_many(namespace) {
        namespace.cable("wan0");
        namespace.cable("wan1");
        namespace.cable("lan0");
        let driver = configured(
            "[access-point.wan]\npattern = \"wan?\"\n[access-point.lan]\ninterface = \"lan0\"
            [service-network.net]\nmembers = [\"wan\", \"lan\"]\nhold_off_ms = 1",
        );
        catch_up(&driver);
        assert_eq!(members(&driver, "net"), ["wan", "wan#2", "lan"]);
        namespace.cable("wan2");
        until(&driver, "the third", |driver| members(driver, "net").contains(&"wan#3".to_owned()));
        assert_eq!(members(&driver, "net"), ["wan", "wan#2", "wan#3", "lan"]);
        namespace.ip("link del wan1");
        until(&driver, "without it", |driver| members(driver, "net").len() == 3);
        let postponed = driver.reconfigure(configuration("[access-point.lan]\ninterface = \"lan0\""));
        assert_eq!((postponed, ids(&driver)), (vec![], vec!["lan".to_owned(), "wan0".into(), "wan2".into()]));
    }

    /// The other end of `eth0` is a link of this namespace, too.
    fn what_is_open_lives_on_and_is_called_right_when_it_is_closed(namespace) {
        namespace.cable("eth0");
        namespace.cable("eth1");
        let driver = with_address(Driver::builder()).build().unwrap();
        let session = driver.session("eth0");
        session.open();
        assert_eq!(session.wait_for_opened(-1), WaitResult::Opened);
        told(&driver);
        let text = table("office", "eth0", 7) + "[service-network.net]\nmembers = [\"office\"]\n";
        assert_eq!(driver.reconfigure(configuration(&text)), [Postponed::InUse("eth0".into())]);
        for text in ["[ignore]\npatterns = [\"eth*\"]", "", "[access-point.eth0]\ninterface = \"eth1\"", &text] {
            let postponed = driver.reconfigure(configuration(text));
            assert_eq!(postponed.is_empty(), text.is_empty(), "{text}: {postponed:?}");
            catch_up(&driver);
            assert!(session.is_open(), "{text}");
        }
        assert_eq!(told(&driver), NOTHING);
        assert_eq!(state_of(&driver, "office"), Some(ConfigurationState::Defined));
        session.close();
        until(&driver, "what it should be", |driver| state_of(driver, "office") == Some(ConfigurationState::Discovered));
        assert_eq!(state_of(&driver, "eth0"), None);
        assert_eq!(session.state(), SessionState::Invalid, "what it was made on is no more");
        let office = open(&driver, "net");
        assert_eq!(office.active_configuration().unwrap(), "office");
        // A service network in use stays until it is not.
        assert_eq!(driver.reconfigure(configuration(&table("office", "eth0", 7))), [Postponed::InUse("net".into())]);
        assert!(office.is_open());
        office.close();
        until(&driver, "gone", |driver| state_of(driver, "net").is_none());
    }

    fn what_changes_is_told_and_nothing_else(namespace) {
        namespace.cable("eth0");
        let office = table("office", "eth0", 7);
        let driver = configured(&office);
        let session = open(&driver, "office");
        announced(&driver);
        for (text, expected) in [
            (format!("{office}name = \"Office\""), "changed office (name)"),
            (format!("{office}name = \"Office\"\nmetered = true"), "changed office (policies)"),
            (format!("{office}name = \"Office\"\nmetered = true"), ""),
            (
                format!("{office}bearer = \"lte\"\npurpose = \"public\"\nshutdown = \"never\"\nconnect_timeout_ms = 1\ndevice = \"d\""),
                "changed office (name bearer purpose connect_timeout shutdown device policies)",
            ),
            (office.clone(), "changed office (bearer purpose connect_timeout shutdown device)"),
            (format!("{office}[service-network.net]\nmembers = [\"office\"]"), "added net"),
            (office.clone(), "removed net"),
        ] {
            assert_eq!(driver.reconfigure(configuration(&text)), [], "{text}");
            let told = announced(&driver).join(" ");
            let words = |text: &str| -> std::collections::BTreeSet<String> {
                let words = text.split(|it: char| !it.is_alphanumeric() && it != '_').map(str::to_owned);
                words.filter(|word| !word.is_empty() && !["active", "is"].contains(&word.as_str())).collect()
            };
            assert_eq!(words(&told), words(expected), "{text}: {told}");
        }
        assert!(session.is_open());
        let constants = driver.reconfigure(configuration(&format!("{office}[driver]\nhold_off_ms = 1")));
        assert_eq!(constants, [Postponed::Constants]);
    }

    fn one_link_is_watched_and_another_is_not(namespace) {
        plug_in(namespace);
        let text = |watches: [bool; 2]| {
            let table = |link: usize| {
                format!("[access-point.l{link}]\ninterface = \"eth{link}\"\naddress = [\"{}/24\"]\n", NEAR[link][0])
            };
            let watch = |link: usize| format!("{}watch_carrier = {}\n", table(link), watches[link]);
            let unsaid = table(1).replace("l1", "l2").replace("eth1", "eth2").replace("10.0.1", "10.0.2");
            watch(0) + &watch(1) + &unsaid
                + "[service-network.wan]\nmembers = [\"l1\", \"l2\", \"l0\"]"
        };
        namespace.pull("eth1");
        namespace.cable("eth2");
        namespace.pull("eth2");
        for is_watched in [true, false] {
            let driver = configured(&text([false, is_watched]));
            let _session = open(&driver, "l0");
            let network = driver.session("wan");
            network.set_roaming_mode(netsession_core::RoamingMode::Application).unwrap();
            network.open();
            assert_eq!(network.wait_for_opened(-1), WaitResult::Opened);
            if is_watched {
                until(&driver, "seen to have no carrier", |driver| {
                    driver.manager().configuration("l1").unwrap().link() == Some(LinkState::Defined)
                });
            }
            catch_up(&driver);
            assert_eq!(namespace.ip("link show eth1").contains(",UP"), is_watched);
            assert!(namespace.ip("link show eth2").contains(",UP"), "the default is to");
            network.close();
            until(&driver, "down again", |_| !namespace.ip("link show eth1").contains(",UP"));
        }
    }

    fn two_tables_for_one_link_are_told_once_and_nothing_else_is_wrong(namespace) {
        namespace.cable("eth0");
        namespace.cable("eth1");
        let text = "[access-point.a]\npattern = \"eth*\"\n[access-point.b]\nkind = \"veth\"";
        let driver = configured(text);
        for interface in ["eth0", "eth1"] {
            let Err(Error::Conflict(conflict)) = driver.turn() else { panic!("{interface}") };
            let words = format!("{interface} is named by [access-point.a] and by [access-point.b]");
            assert!(conflict.to_string().starts_with(&words), "{conflict}");
        }
        catch_up(&driver);
        assert_eq!(ids(&driver), ["a", "b", "a#2"]);
        let refused = Driver::builder().service_network("x", &[]).configuration(configuration(
            "[access-point.y]\ninterface = \"eth0\"\n[service-network.x]\nmembers = [\"y\"]",
        ));
        assert!(matches!(refused.build(), Err(Error::Refused(_))));
    }
}
