//! Somebody comes online: connection, CONNECT, and usually a subscription; alone or as a crowd.

pub(crate) mod xmpp;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;

use crate::connection::{self, Reader, Writer};
use crate::target::{Target, User};
use crate::wire::{self, Language, Packet};

/// Longest way in; a crowd before a small door takes its time.
const PATIENCE: Duration = Duration::from_mins(1);
/// Handshakes under way at once, where it does not matter.
const ARRIVING: usize = 64;

/// How somebody comes in.
#[derive(Clone, Debug)]
pub(crate) struct Entrance {
    pub(crate) tls: bool,
    /// Forget the session that was.
    pub(crate) clean: bool,
    /// MQTT 5 with No Local: what it says itself stays away.
    pub(crate) no_local: bool,
    /// What to subscribe to, with QoS 1; in XMPP one's own address or a room's.
    pub(crate) filter: Option<String>,
}

/// Somebody online.
pub(crate) struct Session {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Entrance {
    /// As a phone that keeps its session and listens to its inbox.
    pub(crate) fn of_a_phone(user: &User, tls: bool) -> Self {
        Self {
            tls,
            clean: false,
            no_local: false,
            filter: Some(user.inbox.clone()),
        }
    }
}

/// Connects, is let in, and has subscribed. What else arrives meanwhile goes to `early`.
///
/// # Errors
/// The server says no, is gone, or takes longer than a minute.
pub(crate) async fn enter(
    target: &Target,
    user: &User,
    entrance: &Entrance,
    early: impl FnMut(Packet<'_>),
) -> anyhow::Result<Session> {
    let way_in = tokio::time::timeout(PATIENCE, enter_slowly(target, user, entrance, early));
    way_in.await.context("not let in within a minute")?
}

async fn enter_slowly(
    target: &Target,
    user: &User,
    entrance: &Entrance,
    early: impl FnMut(Packet<'_>),
) -> anyhow::Result<Session> {
    let mut route = target.route(entrance.tls)?;
    route.language = route.language.with_no_local(entrance.no_local);
    let language = route.language;
    let (reader, writer) = connection::open(&route).await.context("connecting")?;
    let session = Session { reader, writer };
    match language {
        Language::Mqtt => introduce(session, user, (entrance, wire::Version::V311), early).await,
        Language::Mqtt5 => introduce(session, user, (entrance, wire::Version::V5), early).await,
        Language::Xmpp => xmpp::introduce(session, user, entrance.filter.as_deref(), early).await,
    }
}

async fn introduce(
    session: Session,
    user: &User,
    (entrance, version): (&Entrance, wire::Version),
    mut early: impl FnMut(Packet<'_>),
) -> anyhow::Result<Session> {
    let Session { mut reader, writer } = session;
    let mut out = Vec::with_capacity(256);
    let credentials = user.credentials.as_ref();
    let connect = wire::Connect {
        client_id: &user.client_id,
        credentials: credentials.map(|(name, password)| (name.as_str(), password.as_str())),
        clean: entrance.clean,
        version,
    };
    wire::connect(&mut out, &connect);
    writer.send(&out)?;
    let mut answer = None;
    while answer.is_none() {
        let packets = reader.packets(|packet| match packet {
            Packet::ConnAck { code } => answer = Some(code),
            other => early(other),
        });
        packets.await.context("waiting for CONNACK")?;
    }
    if answer != Some(0) {
        bail!("refused with CONNACK {answer:?}");
    }
    let Some(filter) = &entrance.filter else {
        return Ok(Session { reader, writer });
    };
    out.clear();
    wire::subscribe(&mut out, filter, version);
    writer.send(&out)?;
    let mut granted = None;
    while granted.is_none() {
        let packets = reader.packets(|packet| match packet {
            Packet::SubAck { code } => granted = Some(code),
            other => early(other),
        });
        packets.await.context("waiting for SUBACK")?;
    }
    if granted != Some(1) {
        bail!("{filter} was granted as {granted:?}");
    }
    Ok(Session { reader, writer })
}

/// Says goodbye and waits until the server has closed.
pub(crate) async fn leave(session: Session) {
    if session.writer.send(session.writer.language().goodbye()).is_ok() {
        let _ = tokio::time::timeout(PATIENCE, session.reader.closed()).await;
    }
}

/// Who comes, and how many at once.
#[derive(Clone)]
pub(crate) struct Crowd {
    pub(crate) target: Arc<Target>,
    /// Everybody with the way they come in.
    pub(crate) people: Arc<Vec<(User, Entrance)>>,
    pub(crate) at_once: usize,
}

impl Crowd {
    /// Phones that listen to their inboxes.
    pub(crate) fn of_phones(target: &Arc<Target>, users: &[User], tls: bool) -> Self {
        let phones = users.iter().map(|user| (user.clone(), Entrance::of_a_phone(user, tls)));
        Self::new(target, phones.collect())
    }

    pub(crate) fn new(target: &Arc<Target>, people: Vec<(User, Entrance)>) -> Self {
        Self {
            target: Arc::clone(target),
            people: Arc::new(people),
            at_once: ARRIVING,
        }
    }

    /// Lets everybody in; `inside` gets each with its place in the crowd, within the task of its own.
    ///
    /// # Errors
    /// The first that was not let in.
    pub(crate) async fn enter<T, F>(&self, inside: F) -> anyhow::Result<Vec<T>>
    where
        T: Send + 'static,
        F: Fn(usize, Session) -> T + Clone + Send + 'static,
    {
        let next = Arc::new(AtomicUsize::new(0));
        let mut doors = JoinSet::new();
        for _ in 0..self.at_once.min(self.people.len()) {
            let (crowd, next, inside) = (self.clone(), Arc::clone(&next), inside.clone());
            doors.spawn(async move {
                let mut entered = Vec::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((user, entrance)) = crowd.people.get(at) else {
                        return anyhow::Ok(entered);
                    };
                    let session = enter(&crowd.target, user, entrance, |_| {}).await;
                    let session = session.with_context(|| format!("{} comes in", user.name))?;
                    entered.push((at, inside(at, session)));
                }
            });
        }
        let mut entered = Vec::with_capacity(self.people.len());
        while let Some(door) = doors.join_next().await {
            entered.extend(door??);
        }
        entered.sort_unstable_by_key(|(at, _)| *at);
        Ok(entered.into_iter().map(|(_, inside)| inside).collect())
    }
}
