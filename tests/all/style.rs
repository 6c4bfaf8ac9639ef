//! What can be said about the sources without compiling them, as checks that can only become stricter.
//!
//! Functions are measured by clippy (`too-many-lines-threshold`); here stand the rules that no lint has.

use std::fs;
use std::path::{Path, PathBuf};

/// Longer files have two subjects.
const LONGEST_FILE_LINES: usize = 600;

/// Written in two pieces, so that this file does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("#[", "ignore"), "a test that does not run proves nothing"),
    (concat!("todo", "!("), "what is not built is refused by name, not left to a panic"),
    (concat!("unimplemented", "!("), "what is not built is refused by name, not left to a panic"),
    (concat!("dbg", "!("), "a trace says more, and to the one who asked for it"),
];

/// The only hosts that a file may name: where crates, documentation and standards live for everyone.
const KNOWN_HOSTS: &[&str] = &[
    "crates.io",
    "doc.qt.io",
    "doc.rust-lang.org",
    "docs.kernel.org",
    "docs.rs",
    "github.com",
    "keepachangelog.com",
    "rustup.rs",
    "semver.org",
    "www.apache.org",
    "www.rfc-editor.org",
    "www.w3.org",
];

#[test]
fn no_file_is_too_long() {
    assert_none(sources().into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > LONGEST_FILE_LINES).then(|| {
            format!("{}: {lines} lines, at most {LONGEST_FILE_LINES}; split it by subject", path.display())
        })
    }));
}

#[test]
fn nothing_is_skipped_or_left_for_later() {
    assert_none(sources().into_iter().flat_map(|(path, text)| forbidden_in(&path, &text)));
}

#[test]
fn the_check_for_forbidden_words_finds_each_of_them() {
    for (word, _) in FORBIDDEN {
        let found = forbidden_in(Path::new("x.rs"), &format!("fn f() {{}}\n  {word}\n"));
        assert!(found.len() == 1 && found[0].starts_with("x.rs:2: "), "{found:?}");
    }
    assert!(forbidden_in(Path::new("x.rs"), "// todo, ignore, dbg").is_empty());
}

#[test]
fn every_test_file_is_in_the_test_binary() {
    let all = root().join("tests/all");
    let main = fs::read_to_string(all.join("main.rs")).unwrap();
    let mut files: Vec<_> = files_below(&all).into_iter().filter(|path| has_extension(path, "rs")).collect();
    files.retain(|path| path.parent() == Some(all.as_path()) && !path.ends_with("main.rs"));
    assert!(!files.is_empty(), "no test files below {}", all.display());
    assert_none(files.into_iter().filter_map(|path| {
        let module = path.file_stem()?.to_str()?.to_owned();
        let line = format!("mod {module};");
        (!main.lines().any(|have| have.trim() == line))
            .then(|| format!("{}: its tests never run; add `{line}` to main.rs", path.display()))
    }));
}

#[test]
fn files_name_only_hosts_that_everybody_reaches() {
    let texts =
        files_below(&root()).into_iter().filter_map(|path| Some((fs::read_to_string(&path).ok()?, path)));
    assert_none(texts.flat_map(|(text, path)| {
        let unknown = hosts_in(&text).filter(|host| !KNOWN_HOSTS.contains(host) && !is_example(host));
        unknown.map(|host| format!("{}: names the host {host}", path.display())).collect::<Vec<_>>()
    }));
}

#[test]
fn the_check_for_hosts_finds_them() {
    let text = "see <https://crates.io/x>, registry+http://mirror.example:8080/index and https://a.example.";
    assert_eq!(hosts_in(text).collect::<Vec<_>>(), ["crates.io", "mirror.example", "a.example"]);
}

fn forbidden_in(path: &Path, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    let hits = lines.flat_map(|(at, line)| FORBIDDEN.iter().map(move |entry| (at, line, entry)));
    hits.filter(|(_, line, (word, _))| line.contains(word))
        .map(|(at, _, (word, why))| format!("{}:{}: `{word}`: {why}", path.display(), at + 1))
        .collect()
}

fn hosts_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("://").skip(1).filter_map(|rest| {
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').unwrap_or(rest.len());
        rest.get(..end).map(|host| host.trim_end_matches('.')).filter(|host| host.contains('.'))
    })
}

/// Names that are reserved for documentation (RFC 2606).
fn is_example(host: &str) -> bool {
    ["example", "example.com", "example.net", "example.org"]
        .iter()
        .any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

fn assert_none(violations: impl Iterator<Item = String>) {
    let violations: Vec<_> = violations.collect();
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

/// All Rust files of the project with their text.
fn sources() -> Vec<(PathBuf, String)> {
    let paths = files_below(&root()).into_iter().filter(|path| has_extension(path, "rs"));
    let sources: Vec<_> = paths.map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect();
    assert!(sources.len() > 10, "only {} Rust files found: the walk looks in the wrong place", sources.len());
    sources
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every file below a folder, in order, but for what git and cargo made.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let skipped = |path: &PathBuf| [".git", "target", "corpus"].iter().any(|name| path.ends_with(name));
    entries.retain(|path| !skipped(path) && !path.is_symlink());
    entries.into_iter().flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
