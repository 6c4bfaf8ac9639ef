//! What a configuration calls links.

use std::rc::Rc;

use netsession_core::{Identifier, Input};

use super::*;
use crate::Configuration;
use crate::configuration::Postponed;

fn configuration(text: &str) -> Rc<Configuration> {
    Rc::new(Configuration::from_toml(text).unwrap_or_else(|faults| panic!("{faults}")))
}

/// A table with this configuration, and what it said of it.
fn configured(text: &str) -> (LinkTable, String) {
    let mut table = table(true);
    let said = adapt(&mut table, text, &[]).0;
    (table, said)
}

/// Another configuration while these are in use: what is said, and what is postponed.
fn adapt(table: &mut LinkTable, text: &str, in_use: &[&str]) -> (String, Vec<Postponed>) {
    table.configure(configuration(text));
    review(table, in_use)
}

fn review(table: &mut LinkTable, in_use: &[&str]) -> (String, Vec<Postponed>) {
    let postponed = table.adapt(&|id: &Identifier| in_use.contains(&id.as_str()));
    (said(table), postponed)
}

/// The inputs in short, as [`words`], with the settings that matter here.
#[expect(clippy::wildcard_enum_match_arm, reason = "a table says nothing else")]
fn said(table: &mut LinkTable) -> String {
    let said = |input: &Input| match input {
        Input::Observed(seen) => format!("{}={}", seen.id, seen.link),
        Input::Add(add) => format!("+{}={}", add.id, add.link),
        Input::Remove { id } => format!("-{id}"),
        Input::Change(change) => format!("~{}", change.id),
        Input::Policies { id, policies } => format!("{id}:{}", policies.words().collect::<String>()),
        Input::Snapshot(entries) => {
            let seen = entries.iter().map(|e| format!("{}={}", e.observation.id, e.observation.link));
            format!("{{{}}}", seen.collect::<Vec<_>>().join(" "))
        }
        other => panic!("{other:?}"),
    };
    inputs(table).iter().map(said).collect::<Vec<_>>().join(" ")
}

fn conflicts(table: &mut LinkTable) -> Vec<String> {
    std::iter::from_fn(|| table.next_conflict()).map(|conflict| conflict.to_string()).collect()
}

fn notified(table: &mut LinkTable, link: &Link) -> String {
    table.notify(&link.bytes());
    said(table)
}

const OFFICE: &str = "[access-point.office]\ninterface = \"eth0\"\n";

#[test]
fn what_a_file_names_is_there_before_and_after_its_interface() {
    let (mut table, first) = configured(&format!("{OFFICE}metered = true"));
    assert_eq!(first, "+office=defined office:no_background_traffic");
    table.adopt(fresh(&[]));
    assert_eq!(said(&mut table), "{office=defined}");
    let up = Link::new(2, "eth0", UP | RUNNING);
    assert_eq!(notified(&mut table, &up), "~office office=discovered");
    assert_eq!((table.index_of("office"), table.index_of("eth0")), (Some(2), None));
    table.adopt(fresh(&[up.bytes(), address(NEW_ADDRESS, 2, "192.0.2.7", 0)]));
    assert_eq!(said(&mut table), "{office=active}");
    assert_eq!(notified(&mut table, &Link::gone(2)), "office=defined");
    table.adopt(fresh(&[Link::new(7, "eth0", 0).bytes(), Link::new(8, "eth1", 0).bytes()]));
    assert_eq!(said(&mut table), "{office=discovered eth1=discovered}");
    table.adopt(fresh(&[Link::new(8, "eth1", 0).bytes()]));
    assert_eq!(said(&mut table), "{eth1=discovered office=defined}", "also in a snapshot");
}

#[test]
fn each_way_to_say_which_interface_it_is() {
    let hardware = |index: u32, name: &str| Link::new(index, name, 0);
    let wired = hardware(2, "enp3s0").permanent(9).parent("0000:00:1f.6");
    let links = [
        wired.clone(),
        hardware(3, "wlp2s0").permanent(8),
        hardware(4, "br0").of_kind("bridge"),
        hardware(5, "wg0").of_kind("wireguard"),
        hardware(6, "new0").of_kind("brandnew"),
        hardware(7, "odd0").with(52, &attribute(53, b"the-office\0")),
        hardware(8, "wwan0"),
        hardware(9, "bnep0"),
    ];
    for (selector, expected) in [
        ("interface = \"enp3s0\"", &[2][..]),
        ("interface = \"the-office\"", &[7]),
        ("pattern = \"the-*\"", &[7]),
        ("pattern = \"[ew]*\"", &[2, 3, 5, 8]),
        ("pattern = \"*\"\nkind = \"wlan\"", &[3]),
        ("pattern = \"e*\"\nkind = \"wlan\"", &[]),
        ("mac = \"02-00-00-00-00-09\"", &[2]),
        ("path = \"pci/0000:00:1f.6\"", &[2]),
        ("mac = \"02:00:00:00:00:09\"\npath = \"pci/0000:00:1f.7\"", &[]),
        ("kind = \"ethernet\"", &[2, 7]),
        ("kind = \"wlan\"", &[3]),
        ("kind = \"hardware\"", &[2, 3, 7, 8, 9]),
        ("kind = \"mobile\"", &[8]),
        ("kind = \"bluetooth\"", &[9]),
        ("kind = \"vpn\"", &[5]),
        ("kind = \"virtual\"", &[4, 6]),
        ("kind = \"bridge\"", &[4]),
        ("kind = \"wireguard\"", &[5]),
    ] {
        // By a snapshot and by notifications, in any order.
        for way in 0..3 {
            let (mut table, _) = configured(&format!("[access-point.it]\n{selector}"));
            let mut datagrams: Vec<Vec<u8>> = links.iter().map(Link::bytes).collect();
            if way == 0 {
                table.adopt(fresh(&datagrams));
            } else {
                datagrams.sort_by_key(|_| std::cmp::Reverse(way));
                if way == 2 {
                    datagrams.reverse();
                }
                datagrams.iter().for_each(|datagram| table.notify(datagram));
            }
            let owned: Vec<u32> = (2..10).filter(|index| table.table_of(*index).is_some()).collect();
            assert_eq!(owned, expected, "{selector}");
            assert_eq!(table.links_of("it").len(), expected.len().max(1), "{selector}");
            assert_eq!(conflicts(&mut table), Vec::<String>::new(), "{selector}");
        }
    }
}

#[test]
fn a_table_for_many_numbers_all_but_the_first() {
    let (mut table, _) = configured("[access-point.wifi]\nkind = \"wlan\"\nmetered = true");
    assert_eq!(notified(&mut table, &Link::new(5, "wlan0", 0)), "~wifi wifi=discovered");
    let second = notified(&mut table, &Link::new(6, "wlan1", 0));
    assert_eq!(second, "+wifi#2=discovered wifi#2:no_background_traffic");
    assert_eq!(table.links_of("wifi"), ["wifi", "wifi#2"]);
    assert_eq!(notified(&mut table, &Link::gone(6)), "-wifi#2");
    notified(&mut table, &Link::new(7, "wlan2", 0));
    assert_eq!(notified(&mut table, &Link::gone(5)), "wifi=defined");
    assert_eq!(table.links_of("wifi"), ["wifi", "wifi#2"], "an identifier stays with its link");
    assert_eq!(notified(&mut table, &Link::new(8, "wlan3", 0)), "~wifi wifi=discovered");
    let snapshot = [Link::new(7, "wlan2", 0).bytes(), Link::new(9, "wlan4", 0).bytes()];
    table.adopt(fresh(&snapshot));
    assert_eq!(said(&mut table), "{wifi#2=discovered wifi=discovered}");
}

#[test]
fn what_is_ignored_reaches_nobody_unless_a_table_names_it() {
    const RULES: &str = "[ignore]\npatterns = [\"x*\"]\nkinds = [\"bridge\"]\n";
    let churn = Link::new(2, "veth1a2b3c4", UP | RUNNING).of_kind("veth");
    let pattern = Link::new(3, "x0", 0);
    let bridge = Link::new(4, "br0", 0).of_kind("bridge");
    for (tables, expected) in [
        ("", ["", "", ""]),
        ("[access-point.a]\npattern = \"*\"\n", ["~a a=discovered", "", ""]),
        ("[access-point.a]\ninterface = \"x0\"\n", ["", "~a a=discovered", ""]),
        ("[access-point.a]\nkind = \"bridge\"\n", ["", "", ""]),
        ("[access-point.a]\ninterface = \"br0\"\n", ["", "", "~a a=discovered"]),
    ] {
        let (mut table, _) = configured(&format!("{tables}{RULES}"));
        for (link, expected) in [&churn, &pattern, &bridge].into_iter().zip(expected) {
            assert_eq!(notified(&mut table, link), expected, "{tables}");
            let quiet = [
                address(NEW_ADDRESS, link.index, "192.0.2.7", 0),
                Link { flags: UP, ..link.clone() }.bytes(),
            ];
            if expected.is_empty() {
                quiet.iter().for_each(|datagram| table.notify(datagram));
                table.flush();
                assert_eq!(said(&mut table), "", "{tables}");
            }
        }
        table.adopt(fresh(&[churn.bytes(), pattern.bytes(), bridge.bytes()]));
        let listed = expected.iter().any(|it| !it.is_empty());
        assert_eq!(said(&mut table).matches("=").count(), usize::from(listed || !tables.is_empty()));
    }
    let (mut table, _) = configured("[ignore]\ndefaults = false");
    assert_eq!(notified(&mut table, &churn), "+veth1a2b3c4=discovered");
}

#[test]
fn a_new_name_makes_a_link_what_it_then_is() {
    let (mut table, _) = configured(OFFICE);
    notified(&mut table, &Link::new(2, "kernel0", 0));
    assert!(!table.is_to_be_adapted());
    assert_eq!(
        notified(&mut table, &Link::new(2, "eth0", 0)),
        "kernel0\"eth0\"".replace(['"'], "").replace("kernel0eth0", "~kernel0")
    );
    assert!(table.is_to_be_adapted());
    assert_eq!(review(&mut table, &[]).0, "-kernel0 ~office office=discovered");
    // It is the office whatever it is called from then on.
    notified(&mut table, &Link::new(2, "eth7", 0));
    assert!(!table.is_to_be_adapted());
    assert_eq!(table.index_of("office"), Some(2));
    // And an alternative name comes a while after the link.
    let (mut table, _) = configured(OFFICE);
    let link = Link::new(3, "odd0", 0);
    notified(&mut table, &link);
    notified(&mut table, &link.clone().with(52, &attribute(53, b"eth0\0")));
    assert_eq!(review(&mut table, &[]).0, "-odd0 ~office office=discovered");
    // What was ignored by its name is not for ever.
    let (mut table, _) = configured("");
    notified(&mut table, &Link::new(2, "vnet0", 0));
    notified(&mut table, &Link::new(2, "lan0", 0));
    assert_eq!(review(&mut table, &[]).0, "+lan0=discovered");
}

#[test]
fn two_tables_for_one_interface_are_told_and_the_first_counts() {
    const LAB: &str = "[access-point.lab]\nmac = \"02:00:00:00:00:09\"\n";
    const ALL: &str = "[access-point.all]\npattern = \"e*\"\n";
    let link = Link::new(2, "eth0", 0).permanent(9);
    let (mut table, _) = configured(&format!("{ALL}{LAB}{OFFICE}"));
    assert_eq!(notified(&mut table, &link), "~lab lab=discovered");
    let told = conflicts(&mut table);
    assert!(
        told[0].starts_with("eth0 is named by [access-point.lab] and by [access-point.office]"),
        "{told:?}"
    );
    assert_eq!(told.len(), 1);
    table.adopt(fresh(&[link.bytes()]));
    notified(&mut table, &Link::new(2, "eth0", UP).permanent(9));
    assert!(conflicts(&mut table).is_empty(), "it is told once");
    let (mut table, _) = configured(&format!("{ALL}{OFFICE}"));
    assert_eq!(notified(&mut table, &link), "~office office=discovered");
    assert!(conflicts(&mut table).is_empty(), "one goes before many");
    adapt(&mut table, &format!("{OFFICE}{LAB}"), &[]);
    assert_eq!(conflicts(&mut table).len(), 1, "also of a link that is there already");
}

#[test]
fn one_table_for_one_interface_that_names_two_is_told() {
    let (mut table, _) = configured("[access-point.dock]\nmac = \"02:00:00:00:00:09\"");
    notified(&mut table, &Link::new(2, "eth0", 0).permanent(9));
    assert_eq!(notified(&mut table, &Link::new(3, "eth1", 0).permanent(9)), "+eth1=discovered");
    let told = conflicts(&mut table);
    assert!(told[0].contains("stands for eth0, and eth1 is called eth1"), "{told:?}");
    assert!(!table.is_to_be_adapted(), "and that is all");
    assert_eq!(review(&mut table, &[]), (String::new(), Vec::new()));
    // When the first goes the second is what the table means.
    assert_eq!(notified(&mut table, &Link::gone(2)), "dock=defined");
    assert_eq!(review(&mut table, &[]).0, "-eth1 ~dock dock=discovered");
    let (mut table, _) = configured("[access-point.x]\npattern = \"e*\"\nname = \"The one\"");
    notified(&mut table, &Link::new(2, "eth0", 0));
    notified(&mut table, &Link::new(3, "eth1", 0));
    assert_eq!(conflicts(&mut table).len(), 1, "a name cannot be that of two");
}

#[test]
fn another_configuration_is_told_by_its_differences() {
    let (mut table, _) = configured(OFFICE);
    let links = [Link::new(2, "eth0", 0).bytes(), Link::new(3, "eth1", 0).bytes()];
    table.adopt(fresh(&links));
    said(&mut table);
    for (text, expected) in [
        (OFFICE.to_owned(), ""),
        (format!("{OFFICE}shutdown = \"never\""), "~office"),
        (format!("{OFFICE}metered = true"), "~office office:no_background_traffic"),
        (OFFICE.to_owned(), "office:"),
        // Another interface.
        (
            "[access-point.office]\ninterface = \"eth1\"".to_owned(),
            "office=defined -eth1 +eth0=discovered ~office office=discovered",
        ),
        // By another name, and by none.
        ("[access-point.lab]\ninterface = \"eth1\"".to_owned(), "-office +lab=defined ~lab lab=discovered"),
        (String::new(), "-lab +eth1=discovered"),
        // The name that it has already.
        ("[access-point.eth1]\ninterface = \"eth1\"".to_owned(), "~eth1"),
        // The name of another.
        (
            "[access-point.eth1]\ninterface = \"eth0\"".to_owned(),
            "eth1=defined -eth0 ~eth1 eth1=discovered +eth1#2=discovered",
        ),
        ("[ignore]\npatterns = [\"eth*\"]".to_owned(), "-eth1 -eth1#2"),
        (String::new(), "+eth0=discovered +eth1=discovered"),
    ] {
        assert_eq!(adapt(&mut table, &text, &[]), (expected.to_owned(), Vec::new()), "{text}");
        assert_eq!(review(&mut table, &[]), (String::new(), Vec::new()), "nothing is left of {text}");
        let known = (table.index_of("eth0"), table.index_of("eth1"), table.index_of("office"));
        table.adopt(fresh(&links));
        said(&mut table);
        assert_eq!(known, (table.index_of("eth0"), table.index_of("eth1"), table.index_of("office")));
    }
}

#[test]
fn what_is_in_use_keeps_its_identifier_until_it_is_not() {
    let mut table = table(true);
    table.adopt(fresh(&[Link::new(2, "eth0", 0).bytes(), Link::new(3, "eth1", 0).bytes()]));
    said(&mut table);
    let (told, postponed) = adapt(&mut table, OFFICE, &["eth0"]);
    assert_eq!((told.as_str(), &postponed[..]), ("+office=defined", &[Postponed::InUse("eth0".into())][..]));
    assert_eq!(review(&mut table, &[]).0, "-eth0 ~office office=discovered");
    // The table is gone while it is used: it stays, but as a link like any other.
    let (told, postponed) = adapt(&mut table, "", &["office"]);
    assert_eq!((told.as_str(), postponed.len()), ("", 1));
    table.adopt(fresh(&[Link::new(2, "eth0", 0).bytes(), Link::new(3, "eth1", 0).bytes()]));
    assert_eq!(said(&mut table), "{office=discovered eth1=discovered}");
    assert_eq!(review(&mut table, &[]).0, "-office +eth0=discovered");
    // What it should be called is in use by another.
    let (told, postponed) = adapt(&mut table, "[access-point.eth1]\ninterface = \"eth0\"", &["eth1"]);
    assert_eq!((told.as_str(), postponed.len()), ("", 1), "{postponed:?}");
    let all = review(&mut table, &[]).0;
    assert_eq!(all, "-eth0 -eth1 +eth1=defined ~eth1 eth1=discovered +eth1#2=discovered");
    // A request of ours that is under way.
    let mut table = self::table(true);
    table.adopt(fresh(&[Link::new(2, "eth0", 0).bytes()]));
    table.begin(2, Phase::Starting, None);
    said(&mut table);
    assert_eq!(adapt(&mut table, OFFICE, &[]).1, [Postponed::InUse("eth0".into())]);
}

/// As a network manager says that a link of this name is metered, with this last octet of its address.
fn metered(links: &[(&str, Option<u8>)]) -> std::collections::BTreeSet<crate::link_table::MeteredLink> {
    let address = |last: u8| Box::from([2, 0, 0, 0, 0, last]);
    links.iter().map(|(name, last)| crate::link_table::MeteredLink::new(name, last.map(address))).collect()
}

fn with_address(index: u32, name: &str, last: u8) -> Link {
    Link::new(index, name, 0).with(1, &[2, 0, 0, 0, 0, last])
}

#[test]
fn what_a_network_manager_says_is_told_of_the_very_link_and_once() {
    let mut table = table(true);
    table.take_metered(metered(&[("eth0", Some(1)), ("eth1", Some(9)), ("tun0", None), ("none0", None)]));
    assert_eq!(said(&mut table), "");
    let links = [with_address(2, "eth0", 1), with_address(3, "eth1", 2), Link::new(4, "tun0", 0)];
    table.adopt(fresh(&links.each_ref().map(Link::bytes)));
    let all = "{eth0=discovered eth1=discovered tun0=discovered} ";
    let first = format!("{all}eth0:no_background_traffic tun0:no_background_traffic");
    assert_eq!(said(&mut table), first);
    table.adopt(fresh(&links.each_ref().map(Link::bytes)));
    assert_eq!(said(&mut table), all.trim_end(), "not twice");
    // Another address, and the right one again.
    assert_eq!(notified(&mut table, &with_address(2, "eth0", 7)), "eth0:");
    assert_eq!(notified(&mut table, &with_address(3, "eth1", 9)), "eth1:no_background_traffic");
    assert_eq!(notified(&mut table, &with_address(2, "eth0", 1)), "eth0:no_background_traffic");
    // Another name, by which it is nobody's.
    assert_eq!(notified(&mut table, &with_address(2, "lan0", 1)), "~eth0 eth0:");
    table.take_metered(metered(&[("lan0", Some(1))]));
    assert_eq!(said(&mut table), "eth0:no_background_traffic eth1: tun0:");
    assert_eq!(notified(&mut table, &Link::gone(2)), "-eth0");
    let again = notified(&mut table, &with_address(5, "lan0", 1));
    assert_eq!(again, "+lan0=discovered lan0:no_background_traffic", "the core knows nothing of it any more");
    table.take_metered(metered(&[]));
    assert_eq!(said(&mut table), "lan0:");
}

#[test]
fn what_the_configuration_says_of_metered_goes_before_what_others_say() {
    let (mut table, _) = configured(OFFICE);
    table.take_metered(metered(&[("eth0", Some(1))]));
    let link = with_address(2, "eth0", 1);
    assert_eq!(notified(&mut table, &link), "~office office=discovered office:no_background_traffic");
    for (line, expected) in [
        ("metered = false", "~office office:"),
        ("metered = true", "~office office:no_background_traffic"),
        ("", ""),
        ("metered = false", "office:"),
        ("", "office:no_background_traffic"),
    ] {
        let (told, _) = adapt(&mut table, &format!("{OFFICE}{line}"), &[]);
        assert_eq!(told, expected.trim_start_matches("~office "), "{line}");
    }
    // Absent it is what the configuration says, which is nothing.
    assert_eq!(notified(&mut table, &Link::gone(2)), "office=defined office:");
    assert_eq!(notified(&mut table, &link), "~office office=discovered office:no_background_traffic");
    table.adopt(fresh(&[]));
    assert_eq!(said(&mut table), "{office=defined} office:");
    adapt(&mut table, &format!("{OFFICE}metered = false"), &[]);
    assert_eq!(notified(&mut table, &link), "~office office=discovered");
    // Without a table it is as others say; while it is in use nothing changes.
    assert_eq!(adapt(&mut table, "", &["office"]).0, "");
    assert_eq!(review(&mut table, &[]).0, "-office +eth0=discovered eth0:no_background_traffic");
}
