//! The crate netwatch: the whole state, when it is another.

use latency_peers::{now, ready, tell};
use n0_watcher::Watcher as _;
use netwatch::netmon::Monitor;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let monitor = Monitor::new().await.expect("a monitor");
    let mut states = monitor.interface_state();
    let mut before = states.get();
    ready();
    while let Ok(state) = states.updated().await {
        let at = now();
        let of = |state: &netwatch::netmon::State, name: &str| {
            state.interfaces.get(name).map(|link| (link.is_up(), link.addrs().count()))
        };
        match (of(&before, "near"), of(&state, "near")) {
            (Some((was, _)), Some((is, _))) if was != is => tell(at, if is { "up" } else { "down" }),
            (Some((_, had)), Some((_, has))) if had != has => tell(at, "address"),
            _ => {}
        }
        match (of(&before, "extra"), of(&state, "extra")) {
            (None, Some(_)) => tell(at, "new"),
            (Some(_), None) => tell(at, "gone"),
            _ => {}
        }
        before = state;
    }
}
