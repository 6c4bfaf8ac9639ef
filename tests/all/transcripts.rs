//! Replays every transcript under `tests/transcripts` on a fresh machine.
//!
//! A transcript is a scene in the words of the trace that reads like a timed log: comments cite the rules
//! of the contract that it shows and say in words what happens.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use netsession_io_linux::replay::{Outcome, Transcript, replay};

/// The folder of all transcripts.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts")
}

/// All files below a folder, in one order on every machine.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry of a folder can be read").path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What is wrong with a transcript, if anything is; and what the machine said.
fn play(path: &Path) -> (Option<String>, Vec<u8>) {
    let file = File::open(path).unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    let mut said = Transcript(Vec::new());
    let wrong = match replay(BufReader::new(file), &mut said) {
        Ok(Outcome::Agrees { compared: 0 }) => Some("it compares nothing".to_owned()),
        Ok(Outcome::Agrees { .. }) => None,
        Ok(Outcome::Differs(difference)) => Some(difference.to_string()),
        Err(error) => Some(error.to_string()),
    };
    (wrong, said.0)
}

#[test]
fn every_transcript_is_what_the_machine_says() {
    let files = files(&folder());
    assert!(!files.is_empty(), "there are no transcripts in {}", folder().display());
    let wrong: Vec<String> = files
        .iter()
        .filter_map(|path| play(path).0.map(|what| format!("{}, {what}", path.display())))
        .collect();
    assert!(wrong.is_empty(), "{} of {} transcripts fail:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

/// R-GEN-1, over every scene there is.
#[test]
fn every_transcript_is_the_same_twice() {
    for path in files(&folder()) {
        assert_eq!(play(&path).1, play(&path).1, "{}", path.display());
    }
}
