//! Godwit's side of a load: accounts registered over REST as an app's backend does, many at a time, and kept in a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Dialect, Target, User, user_name};
use crate::connection::Trust;

/// Registrations under way at once.
const REGISTERING: usize = 32;

/// A Godwit that runs on this data folder.
pub(crate) async fn running_in(folder: &Path, trust: Option<Trust>) -> anyhow::Result<Target> {
    let addresses: Addresses = read_json(&folder.join("addresses.json"))?;
    let rest = Rest::sign_in(folder, &addresses.http).await?;
    let mqtt = addresses.mqtt.parse().context("the MQTT address")?;
    let mut target = Target::new("godwit", mqtt, Dialect::Godwit(Box::new(rest)));
    if let (Some(address), Some(trust)) = (addresses.mqtts, trust) {
        target.tls = Some((address.parse().context("the MQTT address with TLS")?, trust));
    }
    Ok(target)
}

/// What `addresses.json` says.
#[derive(Deserialize)]
struct Addresses {
    http: String,
    mqtt: String,
    mqtts: Option<String>,
}

/// What `first-app.json` says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FirstApp {
    client_id: String,
    client_secret: String,
}

/// A registered device; as it is kept.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials {
    account: String,
    device_id: String,
    device_token: String,
}

/// The REST door, signed in.
pub(crate) struct Rest {
    door: Arc<Door>,
    /// Where accounts are kept over runs: beside the data folder, named after it.
    kept: PathBuf,
}

/// A page that was read.
pub(crate) struct Page {
    /// From asking until all of it was there.
    pub(crate) time: Duration,
    pub(crate) items: usize,
}

struct Door {
    client: reqwest::Client,
    base: String,
    access_token: String,
}

impl Rest {
    async fn sign_in(folder: &Path, http: &str) -> anyhow::Result<Self> {
        let app: FirstApp = read_json(&folder.join("first-app.json"))?;
        let mut door = Door {
            client: reqwest::Client::builder().no_proxy().build()?,
            base: format!("http://{http}"),
            access_token: String::new(),
        };
        let request = door
            .client
            .post(format!("{}/oauth/token", door.base))
            .basic_auth(&app.client_id, Some(&app.client_secret))
            .form(&[("grant_type", "client_credentials")]);
        door.access_token = text(&answer(request).await?, "access_token")?;
        Ok(Self {
            door: Arc::new(door),
            kept: folder.with_extension("accounts.json"),
        })
    }

    /// The first `count` users; who is not in the file is registered.
    pub(super) async fn users(&self, count: usize) -> anyhow::Result<Vec<User>> {
        let mut accounts: BTreeMap<String, Credentials> = read_json(&self.kept).unwrap_or_default();
        let names: Vec<_> = (0..count).map(user_name).collect();
        let missing: Vec<_> = names
            .iter()
            .filter(|name| !accounts.contains_key(*name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            accounts.extend(self.register(missing).await?);
            std::fs::write(&self.kept, serde_json::to_vec(&accounts)?)?;
        }
        let users = names.into_iter().map(|name| {
            let account = accounts.get(&name).context("everybody is registered")?;
            Ok(user(name, account))
        });
        users.collect()
    }

    async fn register(&self, names: Vec<String>) -> anyhow::Result<Vec<(String, Credentials)>> {
        let (names, next) = (Arc::new(names), Arc::new(AtomicUsize::new(0)));
        let mut workers = JoinSet::new();
        for _ in 0..REGISTERING {
            let (door, names, next) = (Arc::clone(&self.door), Arc::clone(&names), Arc::clone(&next));
            workers.spawn(async move {
                let mut registered = Vec::new();
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let account = door
                        .register(name)
                        .await
                        .with_context(|| format!("registering {name}"))?;
                    registered.push((name.clone(), account));
                }
                anyhow::Ok(registered)
            });
        }
        let mut registered = Vec::with_capacity(names.len());
        while let Some(done) = workers.join_next().await {
            registered.extend(done??);
        }
        Ok(registered)
    }

    /// Makes a group, unless it is there from an earlier run.
    pub(super) async fn make_group(&self, id: &str, members: &[User]) -> anyhow::Result<()> {
        let names: Vec<_> = members.iter().map(|member| member.name.as_str()).collect();
        let group = json!({ "groupId": id, "name": id, "members": names });
        match self.door.post("/v1/groups", &group).await {
            Err(error) if error.to_string().contains("already_exists") => Ok(()),
            other => other.map(drop),
        }
    }

    /// The newest page of a user's inbox, with the token of its device.
    pub(crate) async fn inbox(&self, user: &User, limit: u64) -> anyhow::Result<Page> {
        let (account, token) = user.credentials.as_ref().context("everybody is registered")?;
        let url = format!("{}/v1/accounts/{account}/inbox?limit={limit}", self.door.base);
        let request = self.door.client.get(url).bearer_auth(token);
        let began = Instant::now();
        let answer = request.send().await?.error_for_status()?;
        let body = answer.bytes().await?;
        let time = began.elapsed();
        let body: Value = serde_json::from_slice(&body)?;
        Ok(Page {
            time,
            items: body["items"].as_array().map_or(0, Vec::len),
        })
    }

    /// Commits of the archive, each one sync.
    pub(super) async fn commits(&self) -> Option<u64> {
        let metrics = self
            .door
            .client
            .get(format!("{}/metrics", self.door.base))
            .send()
            .await
            .ok()?;
        counter(&metrics.text().await.ok()?, "archive_commits_total")
    }
}

impl Door {
    async fn register(&self, user: &str) -> anyhow::Result<Credentials> {
        let ticket = self.post("/v1/tickets", &json!({ "userId": user })).await?;
        let device =
            json!({ "ticket": text(&ticket, "ticket")?, "uniqueCode": format!("{user}-phone"), "os": "android" });
        let device = self.post("/v1/devices", &device).await?;
        Ok(serde_json::from_value(device)?)
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        answer(request.bearer_auth(&self.access_token)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let (status, path) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await?;
    if !status.is_success() {
        bail!("{path} was refused: {status} {body}");
    }
    Ok(serde_json::from_str(&body)?)
}

fn user(name: String, account: &Credentials) -> User {
    let Credentials {
        account,
        device_id,
        device_token,
    } = account;
    User {
        name,
        client_id: device_id.clone(),
        credentials: Some((account.clone(), device_token.clone())),
        inbox: format!("im/{account}/inbox"),
        outbox: Some(format!("im/{account}/outbox")),
    }
}

/// A counter without labels in Prometheus' text.
fn counter(metrics: &str, name: &str) -> Option<u64> {
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

fn text(body: &Value, field: &str) -> anyhow::Result<String> {
    let text = body[field].as_str().map(str::to_owned);
    text.with_context(|| format!("the answer has no `{field}`"))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_read_and_a_longer_name_is_not_taken_for_it() {
        let metrics = "# TYPE x counter\narchive_commits_total_more 9\narchive_commits_total 42\n";
        assert_eq!(counter(metrics, "archive_commits_total"), Some(42));
        assert_eq!(counter(metrics, "archive"), None);
    }
}
