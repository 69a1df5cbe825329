//! Stands in for Honor, with its tokens.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::World;
use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, Fields, Is, known, must, object, text};
use super::tokens::{Tokens, Worth};
use crate::settings::{Classes, Honor, Pace};
use crate::{Secret, VendorName};

const APP_ID: &str = "104000001";
const CLIENT_ID: &str = "simulated-honor-client";
const CLIENT_SECRET: &str = "simulated-honor-secret";
const BADGE_CLASS: &str = "example.godwit.MainActivity";
const LIFE_MS: u64 = 3_600_000;
const PAYLOAD_MAX: usize = 4_096;
const TTL_MAX: u64 = 1_296_000;
/// How far the caller's clock may be off, in milliseconds.
const CLOCK_MS: u64 = 600_000;
const MESSAGE: [(&str, Is); 4] = [
    ("data", Is::Text),
    ("notification", Is::Object),
    ("android", Is::Object),
    ("token", Is::Texts),
];
const ANDROID: [(&str, Is); 5] = [
    ("ttl", Is::Text),
    ("biTag", Is::Text),
    ("targetUserType", Is::Number),
    ("data", Is::Text),
    ("notification", Is::Object),
];
const LOOK: [(&str, Is); 13] = [
    ("title", Is::Text),
    ("body", Is::Text),
    ("clickAction", Is::Object),
    ("image", Is::Text),
    ("style", Is::Number),
    ("bigTitle", Is::Text),
    ("bigBody", Is::Text),
    ("importance", Is::Text),
    ("when", Is::Text),
    ("badge", Is::Object),
    ("notifyId", Is::Number),
    ("tag", Is::Text),
    ("group", Is::Text),
];
const CLICK: [(&str, Is); 4] = [
    ("type", Is::Number),
    ("intent", Is::Text),
    ("action", Is::Text),
    ("url", Is::Text),
];
const BADGE: [(&str, Is); 3] = [("addNum", Is::Number), ("setNum", Is::Number), ("badgeClass", Is::Text)];

/// A simulated Honor. Stops when it is dropped.
pub struct HonorSimulator {
    server: Server,
    rules: Arc<Rules>,
    token_url: String,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    tokens: Tokens,
}

/// Status, code and text.
struct No(u16, u64, Fault);

impl HonorSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let token_url = format!("https://{}/auth/token", listener.local_addr()?);
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            tokens: Tokens::new(LIFE_MS),
        });
        let server = Server::serve(listener, &world.authority, script, Arc::clone(&rules) as _)?;
        Ok(Self {
            server,
            rules,
            token_url,
        })
    }

    /// Settings that lead here, with credentials that are taken.
    pub fn settings(&self) -> Honor {
        Honor {
            app_id: APP_ID.to_owned(),
            client_id: CLIENT_ID.to_owned(),
            client_secret: Secret::new(CLIENT_SECRET),
            badge_class: Some(BADGE_CLASS.to_owned()),
            class: Classes::default(),
            connection: self
                .rules
                .world
                .connection(self.server.origin(), Some(self.token_url.clone())),
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// How many tokens were given.
    pub fn given(&self) -> usize {
        self.rules.tokens.count()
    }

    /// All tokens that were given have expired.
    pub fn expire(&self) {
        self.rules.tokens.expire();
    }
}

impl Rules {
    fn token(&self, asked: &Asked) -> Said {
        match strict::client_credentials(asked, (CLIENT_ID, CLIENT_SECRET)) {
            Ok(()) => self.tokens.bearer(self.world.clock.now_ms()),
            Err(fault) => Said::json(401, &json!({"error": "invalid_client", "error_description": fault})),
        }
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        let path = format!("/api/v1/{APP_ID}/sendMessage");
        must(asked.path == path && asked.method == "POST", "no such path").map_err(|fault| No(404, 404, fault))?;
        let bearer = asked
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        match self.tokens.worth(bearer, self.world.clock.now_ms()) {
            Worth::Alive => {}
            Worth::Expired => return Err(No(200, 80_200_003, "the token has expired".to_owned())),
            Worth::Unknown => return Err(No(401, 80_200_001, "the token is not known".to_owned())),
        }
        let sent_ms: Option<u64> = asked.header("timestamp").parse().ok();
        let off = sent_ms.map(|sent_ms| sent_ms.abs_diff(self.world.clock.now_ms()));
        must(off.is_some_and(|off| off <= CLOCK_MS), "timestamp").map_err(|fault| No(200, 80_100_001, fault))?;
        let (tokens, shown) = read(asked)?;
        Ok(self.reach(&tokens, &shown))
    }

    fn reach(&self, tokens: &[String], shown: &Shown) -> Value {
        let (mut failed, mut expired) = (Vec::new(), Vec::new());
        for token in tokens {
            match self.world.devices.get(VendorName::Honor, token) {
                Device::Good => self
                    .world
                    .phones
                    .receive(VendorName::Honor, token, shown.clone(), Keeps::All),
                Device::Refused { .. } => failed.push(token),
                Device::Unknown | Device::Gone { .. } | Device::OtherApp => expired.push(token),
            }
        }
        let all_well = failed.is_empty() && expired.is_empty();
        let data = json!({
            "sendResult": all_well,
            "requestId": format!("sim{}", self.script.seen()),
            "failTokens": failed,
            "expireTokens": expired,
        });
        json!({"code": 200, "message": "success", "data": data})
    }
}

impl server::Rules for Rules {
    fn is_push(&self, asked: &Asked) -> bool {
        asked.path != "/auth/token"
    }

    fn answer(&self, asked: &Asked) -> Said {
        if asked.path == "/auth/token" {
            return self.token(asked);
        }
        match self.take(asked) {
            Ok(body) => Said::json(200, &body),
            Err(No(status, code, fault)) => {
                if (80_100_000..80_200_000).contains(&code) {
                    self.script.complain(fault.clone());
                }
                Said::json(status, &json!({"code": code, "message": fault}))
            }
        }
    }
}

fn read(asked: &Asked) -> Result<(Vec<String>, Shown), No> {
    let wrong = |fault| No(200, 80_100_003, fault);
    let message = strict::json(asked).map_err(wrong)?;
    known("request", &message, &MESSAGE).map_err(wrong)?;
    let tokens = strict::list(&message, "token");
    must((1..=1_000).contains(&tokens.len()), "1 to 1,000 tokens").map_err(|fault| No(200, 80_300_010, fault))?;
    let mut without = message.clone();
    without.remove("token");
    let size = Value::Object(without).to_string().len();
    must(size <= PAYLOAD_MAX, format!("{size} bytes")).map_err(|fault| No(200, 80_300_008, fault))?;
    let shown = shown(&message).map_err(wrong)?;
    Ok((tokens, shown))
}

fn shown(message: &Fields) -> Result<Shown, Fault> {
    let android = object(message, "android");
    known("android", &android, &ANDROID)?;
    let seconds = text(&android, "ttl")
        .strip_suffix('s')
        .and_then(|text| text.parse::<u64>().ok());
    must(
        seconds.is_some_and(|seconds| (1..=TTL_MAX).contains(&seconds)),
        "ttl of 1s to 1296000s",
    )?;
    let silent = !android.contains_key("notification");
    must(silent == message.contains_key("data"), "either a notification or data")?;
    let look = object(&android, "notification");
    known("android.notification", &look, &LOOK)?;
    let badge = object(&look, "badge");
    known("badge", &badge, &BADGE)?;
    must(
        badge.is_empty() || !text(&badge, "badgeClass").is_empty(),
        "a badge needs its class",
    )?;
    known("clickAction", &object(&look, "clickAction"), &CLICK)?;
    if !silent {
        must(
            matches!(text(&look, "importance"), "LOW" | "NORMAL"),
            "importance is LOW or NORMAL",
        )?;
        must(
            !text(&look, "title").is_empty() && !text(&look, "body").is_empty(),
            "title and body",
        )?;
    }
    let data = if silent {
        text(message, "data")
    } else {
        text(&android, "data")
    };
    let data = strict::texts(&strict::json_text(data.as_bytes())?);
    let set = badge.get("setNum").and_then(Value::as_u64);
    Ok(Shown {
        id: data.get("pushId").cloned(),
        title: text(&look, "title").to_owned(),
        body: text(&look, "body").to_owned(),
        badge: set
            .and_then(|set| u32::try_from(set).ok())
            .or_else(|| data.get("badge")?.parse().ok()),
        collapse: look.get("notifyId").map(Value::to_string),
        sound: None,
        rings: false,
        silent,
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    })
}
