//! `netsession top` on a terminal, with links of its own to show.

use std::net::UdpSocket;

use rustix::process::Signal;

use super::namespace::{Namespace, kernel_tests};
use super::terminal::Terminal;
use super::until_some;
use crate::program::support::{netsession, run};

const UP: &str = "\u{1b}[A";
const DOWN: &str = "\u{1b}[B";

/// `eth0`, up and with an address, and `eth1`, down.
fn cables(namespace: &Namespace) {
    namespace.cable("eth0");
    namespace.cable("eth1");
    namespace.ip("addr add 192.0.2.7/24 dev eth0");
    namespace.ip("addr add 198.51.100.7/24 dev eth1");
    namespace.ip("link set eth0 up");
}

/// A view of them that has been drawn.
fn top(namespace: &Namespace, arguments: &[&str]) -> Terminal {
    cables(namespace);
    let mut terminal = Terminal::run(&[&["top"], arguments].concat());
    terminal.until_line(&["eth0", "active", "192.0.2.7/24"]);
    terminal.until_line(&["eth1"]);
    terminal
}

/// The end that q makes.
fn end(mut terminal: Terminal) {
    terminal.press("q");
    terminal.until_given_back();
    assert_eq!(terminal.ended().code(), Some(0));
}

kernel_tests! {
    fn it_shows_what_there_is_and_what_happens(namespace) {
        let mut terminal = top(namespace, &["--interval", "100"]);
        terminal.until_line(&["offline", "1 of 2 active", "counters every 100 ms", "q quit"]);
        terminal.until_line(&["CONFIG", "STATE", "RECEIVED", "SENT", "HELD", "INTERFACE", "ADDRESSES"]);
        namespace.pull("eth0");
        terminal.until_line(&["eth0", "defined"]);
        terminal.until_shown("eth0 is defined (changed: state");
        namespace.ip("link del eth1");
        terminal.until_shown("eth1 was removed");
        terminal.until_shown("0 of 1 active");
        end(terminal);
    }

    fn rates_become_numbers_and_lines(namespace) {
        let mut terminal = top(namespace, &["--interval", "100"]);
        terminal.press("k");
        terminal.until_line(&["received", "sent", "at most"]);
        namespace.ip("neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev eth0 nud permanent");
        let socket = UdpSocket::bind("192.0.2.7:0").unwrap();
        for _ in 0..500 {
            socket.send_to(&[0; 1000], "192.0.2.9:9").unwrap();
        }
        // Half a megabyte within a tenth of a second or two, which has passed and stays in the line.
        terminal.until_line(&["sent 0 B/s, at most ", "MB/s"]);
        assert!(terminal.text().contains('█'), "{}", terminal.text());
        end(terminal);
    }

    fn keys_choose_open_and_close(namespace) {
        let mut terminal = top(namespace, &[]);
        terminal.until("the first is chosen", |screen| Terminal::chosen(screen).starts_with("> eth0"));
        terminal.press(DOWN);
        terminal.until("the second is chosen", |screen| Terminal::chosen(screen).starts_with("> eth1"));
        terminal.press("j");
        terminal.press("o");
        terminal.until_line(&["session 1 on eth1 is open on eth1 198.51.100.7/24"]);
        terminal.until_line(&["eth1", "active", "   1 "]);
        terminal.press(UP);
        terminal.until("the first is chosen", |screen| Terminal::chosen(screen).starts_with("> eth0"));
        terminal.press("jc");
        terminal.until_line(&["session 1 on eth1 is disconnected"]);
        terminal.until_shown("session on eth1 closed");
        terminal.press("?");
        terminal.until_line(&["open a session on it"]);
        terminal.press("?");
        terminal.until("the help is gone", |screen| !screen.contents().contains("open a session on it"));
        end(terminal);
        assert!(namespace.ip("link show eth1").contains("state DOWN"));
    }

    fn a_session_that_it_holds_from_the_start_is_closed_at_the_end(namespace) {
        let mut terminal = top(namespace, &["--open", "eth1"]);
        terminal.until_line(&["session 1 on eth1 is open"]);
        terminal.signal(Signal::TERM);
        terminal.until_given_back();
        assert_eq!(terminal.ended().code(), Some(0));
        assert!(namespace.ip("link show eth1").contains("state DOWN"));
        let mut nosuch = Terminal::run(&["top", "--open", "nosuch"]);
        nosuch.until_shown("nosuch");
        assert_eq!(nosuch.ended().code(), Some(69));
    }

    fn it_survives_another_size_and_being_stopped(namespace) {
        let mut terminal = top(namespace, &[]);
        terminal.resize(30, 140);
        terminal.until_line(&["ADDRESSES", "TYPE", "BEARER"]);
        terminal.resize(8, 40);
        terminal.until("the narrow one is drawn", |screen| {
            screen.contents().lines().next().is_some_and(|line| line.contains("netsession"))
                && !screen.contents().contains("BEARER")
        });
        terminal.resize(24, 100);
        terminal.until_line(&["eth0", "192.0.2.7/24"]);
        // By its key and from outside.
        for from_outside in [false, true] {
            if from_outside { terminal.signal(Signal::TSTP) } else { terminal.press("\u{1a}") }
            terminal.until_given_back();
            until_some("it is stopped", || terminal.is_stopped().then_some(()));
            terminal.signal(Signal::CONT);
            terminal.until("it draws again", |screen| screen.alternate_screen());
            terminal.until_line(&["eth0", "192.0.2.7/24"]);
        }
        // What happened meanwhile is told.
        terminal.signal(Signal::TSTP);
        terminal.until_given_back();
        until_some("it is stopped", || terminal.is_stopped().then_some(()));
        namespace.pull("eth0");
        terminal.signal(Signal::CONT);
        terminal.until_shown("eth0 is defined");
        end(terminal);
    }

    fn it_ends_with_its_terminal(namespace) {
        let mut terminal = top(namespace, &[]);
        terminal.take_away();
        // By the hangup, or because nothing can be drawn any more.
        let code = terminal.ended().code();
        assert!(matches!(code, Some(0 | 74)), "{code:?}");
    }

    fn without_a_terminal_it_says_so(_namespace) {
        let ended = run(&mut netsession(&["top"]));
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
        assert!(ended.err.contains("terminal") && ended.err.contains("netsession monitor"), "{}", ended.err);
    }
}
