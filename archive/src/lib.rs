//! Where messages live: a segmented log with group commit, its indexes, and the disks it runs on.
#![deny(missing_docs)]

mod archive;
mod checkpoint;
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

pub use archive::Archive;
pub use device::{DeviceState, SessionState};
pub use disk::{Disk, DiskFile, ReadOnlyDisk, RealDisk, SimulatedDisk};
pub use entry::{AppendError, DuplicateKey, Entry, Pending, Receipt, Saved};
pub use listener::{Delivery, Listener, Silent};
pub use query::{ConversationQuery, InboxQuery, ReadError};
pub use record::{GoneReason, Item, Record, RecordKind};
pub use recovery::{OpenError, Recovery};
pub use segments::SegmentInfo;
pub use settings::Settings;
pub use upkeep::{Retained, RetentionHalt, UpkeepError};
