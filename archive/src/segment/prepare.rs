//! Makes the next segment in the background, so that no commit waits for 64 MiB of zeros.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::{HEADER_BYTES, Segment, header, name};
use crate::disk::{Disk, is_full};

/// Bytes of zeros written at once.
const STRIDE: usize = 1 << 20;

/// The thread that makes segments, one ahead.
pub(crate) struct Preparer {
    requests: Option<SyncSender<u64>>,
    prepared: Receiver<io::Result<Segment>>,
    /// The segment that was asked for, or found by the recovery.
    next: Next,
    thread: Option<JoinHandle<()>>,
}

enum Next {
    Nothing,
    Requested,
    Ready(Segment),
}

impl Preparer {
    /// Starts the thread; `ready` is an empty segment found at the start.
    pub(crate) fn start(disk: Arc<dyn Disk>, segment_bytes: u64, ready: Option<Segment>) -> io::Result<Self> {
        let (requests, asked) = sync_channel(1);
        let (answer, prepared) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("archive-prepare".into())
            .spawn(move || {
                while let Ok(no) = asked.recv() {
                    if answer.send(prepare(&*disk, no, segment_bytes)).is_err() {
                        return;
                    }
                }
            })?;
        let next = ready.map_or(Next::Nothing, Next::Ready);
        Ok(Self {
            requests: Some(requests),
            prepared,
            next,
            thread: Some(thread),
        })
    }

    /// Asks for a segment, unless one is there or on its way.
    pub(crate) fn request(&mut self, no: u64) {
        if matches!(self.next, Next::Nothing)
            && let Some(requests) = &self.requests
            && requests.send(no).is_ok()
        {
            self.next = Next::Requested;
        }
    }

    /// The next segment, waiting for it if need be. After a failure it is tried once more, because the disk may
    /// have got room since.
    pub(crate) fn take(&mut self, no: u64) -> io::Result<Segment> {
        let failed_before = match self.wait() {
            Some(Ok(segment)) => return Ok(segment),
            Some(Err(error)) if !is_full(&error) => return Err(error),
            Some(Err(_)) | None => {
                self.request(no);
                self.wait()
            }
        };
        failed_before.unwrap_or_else(|| Err(io::Error::other("the thread that prepares segments has ended")))
    }

    fn wait(&mut self) -> Option<io::Result<Segment>> {
        match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::Nothing => None,
            Next::Ready(segment) => Some(Ok(segment)),
            Next::Requested => self.prepared.recv().ok(),
        }
    }
}

impl Drop for Preparer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // The thread holds nothing that a panic could leave half done.
            let _ = thread.join();
        }
    }
}

/// Makes a segment full of zeros and durable, under its final name only once it is whole.
pub(crate) fn prepare(disk: &dyn Disk, no: u64, segment_bytes: u64) -> io::Result<Segment> {
    let temporary = format!("{}.tmp", name(no));
    let made = fill(disk, &temporary, no, segment_bytes);
    if made.is_err() {
        // A half-made file would only take room; a start removes it if this fails too.
        let _ = disk.remove(&temporary);
    }
    made
}

fn fill(disk: &dyn Disk, temporary: &str, no: u64, segment_bytes: u64) -> io::Result<Segment> {
    let mut salt = [0; 8];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    let salt = u64::from_le_bytes(salt);
    let file = match disk.create(temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(temporary)?;
            disk.create(temporary)?
        }
        other => other?,
    };
    file.reserve(segment_bytes)?;
    let zeros = vec![0; STRIDE];
    let mut offset = 0;
    while offset < segment_bytes {
        let count = usize::try_from(segment_bytes - offset).map_or(STRIDE, |left| left.min(STRIDE));
        file.write_at(&zeros[..count], offset)?;
        offset += count as u64;
    }
    debug_assert!(segment_bytes > HEADER_BYTES);
    file.write_at(&header(no, salt, segment_bytes), 0)?;
    file.sync_data()?;
    disk.rename(temporary, &name(no))?;
    disk.sync_directory()?;
    Ok(Segment::opened(no, salt, file))
}
