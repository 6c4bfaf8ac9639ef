//! Network namespaces of the process's own, and why the kernel may refuse them.
#![allow(unsafe_code)] // rustix marks `unshare` so for a flag about files that is not used here.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// A network namespace, kept alive by its descriptor.
pub(crate) struct Namespace(File);

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Moves this process, which must have one thread only, into a network namespace of its own: with the
/// privilege where there is one, else inside a user namespace, in which anybody has it.
///
/// # Errors
/// The kernel allows neither.
pub(crate) fn enter_own() -> io::Result<Namespace> {
    if unshare(UnshareFlags::NEWNET).is_err() {
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
        fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    }
    current()
}

/// Moves this process on into another new network namespace.
///
/// # Errors
/// The kernel refused.
pub(crate) fn enter_another() -> io::Result<Namespace> {
    unshare(UnshareFlags::NEWNET)?;
    current()
}

fn current() -> io::Result<Namespace> {
    File::open("/proc/thread-self/ns/net").map(Namespace)
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: the table of descriptors stays shared (no `FILES`), which is all that can go wrong.
    unsafe { unshare_unsafe(flags) }.map_err(Into::into)
}

/// What may keep a user from making namespaces on this machine, with the values found, a line each.
pub(crate) fn possible_causes() -> Vec<String> {
    let settings = [
        ("user/max_user_namespaces", "0 forbids user namespaces"),
        ("user/max_net_namespaces", "0 forbids network namespaces"),
        ("kernel/unprivileged_userns_clone", "0 keeps user namespaces for root (Debian's kernels)"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1 takes their rights away (Ubuntu's kernels)"),
    ];
    let mut causes: Vec<String> = settings
        .into_iter()
        .map(|(path, meaning)| {
            let value = fs::read_to_string(format!("/proc/sys/{path}"));
            let value =
                value.map_or_else(|_| "not on this kernel".to_owned(), |text| format!("= {}", text.trim()));
            format!("{} {value}: {meaning}", path.replace('/', "."))
        })
        .collect();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let seccomp = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim);
    causes.push(match seccomp {
        Some("0") => "seccomp: no filter on this process".to_owned(),
        Some(_) => "seccomp: a filter is on this process and may forbid it, as containers do".to_owned(),
        None => "seccomp: the kernel does not say whether a filter is on this process".to_owned(),
    });
    causes
}
