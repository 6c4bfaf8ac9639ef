//! What a link is called and which addresses it has, as the driver reports it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

/// The network interface of an access point that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Interface {
    /// The kernel's number. A link whose number changes was lost and is back (R-GEN-11).
    pub index: u32,
    /// The kernel's name.
    pub name: String,
    /// The usable addresses, in the driver's order.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub addresses: Vec<InterfaceAddress>,
}

impl Interface {
    /// An interface without addresses.
    #[must_use]
    pub fn new(index: u32, name: impl Into<String>) -> Self {
        Self { index, name: name.into(), addresses: Vec::new() }
    }

    /// The same with these addresses.
    #[must_use]
    pub fn with_addresses(self, addresses: Vec<InterfaceAddress>) -> Self {
        Self { addresses, ..self }
    }
}

/// An address and the length of its network's prefix: `192.0.2.7/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// Bits of the network's prefix: at most 32 for IPv4, 128 for IPv6.
    pub prefix_length: u8,
}

impl InterfaceAddress {
    /// `None` if the prefix is longer than the address.
    #[must_use]
    pub fn new(address: IpAddr, prefix_length: u8) -> Option<Self> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix_length <= longest).then_some(Self { address, prefix_length })
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_length)
    }
}

/// The text is not `ADDRESS/PREFIX-LENGTH`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address with a prefix length, such as 192.0.2.7/24")]
pub struct InvalidAddress(String);

impl FromStr for InterfaceAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        text.split_once('/')
            .and_then(|(address, prefix)| Self::new(address.parse().ok()?, prefix.parse().ok()?))
            .ok_or_else(|| InvalidAddress(text.into()))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for InterfaceAddress {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for InterfaceAddress {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn addresses_round_trip_and_bad_ones_are_named() {
        for text in ["192.0.2.7/24", "2001:db8::1/64", "0.0.0.0/0"] {
            assert_eq!(text.parse::<InterfaceAddress>().unwrap().to_string(), text);
        }
        for text in ["", "192.0.2.7", "192.0.2.7/33", "2001:db8::1/129", "x/8", "192.0.2.7/-1"] {
            assert!(text.parse::<InterfaceAddress>().unwrap_err().to_string().contains(text));
        }
    }
}
