//! One file of the log: its name, its header, and how a frame is read from it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::frame::{self, FrameKind, Salt};
use crate::varint::Scan;

pub(crate) mod length;
pub(crate) mod open_files;
pub(crate) mod prepare;

use open_files::OpenFiles;

/// Bytes before the first frame.
pub(crate) const HEADER_LENGTH: usize = 64;
pub(crate) const HEADER_BYTES: u64 = HEADER_LENGTH as u64;
/// Where the first frame stands.
pub(crate) const FIRST_OFFSET: u32 = 64;
const MAGIC: &[u8; 8] = b"GODWITSG";
pub(crate) const VERSION: u32 = 1;
const CHECKED: usize = 28;

/// Where a frame starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Location {
    pub(crate) segment: u64,
    pub(crate) offset: u32,
}

impl Location {
    /// Stands for a record that is nowhere.
    pub(crate) const NOWHERE: Self = Self { segment: 0, offset: 0 };
}

/// The name of a segment's file.
pub(crate) fn name(no: u64) -> String {
    format!("segment-{no:016x}.log")
}

/// The number in a segment's file name.
pub(crate) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok())?
}

/// A segment that can be read.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) no: u64,
    /// The number checksums start from; unguessable, so that no client can write something that looks like ours.
    pub(crate) salt_number: u64,
    source: Source,
}

#[derive(Clone)]
enum Source {
    /// The segment is being written, or waits to be sealed.
    Open(Arc<dyn DiskFile>),
    /// The segment is sealed: its file is opened when it is read, and may be swapped for a rewritten one.
    Sealed(Arc<OpenFiles>),
}

/// What a header said.
pub(crate) enum Header {
    Sound(Segment),
    /// A version this program does not know.
    Unknown(u32),
    /// No header of ours.
    Damaged,
}

/// The first bytes of a segment.
pub(crate) fn header(no: u64, salt: u64, length: u64) -> [u8; HEADER_LENGTH] {
    let mut bytes = [0; HEADER_LENGTH];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[12..20].copy_from_slice(&no.to_le_bytes());
    bytes[20..CHECKED].copy_from_slice(&salt.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..CHECKED]);
    bytes[CHECKED..CHECKED + 4].copy_from_slice(&checksum.to_le_bytes());
    length::put(&mut bytes, length);
    bytes
}

/// Opens a segment by its header.
pub(crate) fn open(disk: &dyn Disk, no: u64) -> io::Result<Header> {
    let file = disk.open(&name(no))?;
    let mut bytes = [0; HEADER_LENGTH];
    if file.read_at(&mut bytes, 0)? < bytes.len() {
        return Ok(Header::Damaged);
    }
    let Some(parsed) = parse(&bytes).filter(|parsed| parsed.no == no) else {
        return Ok(Header::Damaged);
    };
    if parsed.version != VERSION {
        return Ok(Header::Unknown(parsed.version));
    }
    Ok(Header::Sound(Segment::opened(no, parsed.salt, file)))
}

/// What a sound header says.
pub(crate) struct Parsed {
    pub(crate) version: u32,
    pub(crate) no: u64,
    pub(crate) salt: u64,
}

/// Reads a header; `None` if it is not one of ours.
pub(crate) fn parse(bytes: &[u8; HEADER_LENGTH]) -> Option<Parsed> {
    let mut scan = Scan::new(bytes);
    let magic = scan.bytes(8)?;
    let parsed = Parsed {
        version: scan.u32()?,
        no: scan.u64()?,
        salt: scan.u64()?,
    };
    let sound = magic == MAGIC && scan.u32()? == crc32c::crc32c(&bytes[..CHECKED]);
    sound.then_some(parsed)
}

/// Enough for most frames in one read.
const FIRST_READ: usize = 1024;

impl Segment {
    /// A segment whose file stays open.
    pub(crate) fn opened(no: u64, salt_number: u64, file: Arc<dyn DiskFile>) -> Self {
        let source = Source::Open(file);
        Self {
            no,
            salt_number,
            source,
        }
    }

    /// A segment whose file is opened when it is read.
    pub(crate) fn sealed(no: u64, salt_number: u64, files: &Arc<OpenFiles>) -> Self {
        let source = Source::Sealed(Arc::clone(files));
        Self {
            no,
            salt_number,
            source,
        }
    }

    /// Its file, opening it if need be.
    pub(crate) fn file(&self) -> io::Result<Arc<dyn DiskFile>> {
        match &self.source {
            Source::Open(file) => Ok(Arc::clone(file)),
            Source::Sealed(files) => files.get(self.no),
        }
    }

    pub(crate) fn salt(&self) -> Salt {
        Salt::new(self.salt_number)
    }

    /// Reads the frame at `offset`; `None` if its bytes are not what was written.
    pub(crate) fn frame(&self, offset: u32) -> io::Result<Option<(FrameKind, Bytes)>> {
        self.frame_until(offset, None)
    }

    /// The same, giving up at `until` if the segment is in a store.
    pub(crate) fn frame_until(&self, offset: u32, until: Option<Instant>) -> io::Result<Option<(FrameKind, Bytes)>> {
        let offset = u64::from(offset);
        let file = self.file()?;
        let read = |buffer: &mut [u8], offset| match until {
            Some(until) => file.read_at_until(buffer, offset, until),
            None => file.read_at(buffer, offset),
        };
        let mut bytes = vec![0; FIRST_READ];
        let got = read(&mut bytes, offset)?;
        bytes.truncate(got);
        let Some(size) = frame::claimed_size(&bytes) else {
            return Ok(None);
        };
        if size > bytes.len() {
            let length = file.size()?;
            if offset.saturating_add(size as u64) > length {
                return Ok(None);
            }
            bytes.resize(size, 0);
            if read(&mut bytes[got..], offset + got as u64)? < size - got {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        bytes.truncate(size);
        let Some(kind) = frame::read(&bytes, self.salt()).map(|frame| frame.kind) else {
            return Ok(None);
        };
        Ok(Some((kind, Bytes::from(bytes).slice(frame::FRAME_BYTES..))))
    }
}
