//! Which versions of a tenant's clients are good, and what outdated ones are told when they register.

use std::cmp::Ordering;

use godwit_model::{OsKind, Refusal, TenantNo};
pub use godwit_store::ClientVersions;
use godwit_store::{Expected, Versioned};

use crate::error::Error;
use crate::registry::{Registry, check_optional_text};

/// Longest version, in bytes.
const VERSION_BYTES_MAX: usize = 64;
/// Longest message to outdated clients, in bytes.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// What a client that is older than the latest is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The newest version there is.
    pub latest: String,
    /// What the tenant says about it; may be empty.
    pub message: String,
}

impl Registry {
    /// What a tenant says of its clients, in the order of operating systems.
    pub async fn client_versions(&self, tenant: TenantNo) -> Result<Vec<ClientVersions>, Error> {
        Ok(self.0.store.client_versions(tenant).await?)
    }

    /// Keeps what a tenant says of its clients on one operating system, and says whether that is new.
    ///
    /// # Errors
    /// [`Error::Differs`] when it is not as expected.
    pub async fn put_client_versions(
        &self,
        tenant: TenantNo,
        new: &ClientVersions,
        expected: Expected,
    ) -> Result<(ClientVersions, bool), Error> {
        for (field, version) in [("minimum", &new.minimum), ("latest", &new.latest)] {
            check_optional_text(field, version, VERSION_BYTES_MAX)?;
            if !version.is_empty() && numbers(version).is_none() {
                let detail = format!("`{field}`: numbers with full stops between, such as 2.10.1");
                return Err(Error::refused(Refusal::InvalidField, detail));
            }
        }
        check_optional_text("message", &new.message, MESSAGE_BYTES_MAX)?;
        match self.0.store.put_client_versions(tenant, new, expected).await? {
            Versioned::Done(kept) => Ok(kept),
            Versioned::Differs | Versioned::Absent => Err(Error::Differs),
        }
    }

    /// Forgets what a tenant says of its clients on one operating system.
    pub async fn remove_client_versions(&self, tenant: TenantNo, os: &str) -> Result<(), Error> {
        if self.0.store.remove_client_versions(tenant, os).await? {
            return Ok(());
        }
        Err(Error::refused(
            Refusal::NotFound,
            format!("nothing is said of clients on {os:?}"),
        ))
    }

    /// Refuses a client that is older than the least one, and finds what one that is older than the latest is told. A
    /// client that does not say its version, or in another form, is let in.
    pub(crate) async fn check_client_version(
        &self,
        tenant: TenantNo,
        os: OsKind,
        version: &str,
    ) -> Result<Option<Update>, Error> {
        let Some(said) = self.0.store.client_versions_on(tenant, os.as_str()).await? else {
            return Ok(None);
        };
        if is_older(version, &said.minimum) {
            let detail = if said.message.is_empty() {
                format!(
                    "version {version} is not supported any more; the least one is {}",
                    said.minimum
                )
            } else {
                said.message
            };
            return Err(Error::refused(Refusal::Outdated, detail));
        }
        Ok(is_older(version, &said.latest).then_some(Update {
            latest: said.latest,
            message: said.message,
        }))
    }
}

fn is_older(version: &str, other: &str) -> bool {
    match (numbers(version), numbers(other)) {
        (Some(version), Some(other)) => compare(&version, &other) == Ordering::Less,
        _ => false,
    }
}

fn compare(one: &[u64], other: &[u64]) -> Ordering {
    let at = |numbers: &[u64], at: usize| numbers.get(at).copied().unwrap_or_default();
    (0..one.len().max(other.len()))
        .map(|place| at(one, place).cmp(&at(other, place)))
        .find(|ordering| ordering.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The numbers of a version; what follows a hyphen, a plus or a space does not count.
fn numbers(version: &str) -> Option<Vec<u64>> {
    let plain = version.split(['-', '+', ' ']).next()?;
    plain.split('.').map(|number| number.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, other, older) in [
            ("2.9", "2.10", true),
            ("2.10", "2.9", false),
            ("2", "2.0.0", false),
            ("2.0.1", "2", false),
            ("1.9.9-beta", "2", true),
            ("2.0-rc1", "2.0", false),
            ("", "2.0", false),
            ("nightly", "2.0", false),
            ("1.0", "", false),
        ] {
            assert_eq!(is_older(version, other), older, "{version} {other}");
        }
    }
}
