//! The cold tier: finished segments that lie in an object store, and what is known of them here.
//!
//! A segment that nobody writes to any more, and that is old, is put into the store as one object, read back, noted in
//! the ledger, and only then removed here. Its index stays. Every step is durable before the next one:
//!
//! | found after a crash | what it means | what is done |
//! |---|---|---|
//! | a file, nothing in the ledger | it was never begun | it is moved when its turn comes |
//! | a file, `uploading` | there may be an object, or a part of one | the object is condemned; the segment is moved anew |
//! | a file, `cold`, the same content | the object is proved | the file is removed |
//! | a file, `cold`, another content | it was rewritten since | the object is condemned; the segment is moved anew |
//! | no file, `cold` | it is read from the store | |
//! | `condemned` | the object must not be there any more | it is deleted, again and again until that succeeds |
//!
//! As long as there is a file, the file is what counts. The writer's thread never waits for the store, and neither does
//! a start whose indexes are sound.

mod background;
mod breaker;
mod cache;
mod calls;
mod error;
mod file;
mod folder;
pub(crate) mod ledger;
mod mover;
mod object;
mod read_only;
mod setup;
mod store;
mod tier;
mod upload;

pub(crate) use background::{Cooling, start};
pub use error::ColdError;
pub(crate) use error::of_io;
pub use mover::Cooled;
pub(crate) use mover::Mover;
pub(crate) use read_only::ReadOnlyTier;
pub use setup::{ColdPlace, ColdSetupError};
pub use store::{ColdSettings, ColdStore};
pub(crate) use tier::Tier;

/// What the store holds of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColdStats {
    /// Segments that are in the store and not here.
    pub segments: u64,
    /// Bytes of these segments.
    pub bytes: u64,
    /// Objects that are still to be deleted.
    pub owed: u64,
}
