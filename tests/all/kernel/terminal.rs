//! A terminal for a program under test: a pseudoterminal of the kernel, and an emulator that keeps its screen.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::FOR_EVER;
use crate::program::support::{program, signal};

/// A program on a terminal of its own.
pub(super) struct Terminal {
    keyboard: Option<File>,
    /// The program's end, kept so that its modes can be looked at when the program has ended.
    line: File,
    emulator: vt100::Parser,
    pub(super) child: Child,
}

impl Terminal {
    /// Runs the program on a terminal of 24 lines and 100 columns.
    pub(super) fn run(arguments: &[&str]) -> Self {
        let keyboard =
            File::from(openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap());
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let line = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let end = || Stdio::from(line.try_clone().unwrap());
        // Makes it the terminal of a new session, so that keys and its size become signals.
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(program())
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        let mut terminal = Self {
            emulator: vt100::Parser::default(),
            child: command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap(),
            keyboard: Some(keyboard),
            line,
        };
        terminal.resize(24, 100);
        terminal
    }

    /// Has so many lines and columns from now on.
    pub(super) fn resize(&mut self, lines: u16, columns: u16) {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let some = |count| std::num::NonZero::new(count).unwrap();
        self.emulator.screen_mut().set_size(some(lines), some(columns));
        tcsetwinsize(self.keyboard.as_ref().unwrap(), size).unwrap();
    }

    /// Presses keys.
    pub(super) fn press(&mut self, keys: &str) {
        self.keyboard.as_ref().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Takes in what the program draws until the screen is so.
    pub(super) fn until(&mut self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let (mut bytes, end) = ([0; 4096], Instant::now() + FOR_EVER);
        while !is_so(self.emulator.screen()) {
            let mut keyboard = self.keyboard.as_ref().unwrap();
            let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
            let is_drawn = poll(&mut [PollFd::new(keyboard, PollFlags::IN)], Some(&left)) == Ok(1);
            let read = if is_drawn { keyboard.read(&mut bytes).unwrap_or(0) } else { 0 };
            assert!(read > 0, "the screen is still not so: {what}\n{}", self.text());
            self.emulator.process(&bytes[..read]);
        }
    }

    /// The same until this stands on the screen.
    pub(super) fn until_shown(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// The same until some line has all of these.
    pub(super) fn until_line(&mut self, words: &[&str]) {
        self.until(&words.join(" … "), |screen| {
            let has_all = |line: &str| words.iter().all(|word| line.contains(word));
            screen.contents().lines().any(has_all)
        });
    }

    /// What stands on the screen.
    pub(super) fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    /// The line that stands out.
    pub(super) fn chosen(screen: &vt100::Screen) -> String {
        let (lines, columns) = screen.size();
        let (lines, columns) = (lines.get(), columns.get());
        let stands_out = |line: &u16| screen.cell(*line, 3).is_some_and(vt100::Cell::inverse);
        let line = (0..lines).find(stands_out);
        line.map(|line| screen.contents_between(line, 0, line, columns)).unwrap_or_default()
    }

    /// Returns when the program has given the terminal back: its screen, its cursor, and its modes.
    pub(super) fn until_given_back(&mut self) {
        self.until("the terminal is given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor()
        });
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG), "{modes:?}");
    }

    /// Whether the kernel has stopped the program.
    pub(super) fn is_stopped(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        status.contains("\nState:\tT")
    }

    pub(super) fn signal(&self, number: rustix::process::Signal) {
        signal(&self.child, number);
    }

    /// Takes the terminal away.
    pub(super) fn take_away(&mut self) {
        self.keyboard = None;
    }

    /// How the program ends.
    pub(super) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
