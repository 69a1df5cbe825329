//! A file of tables in the making: nobody sees it before it is whole and durable.

use std::io;
use std::sync::Arc;

use super::table::{BLOCK_BYTES, CHECKSUM_BYTES, Extent, per_block};
use super::{Format, HEADER_BYTES, Section, UNCHECKED_BYTES};
use crate::disk::{Disk, DiskFile};
use crate::varint::put;

/// Bytes handed to the disk at once.
const WRITE_BYTES: usize = 256 << 10;
/// Bytes after which they are made durable, so that the end does not bring them all at once.
const SYNC_BYTES: usize = 16 << 20;

/// A file being written. Dropped unfinished, it leaves nothing.
pub(crate) struct Draft<'a> {
    disk: &'a dyn Disk,
    name: String,
    file: Arc<dyn DiskFile>,
    /// Where the next byte of `buffer` goes.
    at: u64,
    buffer: Vec<u8>,
    unsynced: usize,
    tables: Vec<Made>,
    sections: Vec<Section>,
    finished: bool,
}

struct Made {
    extent: Extent,
    width: usize,
    fenced: bool,
    fences: Vec<u8>,
    /// Entries of the block being filled.
    held: usize,
}

impl<'a> Draft<'a> {
    /// Starts a file that will have this name.
    pub(crate) fn create(disk: &'a dyn Disk, name: String) -> io::Result<Self> {
        let temporary = temporary(&name);
        let file = match disk.create(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                disk.remove(&temporary)?;
                disk.create(&temporary)?
            }
            other => other?,
        };
        Ok(Self {
            disk,
            name,
            file,
            at: 0,
            buffer: vec![0; HEADER_BYTES],
            unsynced: 0,
            tables: Vec::new(),
            sections: Vec::new(),
            finished: false,
        })
    }

    /// Starts a table of entries of one width. Without fences it can be streamed, but not searched.
    pub(crate) fn begin(&mut self, width: usize, fenced: bool) {
        self.tables.push(Made {
            extent: Extent {
                offset: self.at + self.buffer.len() as u64,
                entries: 0,
            },
            width,
            fenced,
            fences: Vec::new(),
            held: 0,
        });
    }

    /// Adds an entry, which must not be lower than the one before.
    pub(crate) fn push(&mut self, entry: &[u8]) -> io::Result<()> {
        let Some(table) = self.tables.last_mut() else {
            return Ok(());
        };
        debug_assert_eq!(entry.len(), table.width, "one width a table");
        if table.fenced && table.held == 0 {
            table.fences.extend_from_slice(entry);
        }
        self.buffer.extend_from_slice(entry);
        table.extent.entries += 1;
        table.held += 1;
        if table.held == per_block(table.width) {
            self.close_block()?;
        }
        Ok(())
    }

    /// Ends the table.
    pub(crate) fn end(&mut self) -> io::Result<Extent> {
        self.close_block()?;
        let Some(table) = self.tables.last_mut() else {
            return Ok(Extent::default());
        };
        let extent = table.extent;
        let fences = std::mem::take(&mut table.fences);
        if table.fenced {
            self.section(&fences)?;
        }
        Ok(extent)
    }

    fn close_block(&mut self) -> io::Result<()> {
        let Some(table) = self.tables.last_mut().filter(|table| table.held > 0) else {
            return Ok(());
        };
        let start = self.buffer.len() - table.held * table.width;
        table.held = 0;
        self.buffer.resize(start + BLOCK_BYTES - CHECKSUM_BYTES, 0);
        let checksum = crc32c::crc32c(&self.buffer[start..]);
        self.buffer.extend_from_slice(&checksum.to_le_bytes());
        self.flush(WRITE_BYTES)
    }

    /// Adds bytes that are read back as a whole.
    pub(crate) fn section(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sections.push(Section {
            offset: self.at + self.buffer.len() as u64,
            length: bytes.len() as u64,
            checksum: crc32c::crc32c(bytes),
        });
        self.buffer.extend_from_slice(bytes);
        self.flush(WRITE_BYTES)
    }

    /// The file, with everything added so far readable in it.
    pub(crate) fn written(&mut self) -> io::Result<Arc<dyn DiskFile>> {
        self.flush(1)?;
        Ok(Arc::clone(&self.file))
    }

    fn flush(&mut self, least: usize) -> io::Result<()> {
        if self.buffer.len() < least {
            return Ok(());
        }
        self.file.write_at(&self.buffer, self.at)?;
        self.at += self.buffer.len() as u64;
        self.unsynced += self.buffer.len();
        self.buffer.clear();
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Makes the file whole and durable, under its name, in the place of what had that name. `before` may still move
    /// files aside.
    pub(crate) fn finish(mut self, format: Format, meta: &[u8]) -> io::Result<()> {
        self.write_rest(format, meta)?;
        self.disk.rename(&temporary(&self.name), &self.name)?;
        self.finished = true;
        self.disk.sync_directory()
    }

    /// The same, keeping the file that had the name under another one.
    pub(crate) fn finish_beside(mut self, format: Format, meta: &[u8], kept: &str) -> io::Result<()> {
        self.write_rest(format, meta)?;
        match self.disk.rename(&self.name, kept) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        self.disk.rename(&temporary(&self.name), &self.name)?;
        self.finished = true;
        self.disk.sync_directory()
    }

    fn write_rest(&mut self, format: Format, meta: &[u8]) -> io::Result<()> {
        let mut directory = Vec::new();
        put(&mut directory, self.tables.len() as u64);
        for table in &self.tables {
            put(&mut directory, table.width as u64);
            put(&mut directory, table.extent.offset);
            put(&mut directory, table.extent.entries);
            directory.push(u8::from(table.fenced));
        }
        put(&mut directory, self.sections.len() as u64);
        for section in &self.sections {
            put(&mut directory, section.offset);
            put(&mut directory, section.length);
            directory.extend_from_slice(&section.checksum.to_le_bytes());
        }
        put(&mut directory, meta.len() as u64);
        directory.extend_from_slice(meta);
        let offset = self.at + self.buffer.len() as u64;
        self.buffer.extend_from_slice(&directory);
        self.flush(1)?;
        self.file.write_at(&header(format, offset, &directory), 0)?;
        self.file.sync_data()
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // It would only take room; a start removes it if this fails too.
            let _ = self.disk.remove(&temporary(&self.name));
        }
    }
}

fn temporary(name: &str) -> String {
    format!("{name}.tmp")
}

fn header(format: Format, offset: u64, directory: &[u8]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(format.magic);
    header[8..12].copy_from_slice(&format.version.to_le_bytes());
    header[16..24].copy_from_slice(&offset.to_le_bytes());
    header[24..32].copy_from_slice(&(directory.len() as u64).to_le_bytes());
    header[32..36].copy_from_slice(&crc32c::crc32c(directory).to_le_bytes());
    let checksum = crc32c::crc32c(&header[UNCHECKED_BYTES..]);
    header[12..UNCHECKED_BYTES].copy_from_slice(&checksum.to_le_bytes());
    header
}
