//! Every rule of the contract is proved by something: a test cites the rules that it proves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::transcripts::{files, folder};

/// Written down, but not built yet. A rule leaves this list when it is built, and only then may a test
/// cite it. R-CLOSE-6 speaks of the roaming step, which no session is in yet.
const NEXT: &[&str] = &[
    "R-CLOSE-6",
    "R-DEV-1",
    "R-DEV-2",
    "R-DEV-3",
    "R-DEV-4",
    "R-DEV-5",
    "R-DEV-6",
    "R-LOSS-4",
    "R-OPEN-10",
    "R-PROP-2",
    "R-PROP-4",
    "R-ROAM-1",
    "R-ROAM-2",
    "R-ROAM-3",
    "R-ROAM-4",
    "R-ROAM-5",
    "R-ROAM-6",
    "R-ROAM-7",
    "R-ROAM-8",
    "R-ROAM-9",
    "R-ROAM-10",
    "R-ROAM-11",
    "R-ROAM-12",
    "R-ROAM-13",
    "R-ROAM-14",
    "R-ROAM-15",
    "R-ROAM-16",
    "R-ROAM-17",
    "R-ROAM-18",
    "R-ROAM-19",
    "R-ROAM-20",
    "R-ROAM-21",
    "R-ROAM-22",
    "R-ROAM-23",
    "R-ROAM-24",
    "R-ROAM-25",
    "R-ROAM-27",
    "R-ROAM-28",
    "R-ROAM-29",
    "R-ROAM-30",
    "R-ROAM-31",
    "R-ROAM-32",
    "R-ROAM-33",
    "R-ROAM-34",
    "R-ROAM-36",
    "R-ROAM-37",
    "R-ROAM-38",
    "R-ROAM-39",
    "R-ROAM-40",
    "R-ROAM-41",
    "R-ROAM-42",
    "R-ROAM-43",
    "R-ROAM-44",
    "R-ROAM-45",
    "R-ST-4",
];

/// Promises of the driver, proved by its own tests.
const ELSEWHERE: &[&str] = &["R-WAIT-1", "R-WAIT-2", "R-WAIT-3"];

/// The rule numbers in a text: `R-`, capital letters, `-`, digits.
fn rules(text: &str) -> BTreeSet<String> {
    let rule = |rest: &str| {
        let letters = rest.bytes().take_while(u8::is_ascii_uppercase).count();
        let digits = rest.get(letters..)?.strip_prefix('-')?.bytes().take_while(u8::is_ascii_digit).count();
        (letters > 0 && digits > 0).then(|| format!("R-{}", &rest[..letters + 1 + digits]))
    };
    text.match_indices("R-").filter_map(|(at, mark)| rule(&text[at + mark.len()..])).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// The rules that tests cite. Of the core's own files only what stands in its tests counts.
fn cited() -> BTreeSet<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ours = files(&tests.join("all")).into_iter().filter(|path| !path.ends_with("rules.rs"));
    let whole = ours.chain(files(&folder())).map(|path| read(&path));
    let core = files(&tests.join("../core/src"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let parts = core.filter_map(|path| {
        let text = read(&path);
        if path.ends_with("tests.rs") {
            Some(text)
        } else {
            text.split_once("#[cfg(test)]").map(|(_, tests)| tests.to_owned())
        }
    });
    whole.chain(parts).flat_map(|text| rules(&text)).collect()
}

#[test]
fn every_rule_that_is_built_is_cited_by_a_test() {
    let contract = rules(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/contract.md")));
    let cited = cited();
    let listed = |list: &[&str]| -> BTreeSet<String> { list.iter().map(|rule| (*rule).to_owned()).collect() };
    let (next, elsewhere) = (listed(NEXT), listed(ELSEWHERE));

    let lost: Vec<_> = next.union(&elsewhere).filter(|rule| !contract.contains(*rule)).collect();
    assert!(lost.is_empty(), "the lists here name rules that the contract does not have: {lost:?}");
    let built: Vec<_> = next.intersection(&cited).collect();
    assert!(built.is_empty(), "cited by a test, so take these from the list of what comes next: {built:?}");
    let unknown: Vec<_> = cited.difference(&contract).collect();
    assert!(unknown.is_empty(), "cited by a test, but not in the contract: {unknown:?}");
    let unproved: Vec<_> = contract
        .iter()
        .filter(|rule| !cited.contains(*rule) && !next.contains(*rule) && !elsewhere.contains(*rule))
        .collect();
    assert!(unproved.is_empty(), "no test cites these rules: {unproved:?}");
}

#[test]
fn rule_numbers_are_found_in_prose() {
    let found = rules("`R-OPEN-3`, R-GEN-10. Not R-, R-X, R-open-3 or R--1; R-A-1R-B-22");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["R-A-1", "R-B-22", "R-GEN-10", "R-OPEN-3"]);
}
