//! The properties of MQTT 5 a client may send.

use crate::codec::error::DecodeError;
use crate::codec::read::Reader;

/// One property, with its value checked as far as the value alone can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property<'a> {
    /// 0x01: the payload is UTF-8.
    PayloadFormat(bool),
    /// 0x02: seconds after which the message is no longer wanted.
    MessageExpiry(u32),
    /// 0x03: what the payload is.
    ContentType(&'a str),
    /// 0x08: where an answer goes; a topic name.
    ResponseTopic(&'a str),
    /// 0x09: what the answer carries back.
    CorrelationData(&'a [u8]),
    /// 0x0B: a number deliveries of this subscription carry; never 0.
    SubscriptionIdentifier(u32),
    /// 0x11: seconds the session outlives its connection; `u32::MAX` is for ever.
    SessionExpiry(u32),
    /// 0x15: the name of an extended authentication.
    AuthenticationMethod(&'a str),
    /// 0x16: data of the extended authentication.
    AuthenticationData(&'a [u8]),
    /// 0x17: whether reason strings are welcome.
    RequestProblemInformation(bool),
    /// 0x18: seconds between the end of the connection and the will.
    WillDelay(u32),
    /// 0x19: whether a response topic prefix is welcome.
    RequestResponseInformation(bool),
    /// 0x1F: a sentence for people.
    ReasonString(&'a str),
    /// 0x21: QoS 1 and 2 deliveries the client takes unacknowledged; never 0.
    ReceiveMaximum(u16),
    /// 0x22: topic aliases the client takes.
    TopicAliasMaximum(u16),
    /// 0x23: a number instead of the topic; never 0.
    TopicAlias(u16),
    /// 0x26: a name and a value of the client's own.
    User(&'a str, &'a str),
    /// 0x27: bytes of the largest packet the client takes; never 0.
    MaximumPacketSize(u32),
}

impl<'a> Property<'a> {
    fn read(identifier: u8, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match identifier {
            0x01 => Self::PayloadFormat(flag(reader)?),
            0x02 => Self::MessageExpiry(reader.four()?),
            0x03 => Self::ContentType(reader.text()?),
            0x08 => Self::ResponseTopic(reader.text()?),
            0x09 => Self::CorrelationData(reader.binary()?),
            0x0B => Self::SubscriptionIdentifier(not_zero(reader.variable()?)?),
            0x11 => Self::SessionExpiry(reader.four()?),
            0x15 => Self::AuthenticationMethod(reader.text()?),
            0x16 => Self::AuthenticationData(reader.binary()?),
            0x17 => Self::RequestProblemInformation(flag(reader)?),
            0x18 => Self::WillDelay(reader.four()?),
            0x19 => Self::RequestResponseInformation(flag(reader)?),
            0x1F => Self::ReasonString(reader.text()?),
            0x21 => Self::ReceiveMaximum(not_zero(reader.two()?)?),
            0x22 => Self::TopicAliasMaximum(reader.two()?),
            0x23 => Self::TopicAlias(reader.two()?),
            0x26 => Self::User(reader.text()?, reader.text()?),
            0x27 => Self::MaximumPacketSize(not_zero(reader.four()?)?),
            _ => return Err(DecodeError::Malformed("a property clients do not send")),
        })
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.byte()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Protocol("a flag that is neither 0 nor 1")),
    }
}

fn not_zero<T: Default + PartialEq>(value: T) -> Result<T, DecodeError> {
    if value == T::default() {
        Err(DecodeError::Protocol("a property that must not be 0"))
    } else {
        Ok(value)
    }
}

/// The user properties of a packet: its property block, checked once and then walked in place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserProperties<'a>(&'a [u8]);

impl<'a> UserProperties<'a> {
    /// Those inside a block that [`UserProperties::block`] gave.
    pub fn of_block(block: &'a [u8]) -> Self {
        Self(block)
    }

    /// The bytes they stand in, other properties included.
    pub fn block(self) -> &'a [u8] {
        self.0
    }

    /// Name and value of each, in their order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || {
            while let Ok(identifier) = reader.byte() {
                match Property::read(identifier, &mut reader) {
                    Ok(Property::User(name, value)) => return Some((name, value)),
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
            None
        })
    }
}

/// Reads a property block and hands each property to `keep`, which refuses those its packet does not have.
/// All but user properties may stand once. Gives the user properties.
pub(crate) fn read<'a>(
    reader: &mut Reader<'a>,
    mut keep: impl FnMut(Property<'a>) -> Result<(), DecodeError>,
) -> Result<UserProperties<'a>, DecodeError> {
    let length = usize::try_from(reader.variable()?).map_err(|_| DecodeError::Malformed("property length"))?;
    let bytes = reader.take(length)?;
    let mut block = Reader::new(bytes);
    let mut seen = 0_u64;
    while !block.is_empty() {
        // An identifier is a variable byte integer, but all that exist fit one byte.
        let identifier = block.byte()?;
        let property = Property::read(identifier, &mut block)?;
        if !matches!(property, Property::User(..)) {
            let bit = 1 << (identifier & 0x3f);
            if seen & bit != 0 {
                return Err(DecodeError::Protocol("a property that stands twice"));
            }
            seen |= bit;
        }
        keep(property)?;
    }
    Ok(UserProperties(bytes))
}

/// The answer of a packet to a property it does not have.
pub(crate) const MISPLACED: DecodeError = DecodeError::Protocol("a property this packet does not have");
