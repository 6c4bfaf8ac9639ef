//! Messages: a head, by which they are told apart, and a body of values.

use serde::{Deserialize, Serialize};
use zvariant::serialized::{Context, Data};
use zvariant::{DynamicType, Endian, ObjectPath, Signature, Type, Value, to_bytes};

use super::Closed;

/// A list of twenty thousand objects fits.
pub(crate) const LARGEST_BYTES: usize = 1024 * 1024;
/// A head names who and what; values take much more room when they are read than as bytes.
const LARGEST_HEAD_BYTES: u64 = 16 * 1024;
/// The part of the head that every message has.
const FIXED_BYTES: usize = 16;
const ALIGNMENT: usize = 8;
const VERSION: u8 = 1;
/// Who is not there is not started for us.
const NO_AUTO_START: u8 = 0x2;

// Fields of the head.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

type Head<'a> = (u8, u8, u8, u8, u32, u32, Vec<(u8, Value<'a>)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Reply,
    Error,
    Signal,
    /// Of a later version of the standard: to be ignored.
    Other,
}

/// A method to be called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) destination: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
}

/// A message that was read.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// The number of the call that this answers.
    pub(crate) reply_to: Option<u32>,
    pub(crate) sender: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) member: Option<String>,
    pub(crate) error: Option<String>,
    signature: Signature,
    body: Data<'static, 'static>,
}

impl Message {
    /// The body, if it is of this type.
    pub(crate) fn body<'d, T: Deserialize<'d> + Type>(&'d self) -> Option<T> {
        (self.signature == *T::SIGNATURE).then(|| self.body.deserialize().ok())?.map(|(body, _)| body)
    }

    /// How long its body is.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// Whether it has what its kind must have.
    const fn is_whole(&self) -> bool {
        match self.kind {
            Kind::Call => self.path.is_some() && self.member.is_some(),
            Kind::Reply => self.reply_to.is_some(),
            Kind::Error => self.reply_to.is_some() && self.error.is_some(),
            Kind::Signal => self.path.is_some() && self.interface.is_some() && self.member.is_some(),
            Kind::Other => true,
        }
    }
}

/// A call as bytes.
pub(super) fn written<B: Serialize + DynamicType>(
    serial: u32,
    call: &Call<'_>,
    body: &B,
) -> Result<Vec<u8>, zvariant::Error> {
    const CALL: u8 = 1;
    let context = Context::new_dbus(Endian::Little, 0);
    let signature = body.signature();
    let body = to_bytes(context, body)?;
    let mut fields = vec![
        (PATH, Value::from(ObjectPath::try_from(call.path)?)),
        (INTERFACE, Value::from(call.interface)),
        (MEMBER, Value::from(call.member)),
        (DESTINATION, Value::from(call.destination)),
    ];
    if signature != Signature::Unit {
        fields.push((SIGNATURE, Value::from(signature)));
    }
    let length = u32::try_from(body.len()).map_err(|_| zvariant::Error::OutOfBounds)?;
    let head: Head<'_> = (b'l', CALL, NO_AUTO_START, VERSION, length, serial, fields);
    let mut bytes = to_bytes(context, &head)?.to_vec();
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// How long the message is that begins here; `None` if too little of it is there to say.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, Closed> {
    let Some(fixed) = bytes.first_chunk::<FIXED_BYTES>() else { return Ok(None) };
    if fixed[3] != VERSION {
        return Err(Closed::Malformed("another version"));
    }
    let endian = endian(fixed[0])?;
    let number = |at: usize| {
        let [a, b, c, d] = [fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]];
        u64::from(match endian {
            Endian::Little => u32::from_le_bytes([a, b, c, d]),
            Endian::Big => u32::from_be_bytes([a, b, c, d]),
        })
    };
    let head = (number(12) + 16).next_multiple_of(8);
    let length = head + number(4);
    let is_allowed = |length: &usize| *length <= LARGEST_BYTES && head <= LARGEST_HEAD_BYTES;
    usize::try_from(length).ok().filter(is_allowed).map(Some).ok_or(Closed::TooLarge(length))
}

/// Reads a message from its bytes, neither more nor fewer.
pub(super) fn read(bytes: &[u8]) -> Result<Message, Closed> {
    let context = Context::new_dbus(endian(bytes.first().copied().unwrap_or_default())?, 0);
    let data = Data::new(bytes, context);
    let (head, end) = data.deserialize::<Head<'_>>().map_err(|_| Closed::Malformed("a wrong head"))?;
    let (_, kind, _, _, body_length, serial, fields) = head;
    let body = bytes.get(end.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
    if serial == 0 || usize::try_from(body_length) != Ok(body.len()) {
        return Err(Closed::Malformed("a wrong head"));
    }
    let mut message = Message {
        kind: match kind {
            0 => return Err(Closed::Malformed("of no kind")),
            1 => Kind::Call,
            2 => Kind::Reply,
            3 => Kind::Error,
            4 => Kind::Signal,
            _ => Kind::Other,
        },
        reply_to: None,
        sender: None,
        path: None,
        interface: None,
        member: None,
        error: None,
        signature: Signature::Unit,
        body: Data::new(body.to_vec(), context),
    };
    for (code, value) in fields {
        match (code, value) {
            (PATH, Value::ObjectPath(path)) => message.path = Some(path.to_string()),
            (INTERFACE, Value::Str(text)) => message.interface = Some(text.into()),
            (MEMBER, Value::Str(text)) => message.member = Some(text.into()),
            (ERROR_NAME, Value::Str(text)) => message.error = Some(text.into()),
            (REPLY_SERIAL, Value::U32(serial)) => message.reply_to = Some(serial),
            (SENDER, Value::Str(text)) => message.sender = Some(text.into()),
            (SIGNATURE, Value::Signature(signature)) => message.signature = signature,
            (DESTINATION, Value::Str(_)) => {}
            (0..=SIGNATURE, _) => return Err(Closed::Malformed("a wrong field of the head")),
            _ => {}
        }
    }
    if message.is_whole() { Ok(message) } else { Err(Closed::Malformed("a head without what it must have")) }
}

fn endian(byte: u8) -> Result<Endian, Closed> {
    match byte {
        b'l' => Ok(Endian::Little),
        b'B' => Ok(Endian::Big),
        _ => Err(Closed::Malformed("neither of the two orders of bytes")),
    }
}
