//! An XMPP server's side of a load: accounts made in the stream, and what their rooms are called.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::{Target, User, user_name};
use crate::connection;
use crate::login::{Session, leave, xmpp as login};
use crate::wire::xmpp::{self, ROOMS, attribute};

/// Accounts made at once.
const REGISTERING: usize = 16;
/// Longest that making one may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The accounts of a server.
pub(crate) struct Accounts {
    /// How many there are is kept here over runs.
    kept: PathBuf,
}

impl Accounts {
    pub(crate) fn kept_in(file: PathBuf) -> Self {
        Self { kept: file }
    }

    /// The first `count` users; who is not there yet is registered.
    pub(super) async fn users(&self, target: &Target, count: usize) -> anyhow::Result<Vec<User>> {
        let kept = fs::read_to_string(&self.kept).unwrap_or_default();
        let there: usize = kept.trim().parse().unwrap_or_default();
        let users: Vec<_> = (0..count).map(user).collect();
        if there < count {
            register(target, &users[there..]).await?;
            fs::write(&self.kept, count.to_string())?;
        }
        Ok(users)
    }
}

async fn register(target: &Target, users: &[User]) -> anyhow::Result<()> {
    for some in users.chunks(REGISTERING) {
        let mut registering = JoinSet::new();
        for user in some {
            let (reader, writer) = connection::open(&target.route(false)?).await?;
            let one = register_one(Session { reader, writer }, user.name.clone());
            registering.spawn(tokio::time::timeout(PATIENCE, one));
        }
        while let Some(registered) = registering.join_next().await {
            registered?.context("registering takes too long")??;
        }
    }
    Ok(())
}

async fn register_one(mut session: Session, name: String) -> anyhow::Result<()> {
    login::open_stream(&mut session).await?;
    session.writer.send(xmpp::register(&name, &name).as_bytes())?;
    let is_answer = |element: &[u8]| attribute(element, b"id") == Some(b"register");
    let registered = login::wait(&mut session, &mut |_| {}, is_answer).await;
    registered.with_context(|| format!("registering {name}"))?;
    leave(session).await;
    Ok(())
}

/// The user with this index, whose password is its name.
fn user(number: usize) -> User {
    let name = user_name(number);
    User {
        client_id: login::RESOURCE.to_owned(),
        credentials: Some((name.clone(), name.clone())),
        inbox: format!("{name}@localhost"),
        outbox: None,
        name,
    }
}

/// The address of a room.
pub(super) fn room(id: &str) -> String {
    format!("{id}@{ROOMS}")
}
