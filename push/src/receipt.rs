//! What vendors report later, when they call back: read and verified, without a socket.
//!
//! Late, repeated and forged reports must do no harm: a report that cannot prove where it comes from is refused as a
//! whole, and who takes it compares the token with the one that is stored before retiring it.

pub mod huawei;
mod listed;

pub use listed::{meizu, oppo, vivo, xiaomi};

use crate::VendorName;

/// What a vendor says became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// The device has it.
    Delivered,
    /// The user tapped it.
    Clicked,
    /// The app is not on the device any more, or the vendor never gave this token.
    TokenInvalid,
    /// The user switched notifications off; the token is good.
    SwitchedOff,
    /// The device was not seen for long; the token is good.
    Inactive,
    /// More than the device or the app takes in a day.
    OverQuota,
    /// It was not shown, for another reason.
    NotDelivered,
}

impl Fate {
    /// One word for the ledger and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Clicked => "clicked",
            Self::TokenInvalid => "token_invalid",
            Self::SwitchedOff => "switched_off",
            Self::Inactive => "inactive",
            Self::OverQuota => "over_quota",
            Self::NotDelivered => "not_delivered",
        }
    }
}

/// One report about one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Whose report.
    pub vendor: VendorName,
    /// The device.
    pub token: String,
    /// Our push's id as 32 hexadecimal digits, where the vendor carries it.
    pub push: Option<String>,
    /// The vendor's name for the push, as [`crate::Outcome::Accepted`] gave it.
    pub vendor_id: Option<String>,
    /// What became of it.
    pub fate: Fate,
    /// The vendor's code.
    pub code: String,
    /// When, in milliseconds since 1970, by the vendor's clock.
    pub at_ms: Option<u64>,
}

/// Why a report is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// It is not what this vendor posts.
    #[error("not a report of this vendor")]
    Unreadable,
    /// It does not prove where it comes from.
    #[error("the report is not signed by the vendor")]
    Forged,
    /// It is too old, or from the future.
    #[error("the report's time is too far from ours")]
    Stale,
    /// It was taken before.
    #[error("the report was taken before")]
    Repeated,
    /// No reports are expected of this vendor.
    #[error("this vendor is not set to report here")]
    NotSet,
}

/// Bytes of a report that are read; who serves the endpoint should refuse more before.
pub const REPORT_BYTES_MAX: usize = 1024 * 1024;
