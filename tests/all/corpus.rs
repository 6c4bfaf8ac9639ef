//! Replays what the fuzzers have kept, without libFuzzer: what they once reached or broke stays so.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use netsession_tests::fuzz;

use crate::transcripts::files;

/// A target, and the function of its bytes.
type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] =
    &[("link_table", fuzz::link_table), ("manager", fuzz::manager), ("trace", fuzz::trace)];

/// Of all corpora together: each change of what a target reads writes them anew.
const LARGEST_BYTES: usize = 300_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The names of what lies in a folder, without what stands behind a dot.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| name(entry.unwrap().path())).collect()
}

#[test]
fn nothing_in_a_corpus_breaks_a_rule() {
    let mut bytes_in_all = 0;
    for (target, run) in TARGETS {
        let files = files(&folder().join("corpus").join(target));
        assert!(!files.is_empty(), "the corpus of {target} is empty");
        for path in files {
            let bytes = fs::read(&path).unwrap();
            bytes_in_all += bytes.len();
            catch_unwind(|| run(&bytes)).unwrap_or_else(|_| panic!("{target} breaks on {}", path.display()));
        }
    }
    assert!(bytes_in_all <= LARGEST_BYTES, "the corpora have {bytes_in_all} bytes: minimise them");
}

#[test]
fn every_target_has_its_corpus_replayed() {
    let here: BTreeSet<_> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    assert_eq!(here, names_in(&folder().join("fuzz_targets")), "add the target to TARGETS");
    assert_eq!(here, names_in(&folder().join("corpus")), "each target has a corpus, and no other does");
}
