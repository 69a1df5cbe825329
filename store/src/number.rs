//! Between the model's unsigned numbers and the database's signed ones.

use crate::Error;

/// For the database. Numbers and times here never reach 2^63; what does is stored as the largest there is.
pub(crate) fn to_row(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// From the database.
pub(crate) fn from_row(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| Error::Corrupt(format!("{value} where a number from 0 on was expected")))
}

/// A hash from the database.
pub(crate) fn hash_from_row(bytes: &[u8]) -> Result<[u8; 32], Error> {
    bytes
        .try_into()
        .map_err(|_| Error::Corrupt(format!("a hash of {} bytes", bytes.len())))
}

/// A name from the database.
pub(crate) fn name_from_row<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|_| Error::Corrupt(format!("`{text}` is not a name")))
}
