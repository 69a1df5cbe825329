//! Names that are made by chance: ids of messages and requests, the installation's unique code.

use crate::error::Error;

/// Bytes of chance.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store(Box::new(std::io::Error::other(error.to_string()))))?;
    Ok(bytes)
}

/// An id of a message: a UUID of version 7, so that the platform can tell a repeat that comes too late.
pub(crate) fn message_id(now_ms: u64, random: [u8; 10]) -> String {
    uuid::Builder::from_unix_timestamp_millis(now_ms, &random)
        .into_uuid()
        .hyphenated()
        .to_string()
}

/// A new unique code of an installation.
pub(crate) fn unique_code(random: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(random)
        .into_uuid()
        .simple()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_its_time_and_sorts_by_it() {
        let earlier = message_id(1_700_000_000_000, [0xff; 10]);
        let later = message_id(1_700_000_000_001, [0; 10]);
        assert!(earlier < later);
        let read = uuid::Uuid::parse_str(&earlier).expect("a UUID");
        assert_eq!(read.get_version_num(), 7);
    }
}
