//! Every rule of the contract is proved by something: a test cites the rules that it proves.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::transcripts::{files, folder};

/// Promises of the driver, proved by its own tests.
const ELSEWHERE: &[&str] = &["R-WAIT-1", "R-WAIT-2", "R-WAIT-3"];

/// The rule numbers in a text: `R-`, capital letters, `-`, digits.
pub(crate) fn rules(text: &str) -> BTreeSet<String> {
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
fn every_rule_is_cited_by_a_test() {
    let contract = rules(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/contract.md")));
    let cited = cited();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|rule| (*rule).to_owned()).collect();

    let lost: Vec<_> = elsewhere.difference(&contract).collect();
    assert!(lost.is_empty(), "the list here names rules that the contract does not have: {lost:?}");
    let unknown: Vec<_> = cited.difference(&contract).collect();
    assert!(unknown.is_empty(), "cited by a test, but not in the contract: {unknown:?}");
    let unproved: Vec<_> =
        contract.iter().filter(|rule| !cited.contains(*rule) && !elsewhere.contains(*rule)).collect();
    assert!(unproved.is_empty(), "no test cites these rules: {unproved:?}");
}

#[test]
fn rule_numbers_are_found_in_prose() {
    let found = rules("`R-OPEN-3`, R-GEN-10. Not R-, R-X, R-open-3 or R--1; R-A-1R-B-22");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["R-A-1", "R-B-22", "R-GEN-10", "R-OPEN-3"]);
}
