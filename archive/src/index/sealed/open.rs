//! Opens a sealed index, trusting only what its checksums cover.

use std::io;

use godwit_model::ServerId;

use super::build::{HEADER_BYTES, MAGIC, UNCHECKED_BYTES, VERSION};
use super::filter::Filter;
use super::table::{Extent, Table};
use super::{CONVERSATION_WIDTH, INBOX_WIDTH, POINT_WIDTH, SealedIndex, is_missing, name};
use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::segment::{self, Segment};
use crate::state::State;
use crate::varint::Scan;

/// A sound index, and what its segment changed in the state.
pub(crate) struct Opened {
    pub(crate) index: SealedIndex,
    delta: Vec<u8>,
}

impl Opened {
    /// What the segment changed in the state; `None` if it makes no sense.
    pub(crate) fn delta(&self) -> Option<State> {
        State::decode(&self.delta)
    }
}

pub(super) struct Header {
    pub(super) no: u64,
    pub(super) salt: u64,
    first_ms: u64,
    last_ms: u64,
    first_id: ServerId,
    last_id: ServerId,
    pub(super) extents: [Extent; 4],
    pub(super) sections: [Section; 3],
}

#[derive(Clone, Copy)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) length: u64,
    checksum: u32,
}

/// Opens the index of a segment; `None` if it is missing or damaged and must be built again.
pub(crate) fn open(disk: &dyn Disk, no: u64) -> io::Result<Option<Opened>> {
    match disk.open(&name(no)).and_then(|file| read(disk, no, &file)) {
        Err(error) if is_missing(&error) => Ok(None),
        other => other,
    }
}

fn read(disk: &dyn Disk, no: u64, file: &std::sync::Arc<dyn DiskFile>) -> io::Result<Option<Opened>> {
    let mut bytes = [0; HEADER_BYTES];
    read_exact_at(&**file, &mut bytes, 0)?;
    let Some(header) = header(&bytes).filter(|header| header.no == no) else {
        return Ok(None);
    };
    let [fences, filter, delta] = header.sections;
    let (Some(fences), Some(filter), Some(delta)) = (
        section(&**file, fences)?,
        section(&**file, filter)?,
        section(&**file, delta)?,
    ) else {
        return Ok(None);
    };
    // The salt is here as well, so a lost segment header costs nothing.
    let segment = Segment {
        no,
        salt_number: header.salt,
        file: disk.open(&segment::name(no))?,
    };
    let index = assemble(&header, segment, file.clone(), (&fences, filter));
    Ok(index.map(|index| Opened { index, delta }))
}

fn assemble(
    header: &Header,
    segment: Segment,
    file: std::sync::Arc<dyn DiskFile>,
    (fences, filter): (&[u8], Vec<u8>),
) -> Option<SealedIndex> {
    let mut rest = Scan::new(fences);
    let mut tables = header
        .extents
        .iter()
        .zip([INBOX_WIDTH, CONVERSATION_WIDTH, POINT_WIDTH, POINT_WIDTH])
        .map(|(extent, width)| {
            let own = rest.bytes(Table::fence_bytes(*extent, width)?)?;
            Table::new(*extent, width, own.to_vec())
        });
    Some(SealedIndex {
        segment,
        file,
        first_ms: header.first_ms,
        last_ms: header.last_ms,
        first_id: header.first_id,
        last_id: header.last_id,
        inboxes: tables.next()??,
        conversations: tables.next()??,
        messages: tables.next()??,
        originals: tables.next()??,
        filter: Filter::from_bytes(filter)?,
    })
}

pub(super) fn header(bytes: &[u8; HEADER_BYTES]) -> Option<Header> {
    let mut scan = Scan::new(bytes);
    let known = scan.bytes(8)? == MAGIC && scan.u32()? == VERSION;
    if !known || scan.u32()? != crc32c::crc32c(&bytes[UNCHECKED_BYTES..]) {
        return None;
    }
    let (no, salt, first_ms, last_ms) = (scan.u64()?, scan.u64()?, scan.u64()?, scan.u64()?);
    let (first_id, last_id) = (ServerId(scan.u128()?), ServerId(scan.u128()?));
    let mut extents = [Extent::default(); 4];
    for extent in &mut extents {
        *extent = Extent {
            offset: scan.u64()?,
            entries: scan.u64()?,
        };
    }
    let mut sections = [Section {
        offset: 0,
        length: 0,
        checksum: 0,
    }; 3];
    for section in &mut sections {
        *section = Section {
            offset: scan.u64()?,
            length: scan.u64()?,
            checksum: scan.u32()?,
        };
    }
    Some(Header {
        no,
        salt,
        first_ms,
        last_ms,
        first_id,
        last_id,
        extents,
        sections,
    })
}

pub(super) fn section(file: &dyn DiskFile, section: Section) -> io::Result<Option<Vec<u8>>> {
    // A length from a checked header; still, the file says whether it can be true.
    if section.offset.saturating_add(section.length) > file.size()? {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(section.length).map_err(io::Error::other)?];
    read_exact_at(file, &mut bytes, section.offset)?;
    Ok((crc32c::crc32c(&bytes) == section.checksum).then_some(bytes))
}
