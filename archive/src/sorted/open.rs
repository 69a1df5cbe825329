//! Opens a file of tables, trusting only what its checksums cover.

use std::io;
use std::sync::Arc;

use super::table::{Extent, Table};
use super::{Format, HEADER_BYTES, Section, UNCHECKED_BYTES};
use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::varint::Scan;

/// An open file of tables.
pub(crate) struct Opened {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) bytes: u64,
    /// In the order in which they were written.
    pub(crate) tables: Vec<Table>,
    /// Those that are no fences, in the order in which they were written.
    sections: Vec<Section>,
    pub(crate) meta: Vec<u8>,
}

/// Opens a file; `None` if it is missing or cannot be trusted.
pub(crate) fn open(disk: &dyn Disk, name: &str, format: Format) -> io::Result<Option<Opened>> {
    match disk.open(name).and_then(|file| read(file, format)) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => Ok(None),
        other => other,
    }
}

/// Where everything is in a file.
pub(super) struct Directory {
    pub(super) tables: Vec<(usize, Extent, bool)>,
    pub(super) sections: Vec<Section>,
    pub(super) meta: Vec<u8>,
}

fn read(file: Arc<dyn DiskFile>, format: Format) -> io::Result<Option<Opened>> {
    let bytes = file.size()?;
    let mut header = [0; HEADER_BYTES];
    read_exact_at(&*file, &mut header, 0)?;
    let Some(place) = place(&header, format) else {
        return Ok(None);
    };
    let Some(listed) = section(&*file, place, bytes)? else {
        return Ok(None);
    };
    let Some(directory) = directory(&listed) else {
        return Ok(None);
    };
    let mut sections = directory.sections.into_iter().peekable();
    let mut tables = Vec::with_capacity(directory.tables.len());
    for (width, extent, fenced) in directory.tables {
        let fences = match sections.next_if(|_| fenced) {
            Some(fences) => section(&*file, fences, bytes)?,
            None if fenced => None,
            None => Some(Vec::new()),
        };
        let Some(table) = fences.and_then(|fences| Table::new(extent, width, fences, fenced)) else {
            return Ok(None);
        };
        tables.push(table);
    }
    let sections = sections.collect();
    Ok(Some(Opened {
        file,
        bytes,
        tables,
        sections,
        meta: directory.meta,
    }))
}

impl Opened {
    /// Bytes of a section; `None` if there is none, or it is damaged.
    pub(crate) fn section(&self, at: usize) -> io::Result<Option<Vec<u8>>> {
        match self.sections.get(at) {
            Some(place) => section(&*self.file, *place, self.bytes),
            None => Ok(None),
        }
    }
}

/// Where the directory is, if the header is sound.
pub(super) fn place(header: &[u8; HEADER_BYTES], format: Format) -> Option<Section> {
    let mut scan = Scan::new(header);
    let known = scan.bytes(8)? == format.magic && scan.u32()? == format.version;
    let sound = scan.u32()? == crc32c::crc32c(&header[UNCHECKED_BYTES..]);
    let place = Section {
        offset: scan.u64()?,
        length: scan.u64()?,
        checksum: scan.u32()?,
    };
    (known && sound).then_some(place)
}

/// Reads the directory of a file.
pub(super) fn directory(bytes: &[u8]) -> Option<Directory> {
    let mut scan = Scan::new(bytes);
    let mut tables = Vec::new();
    for _ in 0..scan.count()? {
        let width = usize::try_from(scan.varint()?).ok()?;
        let extent = Extent {
            offset: scan.varint()?,
            entries: scan.varint()?,
        };
        tables.push((width, extent, scan.u8()? != 0));
    }
    let mut sections = Vec::new();
    for _ in 0..scan.count()? {
        sections.push(Section {
            offset: scan.varint()?,
            length: scan.varint()?,
            checksum: scan.u32()?,
        });
    }
    let length = scan.count()?;
    let meta = scan.bytes(length)?.to_vec();
    Some(Directory { tables, sections, meta })
}

/// Bytes of a section; `None` if they are not what was written.
pub(super) fn section(file: &dyn DiskFile, section: Section, file_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    // A length from a checked header; still, the file says whether it can be true.
    if section.end() > file_bytes {
        return Ok(None);
    }
    let mut bytes = vec![0; usize::try_from(section.length).map_err(io::Error::other)?];
    read_exact_at(file, &mut bytes, section.offset)?;
    Ok((crc32c::crc32c(&bytes) == section.checksum).then_some(bytes))
}
