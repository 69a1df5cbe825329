//! Coming online in XMPP: stream, SASL PLAIN, resource, presence, and the room one is a member of.

use anyhow::{Context as _, bail};

use super::Session;
use crate::target::User;
use crate::wire::xmpp::{self, attribute, contains, name};
use crate::wire::{Language, Packet};

/// Of a resource, and the name somebody has in a room, where a user has no name of its own there.
pub(crate) const RESOURCE: &str = "phone";

/// Logs in, and without an address in `listens_to` says nothing of being here, so that nothing arrives.
pub(super) async fn introduce(
    mut session: Session,
    user: &User,
    listens_to: Option<&str>,
    mut early: impl FnMut(Packet<'_>),
) -> anyhow::Result<Session> {
    log_in(&mut session, user).await?;
    let Some(address) = listens_to else {
        return Ok(session);
    };
    session.writer.send(b"<presence/>")?;
    let here = format!("{}/{RESOURCE}", user.inbox);
    let is_own = |element: &[u8]| name(element) == b"presence" && attribute(element, b"from") == Some(here.as_bytes());
    wait(&mut session, &mut early, is_own).await.context("its presence")?;
    if address == user.inbox {
        return Ok(session);
    }
    session.writer.send(xmpp::join(address, &user.name).as_bytes())?;
    let here = format!("{address}/{}", user.name);
    let is_own = |element: &[u8]| attribute(element, b"from") == Some(here.as_bytes());
    // The room tells of oneself last (XEP-0045, 7.2.2).
    wait(&mut session, &mut early, is_own)
        .await
        .context("entering a room")?;
    Ok(session)
}

async fn log_in(session: &mut Session, user: &User) -> anyhow::Result<()> {
    let (account, password) = user.credentials.as_ref().context("everybody has a password")?;
    open_stream(session).await?;
    session.writer.send(xmpp::auth(account, password).as_bytes())?;
    wait(session, &mut |_| {}, |element| name(element) == b"success")
        .await
        .context("logging in")?;
    open_stream(session).await?;
    session.writer.send(xmpp::bind(RESOURCE).as_bytes())?;
    wait(session, &mut |_| {}, |element| {
        attribute(element, b"id") == Some(b"bind")
    })
    .await
    .context("asking for a resource")
}

/// Opens the stream, the first time or again, and reads what the server offers.
pub(crate) async fn open_stream(session: &mut Session) -> anyhow::Result<()> {
    session.writer.send(xmpp::opening().as_bytes())?;
    wait(session, &mut |_| {}, |element| name(element) == b"stream:features")
        .await
        .context("opening the stream")
}

/// Waits for an element; what else comes meanwhile is `early`.
///
/// # Errors
/// A failure comes instead, or an error as the answer.
pub(crate) async fn wait(
    session: &mut Session,
    early: &mut impl FnMut(Packet<'_>),
    is_wanted: impl Fn(&[u8]) -> bool,
) -> anyhow::Result<()> {
    debug_assert_eq!(
        session.writer.language(),
        Language::Xmpp,
        "there are no elements in MQTT"
    );
    let (mut found, mut fault) = (false, None);
    while !found {
        let packets = session.reader.packets(|packet| match packet {
            Packet::Element(element) if is_failure(element) => {
                fault.get_or_insert_with(|| String::from_utf8_lossy(element).into_owned());
            }
            Packet::Element(element) if is_wanted(element) => found = true,
            other => early(other),
        });
        packets.await?;
        if let Some(fault) = fault {
            bail!("the server says {fault}");
        }
    }
    Ok(())
}

fn is_failure(element: &[u8]) -> bool {
    matches!(name(element), b"failure" | b"stream:error")
        || attribute(element, b"type") == Some(b"error") && contains(element, b"<error")
}
