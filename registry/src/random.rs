//! The one place that takes randomness from the operating system.

use crate::error::Error;

/// Fresh random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Internal(format!("no randomness: {cause}")))?;
    Ok(bytes)
}
