//! CONNECT: who opens the session, and what it asks for.

use crate::codec::error::DecodeError;
use crate::codec::properties::{self, MISPLACED, Property, UserProperties};
use crate::codec::read::Reader;
use crate::codec::{QoS, Version, topic};

/// A CONNECT packet. Fields MQTT 3.1.1 does not have hold the defaults of MQTT 5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// The specification asked for.
    pub version: Version,
    /// Clean session (3.1.1) or clean start (5).
    pub clean_start: bool,
    /// Seconds between two packets of the client at most; 0 is no limit.
    pub keep_alive_s: u16,
    /// May be empty.
    pub client_id: &'a str,
    /// What the client wants published when it vanishes.
    pub will: Option<Will<'a>>,
    /// The account.
    pub username: Option<&'a str>,
    /// The device token.
    pub password: Option<&'a [u8]>,
    /// Seconds the session outlives the connection: on 3.1.1 0 or for ever (`u32::MAX`), by the clean flag.
    pub session_expiry_s: u32,
    /// Deliveries of QoS 1 the client takes unacknowledged.
    pub receive_maximum: Option<u16>,
    /// Bytes of the largest packet the client takes.
    pub maximum_packet_size: Option<u32>,
    /// Whether reason strings are welcome outside CONNACK and DISCONNECT.
    pub wants_problem_information: bool,
    /// Whether the CONNACK is to say on which topics answers may be awaited.
    pub wants_response_information: bool,
    /// Topic aliases the client takes.
    pub topic_alias_maximum: u16,
    /// The name of an extended authentication.
    pub authentication_method: Option<&'a str>,
}

/// The last will of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    /// A topic name.
    pub topic: &'a str,
    /// Any bytes.
    pub payload: &'a [u8],
    /// How surely it is to be published.
    pub qos: QoS,
    /// Whether it is to be retained.
    pub retain: bool,
    /// Seconds to wait after the connection ended.
    pub delay_s: u32,
    /// Seconds after its publication when it is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// What it carries besides.
    pub user_properties: UserProperties<'a>,
}

const NAME: &[u8] = b"MQTT";
/// MQTT 3.1, read only to be refused with a code.
const OLD_NAME: &[u8] = b"MQIsdp";

pub(crate) fn decode(body: &[u8]) -> Result<Connect<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let version = version(&mut reader)?;
    let flags = Flags::read(reader.byte()?, version)?;
    let mut connect = Connect {
        version,
        clean_start: flags.clean_start,
        keep_alive_s: reader.two()?,
        client_id: "",
        will: None,
        username: None,
        password: None,
        session_expiry_s: if version == Version::V311 && !flags.clean_start {
            u32::MAX
        } else {
            0
        },
        receive_maximum: None,
        maximum_packet_size: None,
        wants_problem_information: true,
        wants_response_information: false,
        topic_alias_maximum: 0,
        authentication_method: None,
    };
    if version == Version::V5 {
        read_properties(&mut reader, &mut connect)?;
    }
    connect.client_id = reader.text()?;
    if let Some((qos, retain)) = flags.will {
        connect.will = Some(read_will(&mut reader, version, qos, retain)?);
    }
    if flags.username {
        connect.username = Some(reader.text()?);
    }
    if flags.password {
        connect.password = Some(reader.binary()?);
    }
    if reader.is_empty() {
        Ok(connect)
    } else {
        Err(DecodeError::Malformed("bytes after the CONNECT"))
    }
}

fn version(reader: &mut Reader<'_>) -> Result<Version, DecodeError> {
    let name = reader.binary()?;
    let level = reader.byte()?;
    match (name, level) {
        (NAME, 4) => Ok(Version::V311),
        (NAME, 5) => Ok(Version::V5),
        (NAME | OLD_NAME, level) => Err(DecodeError::UnsupportedVersion(level)),
        _ => Err(DecodeError::Malformed("not MQTT")),
    }
}

struct Flags {
    clean_start: bool,
    will: Option<(QoS, bool)>,
    username: bool,
    password: bool,
}

impl Flags {
    fn read(bits: u8, version: Version) -> Result<Self, DecodeError> {
        let bit = |at: u8| bits & (1 << at) != 0;
        if bit(0) {
            return Err(DecodeError::Malformed("reserved flag of the CONNECT"));
        }
        let will = if bit(2) {
            Some((QoS::from_bits(bits >> 3 & 0b11)?, bit(5)))
        } else if bits & 0b0011_1000 != 0 {
            return Err(DecodeError::Malformed("flags of a will that is not there"));
        } else {
            None
        };
        if version == Version::V311 && bit(6) && !bit(7) {
            return Err(DecodeError::Malformed("a password without a username"));
        }
        Ok(Self {
            clean_start: bit(1),
            will,
            username: bit(7),
            password: bit(6),
        })
    }
}

fn read_properties<'a>(reader: &mut Reader<'a>, connect: &mut Connect<'a>) -> Result<(), DecodeError> {
    let mut data_without_method = false;
    properties::read(reader, |property| {
        match property {
            Property::SessionExpiry(seconds) => connect.session_expiry_s = seconds,
            Property::ReceiveMaximum(count) => connect.receive_maximum = Some(count),
            Property::MaximumPacketSize(bytes) => connect.maximum_packet_size = Some(bytes),
            Property::RequestProblemInformation(wanted) => connect.wants_problem_information = wanted,
            Property::AuthenticationMethod(method) => connect.authentication_method = Some(method),
            Property::AuthenticationData(_) => data_without_method = true,
            Property::TopicAliasMaximum(count) => connect.topic_alias_maximum = count,
            Property::RequestResponseInformation(wanted) => connect.wants_response_information = wanted,
            Property::User(..) => {}
            _ => return Err(MISPLACED),
        }
        Ok(())
    })?;
    if data_without_method && connect.authentication_method.is_none() {
        return Err(DecodeError::Protocol("authentication data without a method"));
    }
    Ok(())
}

fn read_will<'a>(reader: &mut Reader<'a>, version: Version, qos: QoS, retain: bool) -> Result<Will<'a>, DecodeError> {
    let (mut delay_s, mut message_expiry_s, mut user_properties) = (0, None, UserProperties::default());
    if version == Version::V5 {
        user_properties = properties::read(reader, |property| {
            match property {
                Property::WillDelay(seconds) => delay_s = seconds,
                Property::MessageExpiry(seconds) => message_expiry_s = Some(seconds),
                Property::PayloadFormat(_)
                | Property::ContentType(_)
                | Property::ResponseTopic(_)
                | Property::CorrelationData(_)
                | Property::User(..) => {}
                _ => return Err(MISPLACED),
            }
            Ok(())
        })?;
    }
    let topic = reader.text()?;
    if !topic::is_name(topic) {
        return Err(DecodeError::TopicName);
    }
    Ok(Will {
        topic,
        payload: reader.binary()?,
        qos,
        retain,
        delay_s,
        message_expiry_s,
        user_properties,
    })
}
