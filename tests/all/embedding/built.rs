//! What cargo makes of the project beside the program: libraries for C, and examples.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::program::support;

/// A library for C.
pub(super) fn library(file: &str) -> PathBuf {
    folder().join(file)
}

/// An example.
pub(super) fn example(name: &str) -> PathBuf {
    folder().join("examples").join(name)
}

/// Where cargo puts what it makes, or somebody has put it already beside the program.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| match std::env::var_os(support::PROGRAM) {
        Some(program) => Path::new(&program).parent().unwrap().to_owned(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = Command::new(cargo)
        // All of the workspace as for its tests, after which there is nothing left to build.
        .args([
            "build",
            "--workspace",
            "--lib",
            "--examples",
            "--profile",
            "test",
            "--message-format",
            "json",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "libraries and examples do not build");
    let messages = String::from_utf8(output.stdout).expect("cargo writes text");
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let files = messages.filter_map(|message| message["filenames"].as_array().cloned()).flatten();
    let mut paths = files.filter_map(|file| file.as_str().map(PathBuf::from));
    let library =
        paths.find(|path| path.ends_with("libnetsession.so")).expect("cargo tells what it has made");
    library.parent().expect("it is in a folder").to_owned()
}
