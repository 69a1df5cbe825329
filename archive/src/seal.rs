//! Encryption of message bodies at rest: XChaCha20-Poly1305, one key a tenant, kept apart from the data.
//!
//! A sealed body is the tenant (4 bytes), the name of its key (4), a random nonce (24), and the ciphertext with its tag.
//! Kind, form and conversation are authenticated with it, so that no body can be moved into another message's place.
//! Who takes a tenant's line out of the key file has erased the tenant's messages, in every copy there is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use godwit_model::{ConversationKey, TenantNo};

use crate::entry::{AppendError, Entry};
use crate::record::{GoneReason, Record, RecordKind};

mod key_file;

pub use key_file::KeyError;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const FRONT_BYTES: usize = 4 + 4;
/// How much longer a sealed body is.
pub(crate) const OVERHEAD_BYTES: usize = FRONT_BYTES + NONCE_BYTES + TAG_BYTES;

/// The keys of all tenants. A tenant's first message makes its key.
pub struct KeyRing {
    path: PathBuf,
    keys: RwLock<BTreeMap<u32, Key>>,
    /// One at a time writes the file.
    making: Mutex<()>,
    /// What was logged already, so that a log does not fill with it.
    told: Mutex<BTreeMap<u32, Trouble>>,
}

/// Whether bodies are encrypted, and with what.
#[derive(Clone, Debug, Default)]
pub struct Sealing {
    /// Opens what is encrypted. Without keys it reads as erased.
    pub keys: Option<Arc<KeyRing>>,
    /// Whether new messages are encrypted; needs keys.
    pub new_ones: bool,
}

impl Sealing {
    fn active(&self) -> Option<&KeyRing> {
        self.keys.as_deref().filter(|_| self.new_ones)
    }

    /// How much longer a body becomes.
    pub(crate) fn overhead_bytes(&self) -> usize {
        self.active().map_or(0, |_| OVERHEAD_BYTES)
    }

    /// The body of an entry as it goes to the disk, if it is encrypted there.
    pub(crate) fn seal(&self, entry: &Entry) -> Result<Option<Bytes>, AppendError> {
        let Some(keys) = self.active() else { return Ok(None) };
        let label = Label {
            kind: entry.kind,
            form: entry.form,
            conversation: entry.conversation,
        };
        keys.seal(entry.tenant, label, &entry.body).map(Some).map_err(|error| {
            tracing::error!(tenant = entry.tenant.0, %error, "a message cannot be encrypted and is not stored");
            AppendError::NoKey
        })
    }
}

/// One tenant's key, ready for use.
#[derive(Clone)]
struct Key {
    cipher: XChaCha20Poly1305,
    name: [u8; 4],
}

/// Why a sealed body is not readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// There is no key of its tenant: it was lost, or taken away so that nobody can read this any more.
    NoKey,
    /// It was sealed with another key of its tenant.
    OtherKey,
    /// The right key does not open it: it is not what was sealed, or belongs elsewhere.
    Damaged,
}

impl Trouble {
    /// A stable name.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::OtherKey => "other_key",
            Self::Damaged => "damaged",
        }
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Key {
    fn new(bytes: &[u8; 32]) -> Self {
        let mut name = [0; 4];
        // A hash says which key it is and nothing about it.
        name.copy_from_slice(&blake3::hash(bytes).as_bytes()[..4]);
        Self {
            cipher: XChaCha20Poly1305::new(bytes.into()),
            name,
        }
    }
}

impl KeyRing {
    /// Reads the key file; one that is missing is made with the first key.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let path = path.into();
        let keys = key_file::read(&path)?;
        Ok(Self {
            keys: RwLock::new(keys.iter().map(|(tenant, key)| (*tenant, Key::new(key))).collect()),
            path,
            making: Mutex::new(()),
            told: Mutex::default(),
        })
    }

    fn key(&self, tenant: u32) -> Option<Key> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(&tenant).cloned()
    }

    /// The tenant's key; a new one is durable before it is used. Blocks on the disk for that.
    fn key_or_new(&self, tenant: u32) -> Result<Key, KeyError> {
        if let Some(key) = self.key(tenant) {
            return Ok(key);
        }
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = self.key(tenant) {
            return Ok(key);
        }
        let key = Key::new(&key_file::add(&self.path, tenant)?);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(tenant, key.clone());
        Ok(key)
    }

    /// Seals a body.
    pub(crate) fn seal(&self, tenant: TenantNo, label: Label, body: &[u8]) -> Result<Bytes, KeyError> {
        let key = self.key_or_new(tenant.0)?;
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(std::io::Error::other)?;
        let payload = Payload {
            msg: body,
            aad: &label.bytes(tenant.0),
        };
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| std::io::Error::other("a body is longer than a cipher takes"))?;
        let mut out = Vec::with_capacity(body.len() + OVERHEAD_BYTES);
        out.extend_from_slice(&tenant.0.to_le_bytes());
        out.extend_from_slice(&key.name);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out.into())
    }

    fn unseal(&self, label: Label, sealed: &[u8]) -> Result<Bytes, Trouble> {
        let parts = || {
            let (tenant, rest) = sealed.split_first_chunk::<4>()?;
            let (name, rest) = rest.split_first_chunk::<4>()?;
            let (nonce, text) = rest.split_first_chunk::<NONCE_BYTES>()?;
            Some((u32::from_le_bytes(*tenant), *name, *nonce, text))
        };
        let (tenant, name, nonce, text) = parts().ok_or(Trouble::Damaged)?;
        let key = self.key(tenant).ok_or(Trouble::NoKey)?;
        if key.name != name {
            return Err(Trouble::OtherKey);
        }
        let payload = Payload {
            msg: text,
            aad: &label.bytes(tenant),
        };
        let opened = key.cipher.decrypt(&XNonce::from(nonce), payload);
        opened.map(Bytes::from).map_err(|_| Trouble::Damaged)
    }

    /// Says once which tenant's messages cannot be read, and why.
    fn tell(&self, tenant: u32, trouble: Trouble) {
        let reason = trouble.word();
        metrics::counter!("archive_sealed_unreadable_total", "reason" => reason).increment(1);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(tenant, trouble) != Some(trouble) {
            let file = self.path.display();
            tracing::error!(tenant, reason, %file, "messages of a tenant cannot be decrypted; readers see them as erased");
        }
    }
}

/// What is authenticated with a body.
#[derive(Clone, Copy)]
pub(crate) struct Label {
    pub(crate) kind: RecordKind,
    pub(crate) form: u8,
    pub(crate) conversation: Option<ConversationKey>,
}

impl Label {
    fn bytes(self, tenant: u32) -> [u8; 22] {
        let mut bytes = [0; 22];
        bytes[..4].copy_from_slice(&tenant.to_le_bytes());
        bytes[4] = self.kind.byte();
        bytes[5] = self.form;
        let conversation = self.conversation.map_or(0, |conversation| conversation.0);
        bytes[6..].copy_from_slice(&conversation.to_le_bytes());
        bytes
    }
}

/// The tenant that a sealed body names.
pub(crate) fn tenant_of(sealed: &[u8]) -> u32 {
    sealed.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// Why a record's sealed body is not readable; `None` if it is.
pub(crate) fn trouble(keys: Option<&KeyRing>, record: &Record) -> Option<Trouble> {
    match keys {
        Some(keys) => keys.unseal(label(record), &record.body).err(),
        None => Some(Trouble::NoKey),
    }
}

/// The record with its body in the clear, or without it if nothing opens it.
pub(crate) fn opened(keys: Option<&KeyRing>, record: Record) -> Record {
    let result = match keys {
        Some(keys) => keys.unseal(label(&record), &record.body),
        None => Err(Trouble::NoKey),
    };
    match result {
        Ok(body) => Record { body, ..record },
        Err(trouble) => {
            if let Some(keys) = keys {
                keys.tell(tenant_of(&record.body), trouble);
            } else {
                metrics::counter!("archive_sealed_unreadable_total", "reason" => trouble.word()).increment(1);
            }
            let reason = match trouble {
                Trouble::NoKey | Trouble::OtherKey => GoneReason::Erased,
                Trouble::Damaged => GoneReason::Quarantined,
            };
            record.without_body(reason)
        }
    }
}

fn label(record: &Record) -> Label {
    Label {
        kind: record.kind,
        form: record.form,
        conversation: record.conversation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label {
        kind: RecordKind::Message,
        form: 1,
        conversation: Some(ConversationKey(7)),
    };

    #[test]
    fn a_body_opens_with_its_key_and_label_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let keys = KeyRing::open(&path).expect("opens");
        let sealed = keys.seal(TenantNo(3), LABEL, b"hello").expect("sealed");
        assert!(!sealed.windows(5).any(|part| part == b"hello"));
        let again = KeyRing::open(&path).expect("opens");
        assert_eq!(again.unseal(LABEL, &sealed).expect("opens"), b"hello"[..]);
        let other = Label { form: 2, ..LABEL };
        assert_eq!(again.unseal(other, &sealed), Err(Trouble::Damaged));
        for at in FRONT_BYTES..sealed.len() {
            let mut bad = sealed.to_vec();
            bad[at] ^= 1;
            assert_eq!(again.unseal(LABEL, &bad), Err(Trouble::Damaged), "{at}");
        }
    }

    #[test]
    fn without_its_line_a_tenant_is_unreadable_and_a_new_key_does_not_open_the_old() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys");
        let keys = KeyRing::open(&path).expect("opens");
        let one = keys.seal(TenantNo(1), LABEL, b"one").expect("sealed");
        let two = keys.seal(TenantNo(2), LABEL, b"two").expect("sealed");
        let text = std::fs::read_to_string(&path).expect("readable");
        let kept: Vec<_> = text.lines().filter(|line| !line.starts_with("1 ")).collect();
        std::fs::write(&path, kept.join("\n") + "\n").expect("written");
        let keys = KeyRing::open(&path).expect("opens");
        assert_eq!(keys.unseal(LABEL, &one), Err(Trouble::NoKey));
        assert_eq!(keys.unseal(LABEL, &two).expect("opens"), b"two"[..]);
        keys.seal(TenantNo(1), LABEL, b"new").expect("sealed");
        assert_eq!(keys.unseal(LABEL, &one), Err(Trouble::OtherKey));
    }
}
