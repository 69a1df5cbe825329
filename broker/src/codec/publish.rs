//! PUBLISH, as a client sends it.

use crate::codec::error::DecodeError;
use crate::codec::properties::{self, MISPLACED, Property, UserProperties};
use crate::codec::read::Reader;
use crate::codec::{QoS, Version, topic};

/// A publication of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// Whether the client says it sent this before.
    pub duplicate: bool,
    /// How surely it is to be handed over.
    pub qos: QoS,
    /// Whether it is to be retained.
    pub retain: bool,
    /// A topic name; empty where [`PublishProperties::topic_alias`] stands for one.
    pub topic: &'a str,
    /// 0 with QoS 0, otherwise 1 to 65,535.
    pub packet_id: u16,
    /// The message.
    pub payload: &'a [u8],
    /// What MQTT 5 adds; empty on 3.1.1.
    pub properties: PublishProperties<'a>,
}

/// The properties of a PUBLISH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublishProperties<'a> {
    /// Whether the client says the payload is UTF-8.
    pub payload_is_text: bool,
    /// Seconds after which the message is no longer wanted.
    pub message_expiry_s: Option<u32>,
    /// What the payload is.
    pub content_type: Option<&'a str>,
    /// Where an answer goes; a topic name.
    pub response_topic: Option<&'a str>,
    /// What the answer carries back.
    pub correlation_data: Option<&'a [u8]>,
    /// A number that stands for the topic from here on; never 0.
    pub topic_alias: Option<u16>,
    /// What it carries besides.
    pub user_properties: UserProperties<'a>,
}

pub(crate) fn decode(flags: u8, body: &[u8], version: Version) -> Result<Publish<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let qos = QoS::from_bits(flags >> 1 & 0b11)?;
    let duplicate = flags & 0b1000 != 0;
    if duplicate && qos == QoS::AtMostOnce {
        return Err(DecodeError::Malformed("a duplicate of QoS 0"));
    }
    let topic = reader.text()?;
    let packet_id = if qos == QoS::AtMostOnce { 0 } else { reader.packet_id()? };
    let mut properties = PublishProperties::default();
    if version == Version::V5 {
        properties = read_properties(&mut reader)?;
    }
    match (topic, properties.topic_alias) {
        ("", Some(_)) => {}
        ("", None) if version == Version::V5 => {
            return Err(DecodeError::Protocol("neither a topic nor an alias of one"));
        }
        (topic, _) if topic::is_name(topic) => {}
        _ => return Err(DecodeError::TopicName),
    }
    Ok(Publish {
        duplicate,
        qos,
        retain: flags & 1 != 0,
        topic,
        packet_id,
        payload: reader.rest(),
        properties,
    })
}

fn read_properties<'a>(reader: &mut Reader<'a>) -> Result<PublishProperties<'a>, DecodeError> {
    let mut kept = PublishProperties::default();
    let user_properties = properties::read(reader, |property| {
        match property {
            Property::PayloadFormat(is_text) => kept.payload_is_text = is_text,
            Property::MessageExpiry(seconds) => kept.message_expiry_s = Some(seconds),
            Property::ContentType(kind) => kept.content_type = Some(kind),
            Property::ResponseTopic(topic) if topic::is_name(topic) => kept.response_topic = Some(topic),
            Property::ResponseTopic(_) => return Err(DecodeError::TopicName),
            Property::CorrelationData(data) => kept.correlation_data = Some(data),
            Property::User(..) => {}
            Property::TopicAlias(0) => return Err(DecodeError::TopicAlias),
            Property::TopicAlias(alias) => kept.topic_alias = Some(alias),
            _ => return Err(MISPLACED),
        }
        Ok(())
    })?;
    kept.user_properties = user_properties;
    Ok(kept)
}
