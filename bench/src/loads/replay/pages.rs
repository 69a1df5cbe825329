//! The same where a server archives everything: the device was online while it was written to, and later asks for pages.

use std::sync::Arc;

use anyhow::Context as _;

use super::{Received, SILENCE, speakers};
use crate::draft::{self, Tag};
use crate::login::{Entrance, Session, enter, leave};
use crate::target::{Target, User};
use crate::wire::Packet;
use crate::wire::xmpp::{Part, attribute, contains, name, page, text};

/// Entries of a page: the most that ejabberd gives.
const PAGE: usize = 250;
/// Of a question.
const ID: &str = "page";

/// What an answer says of its page.
struct Answer {
    last: Option<String>,
    complete: bool,
}

/// Everybody has one message under way until all have come. The entry of the device's archive before the first.
pub(super) async fn fill(
    target: &Arc<Target>,
    senders: &[User],
    device: &User,
    (tag, each): (Tag, u32),
) -> anyhow::Result<Option<String>> {
    let mut listener = enter(target, device, &Entrance::of_a_phone(device, false), |_| {}).await?;
    let before = ask(&mut listener, Part::Newest, &mut |_| {}).await?.last;
    let sessions = speakers(target, senders).await?;
    let drafts = senders
        .iter()
        .enumerate()
        .map(|sender| super::draft(target, sender, device, tag));
    let mut speaking: Vec<_> = sessions.into_iter().zip(drafts).collect();
    for (session, draft) in &mut speaking {
        session.writer.send(draft.numbered(0))?;
    }
    let (mut left, mut heard) = (u64::from(each) * u64::try_from(senders.len())?, Vec::new());
    while left > 0 {
        let packets = listener.reader.packets(|packet| {
            if let Packet::Publish { payload, .. } = packet {
                heard.extend(draft::find(tag, payload));
            }
        });
        let in_time = tokio::time::timeout(SILENCE, packets).await;
        in_time.with_context(|| format!("{left} messages do not come"))??;
        for (sender, number) in heard.drain(..) {
            left = left.saturating_sub(1);
            if let Some((session, draft)) = speaking.get_mut(sender).filter(|_| number + 1 < each) {
                session.writer.send(draft.numbered(number + 1))?;
            }
        }
    }
    for session in speaking.into_iter().map(|(session, _)| session).chain([listener]) {
        leave(session).await;
    }
    Ok(before)
}

/// Logs in again and asks until there is nothing more.
pub(super) async fn receive(
    target: &Target,
    device: &User,
    received: &mut Received,
    mut place: Option<String>,
) -> anyhow::Result<()> {
    let mut session = enter(target, device, &Entrance::of_a_phone(device, false), |_| {}).await?;
    loop {
        let part = place.as_deref().map_or(Part::First, Part::After);
        let answer = ask(&mut session, part, &mut |payload| received.take(payload)).await?;
        if answer.complete {
            break;
        }
        place = Some(answer.last.context("a page has a last entry")?);
    }
    leave(session).await;
    Ok(())
}

async fn ask(session: &mut Session, part: Part<'_>, entry: &mut impl FnMut(&[u8])) -> anyhow::Result<Answer> {
    session.writer.send(page(ID, part, PAGE).as_bytes())?;
    let mut answer = None;
    while answer.is_none() {
        let packets = session.reader.packets(|packet| match packet {
            Packet::Publish { payload, .. } => entry(payload),
            Packet::Element(element) if name(element) == b"iq" && attribute(element, b"id") == Some(ID.as_bytes()) => {
                answer = Some(Answer {
                    last: text(element, "last").map(str::to_owned),
                    complete: contains(element, b"complete='true'") || !contains(element, b"<fin"),
                });
            }
            _ => {}
        });
        tokio::time::timeout(SILENCE, packets)
            .await
            .context("a page does not come")??;
    }
    answer.context("it was waited for")
}
