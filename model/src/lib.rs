//! The nouns of the platform and its pure rules: no async, no serde, no I/O.
//!
//! Read [`conversation`] and [`refusal`] first: everything else names things those two need.
#![deny(missing_docs)]

pub mod address;
pub mod audience;
pub mod clock;
pub mod conversation;
pub mod device;
pub mod draft;
pub mod duplicate;
pub mod group;
mod hexadecimal;
pub mod id;
pub mod limits;
pub mod message_type;
pub mod permission;
pub mod reading;
pub mod refusal;

pub use address::Address;
pub use audience::Audience;
pub use clock::{Clock, SystemClock};
pub use conversation::ConversationKey;
pub use device::OsKind;
pub use draft::Draft;
pub use group::{GroupEvent, JoinPolicy, Role};
pub use id::{AccountNo, AppNo, DeviceNo, GroupId, GroupNo, ServerId, TenantNo, UserId};
pub use message_type::{CallStatus, MessageKind, MessageType, PushClass};
pub use reading::{Mute, Privacy, PushWishes, QuietHours, Zone};
pub use refusal::{Refusal, Refused};
