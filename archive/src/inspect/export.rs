//! Hands out every stored message with its numbers, in the order of the log.

use std::io;

use godwit_model::{AccountNo, ConversationKey};

use super::walk::Seen;
use super::{Inspector, Watch};
use crate::frame::FrameKind;
use crate::record::{Record, decode};

/// Which messages are wanted; everything by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    /// Only those of this conversation.
    pub conversation: Option<ConversationKey>,
    /// Only those in this account's inbox.
    pub account: Option<AccountNo>,
    /// Only those accepted at this time or later, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Only those accepted before this time.
    pub until_ms: Option<u64>,
}

/// One stored message, or the numbers that a message got after its commit.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The message.
    pub record: Record,
    /// Whose inboxes it is in, and under which number. A message to many gets them step by step: then it is handed out
    /// once for each step, and first with none.
    pub numbers: Vec<(AccountNo, u64)>,
}

impl Selection {
    fn takes(&self, record: &Record) -> bool {
        let time = record.server_time_ms;
        self.conversation
            .is_none_or(|wanted| record.conversation == Some(wanted))
            && self.since_ms.is_none_or(|since| time >= since)
            && self.until_ms.is_none_or(|until| time < until)
    }

    fn narrow(&self, numbers: Vec<(AccountNo, u64)>) -> Option<Vec<(AccountNo, u64)>> {
        let Some(wanted) = self.account else {
            return Some(numbers);
        };
        let own: Vec<_> = numbers.into_iter().filter(|(account, _)| *account == wanted).collect();
        (!own.is_empty()).then_some(own)
    }
}

impl Inspector {
    /// Hands out the messages of a selection up to the last whole commit. Damaged ones are passed over; the answer says
    /// how many damages were met.
    pub fn export(
        &self,
        selection: &Selection,
        watch: Watch<'_>,
        take: &mut dyn FnMut(Exported) -> io::Result<()>,
    ) -> io::Result<u64> {
        let folder = self.folder()?;
        let total = folder.segments.values().sum();
        let (mut done, mut damages, mut failed) = (0, 0, None);
        for (no, size) in &folder.segments {
            let later: Vec<u64> = folder.segments.range(no + 1..).map(|(no, _)| *no).collect();
            let walked = self.walk(*no, &later, &mut |seen| match seen {
                Seen::Fault(_) => damages += 1,
                Seen::Frame { kind, body, .. } if failed.is_none() => {
                    let taken = self.select(selection, kind, body);
                    failed = taken.and_then(|exported| exported.map_or(Ok(()), &mut *take)).err();
                }
                Seen::Frame { .. } => {}
            });
            match walked {
                // Retention took it away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
            if let Some(error) = failed {
                return Err(error);
            }
            done += size;
            watch(done, total);
        }
        Ok(damages)
    }

    fn select(&self, selection: &Selection, kind: FrameKind, body: &bytes::Bytes) -> io::Result<Option<Exported>> {
        let (record, numbers) = match kind {
            FrameKind::Message => {
                let Some(stored) = decode::stored(body) else {
                    return Ok(None);
                };
                let numbers = stored.numbers().unwrap_or_default();
                (stored.record, numbers)
            }
            FrameKind::Intent => {
                let stored = decode::stored(body);
                let wanted = stored.filter(|stored| selection.account.is_none() && selection.takes(&stored.record));
                return Ok(wanted.map(|stored| Exported {
                    record: stored.record,
                    numbers: Vec::new(),
                }));
            }
            FrameKind::Chunk => {
                let Some((head, numbers)) = decode::chunk(body) else {
                    return Ok(None);
                };
                let Some(numbers) = selection.narrow(numbers) else {
                    return Ok(None);
                };
                return Ok(self
                    .intent(head.intent)?
                    .filter(|record| selection.takes(record))
                    .map(|record| Exported { record, numbers }));
            }
            FrameKind::Batch | FrameKind::Devices | FrameKind::Marks | FrameKind::Numbers => return Ok(None),
        };
        let numbers = selection.narrow(numbers);
        Ok(numbers
            .filter(|_| selection.takes(&record))
            .map(|numbers| Exported { record, numbers }))
    }

    /// The message whose recipients a chunk numbers; `None` if it is lost.
    fn intent(&self, place: crate::segment::Location) -> io::Result<Option<Record>> {
        let segment = match crate::segment::open(&*self.disk, place.segment) {
            Ok(crate::segment::Header::Sound(segment)) => segment,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let frame = segment.frame(place.offset)?;
        Ok(frame.and_then(|(_, body)| Some(decode::stored(&body)?.record)))
    }
}
