//! The driver carried by calloop, as compositors and other programs with callbacks have it: one source for its
//! descriptor, one timer for its deadline.
//!
//! `cargo run --example loop_calloop -- eth0` opens a session on eth0 and prints what it is told until it is closed.
//! `… -- eth0 5000` gives up opening after so many milliseconds.

use std::time::{Duration, Instant};

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, LoopHandle, LoopSignal, Mode, PostAction, RegistrationToken};
use netsession_core::{Change, Event, Input, Settings};
use netsession_io_linux::{Driver, Session};

struct Program {
    driver: Driver,
    /// Closed when this is dropped.
    _session: Session,
    was_open: bool,
    source: LoopHandle<'static, Program>,
    timer: Option<RegistrationToken>,
    signal: LoopSignal,
    ended: Result<(), Box<dyn std::error::Error>>,
}

impl Program {
    /// After anything that may have moved the driver: when its descriptor is readable, when its deadline is due, and
    /// after commands to its sessions.
    fn turn(&mut self) {
        if let Err(error) = self.driver.turn() {
            eprintln!("{error}; the driver goes on");
        }
        while let Some(event) = self.driver.next_event() {
            self.on_event(&event);
        }
        if let Err(error) = self.set_timer(self.driver.next_deadline()) {
            self.end(Err(error));
        }
    }

    fn set_timer(&mut self, deadline: Option<Instant>) -> Result<(), Box<dyn std::error::Error>> {
        if let Some(timer) = self.timer.take() {
            self.source.remove(timer);
        }
        if let Some(deadline) = deadline {
            let timer = Timer::from_deadline(deadline);
            let is_due = |_, _: &mut (), program: &mut Self| {
                program.timer = None;
                program.turn();
                TimeoutAction::Drop
            };
            self.timer = Some(self.source.insert_source(timer, is_due).map_err(|error| error.error)?);
        }
        Ok(())
    }

    fn on_event(&mut self, event: &Event) {
        if let Event::Opened { .. } = event {
            println!("opened");
            self.was_open = true;
        } else if let Event::Closed { .. } = event {
            println!("closed");
            self.end(Ok(()));
        } else if let Event::Error { cause, .. } = event {
            if self.was_open {
                println!("lost: {cause}");
            } else {
                self.end(Err(format!("not opened: {cause}").into()));
            }
        } else {
            println!("{event:?}");
        }
    }

    fn end(&mut self, ended: Result<(), Box<dyn std::error::Error>>) {
        self.ended = ended;
        self.signal.stop();
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (link, timeout) = match arguments.as_slice() {
        [link] => (link, None),
        [link, timeout_ms] => (link, Some(Duration::from_millis(timeout_ms.parse()?))),
        _ => return Err("usage: loop_calloop LINK [TIMEOUT_MS]".into()),
    };
    let driver = Driver::new()?;
    let id = driver.find(link)?;
    if timeout.is_some() {
        let mut settings = Settings::default();
        settings.connect_timeout = timeout;
        driver.handle(Input::Change(Change::new(id.clone(), settings)))?;
    }
    let session = driver.session(&id);
    session.open();

    let mut event_loop = EventLoop::<Program>::try_new()?;
    let source = Generic::new(driver.clone(), Interest::READ, Mode::Level);
    let is_readable = |_, _: &mut _, program: &mut Program| {
        program.turn();
        Ok(PostAction::Continue)
    };
    event_loop.handle().insert_source(source, is_readable).map_err(|error| error.error)?;
    let mut program = Program {
        driver,
        _session: session,
        was_open: false,
        source: event_loop.handle(),
        timer: None,
        signal: event_loop.get_signal(),
        ended: Ok(()),
    };
    // What was commanded before the loop runs is answered in its first round.
    program.set_timer(Some(Instant::now()))?;
    event_loop.run(None, &mut program, |_| {})?;
    program.ended
}
