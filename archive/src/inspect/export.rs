//! Hands out every stored message with its numbers, in the order of the log.

use std::io;

use godwit_model::{AccountNo, ConversationKey};

use super::walk::Seen;
use super::{Inspector, Watch};
use crate::cold::ColdError;
use crate::frame::FrameKind;
use crate::marks::{Marks, Sight};
use crate::record::Record;
use crate::record::decode::{self, Stored};

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
    /// What time it is: what has expired is handed out without its body.
    pub now_ms: u64,
    /// Whether encrypted bodies are opened, with the keys of [`Inspector::with_keys`].
    pub decrypt: bool,
}

/// One stored message, or the numbers that a message got after its commit.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The message, as a reader would see it: what was taken back or has expired has no body.
    pub record: Record,
    /// Whether its body is encrypted: nobody asked for it in the clear.
    pub sealed: bool,
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
    /// how many damages were met. Reads everything twice, because a message may be taken back long after it came.
    pub fn export(
        &self,
        selection: &Selection,
        watch: Watch<'_>,
        take: &mut dyn FnMut(Exported) -> io::Result<()>,
    ) -> io::Result<u64> {
        let marks = Marks::default();
        let total = self.folder()?.segments.values().sum::<u64>() * 2;
        self.each_frame(&mut |done| watch(done, total), &mut |kind, body| {
            if kind == FrameKind::Marks {
                marks.add(&decode::marks(body).unwrap_or_default());
            }
            Ok(())
        })?;
        let sight = Sight {
            marks: &marks,
            now_ms: selection.now_ms,
        };
        let desk = Desk {
            inspector: self,
            selection,
            sight,
        };
        self.each_frame(&mut |done| watch(total / 2 + done, total), &mut |kind, body| {
            desk.select(kind, body)?.map_or(Ok(()), &mut *take)
        })
    }

    /// Every sound frame of every segment; says how many damages were met.
    fn each_frame(
        &self,
        watch: &mut dyn FnMut(u64),
        take: &mut dyn FnMut(FrameKind, &bytes::Bytes) -> io::Result<()>,
    ) -> io::Result<u64> {
        let folder = self.folder()?;
        if folder.unread() > 0 {
            let segment = folder.cold.keys().next().copied().unwrap_or_default();
            return Err(ColdError::NoStore { segment }.into());
        }
        let (mut done, mut damages, mut failed) = (0, 0, None);
        for (no, size) in &folder.segments {
            let later: Vec<u64> = folder.segments.range(no + 1..).map(|(no, _)| *no).collect();
            let walked = self.walk(*no, &later, &mut |seen| match seen {
                Seen::Fault(_) => damages += 1,
                Seen::Frame { kind, body, .. } if failed.is_none() => failed = take(kind, body).err(),
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
            watch(done);
        }
        Ok(damages)
    }

    /// The message whose recipients a chunk numbers; `None` if it is lost.
    fn intent(&self, place: crate::segment::Location) -> io::Result<Option<Stored>> {
        let segment = match crate::segment::open(&*self.disk, place.segment) {
            Ok(crate::segment::Header::Sound(segment)) => segment,
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let frame = segment.frame(place.offset)?;
        Ok(frame.and_then(|(_, body)| decode::stored(&body)))
    }
}

/// An export under way.
struct Desk<'a> {
    inspector: &'a Inspector,
    selection: &'a Selection,
    sight: Sight<'a>,
}

impl Desk<'_> {
    fn select(&self, kind: FrameKind, body: &bytes::Bytes) -> io::Result<Option<Exported>> {
        let (stored, numbers) = match kind {
            FrameKind::Message => {
                let stored = decode::stored(body);
                let numbers = stored.as_ref().and_then(Stored::numbers);
                (stored, numbers.unwrap_or_default())
            }
            // Its numbers come with the chunks.
            FrameKind::Intent if self.selection.account.is_none() => (decode::stored(body), Vec::new()),
            FrameKind::Chunk => match decode::chunk(body) {
                Some((head, numbers)) if self.selection.narrow(numbers.clone()).is_some() => {
                    (self.inspector.intent(head.intent)?, numbers)
                }
                _ => return Ok(None),
            },
            FrameKind::Intent | FrameKind::Batch | FrameKind::Devices | FrameKind::Marks | FrameKind::Numbers => {
                return Ok(None);
            }
        };
        let Some(stored) = stored.filter(|stored| self.selection.takes(&stored.record)) else {
            return Ok(None);
        };
        let numbers = self.selection.narrow(numbers);
        Ok(numbers.map(|numbers| self.shown(stored, numbers)))
    }

    fn shown(&self, stored: Stored, numbers: Vec<(AccountNo, u64)>) -> Exported {
        let stored = if self.selection.decrypt {
            stored.opened(self.inspector.keys.as_deref())
        } else {
            stored
        };
        let gone = self.sight.gone(&stored.record).is_some();
        Exported {
            sealed: stored.sealed && !gone,
            record: self.sight.show(stored.record),
            numbers,
        }
    }
}
