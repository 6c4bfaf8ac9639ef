//! Configuration files: what is said of those that are wrong, and what those mean that are right.

mod broken;

use std::time::Duration;

use netsession_core::{BearerType, Purpose, ShutdownPolicy};
use netsession_io_linux::Configuration;
use netsession_io_linux::configuration::{Addresses, EXAMPLE, Ignored, Pattern};

fn read(text: &str) -> Configuration {
    Configuration::from_toml(text).unwrap_or_else(|faults| panic!("{text}\n{faults}"))
}

#[test]
fn each_broken_file_is_told_all_its_faults_with_their_places() {
    const AT_LEAST: usize = 40;
    assert!(broken::BROKEN.len() >= AT_LEAST);
    for (text, faults) in broken::BROKEN {
        let told = Configuration::from_toml(text).expect_err(text).to_string();
        assert_eq!(told.lines().collect::<Vec<_>>(), *faults, "{text}");
        for (line, column) in
            Configuration::from_toml(text).unwrap_err().0.iter().map(|it| (it.line, it.column))
        {
            // The end of a line is where something is missing.
            let length = text.lines().nth(line - 1).unwrap().chars().count();
            assert!((1..=length + 1).contains(&column), "line {line}, column {column} of {text}");
        }
    }
}

/// A byte is put into a file, or taken out, or another: there is a configuration, or faults, and no more.
#[test]
fn what_is_no_file_at_all_is_told_so() {
    // Without its comments, so that it is short.
    let all = read(&uncommented(EXAMPLE)).to_toml();
    for at in 0..all.len() {
        for byte in ["", "\"", "[", "]", "=", "\n", "x", "'", "{", "#", "\u{7}", "é"] {
            for until in [at, at + 1] {
                let mut text = all.clone();
                text.replace_range(at..until, byte);
                if let Err(faults) = Configuration::from_toml(&text) {
                    assert!(!faults.0.is_empty());
                }
            }
        }
    }
}

#[test]
fn no_file_says_nothing() {
    for text in
        ["", "\n", "# a comment", "\u{feff}", "[access-point]", "[service-network]\n[ignore]\n[driver]"]
    {
        assert_eq!(read(text), Configuration::default(), "{text:?}");
    }
    let config = Configuration::default().driver;
    assert_eq!((config.hold_off, config.can_ask_user), (Duration::from_secs(2), false));
}

/// The settings of the example, as if the user wanted all of them.
fn uncommented(example: &str) -> String {
    let setting = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| rest.starts_with(|it: char| it == '[' || it.is_ascii_lowercase()))
            .map(str::to_owned)
    };
    example.lines().map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_example_says_nothing_until_it_is_uncommented_and_then_everything() {
    assert_eq!(read(EXAMPLE), Configuration::default());
    let all = uncommented(EXAMPLE);
    let configuration = read(&all);
    let ids: Vec<&str> = configuration.access_points.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["office", "wifi"]);
    assert_eq!(configuration.service_networks[0].members, ["office", "wifi"]);
    // Every key that there is: the message about one that there is not names them.
    for table in ["access-point.x", "service-network.y", "ignore", "driver"] {
        let text = format!("[{table}]\nqqqqqqqq = 1");
        let told = Configuration::from_toml(&text).unwrap_err().to_string();
        let keys = told.split_once("has no key \"qqqqqqqq\"; it is one of ").expect(&told).1;
        for key in keys.lines().next().unwrap().split(", ") {
            assert!(
                EXAMPLE.contains(&format!("\n#{key} = ")),
                "the example does not explain {key} of {table}"
            );
        }
    }
}

#[test]
fn a_file_means_what_it_says() {
    let configuration = read(
        r#"
        [service-network.net]
        members = ["b", "a"]
        name = "Net \"1\" \\"
        purpose = "public"
        hold_off_ms = 0
        [access-point.b]
        mac = "52-54-00-AB-cd-ef"
        metered = true
        bearer = "wlan"
        shutdown = "never"
        connect_timeout_ms = 0
        counts_for_online = false
        watch_carrier = true
        device = "radio"
        addresses = "dhcp"
        [access-point.a]
        kind = "ethernet"
        pattern = "en[pso]*"
        address = ["192.0.2.7/24", "2001:db8::7/64"]
        gateway = ["fe80::1", "192.0.2.1"]
        metric = 0x10
        [driver]
        answer_within_ms = 1_000
        give_up_after = 0
        network_manager = false
        [ignore]
        patterns = ["x?"]
        kinds = ["bridge"]
        defaults = false
        "#,
    );
    let [b, a] = &configuration.access_points[..] else { panic!("{configuration:?}") };
    assert_eq!((b.id.as_str(), b.selector.mac.as_deref()), ("b", Some("52:54:00:ab:cd:ef")));
    assert!(
        b.metered == Some(true)
            && b.counts_for_online == Some(false)
            && b.watch_carrier == Some(true)
            && b.is_for_one()
    );
    assert_eq!((b.bearer, b.shutdown), (Some(BearerType::Wlan), Some(ShutdownPolicy::Never)));
    assert_eq!((b.connect_timeout, b.device.as_deref()), (Some(Duration::ZERO), Some("radio")));
    let shown = read(&configuration.to_toml());
    assert_eq!((&b.addresses, &shown.access_points[0].addresses), (&Addresses::Dhcp, &Addresses::Dhcp));
    assert_eq!((a.metric, a.is_for_one()), (Some(16), true), "two cannot have one address");
    let Addresses::Static { addresses, gateways } = &a.addresses else { panic!("{a:?}") };
    assert_eq!((addresses.len(), gateways.len()), (2, 2));
    let network = &configuration.service_networks[0];
    assert_eq!(network.members, ["b", "a"]);
    assert_eq!((network.name.as_deref(), network.purpose), (Some(r#"Net "1" \"#), Some(Purpose::Public)));
    assert_eq!((network.hold_off, network.retry_after), (Some(Duration::ZERO), None));
    assert_eq!(configuration.driver.answer_within, Some(Duration::from_secs(1)));
    assert_eq!((configuration.driver.give_up_after, configuration.network_manager), (0, false));
    assert_eq!((a.metered, shown.access_points[1].metered, shown.network_manager), (None, None, false));
    assert_eq!((configuration.ignored.kinds.len(), configuration.ignored.defaults), (1, false));
}

#[test]
fn what_is_shown_can_be_read_and_means_the_same() {
    for text in
        [String::new(), uncommented(EXAMPLE), "[access-point.\"a.b \\\"c\\\"\"]\nkind = \"wlan\"".to_owned()]
    {
        let shown = read(&text).to_toml();
        let again = read(&shown);
        assert_eq!(again.to_toml(), shown);
        assert_eq!(again.service_networks.len(), read(&text).service_networks.len());
        assert_eq!((again.driver, again.ignored), (read(&text).driver, read(&text).ignored));
    }
}

#[test]
fn what_containers_and_virtual_machines_make_up_is_ignored_and_what_people_call_things_is_not() {
    let patterns: Vec<Pattern> =
        Ignored::default_patterns().iter().map(|it| Pattern::new(it).unwrap()).collect();
    let is_ignored = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
    for name in [
        "veth1a2b3c4",
        "vethXK3P9Q",
        "br-0123456789ab",
        "ve-web",
        "vb-web",
        "cali0123456789a",
        "lxc0123456789ab",
        "eni0123456789a",
        "azv0123456789a",
        "vnet0",
        "vnet12",
        "tap100i0",
        "fwbr100i0",
        "fwpr100p0",
        "fwln100i0",
        "vif1.0",
    ] {
        assert!(is_ignored(name), "{name}");
    }
    for name in [
        "eth0", "enp3s0", "eno1", "ens18", "wlan0", "wlp2s0", "wwan0", "veth0", "veth-a", "br0", "br-lan",
        "docker0", "virbr0", "tun0", "tap0", "wg0", "bond0", "eth0.5", "vnet", "lxcbr0", "lxdbr0", "calico",
        "usb0", "ppp0",
    ] {
        assert!(!is_ignored(name), "{name}");
    }
}
