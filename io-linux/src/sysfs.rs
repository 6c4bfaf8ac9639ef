//! What sysfs knows of interfaces and netlink does not tell: which device is a radio, a modem, or Bluetooth.
//!
//! Sysfs may be that of another network namespace: it is believed only where it knows the interface by the same
//! index. Where it says nothing nothing is known.

use std::path::Path;

use crate::link_table::DeviceType;

/// What the device of an interface is.
pub(crate) fn device_type(index: u32, name: &str) -> Option<DeviceType> {
    device_type_below(Path::new("/sys/class/net"), index, name)
}

fn device_type_below(root: &Path, index: u32, name: &str) -> Option<DeviceType> {
    let directory = root.join(name);
    let about = std::fs::read_to_string(directory.join("uevent")).ok()?;
    let value = |key: &str| about.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    if value("IFINDEX")?.parse() != Ok(index) {
        return None;
    }
    match value("DEVTYPE") {
        Some("wwan") => Some(DeviceType::Wwan),
        Some("bluetooth") => Some(DeviceType::Bluetooth),
        Some("wlan") => Some(DeviceType::Wlan),
        // Drivers that are older than the word.
        _ => {
            ["phy80211", "wireless"].iter().any(|it| directory.join(it).exists()).then_some(DeviceType::Wlan)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_what_sysfs_says_of_the_interface_with_this_index() {
        let root = std::env::temp_dir().join(format!("netsession-sysfs-{}", std::process::id()));
        for (name, about) in [
            ("wlan0", "DEVTYPE=wlan\nINTERFACE=wlan0\nIFINDEX=2\n"),
            ("wwan0", "DEVTYPE=wwan\nINTERFACE=wwan0\nIFINDEX=2\n"),
            ("bnep0", "INTERFACE=bnep0\nIFINDEX=2\nDEVTYPE=bluetooth"),
            ("usb0", "DEVTYPE=gadget\nINTERFACE=usb0\nIFINDEX=2\n"),
            ("eth0", "INTERFACE=eth0\nIFINDEX=2\n"),
            ("old0", "INTERFACE=old0\nIFINDEX=2\n"),
            ("odd0", "DEVTYPE=wlan\nIFINDEX=x\nXIFINDEX=2\n"),
            ("bare0", "DEVTYPE=wlan\n"),
        ] {
            std::fs::create_dir_all(root.join(name)).unwrap();
            std::fs::write(root.join(name).join("uevent"), about).unwrap();
        }
        std::fs::create_dir(root.join("old0/wireless")).unwrap();
        let asked =
            ["wlan0", "wwan0", "bnep0", "usb0", "eth0", "old0", "odd0", "bare0", "none0"].map(|name| {
                let other = device_type_below(&root, 3, name);
                assert_eq!(other, None, "{name} of another namespace");
                device_type_below(&root, 2, name)
            });
        std::fs::remove_dir_all(&root).unwrap();
        let (wlan, wwan, bluetooth) =
            (Some(DeviceType::Wlan), Some(DeviceType::Wwan), Some(DeviceType::Bluetooth));
        assert_eq!(asked, [wlan, wwan, bluetooth, None, None, wlan, None, None, None]);
    }
}
