//! Two network namespaces with cables between them, and what changes them: each change is a message that is made
//! beforehand, and the time is taken just before it is sent.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::UdpSocket;
use std::os::fd::AsFd as _;
use std::process::{Child, Command, ExitStatus, Stdio};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

pub(crate) use crate::common::{Fallible, ip, now};

const INSIDE: &str = "NETSESSION_BENCH_IS_INSIDE";

// linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE_EXCL: u16 = 0x600;
const IFF_UP: u32 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_NET_NS_PID: u16 = 19;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program again in namespaces of its own. `None`: it is there.
pub(crate) fn enter() -> Fallible<Option<ExitStatus>> {
    if is_inside() {
        return Ok(None);
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--mount"]).arg(std::env::current_exe()?);
    Ok(Some(unshare.args(std::env::args().skip(1)).env(INSIDE, "").status()?))
}

/// The calling thread's namespace, in which observers run, and the one with the far ends of the cables.
pub(crate) struct World {
    pub(crate) near: Kernel,
    pub(crate) far: Kernel,
    holder: Child,
}

impl World {
    pub(crate) fn new() -> Fallible<Self> {
        let mut holder = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        // A line says that it is in its namespace; it ends with its input.
        BufReader::new(holder.stdout.take().ok_or("no output")?).read_line(&mut String::new())?;
        let near = Kernel::open()?;
        let here = File::open("/proc/thread-self/ns/net")?;
        let there = File::open(format!("/proc/{}/ns/net", holder.id()))?;
        move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network))?;
        let far = Kernel::open();
        move_into_link_name_space(here.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(Self { near, far: far?, holder })
    }

    /// A cable from a link here to one there. The same number at both ends would make the kernel slow to tell of it.
    pub(crate) fn cable(&mut self, name: &str, index: u32) -> Fallible<()> {
        let far = index + 1_000;
        ip(&format!(
            "link add {name} index {index} type veth peer name {name}-far index {far} netns {}\n\
             link set {name} addrgenmode none\n",
            self.holder.id()
        ))?;
        self.near.change(&link_set(index, true))?;
        self.far.change(&link_set(far, true))?;
        Ok(())
    }

    /// Runs a command at the far ends.
    pub(crate) fn there(&self, command: &str) -> Fallible<()> {
        let mut nsenter = Command::new("nsenter");
        nsenter.args(["--net", "--target", &self.holder.id().to_string()]).args(command.split(' '));
        nsenter.status()?.success().then_some(()).ok_or_else(|| format!("{command:?} failed").into())
    }

    /// A socket at the far ends.
    pub(crate) fn listen(&self, address: &str) -> Fallible<UdpSocket> {
        let here = File::open("/proc/thread-self/ns/net")?;
        let there = File::open(format!("/proc/{}/ns/net", self.holder.id()))?;
        move_into_link_name_space(there.as_fd(), Some(LinkNameSpaceType::Network))?;
        let socket = UdpSocket::bind(address);
        move_into_link_name_space(here.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(socket?)
    }

    /// Whether there is carrier on a cable. The time just before.
    pub(crate) fn carrier(&mut self, index: u32, is_up: bool) -> Fallible<i64> {
        self.far.change(&link_set(index + 1_000, is_up))
    }

    /// The message that makes a cable by itself.
    pub(crate) fn link_add(&self, name: &str, index: u32) -> Vec<u8> {
        let peer = [
            link_header(index + 1_000, 0, 0),
            attribute(IFLA_IFNAME, format!("{name}-far\0").as_bytes()),
            attribute(IFLA_NET_NS_PID, &self.holder.id().to_ne_bytes()),
        ]
        .concat();
        let data = attribute(IFLA_INFO_DATA, &attribute(VETH_INFO_PEER, &peer));
        let info = [attribute(IFLA_INFO_KIND, b"veth"), data].concat();
        let body = [
            link_header(index, 0, 0),
            attribute(IFLA_IFNAME, format!("{name}\0").as_bytes()),
            attribute(IFLA_LINKINFO, &info),
        ];
        message(RTM_NEWLINK, NLM_F_CREATE_EXCL, &body.concat())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A netlink socket that asks for changes.
pub(crate) struct Kernel {
    socket: Socket,
}

impl Kernel {
    fn open() -> Fallible<Self> {
        let socket = Socket::new(NETLINK_ROUTE)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket })
    }

    /// Makes a change. The time just before.
    pub(crate) fn change(&mut self, message: &[u8]) -> Fallible<i64> {
        let at = now();
        self.socket.send(message, 0)?;
        let (answer, _) = self.socket.recv_from_full()?;
        let error = answer.get(16..20).and_then(|it| it.try_into().ok()).map(i32::from_ne_bytes);
        match error {
            Some(0) => Ok(at),
            Some(error) => Err(std::io::Error::from_raw_os_error(-error).into()),
            None => Err("the kernel did not answer".into()),
        }
    }
}

pub(crate) fn link_set(index: u32, is_up: bool) -> Vec<u8> {
    message(RTM_NEWLINK, 0, &link_header(index, if is_up { IFF_UP } else { 0 }, IFF_UP))
}

pub(crate) fn link_del(index: u32) -> Vec<u8> {
    message(RTM_DELLINK, 0, &link_header(index, 0, 0))
}

/// Adds or deletes 198.51.100.7/32.
pub(crate) fn address(index: u32, is_new: bool) -> Vec<u8> {
    let body = [
        vec![2, 32, 0, 0],
        index.to_ne_bytes().to_vec(),
        attribute(IFA_LOCAL, &[198, 51, 100, 7]),
        attribute(IFA_ADDRESS, &[198, 51, 100, 7]),
    ];
    let (kind, flags) = if is_new { (RTM_NEWADDR, NLM_F_CREATE_EXCL) } else { (RTM_DELADDR, 0) };
    message(kind, flags, &body.concat())
}

fn link_header(index: u32, flags: u32, change: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), change.to_ne_bytes()].concat()
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(16 + body.len()).unwrap_or_default();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((flags | NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(body);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap_or_default();
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
