//! The crate if-watch: addresses and nothing else.

use futures::StreamExt;
use if_watch::tokio::IfWatcher;
use latency_peers::{now, ready, tell};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut watcher = IfWatcher::new()?;
    // What there is already: an address of the link, told as if it had come.
    while watcher.iter().next().is_none() {
        watcher.select_next_some().await?;
    }
    ready();
    loop {
        watcher.select_next_some().await?;
        tell(now(), "address");
    }
}
