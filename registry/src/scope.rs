//! What an app may ask for.

use std::fmt;
use std::str::FromStr;

/// One permission of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Issue tickets: `tickets`.
    Tickets,
    /// Manage devices: `devices`.
    Devices,
    /// Send messages: `messages`.
    Messages,
    /// Read messages and whole conversations: `messages:read`.
    MessagesRead,
    /// Manage groups: `groups`.
    Groups,
    /// Send to tags, orgs and everyone: `broadcast`.
    Broadcast,
    /// Read inboxes of accounts: `inbox:read`.
    InboxRead,
    /// Manage tenants: `tenants`. Of use to apps of the operator's tenant alone.
    Tenants,
    /// Manage the tenant's apps: `apps`.
    Apps,
    /// Manage users: `users`.
    Users,
    /// Manage tags: `tags`.
    Tags,
    /// Manage organisations: `orgs`.
    Orgs,
    /// Read who changed what: `audit`.
    Audit,
    /// Be told of events, and be asked before messages are taken: `webhooks`.
    Webhooks,
}

impl Scope {
    /// All of them, for published tables.
    pub const ALL: [Self; 14] = [
        Self::Tickets,
        Self::Devices,
        Self::Messages,
        Self::MessagesRead,
        Self::Groups,
        Self::Broadcast,
        Self::InboxRead,
        Self::Tenants,
        Self::Apps,
        Self::Users,
        Self::Tags,
        Self::Orgs,
        Self::Audit,
        Self::Webhooks,
    ];

    /// As clients and the store spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tickets => "tickets",
            Self::Devices => "devices",
            Self::Messages => "messages",
            Self::MessagesRead => "messages:read",
            Self::Groups => "groups",
            Self::Broadcast => "broadcast",
            Self::InboxRead => "inbox:read",
            Self::Tenants => "tenants",
            Self::Apps => "apps",
            Self::Users => "users",
            Self::Tags => "tags",
            Self::Orgs => "orgs",
            Self::Audit => "audit",
            Self::Webhooks => "webhooks",
        }
    }

    fn bit(self) -> u32 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes; as text, their names with spaces between (RFC 6749, 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is in the set.
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether every scope of `other` is in this set.
    pub fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The scopes in both sets.
    #[must_use]
    pub fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the set holds nothing.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " " })?;
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for Scopes {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().map(Scope::from_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_scopes_reads_back_what_it_prints() {
        let some: Scopes = [Scope::InboxRead, Scope::Tickets].into_iter().collect();
        assert_eq!(some.to_string(), "tickets inbox:read");
        assert_eq!(some.to_string().parse(), Ok(some));
        assert_eq!(Scopes::all().to_string().parse(), Ok(Scopes::all()));
        assert_eq!("tickets root".parse::<Scopes>(), Err(UnknownScope("root".to_owned())));
        assert!(Scopes::all().contains_all(some) && !some.contains_all(Scopes::all()));
    }
}
