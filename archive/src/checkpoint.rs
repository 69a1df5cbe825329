//! Heads and devices in one sorted file, so that a start need not add up all segments. The one before is kept as well.

use std::io;
use std::sync::Arc;

use godwit_model::ServerId;

use crate::device::states::{DEVICE_WIDTH, from_entry};
use crate::disk::Disk;
use crate::index::Index;
use crate::index::sealed::SealedIndex;
use crate::marks::{Mark, Marks};
use crate::sorted::Format;
use crate::sorted::draft::Draft;
use crate::sorted::open::{self, Opened};
use crate::sorted::stream::{MergeError, Order, Stream, merge};
use crate::sorted::table::BlockError;
use crate::sorted::verify::{self, Checked};
use crate::state::{ACCOUNT_WIDTH, Heads, Map, Standing, State, account_of, decode_marks, encode_marks};
use crate::varint::{Scan, put};

pub(crate) const NAME: &str = "checkpoint";
pub(crate) const BEFORE: &str = "checkpoint.before";
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

/// What a look at a checkpoint from outside found.
pub(crate) struct Looked {
    pub(crate) checked: Checked,
    /// The last segment it covers, if it can be trusted.
    pub(crate) covers: Option<u64>,
    /// Whether there must be one before it.
    pub(crate) has_before: bool,
}

/// Reads all of a checkpoint. Changes nothing.
pub(crate) fn look(disk: &dyn Disk, name: &str) -> io::Result<Looked> {
    let checked = verify::check(disk, name, FORMAT)?;
    let meta = checked.meta.as_deref().and_then(Meta::decode);
    Ok(Looked {
        covers: meta.as_ref().map(|meta| meta.covers),
        has_before: name == NAME && meta.is_some_and(|meta| meta.before > 0),
        checked,
    })
}

/// An open checkpoint.
pub(crate) struct Checkpoint {
    opened: Opened,
    /// The last segment it covers.
    pub(crate) covers: u64,
    meta: Meta,
}

/// What a checkpoint says besides its tables.
struct Meta {
    covers: u64,
    /// The last segment that the checkpoint before it covers; 0 if there was none.
    before: u64,
    standing: Standing,
    marks: Map<ServerId, Mark>,
}

impl Meta {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, self.covers);
        put(&mut out, self.before);
        self.standing.encode(&mut out);
        encode_marks(&mut out, self.marks.iter());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut scan = Scan::new(bytes);
        Some(Self {
            covers: scan.varint()?,
            before: scan.varint()?,
            standing: Standing::decode(&mut scan)?,
            marks: decode_marks(&mut scan)?,
        })
    }
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
    Ok(Meta::decode(&opened.meta)
        .filter(|_| is_ours(&opened))
        .map(|meta| Checkpoint {
            opened,
            covers: meta.covers,
            meta,
        }))
}

fn is_ours(opened: &Opened) -> bool {
    let widths = opened.tables.iter().map(|table| table.width);
    widths.eq([ACCOUNT_WIDTH, DEVICE_WIDTH])
}

impl Checkpoint {
    fn stream(&self, table: usize) -> Stream<'_> {
        let table = &self.opened.tables[table];
        Stream::new(&*self.opened.file, table.extent, table.width)
    }

    /// The state it holds; `None` if a part of it is damaged.
    fn state(&self) -> io::Result<Option<State>> {
        let mut state = State {
            standing: self.meta.standing.clone(),
            marks: self.meta.marks.clone(),
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
/// Without any of them it is the same state once more. Never holds more than a few blocks of it.
pub(crate) fn write(
    disk: &dyn Disk,
    base: Option<&Checkpoint>,
    indexes: &[Arc<SealedIndex>],
    marks: &Marks,
) -> Result<Option<Checkpoint>, MergeError> {
    let last = indexes.last().map(|last| (last.range().1, last.standing()));
    let Some((covers, standing)) = last.or_else(|| base.map(|base| (base.covers, &base.meta.standing))) else {
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
    let meta = Meta {
        covers,
        before: base.map_or(0, |base| base.covers),
        standing: standing.clone(),
        // Those made since are durable as well; those whose segments were rewritten are done with.
        marks: marks.outstanding(),
    };
    draft.finish_beside(FORMAT, &meta.encode(), BEFORE)?;
    Ok(open_one(disk, NAME)?)
}
