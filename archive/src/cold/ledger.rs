//! The ledger: which segments are in the store, under which names, and which objects are still to be deleted.
//!
//! A file that is only added to, one record for each change, each durable before anything follows from it. What a power
//! cut tore can only be the last record, of which nothing follows yet. A start writes the file anew once most of it is
//! history.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::object::Stored;
use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::varint::Scan;

/// Its name in the folder of the log.
pub(crate) const NAME: &str = "cold-segments";
const TEMPORARY: &str = "cold-segments.tmp";
const MAGIC: &[u8; 8] = b"GODWITCS";
const VERSION: u32 = 1;
const HEADER: usize = 16;
/// state 1, number 8, nonce 8, length 8, content 32, sums 32, checksum 4
const RECORD: usize = 93;
const CHECKED: usize = RECORD - 4;
/// Records of history that are not worth writing the file anew.
const HISTORY: u64 = 64;

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is being put there; the file here is what counts.
    Uploading,
    /// It is there, whole and proved.
    Cold,
    /// It is to be deleted.
    Condemned,
    /// It is deleted.
    Gone,
}

impl State {
    fn byte(self) -> u8 {
        match self {
            Self::Uploading => 1,
            Self::Cold => 2,
            Self::Condemned => 3,
            Self::Gone => 4,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Uploading, Self::Cold, Self::Condemned, Self::Gone]
            .into_iter()
            .find(|state| state.byte() == byte)
    }
}

/// The file is there and cannot be trusted.
#[derive(Debug)]
pub(crate) struct Damaged;

/// What the ledger says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// The object of each segment that has one, by the segment's number.
    pub(crate) kept: BTreeMap<u64, (State, Stored)>,
    /// Objects to be deleted, by their nonces.
    pub(crate) condemned: BTreeMap<u64, Stored>,
    /// Records in the file.
    records: u64,
}

impl Contents {
    /// Reads the file; nothing if there is none.
    pub(crate) fn read(disk: &dyn Disk) -> io::Result<Result<Self, Damaged>> {
        let file = match disk.open(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(Self::default())),
            other => other?,
        };
        let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Result<Self, Damaged> {
        let (header, records) = bytes.split_at_checked(HEADER).ok_or(Damaged)?;
        if header != self::header() {
            return Err(Damaged);
        }
        let mut contents = Self::default();
        let mut records = records.chunks(RECORD).peekable();
        while let Some(record) = records.next() {
            match parse(record) {
                Some((state, stored)) => contents.apply(state, stored),
                // The power went while it was written; nothing was done that follows from it.
                None if records.peek().is_none() => break,
                None => return Err(Damaged),
            }
        }
        Ok(contents)
    }

    fn apply(&mut self, state: State, stored: Stored) {
        self.records += 1;
        match state {
            State::Uploading | State::Cold => {
                if let Some((_, former)) = self.kept.insert(stored.no, (state, stored))
                    && former.nonce != stored.nonce
                {
                    self.condemned.insert(former.nonce, former);
                }
            }
            State::Condemned => {
                if self
                    .kept
                    .get(&stored.no)
                    .is_some_and(|(_, kept)| kept.nonce == stored.nonce)
                {
                    self.kept.remove(&stored.no);
                }
                self.condemned.insert(stored.nonce, stored);
            }
            State::Gone => {
                self.condemned.remove(&stored.nonce);
            }
        }
    }

    fn live(&self) -> impl Iterator<Item = (State, Stored)> {
        let condemned = self.condemned.values().map(|stored| (State::Condemned, *stored));
        self.kept.values().copied().chain(condemned)
    }
}

fn header() -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..12]);
    bytes[12..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn record(state: State, stored: &Stored) -> Vec<u8> {
    let mut bytes = vec![state.byte()];
    for number in [stored.no, stored.nonce, stored.length] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&stored.content);
    bytes.extend_from_slice(&stored.sums);
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn parse(record: &[u8]) -> Option<(State, Stored)> {
    let checked = record.get(..CHECKED)?;
    let mut scan = Scan::new(record);
    let state = State::of(scan.u8()?)?;
    let stored = Stored {
        no: scan.u64()?,
        nonce: scan.u64()?,
        length: scan.u64()?,
        content: *scan.bytes(32)?.first_chunk()?,
        sums: *scan.bytes(32)?.first_chunk()?,
    };
    (scan.u32()? == crc32c::crc32c(checked)).then_some((state, stored))
}

/// The ledger as its owner has it.
pub(crate) struct Ledger {
    disk: Arc<dyn Disk>,
    /// `None` until the first record.
    file: Option<Arc<dyn DiskFile>>,
    pub(crate) contents: Contents,
}

impl Ledger {
    /// Reads the ledger of a folder, and writes it anew if most of it is history.
    pub(crate) fn open(disk: Arc<dyn Disk>) -> io::Result<Result<Self, Damaged>> {
        let Ok(contents) = Contents::read(&*disk)? else {
            return Ok(Err(Damaged));
        };
        let mut ledger = Self {
            disk,
            file: None,
            contents,
        };
        let live = ledger.contents.live().count() as u64;
        if ledger.contents.records > 2 * live + HISTORY {
            ledger.write_anew()?;
        } else if ledger.contents.records > 0 {
            ledger.file = Some(ledger.disk.open(NAME)?);
        }
        Ok(Ok(ledger))
    }

    /// Notes what becomes of an object; durable when it returns.
    pub(crate) fn note(&mut self, state: State, stored: Stored) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => self.write_anew()?,
        };
        let at = HEADER as u64 + self.contents.records * RECORD as u64;
        file.write_at(&record(state, &stored), at)?;
        file.sync_data()?;
        self.contents.apply(state, stored);
        Ok(())
    }

    /// Writes what still holds into a new file, and puts that in the place of the old one.
    fn write_anew(&mut self) -> io::Result<Arc<dyn DiskFile>> {
        let mut bytes = header().to_vec();
        for (state, stored) in self.contents.live() {
            bytes.extend(record(state, &stored));
        }
        let file = match self.disk.create(TEMPORARY) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.disk.remove(TEMPORARY)?;
                self.disk.create(TEMPORARY)?
            }
            other => other?,
        };
        file.write_at(&bytes, 0)?;
        file.sync_data()?;
        self.disk.rename(TEMPORARY, NAME)?;
        self.disk.sync_directory()?;
        self.contents.records = self.contents.live().count() as u64;
        Ok(Arc::clone(self.file.insert(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    fn stored(no: u64, nonce: u64) -> Stored {
        Stored {
            no,
            nonce,
            length: 5,
            content: [7; 32],
            sums: [9; 32],
        }
    }

    fn open(disk: &SimulatedDisk) -> Ledger {
        let opened = Ledger::open(Arc::new(disk.clone())).expect("readable");
        opened.expect("sound")
    }

    #[test]
    fn what_was_noted_reads_back_and_history_is_forgotten() {
        let disk = SimulatedDisk::new(1);
        let mut ledger = open(&disk);
        for nonce in 0..200 {
            for state in [State::Uploading, State::Cold, State::Condemned, State::Gone] {
                ledger.note(state, stored(1, nonce)).expect("room");
            }
        }
        ledger.note(State::Cold, stored(2, 900)).expect("room");
        ledger.note(State::Condemned, stored(3, 901)).expect("room");
        let long = disk.content(NAME).map(|bytes| bytes.len());
        let ledger = open(&disk);
        assert!(disk.content(NAME).map(|bytes| bytes.len()) < long);
        for contents in [ledger.contents, open(&disk).contents] {
            assert_eq!(contents.kept.get(&2), Some(&(State::Cold, stored(2, 900))));
            assert_eq!(contents.condemned.values().collect::<Vec<_>>(), [&stored(3, 901)]);
            assert_eq!(contents.kept.len(), 1);
        }
    }

    #[test]
    fn a_torn_last_record_is_none_and_a_damaged_one_is_refused() {
        let disk = SimulatedDisk::new(1);
        let mut ledger = open(&disk);
        for no in 1..=3 {
            ledger.note(State::Cold, stored(no, no)).expect("room");
        }
        let whole = disk.content(NAME).expect("there");
        for end in whole.len() - RECORD + 1..whole.len() {
            let contents = Contents::parse(&whole[..end]).expect("torn, not damaged");
            assert_eq!(contents.kept.len(), 2);
        }
        for at in 0..whole.len() - RECORD {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            assert!(Contents::parse(&bytes).is_err(), "byte {at}");
        }
        // What follows a torn record takes its place.
        let file = disk.open(NAME).expect("there");
        file.write_at(&[0xff; 40], whole.len() as u64).expect("room");
        let mut ledger = open(&disk);
        ledger.note(State::Cold, stored(4, 4)).expect("room");
        assert_eq!(open(&disk).contents.kept.len(), 4);
    }
}
