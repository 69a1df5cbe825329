//! Heads and devices in one sorted file, so that a start need not add up all segments. The one before is kept as well.

use std::io;
use std::sync::Arc;

use godwit_model::ServerId;

use crate::device::states::{DEVICE_WIDTH, from_entry};
use crate::disk::Disk;
use crate::index::Index;
use crate::index::sealed::SealedIndex;
use crate::marks::{Mark, Marks};
use crate::sorted::verify::{self, Checked};
use crate::sorted::Format;
use crate::sorted::draft::Draft;
use crate::sorted::open::{self, Opened};
use crate::sorted::stream::{MergeError, Order, Stream, merge};
use crate::sorted::table::BlockError;
use crate::state::{ACCOUNT_WIDTH, Heads, Map, Standing, State, account_of, decode_marks, encode_marks};
use crate::varint::{Scan, put};

pub(crate) const NAME: &str = "checkpoint";
const BEFORE: &str = "checkpoint.before";
const FORMAT: Format = Format {
    magic: b"GODWITCP",
    version: 2,
};
const ORDER: Order = Order {
    key_bytes: 8,
    newest_only: true,
};

/// Whether a file of this name holds a whole state.
pub(crate) fn is_name(name: &str) -> bool {
    [NAME, BEFORE].contains(&name)
}

/// Reads all of a checkpoint: what is wrong with it, and the last segment it covers. Changes nothing.
pub(crate) fn check(disk: &dyn Disk, name: &str) -> io::Result<(Checked, Option<u64>)> {
    let checked = verify::check(disk, name, FORMAT)?;
    let parsed = checked.meta.as_deref().and_then(parse);
    Ok((checked, parsed.map(|(covers, ..)| covers)))
}

/// An open checkpoint.
pub(crate) struct Checkpoint {
    opened: Opened,
    /// The last segment it covers.
    pub(crate) covers: u64,
    standing: Standing,
    marks: Map<ServerId, Mark>,
}

/// The state of the newest checkpoint that can be trusted, and the checkpoint. One that cannot is removed, so that the
/// next one does not push a good one out.
pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<(Checkpoint, State)>> {
    for name in [NAME, BEFORE] {
        if let Some(checkpoint) = open_one(disk, name)?
            && let Some(state) = checkpoint.state()?
        {
            return Ok(Some((checkpoint, state)));
        }
        match disk.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(None)
}

/// The last segment that both checkpoints cover; 0 unless there are two.
pub(crate) fn twice_covered(disk: &dyn Disk) -> io::Result<u64> {
    let covers = |checkpoint: Option<Checkpoint>| checkpoint.map_or(0, |checkpoint| checkpoint.covers);
    Ok(covers(open_one(disk, NAME)?).min(covers(open_one(disk, BEFORE)?)))
}

fn open_one(disk: &dyn Disk, name: &str) -> io::Result<Option<Checkpoint>> {
    let Some(opened) = open::open(disk, name, FORMAT)? else {
        return Ok(None);
    };
    Ok(parse(&opened.meta).filter(|_| is_ours(&opened)).map(|(covers, standing, marks)| Checkpoint {
        opened,
        covers,
        standing,
        marks,
    }))
}

fn is_ours(opened: &Opened) -> bool {
    let widths = opened.tables.iter().map(|table| table.width);
    widths.eq([ACCOUNT_WIDTH, DEVICE_WIDTH])
}

fn parse(meta: &[u8]) -> Option<(u64, Standing, Map<ServerId, Mark>)> {
    let mut scan = Scan::new(meta);
    Some((scan.varint()?, Standing::decode(&mut scan)?, decode_marks(&mut scan)?))
}

impl Checkpoint {
    fn stream(&self, table: usize) -> Stream<'_> {
        let table = &self.opened.tables[table];
        Stream::new(&*self.opened.file, table.extent, table.width)
    }

    /// The state it holds; `None` if a part of it is damaged.
    fn state(&self) -> io::Result<Option<State>> {
        let mut state = State {
            standing: self.standing.clone(),
            marks: self.marks.clone(),
            ..State::default()
        };
        let mut read = || {
            add_accounts(&mut state.heads, self.stream(0))?;
            add_devices(&mut state, self.stream(1))
        };
        match read() {
            Ok(()) => Ok(Some(state)),
            Err(BlockError::Damaged) => Ok(None),
            Err(BlockError::Disk(error)) => Err(error),
        }
    }
}

/// Adds what an index says of its segments.
pub(crate) fn add(state: &mut State, index: &SealedIndex) -> Result<(), BlockError> {
    add_accounts(&mut state.heads, index.accounts())?;
    add_devices(state, index.devices())?;
    state.standing = index.standing().clone();
    state.marks.extend(index.marks().iter().map(|(id, mark)| (*id, *mark)));
    Ok(())
}

fn add_accounts(heads: &mut Heads, mut stream: Stream<'_>) -> Result<(), BlockError> {
    while let Some(entry) = stream.next()? {
        let (account, head) = account_of(entry).ok_or(BlockError::Damaged)?;
        heads.raise_account(account, head);
    }
    Ok(())
}

fn add_devices(state: &mut State, mut stream: Stream<'_>) -> Result<(), BlockError> {
    while let Some(entry) = stream.next()? {
        let (device, place) = from_entry(entry).ok_or(BlockError::Damaged)?;
        state.set_device(device, place);
    }
    Ok(())
}

/// Writes the state as of the end of the last of `indexes`: what `base` holds, and what they changed since, ascending.
/// Never holds more than a few blocks of it.
pub(crate) fn write(
    disk: &dyn Disk,
    base: Option<&Checkpoint>,
    indexes: &[Arc<SealedIndex>],
    marks: &Marks,
) -> Result<Option<Checkpoint>, MergeError> {
    let Some(last) = indexes.last() else {
        return Ok(None);
    };
    let mut draft = Draft::create(disk, NAME.to_owned())?;
    draft.begin(ACCOUNT_WIDTH, false);
    let accounts = base.map(|base| base.stream(0)).into_iter();
    let accounts = accounts.chain(indexes.iter().map(|index| index.accounts())).collect();
    merge(accounts, ORDER, |entry| Ok(draft.push(entry)?))?;
    draft.end()?;
    draft.begin(DEVICE_WIDTH, false);
    let devices = base.map(|base| base.stream(1)).into_iter();
    let devices = devices.chain(indexes.iter().map(|index| index.devices())).collect();
    merge(devices, ORDER, |entry| {
        // Forgotten devices take no room in a whole state.
        if from_entry(entry).is_some_and(|(_, state)| state.is_some()) {
            draft.push(entry)?;
        }
        Ok(())
    })?;
    draft.end()?;
    let mut meta = Vec::new();
    put(&mut meta, last.range().1);
    last.standing().encode(&mut meta);
    // Those made since are durable as well; those whose segments were rewritten are done with.
    encode_marks(&mut meta, marks.outstanding().iter());
    draft.finish_beside(FORMAT, &meta, BEFORE)?;
    Ok(open_one(disk, NAME)?)
}
