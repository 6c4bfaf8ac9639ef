//! Files that are wrong, and all that is said of each.

/// The text, and a line for each fault.
#[rustfmt::skip]
pub(super) const BROKEN: &[(&str, &[&str])] = &[
    (r#"[access-point.office
interface = "eth0""#,
     &["line 1, column 21: unclosed table, expected `]`"]),
    ("[access-point.office]
interface = eth0",
     &[r#"line 2, column 13: a text stands in quotes; did you mean "eth0"?"#]),
    (r#"[access-point.office]
interface = "eth0"#,
     &[r#"line 2, column 18: invalid basic string, expected `"`"#]),
    ("[access-point.office]
interface =",
     &["line 2, column 12: there is no value"]),
    (r#"[access-point.office]
interface "eth0""#,
     &["line 2, column 11: key with no value, expected `=`"]),
    (r#"[access-point.office]
interface = "eth0" pattern = "e*""#,
     &["line 2, column 20: unexpected key or value, expected newline, `#`"]),
    (r#"[access-point.office]
interface = "eth0"
interface = "eth1""#,
     &["line 3, column 1: interface stands here a second time; leave one of them out"]),
    (r#"[access-point.office]
interface = "eth0"
[access-point.office]
pattern = "e*""#,
     &["line 3, column 15: office stands here a second time; leave one of them out"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24""#,
     &["line 3, column 26: unclosed array, expected `]`"]),
    (r#"[access-point.office]
interface = "eth0"
name = "\q""#,
     &[r#"line 3, column 10: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\`, `"`, `x`, `u`, `U`"#]),
    ("= 3",
     &["line 1, column 1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"]),
    (r#"[access_point.office]
interface = "eth0""#,
     &[r#"line 1, column 2: there is no table "access_point"; did you mean "access-point"?"#]),
    ("[wifi]
",
     &[r#"line 1, column 2: there is no table "wifi"; it is one of access-point, service-network, ignore, driver"#]),
    (r#"interface = "eth0""#,
     &["line 1, column 1: interface belongs to [access-point.ID]; put it below that"]),
    ("hold_off_ms = 3",
     &["line 1, column 1: hold_off_ms belongs to [service-network.ID] or [driver]; put it below that"]),
    ("access-point = 3",
     &["line 1, column 16: access-point is a table of tables: write [access-point.ID], with a name of your own for ID"]),
    (r#"[access-point]
interface = "eth0""#,
     &["line 2, column 1: interface belongs to a table with a name: write [access-point.ID] above it"]),
    (r#"[[access-point]]
interface = "eth0""#,
     &["line 1, column 1: access-point is a table of tables: write [access-point.ID], with a name of your own for ID"]),
    (r#"[access-point]
office = "eth0""#,
     &[r#"line 2, column 10: [access-point.office] is a table, not "eth0""#]),
    (r#"[access-point.""]
interface = "eth0""#,
     &[r#"line 1, column 15: "" cannot be what something is called in [access-point.ID]"#]),
    ("driver = true",
     &["line 1, column 10: [driver] is a table, not true"]),
    ("[access-point.office]",
     &["line 1, column 15: [access-point.office] does not say which interface it is; give it one of interface, pattern, mac, path, kind"]),
    (r#"[access-point.office]
interface = """#,
     &["line 2, column 13: [access-point.office] interface is empty"]),
    ("[access-point.office]
interface = 2",
     &["line 2, column 13: [access-point.office] interface is a text in quotes, not 2"]),
    (r#"[access-point.office]
interface = "en*""#,
     &[r#"line 2, column 13: [access-point.office] interface cannot be "en*": it is one name; did you mean pattern = "en*"?"#]),
    (r#"[access-point.office]
interface = "the office""#,
     &[r#"line 2, column 13: [access-point.office] interface cannot be "the office": a name of an interface has no space, slash or colon"#]),
    (r#"[access-point.office]
interface = "lo""#,
     &[r#"line 2, column 13: [access-point.office] interface cannot be "lo": loopback is no access point"#]),
    (r#"[access-point.office]
interface = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn""#,
     &["line 2, column 13: [access-point.office] interface has 128 bytes; a name of an interface has at most 15, an alternative name 127"]),
    (r#"[access-point.office]
pattern = "en[0-""#,
     &[r#"line 2, column 11: [access-point.office] pattern "en[0-" is no pattern: invalid range pattern (character 3)"#]),
    (r#"[access-point.office]
pattern = "a**b""#,
     &[r#"line 2, column 11: [access-point.office] pattern "a**b" is no pattern: one * is enough (character 1)"#]),
    (r#"[access-point.office]
mac = "52:54:00:12:34""#,
     &[r#"line 2, column 7: [access-point.office] mac "52:54:00:12:34" is no hardware address, such as 52:54:00:12:34:56"#]),
    (r#"[access-point.office]
mac = "00:00:00:00:00:00""#,
     &[r#"line 2, column 7: [access-point.office] mac "00:00:00:00:00:00" is the address of nothing"#]),
    (r#"[access-point.office]
path = "pci-0000:00:1f.6""#,
     &[r#"line 2, column 8: [access-point.office] path "pci-0000:00:1f.6" is no device path; did you mean "pci/0000:00:1f.6"?"#]),
    (r#"[access-point.office]
path = "/sys/devices/pci0000:00/0000:00:1f.6/net/eth0""#,
     &[r#"line 2, column 8: [access-point.office] path "/sys/devices/pci0000:00/0000:00:1f.6/net/eth0" is no device path; did you mean "pci/0000:00:1f.6"?"#]),
    (r#"[access-point.office]
path = "eth0""#,
     &[r#"line 2, column 8: [access-point.office] path "eth0" is no device path; it is a bus and a device, such as pci/0000:00:1f.6"#]),
    (r#"[access-point.office]
kind = "wifi""#,
     &[r#"line 2, column 8: [access-point.office] kind cannot be "wifi"; did you mean "wlan"?"#]),
    (r#"[access-point.office]
kind = "modem""#,
     &[r#"line 2, column 8: [access-point.office] kind cannot be "modem"; did you mean "mobile"?"#]),
    (r#"[access-point.office]
kind = "brige""#,
     &[r#"line 2, column 8: [access-point.office] kind cannot be "brige"; did you mean "bridge"?"#]),
    (r#"[access-point.office]
interface = "eth0"
[access-point.second]
interface = "eth0""#,
     &["line 3, column 15: [access-point.second] is the same interface as [access-point.office]; leave one of them out"]),
    (r#"[access-point.office]
interface = "eth0"
metred = true"#,
     &[r#"line 3, column 1: [access-point.office] has no key "metred"; did you mean "metered"?"#]),
    (r#"[access-point.office]
interface = "eth0"
metered = "yes""#,
     &[r#"line 3, column 11: [access-point.office] metered is true or false, not "yes"; did you mean true, without quotes?"#]),
    (r#"[access-point.office]
interface = "eth0"
metered = 1"#,
     &["line 3, column 11: [access-point.office] metered is true or false, not 1"]),
    (r#"[access-point.office]
interface = "eth0"
hold_off_ms = 3"#,
     &[r#"line 3, column 1: [access-point.office] has no key "hold_off_ms"; it belongs to [service-network.ID] or [driver]"#]),
    (r#"[access-point.office]
interface = "eth0"
colour = "red""#,
     &[r#"line 3, column 1: [access-point.office] has no key "colour"; it is one of interface, pattern, mac, path, kind, name, bearer, purpose, metered, device, shutdown, connect_timeout_ms, counts_for_online, addresses, address, gateway, metric, watch_carrier"#]),
    (r#"[access-point.office]
interface = "eth0"
name = """#,
     &["line 3, column 8: [access-point.office] name is empty"]),
    (r#"[access-point.office]
interface = "eth0"
name = "a\u0007b""#,
     &["line 3, column 8: [access-point.office] name has a control character in it"]),
    (r#"[access-point.office]
interface = "eth0"
bearer = "WLAN""#,
     &[r#"line 3, column 10: [access-point.office] bearer cannot be "WLAN"; did you mean "wlan"? It is one of unknown, ethernet, wlan, 2g, cdma2000, wcdma, hspa, bluetooth, wimax, evdo, lte, 3g, 4g"#]),
    (r#"[access-point.office]
interface = "eth0"
bearer = "wifi""#,
     &[r#"line 3, column 10: [access-point.office] bearer cannot be "wifi"; did you mean "wlan"? It is one of unknown, ethernet, wlan, 2g, cdma2000, wcdma, hspa, bluetooth, wimax, evdo, lte, 3g, 4g"#]),
    (r#"[access-point.office]
interface = "eth0"
bearer = "carrier pigeon""#,
     &[r#"line 3, column 10: [access-point.office] bearer cannot be "carrier pigeon"; it is one of unknown, ethernet, wlan, 2g, cdma2000, wcdma, hspa, bluetooth, wimax, evdo, lte, 3g, 4g"#]),
    (r#"[access-point.office]
interface = "eth0"
purpose = "secret""#,
     &[r#"line 3, column 11: [access-point.office] purpose cannot be "secret"; it is one of unknown, public, private, service_specific"#]),
    (r#"[access-point.office]
interface = "eth0"
shutdown = "always""#,
     &[r#"line 3, column 12: [access-point.office] shutdown cannot be "always"; did you mean "last_close"? It is one of owned_only, last_close, never"#]),
    (r#"[access-point.office]
interface = "eth0"
shutdown = true"#,
     &["line 3, column 12: [access-point.office] shutdown is a text in quotes, not true"]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout = 3"#,
     &[r#"line 3, column 1: [access-point.office] has no key "connect_timeout"; did you mean "connect_timeout_ms"?"#]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout_ms = "30s""#,
     &[r#"line 3, column 22: [access-point.office] connect_timeout_ms is a whole number of milliseconds from 0 to 3162240000000, not "30s"; did you mean 30000?"#]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout_ms = "30""#,
     &[r#"line 3, column 22: [access-point.office] connect_timeout_ms is a whole number of milliseconds from 0 to 3162240000000, not "30"; did you mean 30, without quotes?"#]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout_ms = 1.5"#,
     &["line 3, column 22: [access-point.office] connect_timeout_ms is a whole number of milliseconds from 0 to 3162240000000, not 1.5"]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout_ms = -1"#,
     &["line 3, column 22: [access-point.office] connect_timeout_ms is a whole number of milliseconds from 0 to 3162240000000, not -1"]),
    (r#"[access-point.office]
interface = "eth0"
connect_timeout_ms = 2026-01-01"#,
     &["line 3, column 22: [access-point.office] connect_timeout_ms is a whole number of milliseconds from 0 to 3162240000000, not a date or time"]),
    (r#"[access-point.office]
interface = "eth0"
watch_carrier = "on""#,
     &[r#"line 3, column 17: [access-point.office] watch_carrier is true or false, not "on"; did you mean true, without quotes?"#]),
    (r#"[access-point.office]
interface = "eth0"
addresses = "dhcp"
address = ["192.0.2.7/24"]"#,
     &[r#"line 4, column 1: [access-point.office] address is for addresses = "static"; leave one of the two out"#]),
    (r#"[access-point.office]
interface = "eth0"
addresses = "dhcp"
gateway = ["192.0.2.1"]"#,
     &["line 4, column 1: [access-point.office] gateway is for static addresses; give it address, too"]),
    (r#"[access-point.office]
interface = "eth0"
addresses = "auto""#,
     &[r#"line 3, column 13: [access-point.office] addresses cannot be "auto"; did you mean "slaac"? It is one of static, slaac, dhcp, external"#]),
    (r#"[access-point.office]
interface = "eth0"
addresses = "static""#,
     &[r#"line 3, column 13: [access-point.office] addresses = "static" needs address = ["192.0.2.7/24"], with at least one"#]),
    (r#"[access-point.office]
interface = "eth0"
addresses = "slaac"
address = ["192.0.2.7/24"]"#,
     &[r#"line 4, column 1: [access-point.office] address is for addresses = "static"; leave one of the two out"#]),
    (r#"[access-point.office]
interface = "eth0"
address = "192.0.2.7/24""#,
     &[r#"line 3, column 11: [access-point.office] address is a list, not "192.0.2.7/24"; did you mean ["192.0.2.7/24"]?"#]),
    (r#"[access-point.office]
interface = "eth0"
address = []"#,
     &["line 3, column 11: [access-point.office] address is empty; leave it out, or name one"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7"]"#,
     &[r#"line 3, column 12: [access-point.office] address "192.0.2.7" is no address with a length of its prefix; did you mean "192.0.2.7/24"?"#]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/33"]"#,
     &[r#"line 3, column 12: [access-point.office] address "192.0.2.7/33" is no address with a length of its prefix; such as 192.0.2.7/24"#]),
    (r#"[access-point.office]
interface = "eth0"
address = ["127.0.0.1/8"]"#,
     &["line 3, column 12: [access-point.office] address cannot be 127.0.0.1/8: no link can be reached at it"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24", "192.0.2.7/24"]"#,
     &[r#"line 3, column 28: [access-point.office] address has "192.0.2.7/24" twice"#]),
    (r#"[access-point.office]
interface = "eth0"
address = [["192.0.2.7/24"]]"#,
     &["line 3, column 12: what is in [access-point.office] address is a text in quotes, not a list"]),
    (r#"[access-point.office]
interface = "eth0"
gateway = ["192.0.2.1"]"#,
     &["line 3, column 1: [access-point.office] gateway is for static addresses; give it address, too"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24"]
gateway = ["192.0.2.1/24"]"#,
     &[r#"line 4, column 12: [access-point.office] gateway "192.0.2.1/24" is no address of a router; did you mean "192.0.2.1"?"#]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24"]
gateway = ["203.0.113.1"]"#,
     &["line 4, column 12: [access-point.office] gateway 203.0.113.1 is in no network of its addresses, so it cannot be reached"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["2001:db8::7/64"]
gateway = ["2001:db8:1::1"]"#,
     &["line 4, column 12: [access-point.office] gateway 2001:db8:1::1 is in no network of its addresses, so it cannot be reached"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24"]
gateway = ["192.0.2.1", "192.0.2.2"]"#,
     &["line 4, column 25: [access-point.office] gateway names two of IPv4; one can be the default"]),
    (r#"[access-point.office]
interface = "eth0"
metric = 200"#,
     &["line 3, column 1: [access-point.office] metric is of the routes by its gateway; give it gateway, too"]),
    (r#"[access-point.office]
interface = "eth0"
address = ["192.0.2.7/24"]
gateway = ["192.0.2.1"]
metric = 0"#,
     &["line 5, column 10: [access-point.office] metric is a whole number from 1 to 4294967295, not 0"]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]"#,
     &["line 3, column 18: [service-network.net] has no members; name access points, most preferred first"]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = []"#,
     &["line 4, column 11: [service-network.net] members is empty; name access points, most preferred first"]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = "office""#,
     &[r#"line 4, column 11: [service-network.net] members is a list, not "office"; did you mean ["office"]?"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["ofice"]"#,
     &[r#"line 4, column 12: [service-network.net] members has "ofice", which is no access point in this file; did you mean "office"?"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["eth0"]"#,
     &[r#"line 4, column 12: [service-network.net] members has "eth0", which is no access point in this file; add it: [access-point.eth0]"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["office", "office"]"#,
     &[r#"line 4, column 22: [service-network.net] members has "office" twice"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["office", "net"]"#,
     &[r#"line 4, column 22: [service-network.net] members has "net", which is a service network; members are access points"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.office]
members = ["office"]"#,
     &[r#"line 3, column 18: "office" is already the name of an access point; choose another"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["office"]
metered = true"#,
     &[r#"line 5, column 1: [service-network.net] has no key "metered"; it belongs to [access-point.ID]"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["office"]
hold_off = 3"#,
     &[r#"line 5, column 1: [service-network.net] has no key "hold_off"; did you mean "hold_off_ms"?"#]),
    (r#"[access-point.office]
interface = "eth0"
[service-network.net]
members = ["office"]
answer_within_ms = "1 min""#,
     &[r#"line 5, column 20: [service-network.net] answer_within_ms is a whole number of milliseconds from 0 to 3162240000000, not "1 min"; did you mean 60000?"#]),
    (r#"[ignore]
patterns = "docker*""#,
     &[r#"line 2, column 12: [ignore] patterns is a list, not "docker*"; did you mean ["docker*"]?"#]),
    (r#"[ignore]
patterns = ["eth["]"#,
     &[r#"line 2, column 13: [ignore] patterns "eth[" is no pattern: invalid range pattern (character 4)"#]),
    (r#"[ignore]
kinds = ["docker"]"#,
     &[r#"line 2, column 10: [ignore] kinds cannot be "docker"; did you mean "bridge"?"#]),
    (r#"[ignore]
interfaces = ["eth0"]"#,
     &[r#"line 2, column 1: [ignore] has no key "interfaces"; it is one of patterns, kinds, defaults"#]),
    ("[ignore]
defaults = 0",
     &["line 2, column 12: [ignore] defaults is true or false, not 0"]),
    ("[driver]
hold_off_ms = 99999999999999",
     &["line 2, column 15: [driver] hold_off_ms is a whole number of milliseconds from 0 to 3162240000000, not 99999999999999"]),
    ("[driver]
give_up_after = 4294967296",
     &["line 2, column 17: [driver] give_up_after is a whole number from 0 to 4294967295, not 4294967296"]),
    ("[driver]
can_ask_user = true",
     &[r#"line 2, column 1: [driver] has no key "can_ask_user"; it is one of hold_off_ms, retry_after_ms, rescue_answer_within_ms, stop_timeout_ms, update_timeout_ms, ask_timeout_ms, rescue_grace_ms, answer_within_ms, give_up_after, network_manager"#]),
    (r#"[ignore]
patterns = ["é", 1]"#,
     &["line 2, column 18: what is in [ignore] patterns is a text in quotes, not 1"]),
    (r#"[access-point."é"]
interface = "eth0"
name = "é" # é
"é" = 1"#,
     &[r#"line 4, column 1: [access-point.é] has no key "é"; it is one of interface, pattern, mac, path, kind, name, bearer, purpose, metered, device, shutdown, connect_timeout_ms, counts_for_online, addresses, address, gateway, metric, watch_carrier"#]),
    (r#"[access-point.office]
metered = "yes"
bearer = "lan"
[service-network.net]
members = ["wifi"]
[drivers]"#,
     &["line 1, column 15: [access-point.office] does not say which interface it is; give it one of interface, pattern, mac, path, kind", r#"line 2, column 11: [access-point.office] metered is true or false, not "yes"; did you mean true, without quotes?"#, r#"line 3, column 10: [access-point.office] bearer cannot be "lan"; did you mean "ethernet"? It is one of unknown, ethernet, wlan, 2g, cdma2000, wcdma, hspa, bluetooth, wimax, evdo, lte, 3g, 4g"#, r#"line 5, column 12: [service-network.net] members has "wifi", which is no access point in this file; add it: [access-point.wifi]"#, r#"line 6, column 2: there is no table "drivers"; did you mean "driver"?"#]),
];
