//! Section 1 of the contract: numbers, words and names that outlast every release.

use netsession_core::{
    Add, BearerType, Capabilities, Config, ConfigurationState, ConfigurationType, Input, LinkState, Purpose,
    RoamingMode, SessionError, SessionState, ShutdownPolicy, UsagePolicies,
};

use crate::machine::Machine;

/// Compares every value of an enum with its documented number and its word in the trace.
macro_rules! assert_words {
    ($name:ident: $($number:literal $word:literal),* $(,)?) => {
        let found: Vec<(u8, &str)> = $name::ALL.iter().map(|value| (value.number(), value.word())).collect();
        assert_eq!(found, [$(($number, $word)),*], stringify!($name));
        for value in $name::ALL {
            assert_eq!(serde_json::to_value(value).unwrap(), value.word());
            assert_eq!(serde_json::from_value::<$name>(value.word().into()).unwrap(), *value);
        }
    };
}

/// The documented names of the bearers, by their numbers.
pub(crate) const BEARER_NAMES: [&str; 13] = [
    "Unknown",
    "Ethernet",
    "WLAN",
    "2G",
    "CDMA2000",
    "WCDMA",
    "HSPA",
    "Bluetooth",
    "WiMAX",
    "EVDO",
    "LTE",
    "3G",
    "4G",
];

#[test]
fn types_states_and_errors_have_their_documented_numbers() {
    assert_words!(ConfigurationType: 0 "access_point", 1 "service_network", 2 "user_choice", 3 "invalid");
    assert_words!(ConfigurationState: 0x1 "undefined", 0x2 "defined", 0x6 "discovered", 0xE "active");
    assert_words!(Purpose: 0 "unknown", 1 "public", 2 "private", 3 "service_specific");
    assert_words!(SessionState: 0 "invalid", 1 "not_available", 2 "connecting", 3 "connected", 4 "closing",
        5 "disconnected", 6 "roaming");
    assert_words!(SessionError: 0 "unknown", 1 "session_aborted", 2 "roaming", 3 "operation_not_supported",
        4 "invalid_configuration");
    assert_words!(BearerType: 0 "unknown", 1 "ethernet", 2 "wlan", 3 "2g", 4 "cdma2000", 5 "wcdma", 6 "hspa",
        7 "bluetooth", 8 "wimax", 9 "evdo", 10 "lte", 11 "3g", 12 "4g");
    let links: Vec<&str> = LinkState::ALL.iter().map(|link| link.word()).collect();
    assert_eq!(links, ["undefined", "defined", "discovered", "connecting", "active", "closing"]);
}

#[test]
fn flags_have_their_documented_bits_and_words() {
    let capabilities: Vec<(u16, &str)> = Capabilities::all()
        .iter()
        .flat_map(|flag| flag.words().map(move |word| (flag.bits(), word)))
        .collect();
    assert_eq!(
        capabilities,
        [
            (0x01, "can_start_and_stop_interfaces"),
            (0x02, "direct_connection_routing"),
            (0x04, "system_session_support"),
            (0x08, "application_level_roaming"),
            (0x10, "forced_roaming"),
            (0x20, "data_statistics"),
            (0x40, "network_session_required"),
        ]
    );
    assert_eq!(UsagePolicies::empty().bits(), 0);
    assert_eq!(UsagePolicies::NO_BACKGROUND_TRAFFIC.bits(), 1);
    assert_eq!(serde_json::to_string(&UsagePolicies::all()).unwrap(), r#"["no_background_traffic"]"#);
}

#[test]
fn bearers_have_their_names_and_families() {
    let names: Vec<&str> = BearerType::ALL.iter().map(|bearer| bearer.name()).collect();
    assert_eq!(names, BEARER_NAMES);
    let family = |bearer: BearerType| match bearer.word() {
        "cdma2000" | "wcdma" | "hspa" | "evdo" => BearerType::Bearer3G,
        "wimax" | "lte" => BearerType::Bearer4G,
        _ => bearer,
    };
    for bearer in BearerType::ALL {
        assert_eq!(bearer.family(), family(*bearer), "{bearer}");
    }
}

/// The states are a ladder: each has the bits of those below, but Undefined, which stands apart.
#[test]
fn a_state_includes_those_below_it() {
    use ConfigurationState::{Active, Defined, Discovered, Undefined};
    assert!(Active.includes(Discovered) && Discovered.includes(Defined) && Active.includes(Defined));
    assert!(!Defined.includes(Discovered) && !Discovered.includes(Active));
    for state in [Defined, Discovered, Active] {
        assert!(!state.includes(Undefined) && !Undefined.includes(state), "{state}");
    }
}

#[test]
fn a_configuration_starts_with_the_documented_defaults() {
    let machine = Machine::with([
        Input::Add(Add::access_point("eth0")),
        Input::Add(Add::service_network("wan", ["eth0"])),
        Input::Add(Add::user_choice("any")),
    ]);
    let eth0 = machine.manager.configuration("eth0").unwrap();
    assert_eq!(eth0.kind(), ConfigurationType::AccessPoint);
    assert_eq!(eth0.link(), Some(LinkState::Defined));
    assert_eq!(eth0.state(), ConfigurationState::Defined);
    assert_eq!(eth0.shutdown_policy(), Some(ShutdownPolicy::OwnedOnly));
    assert_eq!(eth0.capabilities(), Capabilities::all() - Capabilities::NETWORK_SESSION_REQUIRED);
    assert_eq!(eth0.connect_timeout().as_secs(), 30);
    assert_eq!(eth0.bearer(), Some(BearerType::Unknown));
    assert_eq!(eth0.purpose(), Purpose::Unknown);
    assert!(!eth0.roaming_available() && !eth0.is_ours() && eth0.holders() == 0);

    // A service network is carried by no link of its own; a user choice is always in reach.
    let wan = machine.manager.configuration("wan").unwrap();
    assert_eq!((wan.link(), wan.bearer(), wan.shutdown_policy()), (None, None, None));
    let any = machine.manager.configuration("any").unwrap();
    assert_eq!(any.kind(), ConfigurationType::UserChoice);
    assert_eq!(any.state(), ConfigurationState::Discovered);
    assert_eq!(any.bearer(), None);
    assert!(!any.roaming_available());

    let config = Config::default();
    assert_eq!((config.stop_timeout.as_secs(), config.update_timeout.as_secs()), (30, 30));
}

#[test]
fn a_session_roams_by_itself_unless_told_otherwise() {
    let mut machine = Machine::with([Input::Add(Add::access_point("eth0"))]);
    let session = machine.session(0, "eth0");
    assert_eq!(machine.manager.session(session).unwrap().roaming_mode(), RoamingMode::Forced);
}
