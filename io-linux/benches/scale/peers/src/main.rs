//! The crates rtnetlink and if-watch as a side of the benches: they speak as `raw.c` does.
//!
//! `peers dump` and `peers watch`: rtnetlink on tokio, one thread. What it is told is put into a state; a loss is
//! counted, and what to do about it is left to the application, so nothing is done. `peers if-watch`: addresses only.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use rtnetlink::MulticastGroup;
use rtnetlink::sys::AsyncSocket;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::mpsc;

/// After so long without a word it is taken to have heard all.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Default)]
struct State {
    links: BTreeMap<u32, (LinkFlags, BTreeSet<String>)>,
    messages: u64,
    lost: u64,
    settled: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let what = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match what.as_str() {
            "dump" => rtnetlink_side(false).await,
            "watch" => rtnetlink_side(true).await,
            "if-watch" => if_watch_side().await,
            _ => Err("dump, watch or if-watch".into()),
        }
    })
}

async fn rtnetlink_side(is_watching: bool) -> Result<(), Box<dyn Error>> {
    let groups = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
    let (mut connection, handle, mut messages) = rtnetlink::new_multicast_connection(&groups)?;
    let _ = connection.socket_mut().socket_mut().set_netlink_get_strict_chk(true);
    tokio::spawn(connection);
    let (mut state, began) = (State::default(), now());
    let mut links = handle.link().get().execute();
    while let Some(link) = links.try_next().await? {
        state.link(&link, true);
    }
    let mut addresses = handle.address().get().execute();
    let mut rows = 0;
    while let Some(address) = addresses.try_next().await? {
        state.address(&address, true);
        rows += 1;
    }
    println!("ready {} {rows} {}", state.links.len(), now() - began);
    if !is_watching {
        return std::future::pending().await;
    }
    let mut input = lines();
    loop {
        tokio::select! {
            biased;
            Some((message, _)) = messages.next() => state.take(message.payload),
            line = input.recv() => {
                if line.is_none() {
                    return Ok(());
                }
                while let Ok(Some((message, _))) = tokio::time::timeout(QUIET, messages.next()).await {
                    state.take(message.payload);
                }
                state.say();
            }
        }
    }
}

async fn if_watch_side() -> Result<(), Box<dyn Error>> {
    let mut watcher = if_watch::tokio::IfWatcher::new()?;
    let (mut input, mut state, began) = (lines(), State::default(), now());
    // It says nothing that could be taken for the end of its first look; the first address is that of loopback.
    watcher.select_next_some().await?;
    println!("ready 0 0 {}", now() - began);
    loop {
        tokio::select! {
            biased;
            event = watcher.select_next_some() => { event?; state.hear(); }
            line = input.recv() => {
                if line.is_none() {
                    return Ok(());
                }
                while let Ok(event) = tokio::time::timeout(QUIET, watcher.select_next_some()).await {
                    event?;
                    state.hear();
                }
                state.say_head();
                let all = watcher.iter().map(|net| format!("{}/{}", net.addr(), net.prefix_len()));
                println!("0 active {}\nend", all.collect::<Vec<_>>().join(","));
            }
        }
    }
}

impl State {
    fn hear(&mut self) {
        self.messages += 1;
        self.settled = now();
    }

    fn take(&mut self, payload: NetlinkPayload<RouteNetlinkMessage>) {
        self.hear();
        match payload {
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(it)) => self.link(&it, true),
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(it)) => self.link(&it, false),
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(it)) => self.address(&it, true),
            NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(it)) => self.address(&it, false),
            NetlinkPayload::Overrun(_) => self.lost += 1,
            _ => {}
        }
    }

    fn link(&mut self, link: &LinkMessage, is_there: bool) {
        if is_there {
            self.links.entry(link.header.index).or_default().0 = link.header.flags;
        } else {
            self.links.remove(&link.header.index);
        }
    }

    fn address(&mut self, message: &AddressMessage, is_there: bool) {
        let (mut flags, mut local, mut peer) = (AddressFlags::empty(), None, None);
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Flags(it) => flags = *it,
                AddressAttribute::Local(it) => local = Some(*it),
                AddressAttribute::Address(it) => peer = Some(*it),
                _ => {}
            }
        }
        let Some(address) = local.or(peer) else { return };
        let unusable = AddressFlags::Tentative | AddressFlags::Deprecated | AddressFlags::Dadfailed;
        let is_local = match address {
            IpAddr::V4(it) => it.is_loopback(),
            IpAddr::V6(it) => it.is_unicast_link_local(),
        };
        let all = &mut self.links.entry(message.header.index).or_default().1;
        let text = format!("{address}/{}", message.header.prefix_len);
        if is_there && !is_local && !flags.intersects(unusable) {
            all.insert(text);
        } else {
            all.remove(&text);
        }
    }

    fn say(&self) {
        self.say_head();
        for (index, (flags, addresses)) in self.links.iter().filter(|(index, _)| **index > 1) {
            let level = if !flags.contains(LinkFlags::Up) {
                "discovered"
            } else if !flags.contains(LinkFlags::Running | LinkFlags::LowerUp) {
                "defined"
            } else if addresses.is_empty() {
                "discovered"
            } else {
                "active"
            };
            let all: Vec<&str> = addresses.iter().map(String::as_str).collect();
            println!("{index} {level} {}", all.join(","));
        }
        println!("end");
    }

    fn say_head(&self) {
        println!("settled {}\nmessages {}\nlost {}\nresynced", self.settled, self.messages, self.lost);
    }
}

/// What somebody asks: the state, each time.
fn lines() -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn now() -> i64 {
    let at = clock_gettime(ClockId::Monotonic);
    at.tv_sec * 1_000_000_000 + at.tv_nsec
}
