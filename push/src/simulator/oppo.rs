//! Stands in for OPPO, with its tokens.

use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, Fields, Is, known, must, object, text, value, width};
use super::tokens::{Tokens, Worth};
use super::{World, chat, simulated_callback};
use crate::hexadecimal::hexadecimal;
use crate::settings::{ClassWords, Oppo, Pace};
use crate::{Secret, VendorName};

const APP_KEY: &str = "simulated-oppo-key";
const MASTER_SECRET: &str = "simulated-oppo-secret";
const UNICAST: &str = "/server/v1/message/notification/unicast";
const UNICAST_BATCH: &str = "/server/v1/message/notification/unicast_batch";
const CATEGORY: &str = "IM";
const CHANNEL: &str = "im";
const HOUR_MS: u64 = 3_600_000;
const CLOCK_MS: u64 = 600_000;
const LOOK: [(&str, Is); 22] = [
    ("app_message_id", Is::Text),
    ("style", Is::Number),
    ("title", Is::Text),
    ("sub_title", Is::Text),
    ("content", Is::Text),
    ("click_action_type", Is::Number),
    ("click_action_activity", Is::Text),
    ("click_action_url", Is::Text),
    ("action_parameters", Is::Text),
    ("off_line", Is::Flag),
    ("off_line_ttl", Is::Number),
    ("show_ttl", Is::Number),
    ("channel_id", Is::Text),
    ("category", Is::Text),
    ("notify_level", Is::Number),
    ("notify_id", Is::Number),
    ("call_back_url", Is::Text),
    ("call_back_parameter", Is::Text),
    ("private_msg_template_id", Is::Text),
    ("private_title_parameters", Is::Object),
    ("private_content_parameters", Is::Object),
    ("image", Is::Text),
];

/// A simulated OPPO. Stops when it is dropped.
pub struct OppoSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    tokens: Tokens,
}

/// A code of OPPO's, and its text.
struct No(i64, Fault);

impl OppoSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            tokens: Tokens::new(24 * HOUR_MS),
        });
        let server = Server::start(&world.authority, script, Arc::clone(&rules) as _).await?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, with a key that is taken.
    pub fn settings(&self) -> Oppo {
        let words = ClassWords {
            channel: Some(CHANNEL.to_owned()),
            category: Some(CATEGORY.to_owned()),
            notify_level: Some(16),
            ..ClassWords::default()
        };
        Oppo {
            app_key: APP_KEY.to_owned(),
            master_secret: Secret::new(MASTER_SECRET),
            class: chat(words),
            body_max: 50,
            overseas_url: Some(self.server.origin()),
            callback: Some(simulated_callback()),
            connection: self.rules.world.connection(self.server.origin(), None),
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
    fn token(&self, asked: &Asked) -> Result<Value, No> {
        let wrong = |fault| No(14, fault);
        let form = strict::form(asked).map_err(wrong)?;
        strict::known_names(&form, &["app_key", "timestamp", "sign"]).map_err(wrong)?;
        let (key, time) = (
            value(&form, "app_key").map_err(wrong)?,
            value(&form, "timestamp").map_err(wrong)?,
        );
        must(key == APP_KEY, "the key is unknown").map_err(wrong)?;
        let now_ms = self.world.clock.now_ms();
        let near = time.parse::<u64>().is_ok_and(|time| time.abs_diff(now_ms) <= CLOCK_MS);
        must(near, "the time is more than ten minutes off").map_err(|fault| No(18, fault))?;
        let sign = hexadecimal(&Sha256::digest(format!("{key}{time}{MASTER_SECRET}")));
        let given = value(&form, "sign").map_err(wrong)?;
        must(given == sign, "the signature is wrong").map_err(|fault| No(15, fault))?;
        Ok(json!({"auth_token": self.tokens.give(now_ms), "create_time": now_ms}))
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        match asked.path.as_str() {
            "/server/v1/auth" => return self.token(asked),
            UNICAST | UNICAST_BATCH if asked.method == "POST" => {}
            other => return Err(No(20, format!("no such path: {other}"))),
        }
        let alive = self.tokens.worth(asked.header("auth_token"), self.world.clock.now_ms());
        must(alive == Worth::Alive, "the token is wrong or has expired").map_err(|fault| No(11, fault))?;
        let wrong = |fault| No(20, fault);
        let form = strict::form(asked).map_err(wrong)?;
        if asked.path == UNICAST {
            strict::known_names(&form, &["message"]).map_err(wrong)?;
            let message = value(&form, "message").map_err(wrong)?;
            return self.one(&strict::json_text(message.as_bytes()).map_err(wrong)?);
        }
        strict::known_names(&form, &["messages"]).map_err(wrong)?;
        let messages = serde_json::from_str::<Vec<Fields>>(value(&form, "messages").map_err(wrong)?);
        let messages = messages.map_err(|error| wrong(format!("messages: {error}")))?;
        must((1..=1_000).contains(&messages.len()), "1 to 1,000 messages").map_err(wrong)?;
        Ok(messages.iter().map(|message| self.one_of_many(message)).collect())
    }

    fn one(&self, message: &Fields) -> Result<Value, No> {
        let (id, shown) = read(message)?;
        match self.world.devices.get(VendorName::Oppo, &id) {
            Device::Good => {}
            Device::Refused { reason } => return Err(No(-2, reason)),
            Device::Unknown | Device::Gone { .. } | Device::OtherApp => {
                return Err(No(10_000, "the registration id is not valid".to_owned()));
            }
        }
        self.world.phones.receive(VendorName::Oppo, &id, shown, Keeps::All);
        Ok(json!({"messageId": format!("sim{}", self.script.seen()), "registrationId": id}))
    }

    /// Codes of forms and parameters are a fault of ours.
    fn complain_about(&self, code: i64, fault: &Fault) {
        if (20..=59).contains(&code) {
            self.script.complain(fault.clone());
        }
    }

    fn one_of_many(&self, message: &Fields) -> Value {
        self.one(message).unwrap_or_else(|No(code, fault)| {
            self.complain_about(code, &fault);
            json!({"registrationId": text(message, "target_value"), "errorCode": code, "errorMessage": fault})
        })
    }
}

impl server::Rules for Rules {
    fn is_push(&self, asked: &Asked) -> bool {
        asked.path != "/server/v1/auth"
    }

    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(data) => Said::json(200, &json!({"code": 0, "message": "Success", "data": data})),
            Err(No(code, fault)) => {
                self.complain_about(code, &fault);
                Said::json(200, &json!({"code": code, "message": fault}))
            }
        }
    }
}

fn read(message: &Fields) -> Result<(String, Shown), No> {
    let wrong = |fault| No(20, fault);
    let parts = [
        ("target_type", Is::Number),
        ("target_value", Is::Text),
        ("verify_registration_id", Is::Flag),
        ("notification", Is::Object),
    ];
    known("message", message, &parts).map_err(wrong)?;
    must(
        message.get("target_type") == Some(&json!(2)),
        "target_type 2 is a registration id",
    )
    .map_err(wrong)?;
    let look = object(message, "notification");
    known("notification", &look, &LOOK).map_err(wrong)?;
    lengths(&look).map_err(|fault| No(23, fault))?;
    let category = text(&look, "category");
    must(category.is_empty() || category == CATEGORY, "the category is unknown").map_err(|fault| No(67, fault))?;
    let level = look.get("notify_level").and_then(Value::as_u64);
    let fits = level.is_none_or(|level| !category.is_empty() && matches!(level, 1 | 2 | 16));
    must(fits, "notify_level only with a category").map_err(|fault| No(67, fault))?;
    Ok((text(message, "target_value").to_owned(), shown(&look).map_err(wrong)?))
}

fn lengths(look: &Fields) -> Result<(), Fault> {
    must((1..=50).contains(&width(text(look, "title"))), "title of 1 to 50")?;
    let most = if look.get("style") == Some(&json!(2)) { 128 } else { 50 };
    must(
        (1..=most).contains(&width(text(look, "content"))),
        format!("content of 1 to {most}"),
    )?;
    must(
        text(look, "action_parameters").len() <= 4_000,
        "action_parameters of 4,000",
    )?;
    must(text(look, "call_back_url").len() <= 200, "call_back_url of 200")?;
    must(
        text(look, "call_back_parameter").len() <= 100,
        "call_back_parameter of 100",
    )?;
    let ttl = look.get("off_line_ttl").and_then(Value::as_u64);
    must(
        ttl.is_some_and(|ttl| (1..=864_000).contains(&ttl)),
        "off_line_ttl of 1 to 864,000",
    )?;
    let url = text(look, "click_action_url");
    match look.get("click_action_type").and_then(Value::as_u64) {
        Some(0) => must(url.is_empty(), "an address that is not used"),
        Some(2 | 5) => must(!url.is_empty(), "no address"),
        other => Err(format!("click_action_type {other:?}")),
    }
}

fn shown(look: &Fields) -> Result<Shown, Fault> {
    let url = text(look, "click_action_url");
    Ok(Shown {
        id: look.get("app_message_id").and_then(Value::as_str).map(str::to_owned),
        title: text(look, "title").to_owned(),
        body: text(look, "content").to_owned(),
        badge: None,
        collapse: look.get("notify_id").map(Value::to_string),
        sound: None,
        rings: false,
        silent: false,
        tap: (!url.is_empty()).then(|| url.to_owned()),
        data: strict::texts(&strict::json_text(text(look, "action_parameters").as_bytes())?),
    })
}
