//! What Apple takes (reference: Apple, "Sending notification requests to APNs" and its table of reasons).

use std::sync::{Arc, Mutex};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

use super::{BUNDLE, KEY_ID, TEAM};
use crate::VendorName;
use crate::simulator::World;
use crate::simulator::asked::Asked;
use crate::simulator::devices::Device;
use crate::simulator::phone::{Keeps, Shown};
use crate::simulator::script::Script;
use crate::simulator::strict::{self, Fault, Fields, Is};

const PUBLIC_KEY: &str = include_str!("../keys/apple.public.pem");
const MINUTE: u64 = 60;
const HEADERS: [&str; 12] = [
    "authorization",
    "apns-topic",
    "apns-push-type",
    "apns-priority",
    "apns-expiration",
    "apns-collapse-id",
    "apns-id",
    "content-length",
    "content-type",
    "accept",
    "user-agent",
    "host",
];
const APS: [(&str, Is); 8] = [
    ("alert", Is::Object),
    ("badge", Is::Number),
    ("sound", Is::Text),
    ("thread-id", Is::Text),
    ("category", Is::Text),
    ("content-available", Is::Number),
    ("mutable-content", Is::Number),
    ("interruption-level", Is::Text),
];
const ALERT: [(&str, Is); 3] = [("title", Is::Text), ("subtitle", Is::Text), ("body", Is::Text)];

/// A token that was verified.
pub(crate) struct Bearer {
    text: String,
    issued_at: u64,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) apns_id: Option<String>,
    pub(crate) body: String,
}

/// Status and reason.
struct No(u16, &'static str);

pub(crate) struct Rules {
    pub(crate) world: Arc<World>,
    key: DecodingKey,
    /// The team's token, and when it came: a new one sooner than 20 minutes is one too many.
    team: Mutex<Option<(String, u64)>>,
}

impl Rules {
    pub(crate) fn new(world: Arc<World>) -> Self {
        let key = DecodingKey::from_ec_pem(PUBLIC_KEY.as_bytes()).expect("the key beside this file is one");
        Self {
            world,
            key,
            team: Mutex::new(None),
        }
    }

    /// The answer, and the token if it was verified anew.
    pub(crate) fn judge(
        &self,
        asked: &Asked,
        known: Option<Arc<Bearer>>,
        script: &Script,
    ) -> (Answer, Option<Arc<Bearer>>) {
        let (bearer, is_new) = match self.bearer(asked, known, script) {
            Ok(found) => found,
            Err(no) => return (no.answer(None), None),
        };
        (self.pushed(asked, script), is_new.then_some(bearer))
    }

    /// The answer to one whom a certificate vouches for, for this bundle and what belongs to it.
    pub(crate) fn judge_certified(&self, asked: &Asked, bundle: &str, script: &Script) -> Answer {
        let topic = asked.header("apns-topic");
        let rest = topic.strip_prefix(bundle);
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
            return No(400, "TopicDisallowed").answer(None);
        }
        self.pushed(asked, script)
    }

    fn pushed(&self, asked: &Asked, script: &Script) -> Answer {
        match self.push(asked, script) {
            Ok(id) => Answer {
                status: 200,
                retry_after: None,
                apns_id: Some(id),
                body: String::new(),
            },
            Err((no, since_ms)) => no.answer(since_ms),
        }
    }

    fn bearer(&self, asked: &Asked, known: Option<Arc<Bearer>>, script: &Script) -> Result<(Arc<Bearer>, bool), No> {
        let text = asked
            .header("authorization")
            .strip_prefix("bearer ")
            .unwrap_or_default();
        if text.is_empty() {
            return Err(No(403, "MissingProviderToken"));
        }
        let now = self.world.clock.now_ms() / 1000;
        let (bearer, is_new) = match known.filter(|known| known.text == text) {
            Some(known) => (known, false),
            None => (Arc::new(self.verify(text, now, script)?), true),
        };
        if now >= bearer.issued_at + 60 * MINUTE {
            return Err(No(403, "ExpiredProviderToken"));
        }
        if is_new {
            self.count_update(text, now)?;
        }
        Ok((bearer, is_new))
    }

    fn verify(&self, text: &str, now: u64, script: &Script) -> Result<Bearer, No> {
        let checked = strict::signed(text, Algorithm::ES256, &self.key).and_then(|(header, claims)| {
            strict::must(strict::text(&header, "kid") == KEY_ID, "kid is not a key of the team")?;
            strict::must(strict::text(&claims, "iss") == TEAM, "iss is not the team")?;
            let issued_at = strict::number(&claims, "iat")?;
            strict::must(issued_at <= now, "iat is in the future")?;
            Ok(issued_at)
        });
        let issued_at = checked.map_err(|fault| {
            script.complain(fault);
            No(403, "InvalidProviderToken")
        })?;
        let text = text.to_owned();
        Ok(Bearer { text, issued_at })
    }

    fn count_update(&self, text: &str, now: u64) -> Result<(), No> {
        let mut team = self.team.lock().expect("nothing panics while it holds the team");
        if let Some((held, since)) = &*team {
            if held == text {
                return Ok(());
            }
            if now < since + 20 * MINUTE {
                return Err(No(429, "TooManyProviderTokenUpdates"));
            }
        }
        *team = Some((text.to_owned(), now));
        Ok(())
    }

    fn push(&self, asked: &Asked, script: &Script) -> Result<String, (No, Option<u64>)> {
        let simple = |no| (no, None);
        let device = device_of(asked).map_err(simple)?;
        let voip = topic(asked).map_err(simple)?;
        let id = headers(asked, script).map_err(simple)?;
        let payload = payload(asked, voip).map_err(simple)?;
        let shown = shown(asked, &payload, &id).map_err(|fault| {
            script.complain(fault);
            (No(400, "SimulatorUnknownField"), None)
        })?;
        match self.world.devices.get(VendorName::Apns, device) {
            Device::Good => {}
            Device::Unknown => return Err(simple(No(400, "BadDeviceToken"))),
            Device::OtherApp => return Err(simple(No(400, "DeviceTokenNotForTopic"))),
            Device::Gone { since_ms } => return Err((No(410, "Unregistered"), Some(since_ms))),
            Device::Refused { .. } => return Err(simple(No(429, "TooManyRequests"))),
        }
        self.world
            .phones
            .receive(VendorName::Apns, device, shown, Keeps::Newest);
        Ok(id)
    }
}

impl No {
    fn answer(&self, since_ms: Option<u64>) -> Answer {
        let body = match since_ms {
            Some(since_ms) => json!({"reason": self.1, "timestamp": since_ms}),
            None => json!({"reason": self.1}),
        };
        Answer {
            status: self.0,
            retry_after: None,
            apns_id: None,
            body: body.to_string(),
        }
    }
}

fn device_of(asked: &Asked) -> Result<&str, No> {
    if asked.method != "POST" {
        return Err(No(405, "MethodNotAllowed"));
    }
    let device = asked.path.strip_prefix("/3/device/").ok_or(No(404, "BadPath"))?;
    if device.is_empty() {
        return Err(No(400, "MissingDeviceToken"));
    }
    let is_token = device.len() == 64 && device.bytes().all(|c| c.is_ascii_hexdigit());
    if is_token {
        Ok(device)
    } else {
        Err(No(400, "BadDeviceToken"))
    }
}

/// Whether it is a call; the topic must be known and fit the type.
fn topic(asked: &Asked) -> Result<bool, No> {
    let topic = asked.header("apns-topic");
    if topic.is_empty() {
        return Err(No(400, "MissingTopic"));
    }
    let voip = match topic.strip_suffix(".voip") {
        Some(BUNDLE) => true,
        None if topic == BUNDLE => false,
        _ => return Err(No(400, "TopicDisallowed")),
    };
    match (asked.header("apns-push-type"), voip) {
        ("voip", true) | ("alert" | "background", false) => Ok(voip),
        ("voip" | "alert" | "background", _) => Err(No(400, "BadTopic")),
        _ => Err(No(400, "InvalidPushType")),
    }
}

/// The id of the push.
fn headers(asked: &Asked, script: &Script) -> Result<String, No> {
    for name in asked.headers.keys() {
        if !HEADERS.contains(&name.as_str()) {
            script.complain(format!("the header {name} is not known"));
            return Err(No(400, "SimulatorUnknownHeader"));
        }
        if asked.headers.get_all(name).iter().count() > 1 {
            return Err(No(400, "DuplicateHeaders"));
        }
    }
    let priority = asked.header("apns-priority");
    let background = asked.header("apns-push-type") == "background";
    if !matches!(priority, "10" | "5" | "1") || (background && priority == "10") {
        return Err(No(400, "BadPriority"));
    }
    if asked.header("apns-expiration").parse::<u64>().is_err() {
        return Err(No(400, "BadExpirationDate"));
    }
    if asked.header("apns-collapse-id").len() > 64 {
        return Err(No(400, "BadCollapseId"));
    }
    let id = asked.header("apns-id");
    if id.is_empty() {
        return Ok("00000000-0000-4000-8000-000000000000".to_owned());
    }
    let is_id = id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
    if is_id {
        Ok(id.to_owned())
    } else {
        Err(No(400, "BadMessageId"))
    }
}

fn payload(asked: &Asked, voip: bool) -> Result<Fields, No> {
    if asked.body.is_empty() {
        return Err(No(400, "PayloadEmpty"));
    }
    if asked.body.len() > if voip { 5_120 } else { 4_096 } {
        return Err(No(413, "PayloadTooLarge"));
    }
    let payload = strict::json_text(&asked.body).map_err(|_| No(400, "PayloadEmpty"))?;
    if payload.get("aps").is_some_and(Value::is_object) {
        Ok(payload)
    } else {
        Err(No(400, "PayloadEmpty"))
    }
}

/// What the phone does with it.
fn shown(asked: &Asked, payload: &Fields, id: &str) -> Result<Shown, Fault> {
    let aps = strict::object(payload, "aps");
    strict::known("aps", &aps, &APS)?;
    let alert = strict::object(&aps, "alert");
    strict::known("aps.alert", &alert, &ALERT)?;
    let push_type = asked.header("apns-push-type");
    let visible = ["alert", "badge", "sound"].iter().any(|name| aps.contains_key(*name));
    match push_type {
        "background" => strict::must(
            !visible && aps.get("content-available") == Some(&json!(1)),
            "a background push has content-available and nothing to show",
        )?,
        "alert" => strict::must(visible, "an alert shows something")?,
        _ => {}
    }
    let mut data = payload.clone();
    data.remove("aps");
    let data = strict::texts(&data);
    let rings = push_type == "voip";
    let words = |name: &str| {
        let own = rings.then(|| data.get(name).cloned()).flatten();
        own.unwrap_or_else(|| strict::text(&alert, name).to_owned())
    };
    let collapse = asked.header("apns-collapse-id");
    Ok(Shown {
        id: Some(id.to_owned()),
        title: words("title"),
        body: words("body"),
        badge: aps
            .get("badge")
            .and_then(Value::as_u64)
            .and_then(|badge| u32::try_from(badge).ok()),
        collapse: (!collapse.is_empty()).then(|| collapse.to_owned()),
        sound: aps.get("sound").and_then(Value::as_str).map(str::to_owned),
        rings,
        silent: !rings && !aps.contains_key("alert"),
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    })
}
