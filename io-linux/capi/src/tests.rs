//! The header is what the sources say, the numbers are those of the contract, and `unsafe` is where it belongs.

use std::path::{Path, PathBuf};

use netsession_core as core;

use crate::border::guarded;
use crate::driver::milliseconds;
use crate::result::NetsessionResult;
use crate::words::{
    NetsessionCause, NetsessionConfigurationState, NetsessionError, NetsessionOfferKind,
    NetsessionRoamingMode, NetsessionState,
};

/// Set, it has the header written in place of compared.
const WRITE: &str = "NETSESSION_WRITE_HEADER";

fn sources() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn the_header_is_what_the_sources_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap();
    // What the root names as modules is found from there.
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/lib.rs"));
    let mut written = Vec::new();
    builder.generate().unwrap().write(&mut written);
    let written = String::from_utf8(written).unwrap();
    let path = root.join("include/netsession.h");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let here = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = here.lines().zip(written.lines()).position(|(here, written)| here != written);
    assert!(
        here == written,
        "{} is not what the sources say, from line {} on; have it written by {WRITE}=1 cargo test -p \
         netsession-capi",
        path.display(),
        differs.unwrap_or(here.lines().count().min(written.lines().count())) + 1
    );
}

#[test]
fn nothing_is_unsafe_but_the_border_and_the_names() {
    for (path, text) in sources() {
        let unsafes = text.matches("unsafe").count();
        let names = text.matches("#[unsafe(no_mangle)]\npub extern \"C\" fn netsession_").count();
        let lint = text.matches("unsafe_code").count();
        let about = text.matches("else here is unsafe").count();
        let is_apart = ["border.rs", "tests.rs", "lib.rs"].iter().any(|name| path.ends_with(name));
        assert!(is_apart || unsafes == names + lint + about, "{}", path.display());
    }
}

#[test]
fn every_name_is_in_the_header_and_begins_as_all_do() {
    let header = include_str!("../include/netsession.h");
    let names: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| !path.ends_with("tests.rs"))
        .flat_map(|(_, text)| {
            let exported = text.split("#[unsafe(no_mangle)]\npub extern \"C\" fn ").skip(1);
            exported.map(|rest| rest.split('(').next().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(name.starts_with("netsession_") && header.contains(&format!(" {name}(")), "{name}");
    }
}

/// Where the contract has a number, C has the same.
macro_rules! same_numbers {
    ($($core:ident as $here:ident),* $(,)?) => {$(
        for value in core::$core::ALL {
            assert_eq!($here::from(*value) as u32, u32::from(value.number()), "{value}");
        }
    )*};
}

#[test]
fn the_numbers_are_those_of_the_contract() {
    same_numbers!(
        SessionState as NetsessionState,
        SessionError as NetsessionError,
        Cause as NetsessionCause,
        RoamingMode as NetsessionRoamingMode,
        OfferKind as NetsessionOfferKind,
        ConfigurationState as NetsessionConfigurationState,
    );
}

#[test]
fn a_panic_is_a_code_and_has_words() {
    assert_eq!(guarded(|_| panic!("as it should")), NetsessionResult::Internal);
    assert_eq!(guarded(|_| Ok(())), NetsessionResult::Ok);
}

#[test]
fn a_deadline_in_milliseconds_is_never_too_early() {
    use std::time::Duration;
    for (nanoseconds, expected) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2)] {
        assert_eq!(milliseconds(Duration::from_nanos(nanoseconds)), expected);
    }
    assert_eq!(milliseconds(Duration::MAX), i32::MAX);
}
