//! Every expected "no": a stable code a client can act on. Failures (our fault) are not here.

use std::borrow::Cow;
use std::fmt;

/// Why something was not done. The code is a contract; the text may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The bytes are not what this door reads.
    Malformed,
    /// A field is missing or has a value outside its rules.
    InvalidField,
    /// The message, or one of its fields, is larger than the limit.
    TooLarge,
    /// More recipients than one message may have: a broadcast job is for them.
    TooManyRecipients,
    /// The credentials are missing, wrong, expired or revoked.
    Unauthenticated,
    /// Known, but not allowed to do this.
    Forbidden,
    /// `from` names somebody else than the sender.
    NotYourself,
    /// A topic that is not the account's own.
    TopicForbidden,
    /// The user is blocked by its tenant.
    UserBlocked,
    /// The tenant may not use the platform for a while.
    TenantSuspended,
    /// No such user in this tenant.
    UserNotFound,
    /// No such group in this tenant.
    GroupNotFound,
    /// No such message, device, conversation or other thing.
    NotFound,
    /// The sender is not a member of the group.
    NotMember,
    /// The sender is a member of the group and may not write to it for now.
    Muted,
    /// A named target is not a member of the group.
    TargetNotMember,
    /// The id was used before with another body.
    IdConflict,
    /// The id carries a time older than the duplicate window.
    IdExpired,
    /// The time in which a sender may take the message back is over.
    RecallExpired,
    /// It is done already, and cannot be changed or cancelled any more.
    TooLate,
    /// The sender has too many messages that are kept back.
    TooManyKeptBack,
    /// It exists already.
    AlreadyExists,
    /// The client is too old; there is a newer one.
    Outdated,
    /// The ticket is unknown, used or expired.
    TicketInvalid,
    /// The unique code belongs to another user, and no proof was given.
    DeviceOwned,
    /// More requests than the limit allows.
    RateLimited,
    /// The platform cannot take more now; nothing was kept.
    Overloaded,
    /// The disk of the platform is full; nothing was kept.
    StorageFull,
    /// This kind of address is not available yet.
    Unsupported,
    /// A service of the tenant that is asked before messages are taken said no.
    HookRefused,
    /// That service does not answer, and nothing passes without it; nothing was kept.
    HookUnavailable,
    /// The tenant's business system does not say what has to be known; nothing was kept.
    ResolverUnavailable,
    /// The receiver blocks the sender, an app.
    BlockedByReceiver,
}

/// What a client should do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same request will be refused again.
    Never,
    /// The same request may succeed later.
    Later,
}

impl Refusal {
    /// All of them, for published tables.
    pub const ALL: [Self; 33] = [
        Self::Malformed,
        Self::InvalidField,
        Self::TooLarge,
        Self::TooManyRecipients,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotYourself,
        Self::TopicForbidden,
        Self::UserBlocked,
        Self::TenantSuspended,
        Self::UserNotFound,
        Self::GroupNotFound,
        Self::NotFound,
        Self::NotMember,
        Self::Muted,
        Self::TargetNotMember,
        Self::IdConflict,
        Self::IdExpired,
        Self::RecallExpired,
        Self::TooLate,
        Self::TooManyKeptBack,
        Self::AlreadyExists,
        Self::Outdated,
        Self::TicketInvalid,
        Self::DeviceOwned,
        Self::RateLimited,
        Self::Overloaded,
        Self::StorageFull,
        Self::Unsupported,
        Self::HookRefused,
        Self::HookUnavailable,
        Self::ResolverUnavailable,
        Self::BlockedByReceiver,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn http_status(self) -> u16 {
        self.row().1
    }

    /// The MQTT 5 reason code of a PUBACK, PUBREC or SUBACK (OASIS MQTT 5.0, 2.4).
    pub fn mqtt_reason(self) -> u8 {
        self.row().2
    }

    /// The JSON-RPC error number, from the range the specification leaves to servers.
    pub fn rpc_number(self) -> i32 {
        match self {
            Self::Malformed => -32700,
            Self::InvalidField => -32602,
            other => -32000 - i32::from(other.row().1),
        }
    }

    /// Whether trying again can help.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::TenantSuspended
            | Self::RateLimited
            | Self::Overloaded
            | Self::StorageFull
            | Self::HookUnavailable
            | Self::ResolverUnavailable => Remedy::Later,
            _ => Remedy::Never,
        }
    }

    /// One sentence for people.
    pub fn text(self) -> &'static str {
        self.row().3
    }

    fn row(self) -> (&'static str, u16, u8, &'static str) {
        match self {
            Self::Malformed => ("malformed", 400, 0x99, "the bytes could not be read"),
            Self::InvalidField => (
                "invalid_field",
                422,
                0x99,
                "a field is missing or has a value outside its rules",
            ),
            Self::TooLarge => ("too_large", 413, 0x97, "larger than the limit"),
            Self::TooManyRecipients => (
                "too_many_recipients",
                413,
                0x97,
                "more recipients than one message may have; a broadcast job is for them",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                401,
                0x87,
                "credentials are missing, wrong, expired or revoked",
            ),
            Self::Forbidden => ("forbidden", 403, 0x87, "these credentials do not allow this"),
            Self::NotYourself => ("not_yourself", 403, 0x87, "`from` must be the sender itself"),
            Self::TopicForbidden => ("topic_forbidden", 403, 0x87, "only the account's own topics are open"),
            Self::UserBlocked => ("user_blocked", 403, 0x87, "the user is blocked"),
            Self::TenantSuspended => ("tenant_suspended", 403, 0x87, "the tenant is suspended"),
            Self::UserNotFound => ("user_not_found", 404, 0x80, "no such user in this tenant"),
            Self::GroupNotFound => ("group_not_found", 404, 0x80, "no such group in this tenant"),
            Self::NotFound => ("not_found", 404, 0x80, "no such thing"),
            Self::NotMember => ("not_member", 403, 0x87, "not a member of this group"),
            Self::Muted => ("muted", 403, 0x87, "may not write to this group for now"),
            Self::TargetNotMember => ("target_not_member", 422, 0x80, "a target is not a member of this group"),
            Self::IdConflict => ("id_conflict", 409, 0x80, "this id was used before with another body"),
            Self::IdExpired => (
                "id_expired",
                422,
                0x80,
                "this id carries a time older than the duplicate window of 72 hours",
            ),
            Self::RecallExpired => (
                "recall_expired",
                409,
                0x80,
                "the time in which the sender may take it back is over",
            ),
            Self::TooLate => ("too_late", 409, 0x80, "it is done already"),
            Self::TooManyKeptBack => ("too_many_kept_back", 429, 0x97, "too many messages are kept back"),
            Self::AlreadyExists => ("already_exists", 409, 0x80, "it exists already"),
            Self::Outdated => (
                "outdated",
                403,
                0x87,
                "this version of the client is not supported any more",
            ),
            Self::TicketInvalid => ("ticket_invalid", 401, 0x87, "the ticket is unknown, used or expired"),
            Self::DeviceOwned => ("device_owned", 409, 0x87, "the unique code belongs to another user"),
            Self::RateLimited => ("rate_limited", 429, 0x97, "more requests than the limit allows"),
            Self::Overloaded => (
                "overloaded",
                503,
                0x97,
                "too much to do now; nothing was kept, try again",
            ),
            Self::StorageFull => ("storage_full", 507, 0x97, "the disk is full; nothing was kept"),
            Self::Unsupported => ("unsupported", 501, 0x83, "not available"),
            other => other.row_of_services(),
        }
    }

    /// Refusals of services that tenants run.
    fn row_of_services(self) -> (&'static str, u16, u8, &'static str) {
        match self {
            Self::HookUnavailable => (
                "hook_unavailable",
                503,
                0x97,
                "the tenant's hook does not answer; nothing was kept, try again",
            ),
            Self::ResolverUnavailable => (
                "resolver_unavailable",
                503,
                0x97,
                "the tenant's business system does not answer; nothing was kept, try again",
            ),
            Self::BlockedByReceiver => ("blocked_by_receiver", 403, 0x87, "the receiver blocks the sender"),
            _ => ("hook_refused", 403, 0x87, "the tenant's hook said no"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Refusal {}

/// A refusal with what exactly was wrong, for the person who reads it. Only the code is a contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{refusal}: {detail}")]
pub struct Refused {
    /// The stable reason.
    pub refusal: Refusal,
    /// What was wrong here, and what would be right.
    pub detail: Cow<'static, str>,
}

impl Refused {
    /// A refusal with its detail.
    pub fn new(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            refusal,
            detail: detail.into(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            detail: Cow::Borrowed(refusal.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_distinct() {
        let codes: HashSet<_> = Refusal::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
    }
}
