//! The C library, by a C program that uses and misuses every function on real links.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::built;
use crate::program::support::{Ended, cannot_run, in_namespace, run, scratch};

const CAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../io-linux/capi");

/// Compiles the C program so. `None`, said loudly, where there is no compiler.
fn compiled(compiler: &str, arguments: &[&str], name: &str, libraries: &[&str]) -> Option<PathBuf> {
    let program = scratch(name).join("session");
    let mut command = Command::new(compiler);
    command.args(arguments).args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread", "-g"]);
    command.args(["-I", &format!("{CAPI}/include"), &format!("{CAPI}/tests/session.c"), "-x", "none"]);
    let output = match command.arg("-o").arg(&program).args(libraries).output() {
        Ok(output) => Ended::from(output),
        Err(error) => {
            cannot_run(&format!("cannot run {compiler}: {error}; install gcc and g++"));
            return None;
        }
    };
    assert_eq!((output.status, output.err.as_str()), (Some(0), ""));
    Some(program)
}

fn assert_good(ended: &Ended) {
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "all is as it should be\n"), "{ended:?}");
}

#[test]
fn a_c_program_uses_and_misuses_the_shared_library_and_valgrind_has_nothing_to_say() {
    if let Err(error) = Command::new("valgrind").arg("--version").output() {
        cannot_run(&format!("cannot run valgrind: {error}; install valgrind"));
        return;
    }
    let library = built::library("libnetsession.so");
    let folder = library.parent().and_then(Path::to_str).unwrap();
    let libraries = ["-L", folder, "-lnetsession", &format!("-Wl,-rpath,{folder}")];
    let Some(program) = compiled("cc", &["-std=c11"], "c", &libraries) else { return };
    let script = "exec valgrind --quiet --error-exitcode=99 --leak-check=full --num-callers=40 \
                  --errors-for-leak-kinds=definite,indirect,possible $C_PROGRAM";
    let Some(mut command) = in_namespace(script) else { return };
    let ended = run(command.env("C_PROGRAM", program));
    assert_good(&ended);
    assert_eq!(ended.err, "", "valgrind has something to say");
}

#[test]
fn the_same_program_in_cpp_with_the_static_library() {
    let library = built::library("libnetsession.a");
    let libraries = [library.to_str().unwrap(), "-lgcc_s", "-lutil", "-lrt", "-lm", "-ldl"];
    let Some(program) = compiled("c++", &["-std=c++11", "-x", "c++"], "cpp", &libraries) else { return };
    let Some(mut command) = in_namespace("exec $C_PROGRAM") else { return };
    assert_good(&run(command.env("C_PROGRAM", program)));
}

#[test]
fn the_shared_library_exports_what_the_header_declares_and_nothing_else() {
    let library = built::library("libnetsession.so");
    let mut exported = match Command::new("nm").args(["-D", "--defined-only"]).arg(&library).output() {
        Ok(output) => names(&Ended::from(output).out, |line| line.split(' ').nth(2)),
        Err(error) => {
            cannot_run(&format!("cannot run nm: {error}; install binutils"));
            return;
        }
    };
    exported.sort_unstable();
    let header = std::fs::read_to_string(Path::new(CAPI).join("include/netsession.h")).unwrap();
    let mut declared = names(&header, |line| {
        line.strip_prefix("netsession_result ").and_then(|rest| rest.split('(').next())
    });
    declared.sort_unstable();
    assert!(declared.len() > 20, "{declared:?}");
    assert_eq!(exported, declared);
}

fn names(text: &str, name: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    text.lines().filter_map(|line| name(line).map(str::to_owned)).collect()
}
