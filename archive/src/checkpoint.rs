//! The whole state in one file, replaced as one, so that a start need not add up all segments.

use std::io;

use crate::disk::{Disk, read_exact_at};
use crate::state::State;
use crate::varint::Scan;

pub(crate) const NAME: &str = "checkpoint";
const TEMPORARY: &str = "checkpoint.tmp";
const MAGIC: &[u8; 8] = b"GODWITCP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 32;

/// Whether a file of this name holds a whole state.
pub(crate) fn is_name(name: &str) -> bool {
    name == NAME
}

/// Writes the state as of the end of `segment`.
pub(crate) fn write(disk: &dyn Disk, segment: u64, state: &State) -> io::Result<()> {
    let mut bytes = vec![0; HEADER_BYTES];
    state.encode(&mut bytes);
    let length = (bytes.len() - HEADER_BYTES) as u64;
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&segment.to_le_bytes());
    bytes[24..32].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&bytes);
    bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    replace(disk, TEMPORARY, NAME, &bytes)
}

/// Reads the last checkpoint: the segment it covers, and the state. `None` if there is none that can be trusted.
pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<(u64, State)>> {
    let file = match disk.open(NAME) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; usize::try_from(file.size()?).map_err(io::Error::other)?];
    read_exact_at(&*file, &mut bytes, 0)?;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<(u64, State)> {
    let mut scan = Scan::new(bytes);
    let known = scan.bytes(8)? == MAGIC && scan.u32()? == VERSION;
    let stated = scan.u32()?;
    let segment = scan.u64()?;
    let length = scan.u64()?;
    let sound = known && length == scan.left() as u64 && checksum(bytes) == stated;
    let state = State::decode(bytes.get(HEADER_BYTES..)?)?;
    sound.then_some((segment, state))
}

fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(&bytes[16..])
}

/// Puts a whole file in the place of another: a reader finds the old or the new one, never a part.
pub(crate) fn replace(disk: &dyn Disk, temporary: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let written = write_temporary(disk, temporary, bytes);
    if written.is_err() {
        // It would only take room; a start removes it if this fails too.
        let _ = disk.remove(temporary);
        return written;
    }
    disk.rename(temporary, name)?;
    disk.sync_directory()
}

fn write_temporary(disk: &dyn Disk, temporary: &str, bytes: &[u8]) -> io::Result<()> {
    let file = match disk.create(temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            disk.remove(temporary)?;
            disk.create(temporary)?
        }
        other => other?,
    };
    file.write_at(bytes, 0)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    #[test]
    fn a_checkpoint_is_trusted_only_whole() {
        let disk = SimulatedDisk::new(1);
        let mut state = State::default();
        state.heads.raise_account(godwit_model::AccountNo(3), 5);
        write(&disk, 4, &state).expect("room");
        assert_eq!(read(&disk).expect("readable"), Some((4, state)));
        assert!(disk.flip(NAME, HEADER_BYTES as u64 + 1));
        assert_eq!(read(&disk).expect("readable"), None);
    }
}
