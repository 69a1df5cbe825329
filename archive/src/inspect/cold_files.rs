//! Segments that are only in the store, as those see them who count or copy files.

use std::io::{self, Write};

use super::Inspector;
use crate::cold::ledger;
use crate::segment;

/// Bytes copied at once: one request to the store.
const STRIDE: usize = 8 << 20;

/// A segment that is only in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColdFile {
    /// The name that its file would have in the folder.
    pub name: String,
    /// The name of its object, below the prefix of the store.
    pub object: String,
    /// Bytes of the segment.
    pub size: u64,
    /// BLAKE3 of the segment.
    pub blake3: [u8; 32],
}

impl Inspector {
    /// Segments that are only in the store, ascending.
    pub fn cold_files(&self) -> io::Result<Vec<ColdFile>> {
        let cold = self.tier.cold()?.into_iter();
        Ok(cold
            .map(|stored| ColdFile {
                name: segment::name(stored.no),
                object: stored.object(),
                size: stored.length,
                blake3: stored.content,
            })
            .collect())
    }

    /// The name of the file that lists them, if there is one.
    pub fn cold_ledger(&self) -> io::Result<Option<&'static str>> {
        let names = self.local.list()?;
        Ok(names.iter().any(|name| name == ledger::NAME).then_some(ledger::NAME))
    }

    /// Writes a segment of the log to `out`, from the folder or from the store; what comes from the store is proved.
    pub fn copy_segment(&self, name: &str, out: &mut dyn Write) -> io::Result<()> {
        let file = self.disk.open(name)?;
        let mut bytes = vec![0; STRIDE];
        let mut offset = 0;
        loop {
            let got = file.read_at(&mut bytes, offset)?;
            if got == 0 {
                return Ok(());
            }
            out.write_all(&bytes[..got])?;
            offset += got as u64;
        }
    }
}
