//! A run that is killed (SIGKILL) leaves links, addresses and routes, all marked: the next run takes over what it would
//! have started itself, and takes back the rest.

use std::fs;
use std::path::{Path, PathBuf};

use netsession_core::LinkState;
use netsession_io_linux::WaitResult;
use netsession_io_sim::Random;
use rustix::process::Signal;

use super::live::Live;
use super::marks::{OURS, marks};
use super::two_links::{GATEWAYS, NEAR, plug_in};
use super::*;
use crate::program::support::{netsession, scratch};

/// Two links, each with an address and a gateway, and a service network of both.
fn text() -> String {
    let table = |link: usize| {
        let (near, gateway) = (NEAR[link][0], GATEWAYS[link][0]);
        format!(
            "[access-point.eth{link}]\ninterface = \"eth{link}\"\naddress = [\"{near}/24\"]\ngateway = [\"{gateway}\"]\n\
             connect_timeout_ms = 200\n"
        )
    };
    format!(
        "{}{}[service-network.wan]\nmembers = [\"eth0\", \"eth1\"]\nhold_off_ms = 1\n",
        table(0),
        table(1)
    )
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = scratch(name).join("netsession.toml");
    fs::write(&path, text).unwrap();
    path
}

/// `netsession run CONFIG -- cat`, in the hands of that file.
fn run(file: &Path, config: &str) -> Live {
    Live::start(&mut netsession(&["run", "--config", file.to_str().unwrap(), config, "--", "cat"]))
}

/// What the program says when it has opened.
fn opened(run: &mut Live) {
    run.say("open");
    run.until_printed("open");
}

fn kill(run: Live) {
    run.signal(Signal::KILL);
    assert_eq!(run.end().1, None, "killed");
}

fn driver_of(text: &str) -> Driver {
    let driver = Driver::builder().configuration(configuration(text)).build().unwrap();
    catch_up(&driver);
    driver
}

fn is_ours(driver: &Driver, id: &str) -> bool {
    driver.manager().configuration(id).unwrap().is_ours()
}

fn mode(link: &str) -> String {
    fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{link}/addr_gen_mode")).unwrap().trim().to_owned()
}

/// What of us is on a link.
fn traces(namespace: &Namespace, link: &str) -> Vec<String> {
    let shown = namespace.ip(&format!("link show {link}"));
    let mut found: Vec<String> =
        shown.lines().filter(|line| line.contains("netsession.")).map(str::to_owned).collect();
    let addresses = namespace.ip(&format!("-o addr show {link}"));
    let marked = marks()
        .into_iter()
        .filter(|(address, mark)| *mark == Some(OURS) && addresses.contains(&format!(" {address}/")));
    found.extend(marked.map(|(address, _)| address.to_string()));
    let routes = namespace.ip(&format!("route show dev {link} proto {OURS}"));
    found.extend(routes.lines().map(str::to_owned));
    found
}

fn assert_untouched(namespace: &Namespace, link: &str) {
    assert_eq!(traces(namespace, link), NOTHING, "{link}");
    assert!(!is_up(namespace, link), "{link} was down before");
    assert_eq!(mode(link), "0", "{link}");
}

kernel_tests! {
    fn what_a_killed_run_started_is_taken_over_and_goes_with_the_last_close(namespace) {
        plug_in(namespace);
        let file = file("taken-over", &text());
        let mut first = run(&file, "eth0");
        opened(&mut first);
        kill(first);
        assert_eq!(traces(namespace, "eth0").len(), 3, "a mark, an address, a route: {:?}", traces(namespace, "eth0"));
        let driver = driver_of(&text());
        assert!(is_ours(&driver, "eth0"));
        let session = driver.session("eth0");
        session.open();
        assert_eq!(told(&driver), ["1 opened"], "it has never been away");
        session.close();
        until(&driver, "down", |_| !is_up(namespace, "eth0"));
        catch_up(&driver);
        assert_untouched(namespace, "eth0");
    }

    fn what_a_start_would_not_give_is_taken_back(namespace) {
        plug_in(namespace);
        let file = file("taken-back", &text());
        // Another address, no gateway, nothing at all, by DHCP.
        let dhcp = "[access-point.eth0]\ninterface = \"eth0\"\naddresses = \"dhcp\"\n".to_owned();
        for other in [text().replace("10.0.0.1/", "10.0.0.7/"), text().replacen("gateway", "#", 1), String::new(), dhcp] {
            let mut first = run(&file, "eth0");
            opened(&mut first);
            kill(first);
            let driver = driver_of(&other);
            assert!(!is_ours(&driver, "eth0"), "{other}");
            assert_untouched(namespace, "eth0");
        }
    }

    fn a_run_that_is_alive_is_left_alone(namespace) {
        plug_in(namespace);
        let file = file("alive", &text());
        let mut first = run(&file, "eth0");
        opened(&mut first);
        let before = namespace.ip("addr show eth0");
        let driver = driver_of("");
        assert_eq!(namespace.ip("addr show eth0"), before);
        assert!(!is_ours(&driver, "eth0"), "the other's");
        assert_eq!(first.end().1, Some(0));
        until(&driver, "down", |_| !is_up(namespace, "eth0"));
        assert_untouched(namespace, "eth0");
    }

    fn a_link_that_was_only_watched_is_down_again(namespace) {
        plug_in(namespace);
        namespace.pull("eth0");
        let file = file("watched", &text());
        let mut first = run(&file, "wan");
        opened(&mut first);
        until_some("watched", || is_up(namespace, "eth0").then_some(()));
        kill(first);
        assert_eq!(mode("eth0"), "1");
        let driver = driver_of(&text());
        assert_untouched(namespace, "eth0");
        assert!(is_ours(&driver, "eth1"));
    }

    /// At any moment of a start, a watch, a roam and a stop.
    fn killed_at_a_hundred_moments_the_next_run_finds_all_or_nothing(namespace) {
        const ROUNDS: u64 = 100;
        plug_in(namespace);
        let file = file("moments", &text());
        let mut random = Random::new(7);
        let mut taken_over = 0;
        for round in 0..ROUNDS {
            if round % 2 == 0 {
                namespace.pull("eth0");
            }
            let mut first = run(&file, "wan");
            // How far it comes meanwhile is the moment.
            let looks = random.below(3_000);
            let look = |_| drop(fs::read("/sys/class/net/eth1/flags"));
            if random.per_mille(500) {
                opened(&mut first);
            }
            (0..looks / 2).for_each(look);
            namespace.plug("eth0");
            (0..looks / 2).for_each(look);
            kill(first);
            let driver = driver_of(&text());
            for link in ["eth0", "eth1"] {
                if is_ours(&driver, link) {
                    taken_over += 1;
                    assert_eq!(driver.manager().configuration(link).unwrap().link(), Some(LinkState::Active));
                    assert_eq!(traces(namespace, link).len(), 3, "{round}: {:?}", traces(namespace, link));
                } else {
                    assert_untouched(namespace, link);
                }
            }
            let session = driver.session("wan");
            session.open();
            assert_eq!(session.wait_for_opened(-1), WaitResult::Opened, "{round}");
            drop(session);
            let left = ["eth0", "eth1"].map(|link| is_ours(&driver, link) && is_up(namespace, link));
            // What was taken over and not opened goes by the last close of a session of its own.
            for (link, _) in ["eth0", "eth1"].into_iter().zip(left).filter(|(_, is_left)| *is_left) {
                let session = driver.session(link);
                session.open();
                session.close();
                until(&driver, "down", |_| !is_up(namespace, link));
            }
            until(&driver, "both are down", |_| !is_up(namespace, "eth0") && !is_up(namespace, "eth1"));
            catch_up(&driver);
            ["eth0", "eth1"].into_iter().for_each(|link| assert_untouched(namespace, link));
        }
        println!("killed {ROUNDS} times, {taken_over} links taken over");
        assert!(taken_over > 0);
    }
}
