//! What became of a push: one answer for all vendors.

use std::time::Duration;

/// How far a vendor's "not now" reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// This device only.
    Token,
    /// Everything this app sends through the vendor.
    App,
    /// The vendor as a whole: it is down, or cannot be reached.
    Vendor,
}

/// What became of a push. `code` is the vendor's word (or ours in lower case, where the vendor said none), `detail` its
/// text, cut to 300 bytes and without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The vendor has it. Whether the phone shows it is not known.
    Accepted {
        /// The vendor's name for it, where it gives one.
        vendor_id: Option<String>,
    },
    /// The vendor says that nobody has this token any more. Only its own clear word leads here.
    TokenInvalid {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
        /// Since when, in milliseconds since 1970: a token that was registered later is good.
        as_of_ms: Option<u64>,
    },
    /// Not now; the same notification with the same id may be sent again. Also after a silence or a broken connection,
    /// when nobody knows whether the vendor has it.
    Retry {
        /// Not before this has passed, if the vendor or the lane named a time.
        after: Option<Duration>,
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
        /// How far it reaches.
        scope: Scope,
    },
    /// The day's quota of this class is used up: not before [`crate::lane::next_vendor_midnight_ms`].
    QuotaDay {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
    },
    /// The vendor does not like the words: once more with neutral ones.
    ContentRejected {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
    },
    /// We asked wrongly; asking again would not help.
    Refused {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
    },
    /// Credentials, project, topic, channel or permission are wrong: an operator must act. Says nothing about the token.
    Misconfigured {
        /// The vendor's code.
        code: String,
        /// The vendor's text.
        detail: String,
    },
    /// This vendor has no such kind of push: nothing was sent, and nothing is wrong.
    Unsupported,
}

/// Bytes of a `detail` that are kept.
const DETAIL_BYTES_MAX: usize = 300;

/// A vendor's text as an outcome carries it.
pub(crate) fn detail(text: impl AsRef<str>) -> String {
    crate::cut::to_bytes(text.as_ref().trim(), DETAIL_BYTES_MAX)
}

impl Outcome {
    pub(crate) fn accepted(vendor_id: Option<String>) -> Self {
        Self::Accepted { vendor_id }
    }

    pub(crate) fn token_invalid(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::TokenInvalid {
            code: code.into(),
            detail: detail(text),
            as_of_ms: None,
        }
    }

    pub(crate) fn retry(scope: Scope, code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::retry_after(scope, None, code, text)
    }

    pub(crate) fn retry_after(
        scope: Scope,
        after: Option<Duration>,
        code: impl Into<String>,
        text: impl AsRef<str>,
    ) -> Self {
        Self::Retry {
            after,
            code: code.into(),
            detail: detail(text),
            scope,
        }
    }

    pub(crate) fn quota_day(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::QuotaDay {
            code: code.into(),
            detail: detail(text),
        }
    }

    pub(crate) fn content_rejected(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::ContentRejected {
            code: code.into(),
            detail: detail(text),
        }
    }

    pub(crate) fn refused(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::Refused {
            code: code.into(),
            detail: detail(text),
        }
    }

    pub(crate) fn misconfigured(code: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self::Misconfigured {
            code: code.into(),
            detail: detail(text),
        }
    }

    /// One word for logs and metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::TokenInvalid { .. } => "token_invalid",
            Self::Retry { .. } => "retry",
            Self::QuotaDay { .. } => "quota_day",
            Self::ContentRejected { .. } => "content_rejected",
            Self::Refused { .. } => "refused",
            Self::Misconfigured { .. } => "misconfigured",
            Self::Unsupported => "unsupported",
        }
    }

    /// The vendor's code; empty where nothing went wrong.
    pub fn code(&self) -> &str {
        match self {
            Self::Accepted { .. } | Self::Unsupported => "",
            Self::TokenInvalid { code, .. }
            | Self::Retry { code, .. }
            | Self::QuotaDay { code, .. }
            | Self::ContentRejected { code, .. }
            | Self::Refused { code, .. }
            | Self::Misconfigured { code, .. } => code,
        }
    }

    /// The vendor's text; empty where nothing went wrong.
    pub fn detail(&self) -> &str {
        match self {
            Self::Accepted { .. } | Self::Unsupported => "",
            Self::TokenInvalid { detail, .. }
            | Self::Retry { detail, .. }
            | Self::QuotaDay { detail, .. }
            | Self::ContentRejected { detail, .. }
            | Self::Refused { detail, .. }
            | Self::Misconfigured { detail, .. } => detail,
        }
    }

    /// Whether the vendor has the push.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}
