//! Bytes as choices, and datagrams made of them.

use std::time::Duration;

/// The bytes that have not been used.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

const HEADER_LENGTH: usize = 16;
const DELETE_LINK: u16 = 17;
/// Those that a kernel sends of links: RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR; and the end of a
/// dump, a refusal, and an overrun.
const KINDS: [u16; 8] = [16, 16, DELETE_LINK, 20, 21, 3, 2, 4];
/// AF_UNSPEC, AF_INET, AF_INET6, AF_BRIDGE.
const FAMILIES: [u8; 4] = [0, 2, 10, 7];
/// Ethernet, loopback, none.
const LAYERS: [u16; 4] = [1, 772, 65534, 519];
/// IFF_UP, IFF_LOOPBACK, IFF_POINTOPOINT, IFF_RUNNING, IFF_NOARP, IFF_LOWER_UP.
const FLAGS: [u32; 6] = [0x1, 0x8, 0x10, 0x40, 0x80, 0x1_0000];
/// All that the table reads of links and addresses, and one that it does not.
const ATTRIBUTES: [u16; 12] = [1, 2, 3, 8, 11, 18, 52 | 0x8000, 53, 54, 56, 57, 4];
/// Indexes that no kernel gives.
const STRANGE_INDEXES: [u32; 3] = [0, 1 << 31, u32::MAX];

impl<'a> Bytes<'a> {
    pub(super) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::from(self.next()?) % of.len()).copied()
    }

    fn up_to(&mut self, length: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        first
    }

    /// Few, so that messages are about the same links.
    pub(super) fn index(&mut self) -> u32 {
        match self.next().unwrap_or_default() % 12 {
            strange @ 8.. => self.pick(&STRANGE_INDEXES).unwrap_or_else(|| u32::from(strange)),
            usual => u32::from(usual),
        }
    }

    pub(super) fn optional_span(&mut self) -> Option<Duration> {
        self.next().filter(|millis| *millis != 0).map(|millis| Duration::from_millis(millis.into()))
    }

    /// The bytes as they stand, behind their length.
    pub(super) fn raw_datagram(&mut self) -> Vec<u8> {
        let length = [self.next().unwrap_or_default(), self.next().unwrap_or_default()];
        self.up_to(u16::from_le_bytes(length).into()).to_vec()
    }

    /// Up to three messages whose lengths are right.
    pub(super) fn built_datagram(&mut self) -> Vec<u8> {
        let count = self.next().unwrap_or_default() % 3 + 1;
        (0..count).flat_map(|_| self.message().unwrap_or_default()).collect()
    }

    fn message(&mut self) -> Option<Vec<u8>> {
        let kind = self.pick(&KINDS)?;
        let mut payload = vec![self.pick(&FAMILIES)?];
        let is_link = kind <= DELETE_LINK;
        if is_link {
            payload.push(0);
            payload.extend(self.pick(&LAYERS)?.to_ne_bytes());
        } else {
            // Length of the prefix, flags, scope.
            payload.extend([self.next()?, self.next()?, 0]);
        }
        payload.extend(self.index().to_ne_bytes());
        if is_link {
            let chosen = self.next()?;
            let flags = FLAGS.iter().enumerate().filter(|(at, _)| chosen >> at & 1 == 1);
            payload.extend(flags.fold(0, |flags, (_, flag)| flags | flag).to_ne_bytes());
            payload.extend([0; 4]);
        }
        for _ in 0..self.next()? % 8 {
            payload.extend(self.attribute()?);
        }
        Some(message(kind, &payload))
    }

    /// A value of up to 31 bytes; or, in a nest, one attribute with such a value.
    fn attribute(&mut self) -> Option<Vec<u8>> {
        let kind = self.pick(&ATTRIBUTES)?;
        let length = self.next()?;
        let value = self.up_to((length % 32).into());
        Some(match length / 32 {
            0..=3 => attribute(kind, value),
            // IFLA_INFO_KIND, IFLA_ALT_IFNAME
            4 | 5 => attribute(kind, &attribute(1, value)),
            _ => attribute(kind, &attribute(53, value)),
        })
    }
}

/// What says that a link has gone.
pub(super) fn deleted(index: u32) -> Vec<u8> {
    message(DELETE_LINK, &[&[0; 4], &index.to_ne_bytes()[..], &[0; 8]].concat())
}

fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER_LENGTH + payload.len()).unwrap_or(u32::MAX);
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.resize(HEADER_LENGTH, 0);
    bytes.extend(payload);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = u16::try_from(4 + value.len()).unwrap_or(u16::MAX).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
