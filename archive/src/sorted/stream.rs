//! Reads tables from front to back, alone or merged, a few blocks at a time.

use std::io;

use super::filter::Filter;
use super::table::{BLOCK_BYTES, BlockError, Extent, is_sound, per_block};
use crate::disk::{DiskFile, read_exact_at};

/// Blocks read at once.
const READ_BLOCKS: usize = 16;

/// A table being read.
pub(crate) struct Stream<'a> {
    file: &'a dyn DiskFile,
    extent: Extent,
    width: usize,
    /// Of the entry that comes next.
    position: u64,
    /// Blocks from the one that holds it.
    buffer: Vec<u8>,
    /// The block with which the buffer starts.
    first_block: u64,
}

impl<'a> Stream<'a> {
    pub(crate) fn new(file: &'a dyn DiskFile, extent: Extent, width: usize) -> Self {
        Self {
            file,
            extent,
            width,
            position: 0,
            buffer: Vec::new(),
            first_block: 0,
        }
    }

    /// The next entry; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, BlockError> {
        if self.position >= self.extent.entries {
            return Ok(None);
        }
        let per_block = per_block(self.width) as u64;
        let block = self.position / per_block;
        let at = usize::try_from(block - self.first_block).unwrap_or(usize::MAX);
        let at = if at < self.buffer.len() / BLOCK_BYTES {
            at
        } else {
            self.read(block)?;
            0
        };
        let within = usize::try_from(self.position % per_block).unwrap_or(0);
        let start = at * BLOCK_BYTES + within * self.width;
        self.position += 1;
        Ok(Some(&self.buffer[start..start + self.width]))
    }

    fn read(&mut self, block: u64) -> Result<(), BlockError> {
        let blocks = self.extent.entries.div_ceil(per_block(self.width) as u64);
        let count = usize::try_from(blocks - block).map_or(READ_BLOCKS, |left| left.min(READ_BLOCKS));
        self.buffer.resize(count * BLOCK_BYTES, 0);
        self.first_block = block;
        let offset = self.extent.offset + block * BLOCK_BYTES as u64;
        let read = read_exact_at(self.file, &mut self.buffer, offset);
        let damaged = match read {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
            Err(error) => {
                self.buffer.clear();
                return Err(BlockError::Disk(error));
            }
            Ok(()) => !self.buffer.chunks_exact(BLOCK_BYTES).all(is_sound),
        };
        if damaged {
            self.buffer.clear();
            return Err(BlockError::Damaged);
        }
        Ok(())
    }
}

/// Why a merge ended early.
#[derive(Debug)]
pub(crate) enum MergeError {
    /// A file could not be read or written.
    Disk(io::Error),
    /// The input with this number is damaged.
    Damaged(usize),
    /// There is something more urgent.
    Stopped,
}

impl From<io::Error> for MergeError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// How entries of several tables become one sequence.
#[derive(Clone, Copy)]
pub(crate) struct Order {
    /// Bytes at the start of an entry by which it is sorted, at most 16. Equal ones keep the order of their inputs.
    pub(crate) key_bytes: usize,
    /// Whether of equal ones only that of the last input is kept.
    pub(crate) newest_only: bool,
}

struct Input<'a> {
    stream: Stream<'a>,
    entry: Vec<u8>,
    key: u128,
    ended: bool,
}

impl Input<'_> {
    fn advance(&mut self, key_bytes: usize) -> Result<(), BlockError> {
        match self.stream.next()? {
            Some(entry) => {
                self.entry.clear();
                self.entry.extend_from_slice(entry);
                self.key = key_of(entry, key_bytes);
            }
            None => self.ended = true,
        }
        Ok(())
    }
}

/// The first bytes of an entry as a number that sorts as they do.
pub(crate) fn key_of(entry: &[u8], key_bytes: usize) -> u128 {
    let mut key = [0; 16];
    key[..key_bytes].copy_from_slice(&entry[..key_bytes]);
    u128::from_be_bytes(key)
}

/// Merges tables, oldest first, into one sequence.
pub(crate) fn merge(
    streams: Vec<Stream<'_>>,
    order: Order,
    mut each: impl FnMut(&[u8]) -> Result<(), MergeError>,
) -> Result<(), MergeError> {
    let damage = |at: usize| {
        move |error| match error {
            BlockError::Disk(error) => MergeError::Disk(error),
            BlockError::Damaged => MergeError::Damaged(at),
        }
    };
    let mut inputs = Vec::with_capacity(streams.len());
    for (at, stream) in streams.into_iter().enumerate() {
        let mut input = Input {
            stream,
            entry: Vec::new(),
            key: 0,
            ended: false,
        };
        input.advance(order.key_bytes).map_err(damage(at))?;
        inputs.push(input);
    }
    while let Some((key, first)) = lowest(&inputs) {
        if !order.newest_only {
            each(&inputs[first].entry)?;
            inputs[first].advance(order.key_bytes).map_err(damage(first))?;
            continue;
        }
        let same = |input: &Input<'_>| !input.ended && input.key == key;
        let newest = inputs.iter().rposition(same).unwrap_or(first);
        each(&inputs[newest].entry)?;
        for (at, input) in inputs.iter_mut().enumerate().skip(first) {
            while !input.ended && input.key == key {
                input.advance(order.key_bytes).map_err(damage(at))?;
            }
        }
    }
    Ok(())
}

/// The lowest key, and the first input that has it.
fn lowest(inputs: &[Input<'_>]) -> Option<(u128, usize)> {
    let mut found: Option<(u128, usize)> = None;
    for (at, input) in inputs.iter().enumerate() {
        if !input.ended && found.is_none_or(|(key, _)| input.key < key) {
            found = Some((input.key, at));
        }
    }
    found
}

/// A filter over the distinct keys (16 bytes) with which a table's entries start.
pub(crate) fn filter(mut stream: Stream<'_>, distinct: u64) -> Result<Filter, BlockError> {
    let mut filter = Filter::with_room(distinct);
    let mut last = None;
    while let Some(entry) = stream.next()? {
        let key = key_of(entry, 16);
        if last != Some(key) {
            filter.add(key);
            last = Some(key);
        }
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;
    use crate::sorted::draft::Draft;
    use crate::sorted::{Format, open};

    const FORMAT: Format = Format {
        magic: b"TABLETST",
        version: 1,
    };

    fn table(disk: &SimulatedDisk, name: &str, entries: &[[u8; 10]]) -> open::Opened {
        let mut draft = Draft::create(disk, name.to_owned()).expect("room");
        draft.begin(10, true);
        for entry in entries {
            draft.push(entry).expect("room");
        }
        draft.end().expect("room");
        draft.section(b"beside").expect("room");
        draft.finish(FORMAT, b"meta").expect("room");
        open::open(disk, name, FORMAT).expect("readable").expect("sound")
    }

    fn entry(key: u64, rest: u16) -> [u8; 10] {
        let mut entry = [0; 10];
        entry[..8].copy_from_slice(&key.to_be_bytes());
        entry[8..].copy_from_slice(&rest.to_be_bytes());
        entry
    }

    #[test]
    fn tables_are_merged_in_order_and_the_newest_of_equal_keys_wins() {
        let disk = SimulatedDisk::new(1);
        let files: Vec<_> = (0..3_u16)
            .map(|file| {
                let entries: Vec<_> = (0..5000).map(|n| entry(n * 2 + u64::from(file / 2), file)).collect();
                table(&disk, &file.to_string(), &entries)
            })
            .collect();
        assert_eq!(
            (files[0].meta.as_slice(), files[0].tables[0].extent.entries),
            (&b"meta"[..], 5000)
        );
        assert_eq!(files[0].section(0).expect("readable").as_deref(), Some(&b"beside"[..]));
        let merged = |newest_only| {
            let order = Order {
                key_bytes: 8,
                newest_only,
            };
            let streams = files
                .iter()
                .map(|file| Stream::new(&*file.file, file.tables[0].extent, 10));
            let mut entries = Vec::new();
            merge(streams.collect(), order, |entry| {
                entries.push(entry.to_vec());
                Ok(())
            })
            .expect("sound");
            entries
        };
        let expected: Vec<_> = (0..10_000)
            .map(|n| entry(n, if n % 2 == 0 { 1 } else { 2 }).to_vec())
            .collect();
        assert_eq!(merged(true), expected);
        let all = merged(false);
        assert!(all.len() == 15_000 && all.is_sorted());
    }

    #[test]
    fn damage_names_its_input_and_a_damaged_directory_is_not_opened() {
        let disk = SimulatedDisk::new(1);
        let entries: Vec<_> = (0..5000).map(|n| entry(n, 0)).collect();
        let files = [table(&disk, "a", &entries), table(&disk, "b", &entries)];
        assert!(disk.flip("b", files[1].tables[0].extent.offset + 20_000));
        let order = Order {
            key_bytes: 8,
            newest_only: true,
        };
        let streams = files
            .iter()
            .map(|file| Stream::new(&*file.file, file.tables[0].extent, 10));
        let merged = merge(streams.collect(), order, |_| Ok(()));
        assert!(matches!(merged, Err(MergeError::Damaged(1))), "{merged:?}");
        assert!(disk.flip("a", files[0].bytes - 2));
        assert!(open::open(&disk, "a", FORMAT).expect("readable").is_none());
    }
}
