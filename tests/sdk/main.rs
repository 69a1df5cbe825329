//! Stories of apps on the SDK: what is in the phone's table after everything that can happen to a phone.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod calm;
mod ends;
mod house;
mod killed;
mod lives;
mod notice;
mod proxy;
mod published;
mod random;

use std::path::PathBuf;
use std::time::Duration;

use godwit_sdk::{Client, Config, Event, Events};
use kit::{App, PATIENCE};
use reqwest::Method;
use serde_json::Value;

/// Everything in an account's inbox, as the platform has it.
async fn inbox(app: &App, account: &str) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    loop {
        let after = items.last().map_or(0, |item| item["seq"].as_u64().expect("a seq"));
        let path = format!("/v1/accounts/{account}/inbox?after={after}&limit=500");
        let (status, page) = app.call(Method::GET, &path, None).await;
        assert!(status.is_success(), "{status} {page}");
        let more = page["items"].as_array().expect("items").clone();
        if more.is_empty() {
            return items;
        }
        items.extend(more);
    }
}

/// Everything in a client's table.
async fn table(client: &Client) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    loop {
        let after = items.last().map_or(0, |item| item["seq"].as_u64().expect("a seq"));
        let more = client.entries(after, 500).await.expect("the table is read");
        if more.is_empty() {
            return items;
        }
        items.extend(
            more.iter()
                .map(|(_, json)| serde_json::from_str::<Value>(json).expect("JSON")),
        );
    }
}

/// A client of a table.
async fn open(store: PathBuf, server: &str, change: impl FnOnce(&mut Config)) -> Client {
    let mut config = Config::new(store, server);
    config.backoff.first = Duration::from_millis(50);
    config.backoff.most = Duration::from_millis(200);
    change(&mut config);
    Client::open(config).await.expect("the table opens")
}

/// The first event that fits.
async fn heard<T>(events: &mut Events, what: &str, mut fits: impl FnMut(Event) -> Option<T>) -> T {
    let waiting = async {
        loop {
            let event = events.next().await.expect("the client lives");
            if let Some(found) = fits(event) {
                return found;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
