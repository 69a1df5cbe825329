//! One connection at work: entries into the table and then acknowledged, drafts out of the outbox, requests.

mod hearing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::mpsc;

use super::driver::Command;
use super::link::{End, Heard, Link};
use crate::catch_up::CatchUp;
use crate::client::Shared;
use crate::error::Error;
use crate::outbox::OnTheWay;
use crate::profile::Account;
use crate::requests::{Asker, Requests};

/// Most of what was heard that goes into one commit.
const COMMIT_MAX: usize = 256;
/// How long accepting and subscribing may take.
const GREETING: Duration = Duration::from_secs(15);

/// A connection at work.
pub(super) struct Session<'d> {
    shared: &'d Shared,
    account: Arc<Account>,
    link: Link,
    catch_up: CatchUp,
    on_the_way: OnTheWay,
    /// Drafts that were handed over and have no packet id yet, in order.
    handed: VecDeque<String>,
    /// Deliveries to be acknowledged, in order: each once the table has everything up to a number.
    owed: VecDeque<(u64, u16)>,
    /// Drafts by packet id.
    packets: HashMap<u16, String>,
    online: bool,
    began: Instant,
}

/// A step that ends the connection, if it does.
type Step = Result<(), End>;

impl<'d> Session<'d> {
    pub(super) fn new(shared: &'d Shared, account: Arc<Account>, link: Link, cursor: u64) -> Self {
        let now = Instant::now();
        Self {
            shared,
            account,
            link,
            catch_up: CatchUp::new(cursor, now),
            on_the_way: OnTheWay::new(1),
            handed: VecDeque::new(),
            owed: VecDeque::new(),
            packets: HashMap::new(),
            online: false,
            began: now,
        }
    }

    /// Works until the connection ends.
    pub(super) async fn run(mut self, commands: &mut mpsc::Receiver<Command>, requests: &mut Requests) -> End {
        let mut heard = Vec::with_capacity(COMMIT_MAX);
        loop {
            let Err(end) = self.step(commands, requests, &mut heard).await else {
                continue;
            };
            if matches!(end, End::Asked | End::NetworkChanged) {
                self.link.close().await;
                return end;
            }
            return self.link.why_it_ended().unwrap_or(end);
        }
    }

    async fn step(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        requests: &mut Requests,
        heard: &mut Vec<Heard>,
    ) -> Step {
        let due = self.due();
        tokio::select! {
            count = self.link.heard.recv_many(heard, COMMIT_MAX) => {
                if count == 0 {
                    return Err(End::Lost("the connection ended".to_owned()));
                }
                self.hear(heard.drain(..), requests).await?;
            }
            command = commands.recv() => self.obey(command, requests)?,
            () = self.shared.outbox_changed.notified(), if self.online => self.publish_drafts().await?,
            () = tokio::time::sleep_until(due.into()) => {
                if !self.online {
                    return Err(End::Lost("no answer in time".to_owned()));
                }
                self.publish_drafts().await?;
            }
        }
        self.ask_for_page(requests)
    }

    /// When something has to be done without being asked.
    fn due(&self) -> Instant {
        if !self.online {
            return self.began + GREETING;
        }
        let idle = Instant::now() + Duration::from_hours(1);
        [self.catch_up.due(), self.on_the_way.wakes()]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(idle)
    }

    fn obey(&mut self, command: Option<Command>, requests: &mut Requests) -> Step {
        match command {
            None | Some(Command::Disconnect) => Err(End::Asked),
            Some(Command::NetworkChanged) => Err(End::NetworkChanged),
            Some(Command::Ask { method, params, answer }) => {
                let id = self.shared.fresh_id().map_err(|error| lost(&error))?;
                match requests.ask(id, method, &params, Asker::App(answer)) {
                    Some(payload) if self.online => self.publish_request(payload),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The subscriptions stand: everything that waited goes out.
    async fn greet(&mut self, requests: &mut Requests) -> Step {
        self.online = true;
        self.shared.set_state(crate::event::ConnectionState::Online);
        for payload in requests.again() {
            self.publish_request(payload)?;
        }
        self.publish_drafts().await
    }

    async fn publish_drafts(&mut self) -> Step {
        if !self.online {
            return Ok(());
        }
        let no = self.account.no;
        let heads = self.shared.on_store(move |store| store.heads(no)).await;
        let heads = heads.map_err(|error| lost(&error))?;
        let topic = self.account.topic("outbox");
        for waiting in self.on_the_way.choose(heads, Instant::now()) {
            if !self.link.publish_draft(&topic, waiting.draft) {
                return Err(full());
            }
            self.handed.push_back(waiting.id);
        }
        Ok(())
    }

    fn publish_request(&self, payload: String) -> Step {
        let sent = self.link.publish_request(&self.account.topic("request"), payload);
        sent.then_some(()).ok_or_else(full)
    }

    fn ask_for_page(&mut self, requests: &mut Requests) -> Step {
        if !self.online {
            return Ok(());
        }
        let Some(ask) = self.catch_up.next(Instant::now()) else {
            return Ok(());
        };
        let id = self.shared.fresh_id().map_err(|error| lost(&error))?;
        let params = json!({ "after": ask.after, "limit": ask.limit });
        let asker = Asker::Page { after: ask.after };
        if let Some(payload) = requests.ask(id, "inbox", &params, asker) {
            return self.publish_request(payload);
        }
        self.catch_up.failed(Instant::now());
        Ok(())
    }
}

/// What the table cannot do now ends the connection: nothing is acknowledged, and it is tried again after a wait.
fn lost(error: &Error) -> End {
    tracing::warn!(%error, "the connection ends, because the local table failed");
    End::Lost(error.to_string())
}

/// More waits to be written than the platform may make wait.
fn full() -> End {
    End::Lost("the connection takes nothing more".to_owned())
}
