//! A draft as it came through the door, and one attempt to put it on its way.

use godwit_dispatcher::{Appending, Dispatcher, Sender};
use godwit_model::{Draft, Refused};
use godwit_protocol::{envelope, properties};

use crate::codec::UserProperties;
use crate::session::{Publication, StoredWill};

/// What a publication to the outbox, or a will, says.
#[derive(Clone, Copy)]
pub(crate) struct Paper<'a> {
    payload: &'a [u8],
    message_expiry_s: Option<u32>,
    user_properties: UserProperties<'a>,
}

/// The same, where it has to wait.
pub(crate) struct StoredPaper {
    payload: Vec<u8>,
    message_expiry_s: Option<u32>,
    properties: Box<[u8]>,
}

impl<'a> Paper<'a> {
    pub(crate) fn of_publication(publication: &Publication<'a>) -> Self {
        Self {
            payload: publication.payload,
            message_expiry_s: publication.message_expiry_s,
            user_properties: publication.user_properties,
        }
    }

    pub(crate) fn of_will(will: &'a StoredWill) -> Self {
        Self {
            payload: &will.payload,
            message_expiry_s: will.message_expiry_s,
            user_properties: UserProperties::of_block(&will.properties),
        }
    }

    pub(crate) fn store(&self) -> StoredPaper {
        StoredPaper {
            payload: self.payload.to_vec(),
            message_expiry_s: self.message_expiry_s,
            properties: self.user_properties.block().into(),
        }
    }

    fn read(&self, now_ms: u64) -> Result<Draft, Refused> {
        let mut draft = envelope::decode_draft(self.payload)?;
        properties::keep(&mut draft, self.user_properties.iter())?;
        let lifetime_ms = self.message_expiry_s.map(|seconds| u64::from(seconds) * 1_000);
        draft.expires_at_ms = lifetime_ms.map(|lifetime_ms| now_ms.saturating_add(lifetime_ms));
        Ok(draft)
    }

    /// One attempt to put the draft on its way. Leaves nothing behind unless it succeeds, so that it may be dropped and
    /// made again.
    pub(crate) async fn attempt(&self, dispatcher: &Dispatcher, sender: &Sender) -> Result<Appending, Refused> {
        let accepted = dispatcher.accept(sender, self.read(dispatcher.now_ms())?).await?;
        dispatcher.append(accepted)
    }
}

impl StoredPaper {
    pub(crate) fn paper(&self) -> Paper<'_> {
        Paper {
            payload: &self.payload,
            message_expiry_s: self.message_expiry_s,
            user_properties: UserProperties::of_block(&self.properties),
        }
    }
}
