//! `godwit webhook listen`: prints events as they happen, and sends them on to whoever writes a receiver.

use std::path::Path;
use std::time::Duration;

use godwit_model::{Clock, SystemClock};
use godwit_push::call::{secret_of, signature};
use serde_json::Value;

use crate::args::{Listen, WebhookCommand};
use crate::asking::{Operator, items, text};
use crate::console::{print, print_json};
use crate::failure::{Exit, Failure};

/// How long one question for events waits for the first of them, in seconds.
const WAIT_S: u32 = 20;
/// How long a local receiver may take.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// How long to wait for a server that went away.
const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of an answer of the receiver that are shown.
const SHOWN_BYTES: usize = 200;

/// Does what was asked about webhooks.
pub(crate) async fn run(command: WebhookCommand, json: bool) -> Result<(), Failure> {
    let WebhookCommand::Listen(asked) = command;
    listen(&asked, json).await
}

async fn listen(asked: &Listen, json: bool) -> Result<(), Failure> {
    let operator = match &asked.server {
        Some(server) => Operator::at(server, token(asked.token_file.as_deref())?),
        None => Operator::sign_in(&asked.configured).await?,
    };
    let forward = asked
        .forward_to
        .as_deref()
        .map(|url| Forward::new(url, asked.secret.clone()))
        .transpose()?;
    let types = asked
        .types
        .as_ref()
        .map_or_else(String::new, |types| format!("&types={types}"));
    let mut cursor = operator.get(&format!("/v1/events?wait=0{types}")).await?;
    if let Some(forward) = &forward
        && !json
    {
        print(&format!(
            "events go to {}, signed with {}\n",
            forward.url, forward.secret
        ));
    }
    let mut left = asked.count.unwrap_or(u64::MAX);
    let mut failures = 0_u32;
    while left > 0 {
        let path = format!("/v1/events?after={}&wait={WAIT_S}{types}", text(&cursor["cursor"]));
        let page = match operator.get(&path).await {
            Ok(page) => page,
            // A server that is started again is found again.
            Err(failure) if failure.exit == Exit::Unreachable && failures < 60 => {
                failures += 1;
                tokio::time::sleep(PATIENCE).await;
                continue;
            }
            Err(failure) => return Err(failure),
        };
        failures = 0;
        for item in items(&page).iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            left -= 1;
            let answer = match &forward {
                Some(forward) => Some(forward.send(item).await),
                None => None,
            };
            show(item, answer.as_deref(), json);
        }
        cursor = page;
    }
    Ok(())
}

/// The access token in a file.
fn token(file: Option<&Path>) -> Result<String, Failure> {
    let missing = |what: String| {
        let next = "POST /oauth/token gives a token: see docs/rest.md";
        Failure::new("GW-H002", what, next).with_exit(Exit::Refused)
    };
    let file = file.ok_or_else(|| missing("--server needs --token-file".to_owned()))?;
    let token = std::fs::read_to_string(file);
    let token = token.map_err(|error| missing(format!("{}: {error}", file.display())))?;
    Ok(token.trim().to_owned())
}

fn show(item: &Value, answer: Option<&str>, json: bool) {
    if json {
        let mut line = item.clone();
        if let Some(answer) = answer {
            line["forwarded"] = answer.into();
        }
        return print_json(&line);
    }
    let event = &item["event"];
    let answer = answer.map_or_else(String::new, |answer| format!("  -> {answer}"));
    print(&format!(
        "{}  {:18} {}{answer}\n    {}\n",
        text(&event["timestamp"]),
        text(&event["type"]),
        text(&item["id"]),
        event["data"]
    ));
}

/// The way to a receiver.
struct Forward {
    client: reqwest::Client,
    url: String,
    secret: String,
}

impl Forward {
    fn new(url: &str, secret: Option<String>) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::new("GW-H003", what, "").with_exit(Exit::Refused);
        let secret = match secret {
            Some(secret) => secret,
            None => new_secret().map_err(wrong)?,
        };
        signature(&secret, "id", (0, "")).map_err(|error| wrong(format!("--secret {error}")))?;
        let client = reqwest::Client::builder()
            .timeout(TIME_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            client,
            url: url.to_owned(),
            secret,
        })
    }

    /// Sends an event on, as the platform would; says what came back.
    async fn send(&self, item: &Value) -> String {
        let (id, body) = (text(&item["id"]), item["event"].to_string());
        let at_s = SystemClock.now_ms() / 1_000;
        let Ok(signature) = signature(&self.secret, id, (at_s, &body)) else {
            return "it could not be signed".to_owned();
        };
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s.to_string())
            .header("webhook-signature", signature)
            .body(body);
        match request.send().await {
            Ok(answer) => {
                let status = answer.status();
                let said = answer.text().await.unwrap_or_default();
                let said: String = said
                    .chars()
                    .filter(|letter| !letter.is_control())
                    .take(SHOWN_BYTES)
                    .collect();
                format!("{status} {said}").trim_end().to_owned()
            }
            Err(error) => error.to_string(),
        }
    }
}

fn new_secret() -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(secret_of(&bytes))
}
