//! Puts a segment into the store, and reads it back: by length and by BLAKE3, because what a store says of its own
//! checksums differs from store to store, and only reading shows that what will be read is what was put.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayload};

use super::object::Stored;
use super::store::damaged;
use super::{ColdError, ColdStore};
use crate::disk::{DiskFile, read_exact_at};

/// Bytes of one request. Amazon S3 takes no part below 5 MiB but the last, and at most 10,000 parts.
const PART: u64 = 8 << 20;
/// How often a slow upload looks whether everything ends.
const LOOK: Duration = Duration::from_millis(50);

/// A segment on its way into the store.
pub(super) struct Upload<'a> {
    pub(super) store: &'a ColdStore,
    pub(super) stored: Stored,
    /// The segment's own file.
    pub(super) file: &'a dyn DiskFile,
    /// The hashes of its blocks.
    pub(super) sums: &'a [u8],
    /// Set once everything ends.
    pub(super) stop: &'a AtomicBool,
}

impl Upload<'_> {
    /// Puts the object into the store.
    pub(super) fn put(&self) -> io::Result<()> {
        self.store.is_there()?;
        if self.stored.object_bytes() > PART {
            return self.put_parts();
        }
        let payload = self.payload(0..self.stored.object_bytes())?;
        let (store, path) = (Arc::clone(self.store.objects()), self.path());
        self.ask(async move { store.put(&path, payload).await })?;
        self.pace(Instant::now(), self.stored.object_bytes())
    }

    fn put_parts(&self) -> io::Result<()> {
        let (store, path) = (Arc::clone(self.store.objects()), self.path());
        let mut upload = self.ask(async move { store.put_multipart(&path).await })?;
        if let Err(error) = self.parts(&mut *upload) {
            // If this fails too, the store's own rule for unfinished uploads removes the parts.
            let _ = self.ask(async move { upload.abort().await });
            return Err(error);
        }
        self.ask(async move { upload.complete().await })?;
        Ok(())
    }

    fn parts(&self, upload: &mut dyn MultipartUpload) -> io::Result<()> {
        let (start, end) = (Instant::now(), self.stored.object_bytes());
        let mut offset = 0;
        while offset < end {
            let next = end.min(offset + PART);
            let part = upload.put_part(self.payload(offset..next)?);
            self.ask(part)?;
            offset = next;
            self.pace(start, offset)?;
        }
        Ok(())
    }

    /// Reads the object back. `Ok` says that every byte is what was put.
    pub(super) fn prove(&self) -> io::Result<()> {
        let stored = &self.stored;
        let mut hasher = blake3::Hasher::new();
        let mut offset = 0;
        while offset < stored.length {
            let next = stored.length.min(offset + PART);
            hasher.update(&self.store.part(stored, offset..next, Some(self.stop))?);
            offset = next;
        }
        let sums = self
            .store
            .part(stored, stored.length..stored.object_bytes(), Some(self.stop))?;
        let proved = *hasher.finalize().as_bytes() == stored.content && sums == self.sums;
        proved.then_some(()).ok_or_else(|| damaged(stored).into())
    }

    fn path(&self) -> Path {
        Path::from(self.stored.object())
    }

    fn ask<T: Send + 'static>(
        &self,
        asking: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> Result<T, ColdError> {
        self.store.calls().ask(self.store.patience(), Some(self.stop), asking)
    }

    /// A part of the object, which is the file and then the hashes.
    fn payload(&self, range: Range<u64>) -> io::Result<PutPayload> {
        let of_file = range.start.min(self.stored.length)..range.end.min(self.stored.length);
        let size = |range: &Range<u64>| usize::try_from(range.end - range.start).map_err(io::Error::other);
        let mut bytes = vec![0; size(&of_file)?];
        read_exact_at(self.file, &mut bytes, of_file.start)?;
        let start = range.start.max(self.stored.length);
        if range.end > start {
            let behind = usize::try_from(start - self.stored.length).map_err(io::Error::other)?;
            let count = size(&(start..range.end))?;
            bytes.extend_from_slice(self.sums.get(behind..behind + count).unwrap_or_default());
        }
        Ok(Bytes::from(bytes).into())
    }

    /// Rests until so many bytes since `start` are not more than the rate allows.
    fn pace(&self, start: Instant, bytes: u64) -> io::Result<()> {
        let Some(rate) = self.store.settings().upload_rate.filter(|rate| *rate > 0) else {
            return Ok(());
        };
        let due = start + Duration::from_millis(bytes.saturating_mul(1_000) / rate);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(ColdError::Stopped.into());
            }
            std::thread::sleep(left.min(LOOK));
        }
    }
}
