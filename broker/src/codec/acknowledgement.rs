//! PUBACK, PUBREC, PUBREL and PUBCOMP, which have one shape.

use crate::codec::error::DecodeError;
use crate::codec::properties::{self, MISPLACED, Property};
use crate::codec::read::Reader;
use crate::codec::{Reason, Version};

/// The answer to a packet with an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The id answered; never 0.
    pub packet_id: u16,
    /// Always success on 3.1.1.
    pub reason: Reason,
}

pub(crate) fn decode(body: &[u8], version: Version) -> Result<Acknowledgement, DecodeError> {
    let mut reader = Reader::new(body);
    let packet_id = reader.packet_id()?;
    let mut reason = Reason::SUCCESS;
    if version == Version::V5 && !reader.is_empty() {
        reason = Reason(reader.byte()?);
        if !reader.is_empty() {
            properties::read(&mut reader, |property| match property {
                Property::ReasonString(_) | Property::User(..) => Ok(()),
                _ => Err(MISPLACED),
            })?;
        }
    }
    if reader.is_empty() {
        Ok(Acknowledgement { packet_id, reason })
    } else {
        Err(DecodeError::Malformed("bytes after an acknowledgement"))
    }
}
