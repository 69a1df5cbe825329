//! Huawei's codes, which Honor shares.

use std::time::Duration;

use crate::{Outcome, Scope};

pub(in crate::vendor) const OK: &str = "80000000";
/// Some tokens were refused; the text says which.
pub(in crate::vendor) const SOME_REFUSED: &str = "80100000";
/// Every token was refused.
pub(in crate::vendor) const ALL_REFUSED: &str = "80300007";
pub(in crate::vendor) const TOO_LARGE: &str = "80300008";
pub(in crate::vendor) const NO_HIGH_PRIORITY: &str = "80300011";

/// Whether a new token may help: OAuth failed, expired, JWT expired.
pub(in crate::vendor) fn is_about_our_token(code: &str) -> bool {
    matches!(code, "80200001" | "80200003" | "80200005")
}

/// What a code means for a request as a whole; nothing for a code that is not in the table.
pub(in crate::vendor) fn outcome(code: &str, text: &str, retry_after: Option<Duration>) -> Option<Outcome> {
    Some(match code {
        OK => Outcome::accepted(None),
        "80100016" | "80100018" => Outcome::content_rejected(code, text),
        "80100001" | "80100002" | "80100003" | "80100004" | "80100013" | "80100017" | "80100022" | TOO_LARGE
        | "80300010" | "80300030" | "80300036" => Outcome::refused(code, text),
        "80200001" | "80200003" | "80200005" | "80300002" | NO_HIGH_PRIORITY | "80300013" | "80300037" => {
            Outcome::misconfigured(code, text)
        }
        "80300029" => Outcome::retry_after(Scope::App, retry_after, code, text),
        "80600003" | "81000001" => Outcome::retry_after(Scope::Vendor, retry_after, code, text),
        _ => return None,
    })
}
