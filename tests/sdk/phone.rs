//! A phone of the SDK's story: an app on the SDK in a process of its own, that its parent kills.
//!
//! It stops and says so at a moment of its parent's choice, between a delivery and the commit that keeps it, or between
//! that commit and its acknowledgement. The SDK tells of both moments as any app may hear: by `tracing`.

#![expect(clippy::print_stdout, reason = "it talks to its parent by its output")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use godwit_sdk::{Client, Config, Draft, Event, MqttVersion, OutgoingState, Registration};
use serde::Deserialize;
use tracing::field::{Field, Visit};
use tracing::span;

/// What the parent wants of this life; JSON in the first argument.
#[derive(Deserialize)]
struct Life {
    store: String,
    server: String,
    mqtt: String,
    is_v5: bool,
    /// Registers with it; without, only if `register` says so.
    ticket: Option<String>,
    register: bool,
    /// What it sends, and to whom.
    drafts: Vec<(String, String)>,
    /// At which moment it stops: `delivered` or `kept`; something else means never.
    stop_at: String,
    /// At the how manieth such moment.
    stop_after: u32,
    /// Ends when everything is sent and caught up.
    ends: bool,
}

/// Hears of the SDK's moments, and stops the process at one of them.
struct Moments {
    stop_at: String,
    left: AtomicU32,
}

/// The fields of a moment.
#[derive(Default)]
struct Moment {
    message: String,
    entries: u64,
}

impl Visit for Moment {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "entries" {
            self.entries = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        }
    }
}

impl tracing::Subscriber for Moments {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "godwit_sdk::table"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut moment = Moment::default();
        event.record(&mut moment);
        if moment.entries > 0 && moment.message == self.stop_at && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            println!("stopped");
            // The one thread of this process sleeps: nothing goes on until it is killed.
            std::thread::sleep(Duration::from_hours(1));
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let life: Life = serde_json::from_str(&argument)?;
    tracing::subscriber::set_global_default(Moments {
        stop_at: life.stop_at.clone(),
        left: AtomicU32::new(life.stop_after),
    })?;
    live(life).await
}

async fn live(life: Life) -> anyhow::Result<()> {
    let mut config = Config::new(&life.store, &life.server);
    config.mqtt = Some(life.mqtt);
    config.protocol = if life.is_v5 { MqttVersion::V5 } else { MqttVersion::V311 };
    config.backoff.first = Duration::from_millis(50);
    config.backoff.most = Duration::from_millis(200);
    let client = Client::open(config).await?;
    let mut events = client.events();
    if let Some(ticket) = life.ticket {
        client.register(Registration::with_ticket(ticket)).await?;
    } else if life.register {
        client.register(Registration::again()).await?;
    }
    if let Some(profile) = client.profile() {
        println!("account {}", profile.account);
    }
    client.connect()?;
    for (to, text) in life.drafts {
        let id = client.send(Draft::text(&to, text)).await?;
        println!("sent {id} {to}");
    }
    let mut is_caught_up = false;
    while let Ok(event) = tokio::time::timeout(Duration::from_mins(1), events.next()).await {
        is_caught_up |= matches!(event, Some(Event::CaughtUp { .. }));
        if life.ends && is_caught_up && !waits(&client).await? {
            client.disconnect().await;
            println!("done");
            return Ok(());
        }
    }
    anyhow::bail!("nothing came")
}

/// Whether a draft still waits for its numbers.
async fn waits(client: &Client) -> anyhow::Result<bool> {
    let unsettled = client.unsettled(None).await?;
    let waits = |state: &OutgoingState| matches!(state, OutgoingState::Queued | OutgoingState::Sent);
    Ok(unsettled.iter().any(|outgoing| waits(&outgoing.state)))
}
