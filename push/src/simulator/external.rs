//! Stands in for a push service that somebody else runs, by the contract of `docs/push-service.md`: signed requests only,
//! every field known, each id shown once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::World;
use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, Fields, Is, known, must, object, text};
use crate::settings::{External, Pace};
use crate::{Secret, VendorName};

const KEY: &[u8] = b"simulated-service-secret";
const PATH: &str = "/godwit";
/// How far a request's time may be from ours, in seconds.
const AGE_S_MAX: u64 = 300;
/// Calls that are remembered.
const CALLS_MAX: usize = 10_000;
const PUSH: [(&str, Is); 15] = [
    ("type", Is::Text),
    ("id", Is::Text),
    ("kind", Is::Text),
    ("class", Is::Text),
    ("device", Is::Object),
    ("title", Is::Text),
    ("body", Is::Text),
    ("badge", Is::Number),
    ("collapse", Is::Text),
    ("sound", Is::Text),
    ("icon", Is::Text),
    ("image", Is::Text),
    ("tap", Is::Object),
    ("data", Is::Object),
    ("expiresAt", Is::Number),
];
const DEVICE: [(&str, Is); 7] = [
    ("vendor", Is::Text),
    ("token", Is::Text),
    ("voipToken", Is::Text),
    ("package", Is::Text),
    ("region", Is::Text),
    ("sandbox", Is::Flag),
    ("harmony", Is::Flag),
];
const CALL: [(&str, Is); 5] = [
    ("type", Is::Text),
    ("id", Is::Text),
    ("at", Is::Number),
    ("device", Is::Object),
    ("online", Is::Flag),
];
const CALLED_DEVICE: [(&str, Is); 6] = [
    ("userId", Is::Text),
    ("deviceId", Is::Text),
    ("tenantNo", Is::Text),
    ("os", Is::Text),
    ("uniqueCode", Is::Text),
    ("push", Is::Objects),
];

/// A simulated external service. Stops when it is dropped.
pub struct ExternalSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    calls: Mutex<Vec<Value>>,
}

/// Status and text.
struct No(u16, Fault);

impl ExternalSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            calls: Mutex::default(),
        });
        let server = Server::start(&world.authority, script, Arc::clone(&rules) as _).await?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, with a secret that is taken; it hears calls.
    pub fn settings(&self) -> External {
        External {
            url: format!("{}{PATH}", self.server.origin()),
            secret: Secret::new(format!("whsec_{}", STANDARD.encode(KEY))),
            instead_of: Vec::new(),
            calls: true,
            connection: self.rules.world.connection(self.server.origin(), None),
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// What it was told of devices and users, oldest first.
    pub fn calls(&self) -> Vec<Value> {
        self.rules.calls().clone()
    }
}

impl Rules {
    fn calls(&self) -> MutexGuard<'_, Vec<Value>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        let wrong = |fault| No(422, fault);
        let is_here = asked.path == PATH && asked.method == "POST";
        must(is_here, "no such path").map_err(|fault| No(404, fault))?;
        self.verify(asked).map_err(|fault| No(401, fault))?;
        let fields = strict::json(asked).map_err(wrong)?;
        match text(&fields, "type") {
            "check" => Ok(json!({"outcome": "accepted"})),
            "push" => self.push(asked, &fields).map_err(wrong),
            "deviceRegister" | "deviceUnregister" | "deviceStatusChanged" | "userStatusChanged" => {
                self.call(asked, fields).map_err(wrong)
            }
            other => Err(wrong(format!("the type is {other:?}"))),
        }
    }

    fn verify(&self, asked: &Asked) -> Result<(), Fault> {
        let (id, time) = (asked.header("webhook-id"), asked.header("webhook-timestamp"));
        must(!id.is_empty(), "no webhook-id")?;
        let seconds: u64 = time.parse().map_err(|_| "no webhook-timestamp".to_owned())?;
        let now_s = self.world.clock.now_ms() / 1_000;
        must(seconds.abs_diff(now_s) <= AGE_S_MAX, "the time is too far from ours")?;
        let given = asked
            .header("webhook-signature")
            .strip_prefix("v1,")
            .unwrap_or_default();
        let given = STANDARD
            .decode(given)
            .map_err(|_| "the signature is no base64".to_owned())?;
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("HMAC takes keys of any length");
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(&asked.body);
        mac.verify_slice(&given)
            .map_err(|_| "the signature is wrong".to_owned())
    }

    fn push(&self, asked: &Asked, fields: &Fields) -> Result<Value, Fault> {
        known("push", fields, &PUSH)?;
        must(text(fields, "id") == asked.header("webhook-id"), "the ids differ")?;
        let device = object(fields, "device");
        known("device", &device, &DEVICE)?;
        let vendor: VendorName = text(&device, "vendor")
            .parse()
            .map_err(|_| "an unknown vendor".to_owned())?;
        let token = text(&device, "token");
        let expires_at = fields.get("expiresAt").and_then(Value::as_u64).unwrap_or_default();
        must(expires_at > self.world.clock.now_ms(), "it has expired")?;
        let shown = shown(fields)?;
        Ok(match self.world.devices.get(vendor, token) {
            Device::Good => {
                self.world.phones.receive(vendor, token, shown, Keeps::All);
                json!({"outcome": "accepted", "id": format!("sim-{}", text(fields, "id"))})
            }
            Device::Unknown | Device::OtherApp => json!({"outcome": "tokenInvalid", "code": "unknown"}),
            Device::Gone { since_ms } => json!({"outcome": "tokenInvalid", "code": "gone", "asOf": since_ms}),
            Device::Refused { reason } => json!({"outcome": "refused", "code": reason}),
        })
    }

    fn call(&self, asked: &Asked, fields: Fields) -> Result<Value, Fault> {
        known("call", &fields, &CALL)?;
        must(text(&fields, "id") == asked.header("webhook-id"), "the ids differ")?;
        let device = object(&fields, "device");
        known("device", &device, &CALLED_DEVICE)?;
        for name in ["userId", "deviceId", "tenantNo"] {
            must(!text(&device, name).is_empty(), format!("device.{name} is missing"))?;
        }
        let speaks_of_presence = text(&fields, "type").ends_with("StatusChanged");
        must(fields.contains_key("online") == speaks_of_presence, "online")?;
        let mut calls = self.calls();
        let is_repeat = calls.iter().any(|call| call.get("id") == fields.get("id"));
        if !is_repeat && calls.len() < CALLS_MAX {
            calls.push(Value::Object(fields));
        }
        Ok(json!({}))
    }
}

fn shown(fields: &Fields) -> Result<Shown, Fault> {
    let kind = text(fields, "kind");
    must(["alert", "call", "background", "withdraw"].contains(&kind), "the kind")?;
    let (title, body) = (text(fields, "title").to_owned(), text(fields, "body").to_owned());
    let is_shown = matches!(kind, "alert" | "call");
    must(!is_shown || !title.is_empty() || !body.is_empty(), "nothing to show")?;
    must(title.len() <= 1_000 && body.len() <= 4_000, "too long")?;
    let tap = object(fields, "tap");
    known("tap", &tap, &[("type", Is::Text), ("value", Is::Text)])?;
    let texts = object(fields, "data");
    must(texts.values().all(Value::is_string), "data holds texts")?;
    let texts = texts.into_iter();
    let data = texts.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
    let badge = fields.get("badge").and_then(Value::as_u64);
    let collapse = text(fields, "collapse");
    Ok(Shown {
        id: Some(text(fields, "id").to_owned()),
        title: if is_shown { title } else { String::new() },
        body: if is_shown { body } else { String::new() },
        badge: badge.and_then(|badge| u32::try_from(badge).ok()),
        collapse: (!collapse.is_empty()).then(|| collapse.to_owned()),
        sound: fields.get("sound").and_then(Value::as_str).map(str::to_owned),
        rings: kind == "call",
        silent: !is_shown,
        tap: Some(text(&tap, "type").to_owned()),
        data: data.collect(),
    })
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        self.take(asked).map_or_else(
            |No(status, fault)| {
                self.script.complain(fault.clone());
                Said::json(status, &json!({"outcome": "refused", "detail": fault}))
            },
            |body| Said::json(200, &body),
        )
    }

    fn is_push(&self, asked: &Asked) -> bool {
        let fields = strict::json_text(&asked.body);
        fields.is_ok_and(|fields| text(&fields, "type") == "push")
    }
}
