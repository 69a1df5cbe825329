//! SUBSCRIBE and UNSUBSCRIBE: lists of filters, checked once and then walked in place.

use crate::codec::error::DecodeError;
use crate::codec::properties::{self, MISPLACED, Property};
use crate::codec::read::Reader;
use crate::codec::{QoS, Version};

/// Asks for one or more subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Never 0.
    pub packet_id: u16,
    /// MQTT 5: the client wants a number in its deliveries.
    pub subscription_identifier: Option<u32>,
    filters: &'a [u8],
}

/// Gives up one or more subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Never 0.
    pub packet_id: u16,
    filters: &'a [u8],
}

/// One filter of a SUBSCRIBE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Not empty; whether it is a valid filter is judged filter by filter.
    pub name: &'a str,
    /// The highest QoS the client wants deliveries with.
    pub qos: QoS,
    /// MQTT 5: whether what the client itself published stays away from it.
    pub no_local: bool,
}

impl<'a> Subscribe<'a> {
    /// The filters, in the order of their SUBACK codes; at least one.
    pub fn filters(&self) -> impl Iterator<Item = Filter<'a>> + use<'a> {
        let mut reader = Reader::new(self.filters);
        // The list was read to its end by `decode`, so an error here cannot occur.
        std::iter::from_fn(move || {
            if reader.is_empty() {
                None
            } else {
                filter(&mut reader, Version::V5).ok()
            }
        })
    }
}

impl<'a> Unsubscribe<'a> {
    /// The filters, in the order of their UNSUBACK codes; at least one.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut reader = Reader::new(self.filters);
        std::iter::from_fn(move || {
            if reader.is_empty() {
                None
            } else {
                name(&mut reader).ok()
            }
        })
    }
}

pub(crate) fn decode(body: &[u8], version: Version) -> Result<Subscribe<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let mut subscription_identifier = None;
    if version == Version::V5 {
        properties::read(&mut reader, |property| {
            match property {
                Property::SubscriptionIdentifier(number) => subscription_identifier = Some(number),
                Property::User(..) => {}
                _ => return Err(MISPLACED),
            }
            Ok(())
        })?;
    }
    let filters = reader.rest();
    not_empty(filters)?;
    while !reader.is_empty() {
        filter(&mut reader, version)?;
    }
    Ok(Subscribe {
        packet_id,
        subscription_identifier,
        filters,
    })
}

pub(crate) fn decode_unsubscribe(body: &[u8], version: Version) -> Result<Unsubscribe<'_>, DecodeError> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    if version == Version::V5 {
        properties::read(&mut reader, |property| match property {
            Property::User(..) => Ok(()),
            _ => Err(MISPLACED),
        })?;
    }
    let filters = reader.rest();
    not_empty(filters)?;
    while !reader.is_empty() {
        name(&mut reader)?;
    }
    Ok(Unsubscribe { packet_id, filters })
}

fn not_empty(filters: &[u8]) -> Result<(), DecodeError> {
    if filters.is_empty() {
        Err(DecodeError::Protocol("a list without filters"))
    } else {
        Ok(())
    }
}

fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    match reader.text()? {
        "" => Err(DecodeError::Malformed("an empty filter")),
        name => Ok(name),
    }
}

fn filter<'a>(reader: &mut Reader<'a>, version: Version) -> Result<Filter<'a>, DecodeError> {
    let filter = name(reader)?;
    let options = reader.byte()?;
    let reserved = if version == Version::V5 {
        0b1100_0000
    } else {
        0b1111_1100
    };
    if options & reserved != 0 {
        return Err(DecodeError::Malformed("reserved bits of a subscription"));
    }
    if options & 0b0011_0000 == 0b0011_0000 {
        return Err(DecodeError::Protocol("retain handling 3"));
    }
    // The retain options are read over: nothing is retained. 3.1.1 has no options: their bits are reserved.
    let no_local = options & 0b0000_0100 != 0;
    if no_local && super::topic::is_shared(filter) {
        return Err(DecodeError::Protocol("No Local on a shared subscription"));
    }
    Ok(Filter {
        name: filter,
        qos: QoS::from_bits(options & 0b11)?,
        no_local,
    })
}
