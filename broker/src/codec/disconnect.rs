//! DISCONNECT, as a client sends it.

use crate::codec::error::DecodeError;
use crate::codec::properties::{self, MISPLACED, Property};
use crate::codec::read::Reader;
use crate::codec::{Reason, Version};

/// The client ends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect {
    /// 0x04 asks for the will nevertheless.
    pub reason: Reason,
    /// A new session expiry in seconds.
    pub session_expiry_s: Option<u32>,
}

pub(crate) fn decode(body: &[u8], version: Version) -> Result<Disconnect, DecodeError> {
    let mut disconnect = Disconnect {
        reason: Reason::SUCCESS,
        session_expiry_s: None,
    };
    let mut reader = Reader::new(body);
    if version == Version::V5 && !reader.is_empty() {
        disconnect.reason = Reason(reader.byte()?);
        if !reader.is_empty() {
            properties::read(&mut reader, |property| {
                match property {
                    Property::SessionExpiry(seconds) => disconnect.session_expiry_s = Some(seconds),
                    Property::ReasonString(_) | Property::User(..) => {}
                    _ => return Err(MISPLACED),
                }
                Ok(())
            })?;
        }
    }
    if reader.is_empty() {
        Ok(disconnect)
    } else {
        Err(DecodeError::Malformed("bytes after the DISCONNECT"))
    }
}
