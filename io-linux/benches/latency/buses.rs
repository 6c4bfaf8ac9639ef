//! NetworkManager and ConnMan, each on a bus of its own, in a mount namespace in which they find no settings and write
//! nothing that stays. What they tell is taken from dbus-monitor, which stamps what it gets as any client would.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::observers::{Heard, Observer};
use crate::world::{Fallible, now};

/// The links that have an address from the start, most preferred first.
pub(crate) type Links<'a> = &'a [(&'a str, &'a str)];

/// What may be written is in memory, and resolv.conf is a copy.
const APART: &str = "set -e
    for folder in /run /var/lib /etc/NetworkManager /etc/connman; do
        [ ! -d $folder ] || mount -t tmpfs tmpfs $folder
    done
    mkdir /var/lib/NetworkManager /var/lib/connman
    cp /etc/resolv.conf resolv.conf
    mount --bind resolv.conf /etc/resolv.conf
    mount --rbind /sys /sys
    mount -o remount,bind,ro /sys
    [ ! -e settings.config ] || cp settings.config /var/lib/connman/
    exec \"$@\"";

/// NetworkManager, which waits so long after a loss of carrier.
pub(crate) fn network_manager(folder: &Path, links: Links<'_>, carrier_wait_ms: u32) -> Fallible<Observer> {
    let folder = fresh(folder, "network-manager")?;
    let connections = folder.join("connections");
    std::fs::create_dir_all(&connections)?;
    for (place, (link, address)) in links.iter().enumerate() {
        let file = connections.join(format!("{link}.nmconnection"));
        let metric = 100 * (place + 1);
        let text = format!(
            "[connection]\nid={link}\ntype=ethernet\ninterface-name={link}\n[ipv4]\nmethod=manual\naddress1={address}/24\n\
             route1=0.0.0.0/0,0.0.0.0,{metric}\nroute-metric={metric}\n[ipv6]\nmethod=disabled\n"
        );
        std::fs::write(&file, text)?;
        // Others are not read.
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    }
    let text = format!(
        "[main]\nplugins=keyfile\ndns=none\nno-auto-default=*\nauth-polkit=false\n[keyfile]\npath={}\n\
         [device]\nmatch-device=*\nmanaged=1\ncarrier-wait-timeout={carrier_wait_ms}\n[connectivity]\nenabled=false\n",
        connections.display()
    );
    std::fs::write(folder.join("settings.conf"), text)?;
    let daemon = "NetworkManager --no-daemon --config settings.conf --config-dir none --system-config-dir none \
                  --intern-config none.conf --state-file state --pid-file pid";
    let mut member = String::new();
    on_bus(&folder, daemon, links.len(), move |header, line| {
        if let Some(header) = header {
            member = header.to_owned();
        }
        let is_of = |what: &str| member.contains(what);
        if header.is_some() && is_of("/IP4Config/") && is_of("member=PropertiesChanged") {
            return Some("address");
        } else if header.is_some() && is_of("member=DeviceAdded") {
            return Some("new");
        } else if header.is_some() && is_of("member=DeviceRemoved") {
            return Some("gone");
        } else if is_of("NetworkManager.Device; member=StateChanged")
            && let Some(state) = line.trim().strip_prefix("uint32 ")
        {
            // The first number is the new state.
            member.clear();
            return match state.parse().unwrap_or(0_u32) {
                0..=20 => Some("down"),
                100 => Some("up moved activated"),
                21.. => Some("up"),
            };
        }
        None
    })
}

/// ConnMan.
pub(crate) fn connman(folder: &Path, links: Links<'_>) -> Fallible<Observer> {
    let folder = fresh(folder, "connman")?;
    let mut text = String::new();
    for (link, address) in links {
        text += &format!(
            "[service_{link}]\nType=ethernet\nDeviceName={link}\nIPv4={address}/255.255.255.0\nIPv6=off\n"
        );
    }
    std::fs::write(folder.join("settings.config"), text)?;
    std::fs::write(
        folder.join("main.conf"),
        "[General]\nAllowHostnameUpdates=false\nAllowDomainnameUpdates=false\nEnableOnlineCheck=false\n\
         PreferredTechnologies=ethernet\n",
    )?;
    let names: Vec<_> = links.iter().map(|(link, _)| *link).chain(["extra"]).collect();
    let daemon = format!(
        "unshare --uts connmand --nodaemon --nodnsproxy --config=main.conf --device={}",
        names.join(",")
    );
    let mut member = String::new();
    on_bus(&folder, &daemon, links.len(), move |header, line| {
        if let Some(header) = header {
            member = header.to_owned();
        }
        if !member.contains("net.connman.Service; member=PropertyChanged") {
            return None;
        }
        match line.trim() {
            "string \"State\"" => member += " state",
            "string \"IPv4\"" => return Some("address"),
            "variant             string \"ready\"" | "variant             string \"online\"" => {
                return Some("up moved activated");
            }
            other if member.ends_with(" state") && other.starts_with("variant") => {
                let is_coming = other.contains("association") || other.contains("configuration");
                return (!is_coming).then_some("down");
            }
            _ => {}
        }
        None
    })
}

fn fresh(folder: &Path, name: &str) -> Fallible<PathBuf> {
    let folder = folder.join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A bus, the daemon on it, and dbus-monitor, whose lines `read` understands: with the header where a line is one.
/// Ready when so many links are activated.
fn on_bus(
    folder: &Path,
    daemon: &str,
    links: usize,
    mut read: impl FnMut(Option<&str>, &str) -> Option<&'static str> + Send + 'static,
) -> Fallible<Observer> {
    for program in [
        "dbus-daemon",
        "dbus-monitor",
        daemon
            .split("connmand")
            .next()
            .map_or("", |it| if it.len() == daemon.len() { "NetworkManager" } else { "connmand" }),
    ] {
        let found = Command::new("sh").args(["-c", "command -v \"$0\" >/dev/null", program]).status()?;
        found.success().then_some(()).ok_or_else(|| format!("{program} is not installed"))?;
    }
    let address = format!("unix:path={}", folder.join("bus").display());
    let bus = start_bus(folder, &address)?;
    let mut monitor = Command::new("dbus-monitor");
    monitor.args(["--address", &address, "type='signal'"]).stderr(Stdio::null());
    let log = std::fs::File::create(folder.join("log"))?;
    let mut manager = Command::new("unshare");
    manager.args(["--mount", "sh", "-c", APART, "sh"]).args(daemon.split_whitespace()).current_dir(folder);
    manager.env("DBUS_SYSTEM_BUS_ADDRESS", &address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let needed = vec![manager.spawn()?, bus];
    let (mut at, mut left) = (0, links);
    Observer::start(monitor, needed, move |line| {
        let header = line.starts_with("signal time=").then_some(line);
        if let Some(stamp) = header.and_then(|it| it.split(['=', ' ']).nth(2)) {
            at = monotonic(stamp)?;
        }
        let word = read(header, line)?;
        if left > 0 && word.ends_with("activated") {
            left -= 1;
            if left == 0 {
                return Some(Heard::Ready);
            }
        }
        Some(Heard::Told(at, word.to_owned()))
    })
}

/// Seconds and microseconds of the time of day, by the clock of everything else here.
fn monotonic(stamp: &str) -> Option<i64> {
    let (seconds, micros) = stamp.split_once('.')?;
    let micros = seconds.parse::<i64>().ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
    let day = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    Some(micros * 1_000 - (day.tv_sec * 1_000_000_000 + day.tv_nsec) + now())
}

/// Returns when it listens.
fn start_bus(folder: &Path, address: &str) -> Fallible<Child> {
    let text = format!(
        "<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
         <allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/><allow receive_sender=\"*\"/>\
         <allow eavesdrop=\"true\"/></policy></busconfig>"
    );
    std::fs::write(folder.join("bus.conf"), text)?;
    let mut bus = Command::new("dbus-daemon");
    bus.arg(format!("--config-file={}", folder.join("bus.conf").display()));
    bus.args(["--nofork", "--nopidfile", "--print-address=1"]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut bus = bus.stdout(Stdio::piped()).spawn()?;
    BufReader::new(bus.stdout.take().ok_or("no output")?).read_line(&mut String::new())?;
    Ok(bus)
}
