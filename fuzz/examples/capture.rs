//! Writes seeds for the target `link_table`: what this kernel says of its links while `ip` changes them.
//!
//! ```sh
//! unshare --user --map-root-user --net \
//!     cargo run --manifest-path fuzz/Cargo.toml --example capture -- fuzz/found/link_table
//! ```

use std::path::Path;
use std::process::Command;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR
const GROUPS: [u32; 3] = [1, 5, 9];
const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;
const NLMSG_DONE: u16 = 3;

/// The steps of the target, by numbers that it reads as such.
const NOTIFIED: u8 = 5;
const DUMPED: u8 = 9;
const ADOPT: u8 = 10;
const FLUSH: u8 = 11;

/// What happens in each, command by command of `ip`. All is dumped before the first link is deleted.
const SCENES: &[(&str, &[&str])] = &[
    ("loopback", &["link set lo up"]),
    (
        "veth",
        &[
            "link add v0 type veth peer name v1",
            "link set v0 up",
            "addr add 198.51.100.1/30 dev v0",
            "link set v1 up",
            "link set v1 down",
            "link del v0",
        ],
    ),
    (
        "bridge",
        &[
            "link add b0 type bridge",
            "link add d1 type veth peer name d1p",
            "link set d1 master b0",
            "link set b0 up",
            "link set d1 nomaster",
            "link del b0",
            "link del d1",
        ],
    ),
    (
        "names",
        &[
            "link add d2 type veth peer name d2p",
            "link property add dev d2 altname office",
            "link set d2 name eth0",
            "link set eth0 address 02:00:00:00:00:01",
            "link property del dev eth0 altname office",
            "link del eth0",
        ],
    ),
    (
        "addresses",
        &[
            "link add d3 type veth peer name d3p",
            "link set d3p up",
            "link set d3 up",
            "addr add 192.0.2.1 peer 192.0.2.2/32 dev d3",
            "addr add 2001:db8::1/64 dev d3",
            "addr change 2001:db8::1/64 dev d3 preferred_lft 0",
            "addr add 239.1.1.1/32 dev d3 autojoin",
            "addr flush dev d3",
            "link del d3",
        ],
    ),
    ("tunnel", &["tuntap add t0 mode tun", "link set t0 up", "link del t0"]),
];

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or("name the folder to write to")?;
    for (name, commands) in SCENES {
        let (mut scene, mut is_dumped) = (vec![0], false);
        let listener = listener()?;
        for command in *commands {
            if command.starts_with("link del") && !is_dumped {
                scene.push(FLUSH);
                dump(&mut scene)?;
                is_dumped = true;
            }
            let status = Command::new("ip").args(command.split(' ')).status()?;
            if !status.success() {
                eprintln!("{name}: `ip {command}` failed here; the scene goes on without it");
            }
            while let Ok((datagram, _)) = listener.recv_from_full() {
                step(&mut scene, NOTIFIED, &datagram)?;
            }
        }
        std::fs::write(Path::new(&folder).join(name), &scene)?;
        println!("{name}: {} bytes", scene.len());
    }
    Ok(())
}

fn step(scene: &mut Vec<u8>, kind: u8, datagram: &[u8]) -> Result<()> {
    scene.push(kind);
    scene.extend(u16::try_from(datagram.len())?.to_le_bytes());
    scene.extend(datagram);
    Ok(())
}

fn listener() -> Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.set_non_blocking(true)?;
    socket.bind_auto()?;
    for group in GROUPS {
        socket.add_membership(group)?;
    }
    Ok(socket)
}

fn dump(scene: &mut Vec<u8>) -> Result<()> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    for kind in [RTM_GETLINK, RTM_GETADDR] {
        let mut request = 32_u32.to_ne_bytes().to_vec();
        request.extend(kind.to_ne_bytes());
        // NLM_F_REQUEST | NLM_F_DUMP, then a number, a port, and no link in particular.
        request.extend(0x301_u16.to_ne_bytes());
        request.resize(32, 0);
        socket.send_to(&request, &SocketAddr::new(0, 0), 0)?;
        loop {
            let (part, _) = socket.recv_from_full()?;
            step(scene, DUMPED, &part)?;
            if part.get(4..6) == Some(&NLMSG_DONE.to_ne_bytes()) {
                break;
            }
        }
    }
    scene.push(ADOPT);
    Ok(())
}
