//! The fixed header: where a packet ends, decided before its body is there.

use crate::codec::error::DecodeError;

/// One whole packet, still undecoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The packet type, 0 to 15.
    pub kind: u8,
    /// The low four bits of the first byte.
    pub flags: u8,
    /// Everything after the fixed header.
    pub body: &'a [u8],
    /// Bytes of the whole packet, the fixed header included.
    pub size: usize,
}

/// Bytes a whole packet may have on the wire, by the specification.
pub const SIZE_MAX: usize = 268_435_455 + 5;

/// Takes the first packet off `bytes`; `None` when more bytes are needed.
///
/// # Errors
/// `TooLarge` as soon as the fixed header claims more than `max` bytes for the whole packet, `Malformed` for a length
/// of more than four bytes.
pub fn split(bytes: &[u8], max: usize) -> Result<Option<Frame<'_>>, DecodeError> {
    let Some((&first, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let Some((body_length, length_bytes)) = remaining_length(rest)? else {
        return Ok(None);
    };
    let size = 1 + length_bytes + body_length;
    if size > max {
        return Err(DecodeError::TooLarge { size, max });
    }
    Ok(bytes.get(1 + length_bytes..size).map(|body| Frame {
        kind: first >> 4,
        flags: first & 0x0f,
        body,
        size,
    }))
}

/// The remaining length and the bytes it took; `None` when it is not complete.
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, DecodeError> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if bytes.len() < 4 {
        return Ok(None);
    }
    Err(DecodeError::Malformed("remaining length of more than four bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_length_is_refused_before_the_body_is_there() {
        let claim = [0x30, 0xff, 0xff, 0xff, 0x7f];
        assert_eq!(
            split(&claim, 1_000),
            Err(DecodeError::TooLarge {
                size: SIZE_MAX,
                max: 1_000
            })
        );
        assert!(split(&[0x30, 0xff, 0xff, 0xff, 0xff], SIZE_MAX).is_err());
    }

    #[test]
    fn an_unfinished_packet_waits_and_a_finished_one_leaves_the_rest() {
        assert_eq!(split(&[], 10), Ok(None));
        assert_eq!(split(&[0x30, 0x80], 10), Ok(None));
        assert_eq!(split(&[0x30, 0x02, 0x00], 10), Ok(None));
        let frame = split(&[0x32, 0x02, 7, 8, 9], 10).expect("valid").expect("complete");
        assert_eq!(
            (frame.kind, frame.flags, frame.body, frame.size),
            (3, 2, &[7, 8][..], 4)
        );
    }
}
