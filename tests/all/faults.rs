//! Every deliberate fault of `tests/faults` still fits the code, and says what it breaks.
//!
//! That each is found is shown by the script beside them, which builds the workspace once per fault; here is
//! what can be said at once, so that none of them rots in silence.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rules::rules;
use crate::transcripts::files;

/// A fault is a small mistake.
const MOST_CHANGED_LINES: usize = 10;

/// What to do about a patch that does not fit.
const REFRESH: &str = "make the same mistake in the code as it is now, and write its diff anew as \
                       tests/faults/README.md shows";

/// One place of one file that a patch changes: what stands there, and how many lines come and go.
struct Hunk {
    file: String,
    old: String,
    changed_lines: usize,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faults")
}

/// The patches by name.
fn patches() -> Vec<(String, String)> {
    let patches =
        files(&folder()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "patch"));
    let named = patches.map(|path| {
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (
            name,
            fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())),
        )
    });
    named.collect()
}

fn hunks(patch: &str) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    let mut file = String::new();
    for line in patch.lines() {
        if let Some(path) = line.strip_prefix("--- a/") {
            path.clone_into(&mut file);
        } else if line.starts_with("@@ ") {
            hunks.push(Hunk { file: file.clone(), old: String::new(), changed_lines: 0 });
        } else if let Some(hunk) = hunks.last_mut() {
            hunk.changed_lines += usize::from(line.starts_with(['+', '-']));
            if let Some(old) = line.strip_prefix([' ', '-']) {
                hunk.old.push_str(old);
                hunk.old.push('\n');
            }
        }
    }
    hunks
}

/// What is wrong with a patch, if anything is.
fn wrong(patch: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut lines = patch.lines();
    let breaks = lines.next().and_then(|line| line.strip_prefix("Breaks "));
    if breaks.is_none_or(|breaks| rules(breaks).is_empty()) {
        return Some("its first line is not `Breaks R-…: what is done wrong`".to_owned());
    }
    if !lines.next().is_some_and(|line| line.starts_with("A user sees: ")) {
        return Some("its second line is not `A user sees: …`".to_owned());
    }
    let hunks = hunks(patch);
    let changed_lines: usize = hunks.iter().map(|hunk| hunk.changed_lines).sum();
    if !(1..=MOST_CHANGED_LINES).contains(&changed_lines) {
        return Some(format!("it changes {changed_lines} lines, not 1 to {MOST_CHANGED_LINES}"));
    }
    hunks.iter().find_map(|Hunk { file, old, .. }| {
        let Some(text) = read(file) else { return Some(format!("there is no file {file:?}: {REFRESH}")) };
        match text.matches(old.as_str()).count() {
            1 => None,
            0 => Some(format!("these lines of it are not in {file} any more:\n{old}{REFRESH}")),
            places => Some(format!("these lines of it are in {places} places of {file}:\n{old}{REFRESH}")),
        }
    })
}

fn read_source(file: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    file.starts_with("core/src/").then(|| fs::read_to_string(root.join(file)).ok()).flatten()
}

#[test]
fn every_fault_fits_the_code() {
    let patches = patches();
    assert!(patches.len() >= 20, "there are only {} faults in {}", patches.len(), folder().display());
    let wrong: Vec<_> = patches
        .iter()
        .filter_map(|(name, patch)| wrong(patch, &read_source).map(|what| format!("{name}.patch: {what}")))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} faults cannot be tried:\n{}",
        wrong.len(),
        patches.len(),
        wrong.join("\n")
    );
}

#[test]
fn the_table_has_every_fault() {
    let page = fs::read_to_string(folder().join("README.md")).expect("the page of the faults can be read");
    let missing: Vec<_> = patches()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| !page.contains(&format!("| {name} |")))
        .collect();
    assert!(missing.is_empty(), "not in the table of tests/faults/README.md: {missing:?}");
}

#[test]
fn the_check_finds_what_does_not_fit() {
    let patch =
        "Breaks R-GEN-1: x.\nA user sees: y.\n\n--- a/f\n+++ b/f\n@@ -1,2 +1,1 @@ fn g() {\n one\n-two\n";
    let against = |text: &str| {
        let text = text.to_owned();
        wrong(patch, &move |file| (file == "f").then(|| text.clone()))
    };
    assert_eq!(against("zero\none\ntwo\n"), None);
    assert!(against("one\nzwei\n").is_some_and(|what| what.contains("not in f any more")));
    assert!(against("one\ntwo\none\ntwo\n").is_some_and(|what| what.contains("2 places")));
    let none = |_: &str| None;
    assert!(wrong(patch, &none).is_some_and(|what| what.contains("no file")));
    assert!(wrong("Breaks it\n", &none).is_some_and(|what| what.contains("first line")));
    assert!(wrong("Breaks R-GEN-1: x\n", &none).is_some_and(|what| what.contains("second line")));
    assert!(
        wrong("Breaks R-GEN-1: x\nA user sees: y\n", &none).is_some_and(|what| what.contains("changes 0"))
    );
}
