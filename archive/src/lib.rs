//! Where messages live: a segmented log with group commit, its indexes, and the disks it runs on.
//!
//! # Memory
//!
//! Everything that grows with the log has a price here, so that memory can be planned. Numbers are bytes.
//!
//! | what is kept | each | at 20 M messages, 1 M accounts and devices, 10 M conversations |
//! |---|---|---|
//! | head of an account | 8.3 (pages of 128; a lone account number takes 1,050) | 8 MB |
//! | device with its session | 35 (pages of 16; a lone device number takes 550) | 35 MB |
//! | last number of a conversation, the writer's | 24, for [`Settings::conversations_remembered`] of them; others are looked up | 25 MB |
//! | fences of indexes, for a message with two recipients | 0.55: the first entry of each block of 8 KiB | 11 MB |
//! | filter of duplicate keys | 2 a key, for indexes that end within the 72 h window; at most [`Settings::duplicate_filter_bytes_max`], beyond which a new draft costs a block of the disk for each index without one | 40 MB; never more than 256 MiB |
//! | filter of conversations | 2 for each conversation of each index | 25–40 MB |
//! | the segment being written, for a message with two recipients | about 250 until it is sealed | 55 MB for 64 MiB |
//! | segments that wait to be sealed | the same; none as a rule, at most 4 | 0–220 MB |
//! | outstanding marks | 40 | |
//! | fetched blocks of segments in a store | | [`ColdSettings::cache_bytes`]: 64 MiB |
//! | ledger of the store | about 120 for each segment in it | |
//! | open files of segments | an open file each, [`Settings::open_files_max`] of them | 128 files |
//!
//! Besides, while they last: what waits for the writer ([`Settings::queue_bytes_max`]), sealing a segment (its tables
//! once more, about 45 MB), a merge (128 KiB for each input, and the fences and filters of the new index), a checkpoint
//! (128 KiB for each input), a start and the mending of a damaged index (one segment, and its index), a segment on its
//! way into a store (16 MiB).
#![deny(missing_docs)]

mod archive;
mod checkpoint;
mod cold;
mod conversation_heads;
mod device;
pub mod disk;
mod duplicates;
mod entry;
mod fanout;
mod floor;
mod frame;
mod index;
pub mod inspect;
mod listener;
mod marks;
mod query;
mod reader;
mod record;
mod recovery;
mod seal;
mod sealed_log;
mod segment;
mod segments;
mod settings;
mod sorted;
mod state;
mod upkeep;
mod varint;
mod view;
mod writer;

pub use archive::{Archive, Equipment};
pub use cold::{ColdError, ColdPlace, ColdSettings, ColdSetupError, ColdStats, ColdStore, Cooled};
pub use device::{DeviceState, SessionState};
pub use disk::{Disk, DiskFile, ReadOnlyDisk, RealDisk, SimulatedDisk};
pub use entry::{AppendError, DuplicateKey, Entry, Pending, Receipt, Saved};
pub use listener::{Delivery, Listener, Silent};
pub use query::{ConversationQuery, InboxQuery, ReadError};
pub use reader::log::LogPage;
pub use record::{GoneReason, Item, Record, RecordKind};
pub use recovery::{OpenError, Recovery};
pub use seal::{KeyError, KeyRing, Sealing, Trouble};
pub use segments::SegmentInfo;
pub use settings::Settings;
pub use upkeep::{Retained, RetentionHalt, RetentionPlan, UpkeepError};
