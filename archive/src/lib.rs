//! Where messages live: a segmented log with group commit, its indexes, and the disks it runs on.
#![deny(missing_docs)]

mod archive;
mod device;
pub mod disk;
mod entry;
mod listener;
mod query;
mod record;
mod recovery;
mod settings;

pub use archive::Archive;
pub use device::{DeviceState, SessionState};
pub use disk::{Disk, DiskFile, RealDisk, SimulatedDisk};
pub use entry::{AppendError, DuplicateKey, Entry, Pending, Receipt, Saved};
pub use listener::{Delivery, Listener, Silent};
pub use query::{ConversationQuery, InboxQuery, ReadError};
pub use record::{GoneReason, Item, Record, RecordKind};
pub use recovery::{OpenError, Recovery};
pub use settings::Settings;
