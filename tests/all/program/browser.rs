//! A browser without a window, driven by `chromedriver` over loopback (WebDriver, as the W3C defines it).
//!
//! Its profile is new and empty. What asks for other hosts is switched off; the tests run it in a network
//! namespace besides, in which there is nothing but loopback.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::support::{cannot_run, read_until, scratch};

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1400,1000",
];

/// A browser with one page.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one. `None`, said loudly, where there is none.
    pub(crate) fn start(name: &str) -> Option<Self> {
        for program in ["chromium", "chromedriver"] {
            let version =
                Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !version.is_ok_and(|status| status.success()) {
                cannot_run(&format!("{program} is not installed (Debian: chromium, chromium-driver)"));
                return None;
            }
        }
        let home = scratch(name);
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", &home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = driver.stdout.take().unwrap();
        read_until(&mut out, "successfully on port ");
        let port = read_until(&mut out, "\n").trim().trim_end_matches('.').parse().unwrap();
        let mut browser = Self { driver, port, session: String::new() };
        let profile = format!("--user-data-dir={}", home.join("profile").display());
        let arguments: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted =
            json!({"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}});
        let made = browser.say("POST", "/session", &json!({"capabilities": {"alwaysMatch": wanted}}));
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Opens a file, and returns when it has been loaded.
    pub(crate) fn open(&self, file: &Path) {
        self.ask("/url", &json!({"url": format!("file://{}", file.display())}));
    }

    /// What an expression of JavaScript is.
    pub(crate) fn value(&self, expression: &str) -> Value {
        self.ask("/execute/sync", &json!({"script": format!("return {expression};"), "args": []}))
    }

    /// Returns when an expression has become true, looking at it each time that the page is drawn.
    pub(crate) fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0]; const look = () => {{ \
             if ({expression}) done(null); else requestAnimationFrame(look); }}; look();"
        );
        self.ask("/execute/async", &json!({"script": script, "args": []}));
    }

    /// Moves the pointer to a place; with `to`, drags what is there to another.
    pub(crate) fn point(&self, at: (i64, i64), to: Option<(i64, i64)>) {
        let go = |(x, y): (i64, i64)| json!({"type": "pointerMove", "duration": 0, "x": x, "y": y});
        let mut steps = vec![go(at)];
        if let Some(to) = to {
            steps.extend([
                json!({"type": "pointerDown", "button": 0}),
                go(to),
                json!({"type": "pointerUp", "button": 0}),
            ]);
        }
        self.act(json!({"type": "pointer", "id": "mouse", "actions": steps}));
    }

    /// Turns the wheel over a place; a negative number is away from oneself.
    pub(crate) fn wheel(&self, (x, y): (i64, i64), by: i64) {
        let turn = json!({"type": "scroll", "duration": 0, "x": x, "y": y, "deltaX": 0, "deltaY": by});
        self.act(json!({"type": "wheel", "id": "wheel", "actions": [turn]}));
    }

    /// Presses a key, by what it writes or by WebDriver's own sign for it.
    pub(crate) fn press(&self, key: &str) {
        let steps = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.act(json!({"type": "key", "id": "keys", "actions": steps}));
    }

    /// Lets the page believe that its reader prefers this.
    pub(crate) fn prefer(&self, colour_scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": colour_scheme}]);
        let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
        self.ask("/goog/cdp/execute", &command);
    }

    /// What the pages of files complained about since the last call.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.ask("/se/log", &json!({"type": "browser"}));
        let is_from_a_file = |entry: &&Value| entry["message"].as_str().unwrap().contains("file:");
        log.as_array().unwrap().iter().filter(is_from_a_file).map(ToString::to_string).collect()
    }

    fn act(&self, source: Value) {
        self.ask("/actions", &json!({"actions": [source]}));
    }

    fn ask(&self, what: &str, body: &Value) -> Value {
        self.say("POST", &format!("{}{what}", self.session), body)
    }

    /// One request on a connection of its own.
    fn say(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .unwrap();
        // It keeps the connection, whatever it is asked: the length says where the answer ends.
        let head = read_until(&mut stream, "\r\n\r\n").to_ascii_lowercase();
        let length = head.split_once("content-length:").and_then(|(_, rest)| rest.lines().next()).unwrap();
        let mut answer = vec![0; length.trim().parse().unwrap()];
        stream.read_exact(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(head.starts_with("http/1.1 200 "), "{method} {path} {body}: {answer}");
        serde_json::from_str::<Value>(&answer).unwrap()["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.say("DELETE", &self.session, &json!({}));
        }
        // It takes its browser with it.
        super::support::signal(&self.driver, rustix::process::Signal::TERM);
        let _ = self.driver.wait();
    }
}
