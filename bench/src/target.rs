//! Whom the load is meant for: addresses, users with their topics, and the process that pays for it.

pub(crate) mod godwit;
pub(crate) mod xmpp;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};

use crate::connection::{Route, Trust};
use crate::process::Process;
use crate::wire::Language;
use godwit::Rest;

/// A server under load.
pub(crate) struct Target {
    /// What it is called in reports.
    pub(crate) name: String,
    pub(crate) plain: SocketAddr,
    /// The TLS listener, and whom to trust there.
    pub(crate) tls: Option<(SocketAddr, Trust)>,
    pub(crate) dialect: Dialect,
    /// The server's process, on this machine.
    pub(crate) process: Option<Process>,
    next_source: AtomicU32,
}

/// How users get names, topics and groups.
pub(crate) enum Dialect {
    /// Registered over REST, each with the topics of its account.
    Godwit(Box<Rest>),
    /// A topic per user and one per group, no registration: any MQTT broker.
    Topics,
    /// Accounts of an XMPP server and its rooms.
    Xmpp(xmpp::Accounts),
}

/// Somebody who can connect.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// What others call it.
    pub(crate) name: String,
    pub(crate) client_id: String,
    /// User name and password.
    pub(crate) credentials: Option<(String, String)>,
    /// Where its messages arrive; in XMPP its address.
    pub(crate) inbox: String,
    /// Where it sends to, if that does not depend on the receiver.
    outbox: Option<String>,
}

/// Several users who hear the same messages.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// What a message to it says in `to`.
    pub(crate) address: String,
    /// The topic its members subscribe to besides their inbox, where a server has no groups of its own.
    topic: Option<String>,
}

impl Target {
    pub(crate) fn new(name: &str, plain: SocketAddr, dialect: Dialect) -> Self {
        // Another run's ports may still be closing; a fresh start spreads over other addresses.
        let start = std::process::id() % 50_000;
        Self {
            name: name.to_owned(),
            plain,
            tls: None,
            dialect,
            process: None,
            next_source: AtomicU32::new(start),
        }
    }

    /// The way to the server. Each call leaves from another loopback address, so that ports never run out.
    pub(crate) fn route(&self, tls: bool) -> anyhow::Result<Route<'_>> {
        let (to, trust) = match (tls, &self.tls) {
            (false, _) => (self.plain, None),
            (true, Some((address, trust))) => (*address, Some(trust)),
            (true, None) => bail!("{} has no TLS listener", self.name),
        };
        let from = if to.ip().is_loopback() {
            source(self.next_source.fetch_add(1, Ordering::Relaxed))
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        };
        Ok(Route {
            to,
            from,
            tls: trust,
            language: self.language(),
        })
    }

    /// What its connections speak.
    pub(crate) fn language(&self) -> Language {
        match self.dialect {
            Dialect::Godwit(_) | Dialect::Topics => Language::Mqtt,
            Dialect::Xmpp(_) => Language::Xmpp,
        }
    }

    /// The first `count` users, registered where that is needed.
    pub(crate) async fn users(&self, count: usize) -> anyhow::Result<Vec<User>> {
        match &self.dialect {
            Dialect::Godwit(rest) => rest.users(count).await,
            Dialect::Topics => Ok((0..count).map(User::by_topic).collect()),
            Dialect::Xmpp(accounts) => accounts.users(self, count).await,
        }
    }

    /// Groups of these members, made where that is needed.
    pub(crate) async fn groups(&self, users: &[User], size: usize) -> anyhow::Result<Vec<Group>> {
        let mut groups = Vec::new();
        for (at, members) in users.chunks_exact(size).enumerate() {
            let id = format!("bench-{size}-{at}");
            groups.push(match &self.dialect {
                Dialect::Godwit(rest) => {
                    rest.make_group(&id, members).await.context("making a group")?;
                    Group {
                        address: format!("g:{id}"),
                        topic: None,
                    }
                }
                Dialect::Topics => Group {
                    address: id.clone(),
                    topic: Some(format!("g/{id}")),
                },
                // Whoever enters first makes it.
                Dialect::Xmpp(_) => Group {
                    address: id.clone(),
                    topic: Some(xmpp::room(&id)),
                },
            });
        }
        Ok(groups)
    }

    /// Syncs of the server's log so far, where it tells.
    pub(crate) async fn commits(&self) -> Option<u64> {
        match &self.dialect {
            Dialect::Godwit(rest) => rest.commits().await,
            Dialect::Topics | Dialect::Xmpp(_) => None,
        }
    }

    pub(crate) fn process(&self) -> anyhow::Result<&Process> {
        self.process.as_ref().context("this load needs the server's --pid")
    }
}

/// One of some 50,000 loopback addresses.
fn source(number: u32) -> IpAddr {
    let [low, middle, ..] = (number % 50_000).to_le_bytes();
    // 0 and 255 are left out at the end.
    let (third, fourth) = (middle, low.clamp(1, 254));
    IpAddr::V4(Ipv4Addr::new(127, 1, third, fourth))
}

impl User {
    fn by_topic(number: usize) -> Self {
        let name = user_name(number);
        Self {
            client_id: name.clone(),
            credentials: None,
            inbox: format!("u/{name}"),
            outbox: None,
            name,
        }
    }

    /// The topic a message to somebody goes to.
    pub(crate) fn topic_to<'a>(&'a self, other: &'a Self) -> &'a str {
        self.outbox.as_deref().unwrap_or(&other.inbox)
    }

    /// The topic a message to a group goes to.
    pub(crate) fn topic_to_group<'a>(&'a self, group: &'a Group) -> &'a str {
        let own = self.outbox.as_deref().unwrap_or(&self.inbox);
        group.topic.as_deref().unwrap_or(own)
    }

    /// What it subscribes to in order to hear a group.
    pub(crate) fn filter_for<'a>(&'a self, group: &'a Group) -> &'a str {
        group.topic.as_deref().unwrap_or(&self.inbox)
    }
}

/// What the user with this index is called.
pub(crate) fn user_name(number: usize) -> String {
    format!("bench-{number:06}")
}

/// What must be known of a server that was started by somebody else.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Place {
    /// What the server is called in the report.
    #[arg(long, default_value = "server")]
    name: String,
    /// Its MQTT listener; not needed with --godwit.
    #[arg(long, value_name = "ADDR")]
    mqtt: Option<SocketAddr>,
    /// Its MQTT listener with TLS; not needed with --godwit.
    #[arg(long, value_name = "ADDR", requires = "certificate")]
    mqtts: Option<SocketAddr>,
    /// The certificate of that listener (PEM), made for `localhost`.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The data folder of a running Godwit: its addresses and first app are read there, accounts are kept beside it.
    #[arg(long, value_name = "DIR")]
    godwit: Option<PathBuf>,
    /// The server's process.
    #[arg(long)]
    pid: Option<u32>,
}

impl Place {
    /// The server at this place.
    pub(crate) async fn target(&self) -> anyhow::Result<Target> {
        let trust = self
            .certificate
            .as_deref()
            .map(crate::connection::trust_in)
            .transpose()?;
        let mut target = if let Some(folder) = &self.godwit {
            godwit::running_in(folder, trust).await?
        } else {
            let mqtt = self.mqtt.context("either --mqtt or --godwit is needed")?;
            let mut target = Target::new(&self.name, mqtt, Dialect::Topics);
            target.tls = self.mqtts.zip(trust);
            target
        };
        target.process = self.pid.map(|pid| Process::of(&[pid]));
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_addresses_are_loopback_and_many() {
        let seen: std::collections::BTreeSet<_> = (0..50_000).map(source).collect();
        assert!(seen.len() > 49_000, "{}", seen.len());
        assert!(seen.iter().all(IpAddr::is_loopback));
    }
}
