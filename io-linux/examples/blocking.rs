//! Everything that a program needs that just waits: the first example of README.md, which a test compares with these.
//!
//! `cargo run --example blocking` opens a session on eth0.

use netsession_io_linux::{Driver, WaitResult};

fn main() -> Result<(), netsession_io_linux::Error> {
    let driver = Driver::new()?;
    let session = driver.session(&driver.find("eth0")?);
    session.open();
    let result = session.wait_for_opened(30_000);
    if result == WaitResult::Opened {
        println!("open on {:?}", session.interface());
    } else {
        println!("not open, {result:?}: {:?}", session.error_string());
    }
    Ok(())
}
