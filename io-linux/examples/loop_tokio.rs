//! The driver carried by tokio: events are awaited while other tasks run.
//!
//! `cargo run --example loop_tokio -- eth0` opens a session on eth0 and prints what it is told until it is closed,
//! beside a task that does something else. `… -- eth0 5000` gives up opening after so many milliseconds.

use std::time::Duration;

use netsession_core::{Change, Event, Input, Settings};
use netsession_io_linux::Driver;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{interval, timeout_at};

/// A driver whose events are awaited. It stays in the thread that made it: for `block_on` and `spawn_local`.
struct AsyncDriver {
    carried: AsyncFd<Driver>,
}

impl AsyncDriver {
    #[allow(
        deprecated,
        reason = "its successor is unsafe, for what closes its descriptor early; a driver never does"
    )]
    fn new(driver: Driver) -> std::io::Result<Self> {
        Ok(Self { carried: AsyncFd::with_interest(driver, Interest::READABLE)? })
    }

    fn driver(&self) -> &Driver {
        self.carried.get_ref()
    }

    /// The next event. To be dropped before it is there loses nothing.
    async fn next_event(&self) -> Result<Event, Box<dyn std::error::Error>> {
        loop {
            if let Some(event) = self.driver().next_event() {
                return Ok(event);
            }
            let readable = self.carried.readable();
            let ready = match self.driver().next_deadline() {
                Some(deadline) => timeout_at(deadline.into(), readable).await.ok().transpose()?,
                None => Some(readable.await?),
            };
            // Before the turn, so that what comes during it is not forgotten.
            if let Some(mut ready) = ready {
                ready.clear_ready();
            }
            self.driver().turn()?;
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (link, timeout) = match arguments.as_slice() {
        [link] => (link, None),
        [link, timeout_ms] => (link, Some(Duration::from_millis(timeout_ms.parse()?))),
        _ => return Err("usage: loop_tokio LINK [TIMEOUT_MS]".into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(something_else());
        hold(&AsyncDriver::new(Driver::new()?)?, link, timeout).await
    })
}

/// Holds a session on a link until it is closed or cannot be opened.
async fn hold(
    carried: &AsyncDriver,
    link: &str,
    timeout: Option<Duration>,
) -> Result<(), Box<dyn std::error::Error>> {
    let driver = carried.driver();
    let id = driver.find(link)?;
    if timeout.is_some() {
        let mut settings = Settings::default();
        settings.connect_timeout = timeout;
        driver.handle(Input::Change(Change::new(id.clone(), settings)))?;
    }
    let session = driver.session(&id);
    session.open();
    let mut was_open = false;
    loop {
        let event = carried.next_event().await?;
        if let Event::Opened { .. } = event {
            println!("opened");
            was_open = true;
        } else if let Event::Closed { .. } = event {
            println!("closed");
            return Ok(());
        } else if let Event::Error { cause, .. } = event {
            if !was_open {
                return Err(format!("not opened: {cause}").into());
            }
            println!("lost: {cause}");
        } else {
            println!("{event:?}");
        }
    }
}

/// What else the program does.
async fn something_else() {
    let mut ticks = interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        println!("something else");
    }
}
