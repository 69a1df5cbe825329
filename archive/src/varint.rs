//! Compact integers, and a scanner for bytes that may hold anything.

/// Most bytes [`put`] writes.
pub(crate) const VARINT_BYTES_MAX: usize = 10;

/// Appends seven bits a byte, low ones first.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // Only the low seven bits are kept; the mark says that more follow.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Walks over bytes from the disk; every step says `None` where they end or make no sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were walked over.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A count of things of at least one byte each, so that a lie cannot reserve memory.
    pub(crate) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(self.varint()?).ok()?;
        (count <= self.left()).then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_reads_back(value: u64) {
            let mut out = Vec::new();
            put(&mut out, value);
            prop_assert!(out.len() <= VARINT_BYTES_MAX);
            let mut scan = Scan::new(&out);
            prop_assert_eq!(scan.varint(), Some(value));
            prop_assert_eq!(scan.left(), 0);
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes: Vec<u8>) {
            let mut scan = Scan::new(&bytes);
            while scan.varint().is_some() {}
            prop_assert!(scan.position() <= bytes.len());
        }
    }
}
