//! What FCM takes (reference: Google, REST resource projects.messages, and its table of error codes).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{PACKAGE, PROJECT};
use crate::VendorName;
use crate::simulator::World;
use crate::simulator::asked::Asked;
use crate::simulator::devices::Device;
use crate::simulator::phone::{Keeps, Shown};
use crate::simulator::script::Script;
use crate::simulator::server::{self, Said};
use crate::simulator::strict::{self, Fault, Fields, Is, known, must, object, text};
use crate::simulator::tokens::{Tokens, Worth};

const MESSAGE: [(&str, Is); 9] = [
    ("token", Is::Text),
    ("topic", Is::Text),
    ("condition", Is::Text),
    ("notification", Is::Object),
    ("data", Is::Object),
    ("android", Is::Object),
    ("apns", Is::Object),
    ("webpush", Is::Object),
    ("fcm_options", Is::Object),
];
const NOTIFICATION: [(&str, Is); 3] = [("title", Is::Text), ("body", Is::Text), ("image", Is::Text)];
const ANDROID: [(&str, Is); 7] = [
    ("collapse_key", Is::Text),
    ("priority", Is::Text),
    ("ttl", Is::Text),
    ("restricted_package_name", Is::Text),
    ("direct_boot_ok", Is::Flag),
    ("data", Is::Object),
    ("notification", Is::Object),
];
const LOOK: [(&str, Is); 11] = [
    ("title", Is::Text),
    ("body", Is::Text),
    ("icon", Is::Text),
    ("color", Is::Text),
    ("sound", Is::Text),
    ("tag", Is::Text),
    ("click_action", Is::Text),
    ("channel_id", Is::Text),
    ("image", Is::Text),
    ("notification_count", Is::Number),
    ("visibility", Is::Text),
];
const PAYLOAD_MAX: usize = 4_096;

pub(super) struct Rules {
    world: Arc<World>,
    tokens: Arc<Tokens>,
    script: Arc<Script>,
}

/// Why not, in Google's shape.
struct No {
    http: u16,
    status: &'static str,
    code: Option<&'static str>,
    message: String,
    field: Option<&'static str>,
}

impl No {
    fn new(http: u16, status: &'static str, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            http,
            status,
            code,
            message: message.into(),
            field: None,
        }
    }

    fn said(&self) -> Said {
        let mut details = Vec::new();
        if let Some(code) = self.code {
            details.push(json!({
                "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
                "errorCode": code,
            }));
        }
        if let Some(field) = self.field {
            details.push(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{"field": field, "description": self.message}],
            }));
        }
        let error = json!({"code": self.http, "message": self.message, "status": self.status, "details": details});
        Said::json(self.http, &json!({"error": error}))
    }
}

impl Rules {
    pub(super) fn new(world: &Arc<World>, tokens: &Arc<Tokens>, script: &Arc<Script>) -> Self {
        Self {
            world: Arc::clone(world),
            tokens: Arc::clone(tokens),
            script: Arc::clone(script),
        }
    }

    fn take(&self, asked: &Asked) -> Result<String, No> {
        let bearer = asked
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        if self.tokens.worth(bearer, self.world.clock.now_ms()) != Worth::Alive {
            return Err(No::new(401, "UNAUTHENTICATED", None, "the access token is not valid"));
        }
        if asked.path != format!("/v1/projects/{PROJECT}/messages:send") || asked.method != "POST" {
            return Err(No::new(404, "NOT_FOUND", None, "no such project or method"));
        }
        let read = read(asked).map_err(|fault| {
            self.script.complain(fault.clone());
            let mut no = No::new(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"), fault);
            no.field = Some("message");
            no
        });
        let (token, shown, dry) = read?;
        self.reach(&token)?;
        if !dry {
            self.world.phones.receive(VendorName::Fcm, &token, shown, Keeps::All);
        }
        Ok(format!("projects/{PROJECT}/messages/{}", self.script.seen()))
    }

    fn reach(&self, token: &str) -> Result<(), No> {
        match self.world.devices.get(VendorName::Fcm, token) {
            Device::Good => Ok(()),
            Device::Unknown => {
                let text = "The registration token is not a valid FCM registration token";
                let mut no = No::new(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"), text);
                no.field = Some("message.token");
                Err(no)
            }
            Device::Gone { .. } => Err(No::new(
                404,
                "NOT_FOUND",
                Some("UNREGISTERED"),
                "Requested entity was not found.",
            )),
            Device::OtherApp => Err(No::new(
                403,
                "PERMISSION_DENIED",
                Some("SENDER_ID_MISMATCH"),
                "SenderId mismatch",
            )),
            Device::Refused { reason } => Err(No::new(429, "RESOURCE_EXHAUSTED", Some("QUOTA_EXCEEDED"), reason)),
        }
    }
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(name) => Said::json(200, &json!({"name": name})),
            Err(no) => no.said(),
        }
    }
}

/// The device, what it shows, and whether Google only looks.
fn read(asked: &Asked) -> Result<(String, Shown, bool), Fault> {
    let whole = strict::json(asked)?;
    known(
        "request",
        &whole,
        &[("validate_only", Is::Flag), ("message", Is::Object)],
    )?;
    let message = object(&whole, "message");
    known("message", &message, &MESSAGE)?;
    let targets = ["token", "topic", "condition"]
        .iter()
        .filter(|name| message.contains_key(**name));
    must(targets.count() == 1, "exactly one target")?;
    let size = Value::Object(message.clone()).to_string().len();
    must(size <= PAYLOAD_MAX, format!("{size} bytes are too many"))?;
    let data = object(&message, "data");
    for (name, value) in &data {
        must(value.is_string(), format!("data.{name} is not a text"))?;
        let reserved = name == "from" || name.starts_with("google") || name.starts_with("gcm");
        must(!reserved, format!("data.{name} is reserved"))?;
    }
    let notification = object(&message, "notification");
    known("message.notification", &notification, &NOTIFICATION)?;
    let look = android(&message)?;
    let silent = !message.contains_key("notification");
    let data = strict::texts(&data);
    let shown = Shown {
        id: data.get("pushId").cloned(),
        title: text(&notification, "title").to_owned(),
        body: text(&notification, "body").to_owned(),
        badge: badge(&look, &data),
        collapse: look.get("tag").and_then(Value::as_str).map(str::to_owned),
        sound: look.get("sound").and_then(Value::as_str).map(str::to_owned),
        // The app shows a call itself, from the data.
        rings: silent && data.contains_key("title"),
        silent,
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    };
    let dry = whole.get("validate_only") == Some(&Value::Bool(true));
    Ok((text(&message, "token").to_owned(), shown, dry))
}

fn badge(look: &Fields, data: &std::collections::BTreeMap<String, String>) -> Option<u32> {
    let count = look.get("notification_count").and_then(Value::as_u64);
    let count = count.and_then(|count| u32::try_from(count).ok());
    count.or_else(|| data.get("badge").and_then(|badge| badge.parse().ok()))
}

/// How Android shows it.
fn android(message: &Fields) -> Result<Fields, Fault> {
    let android = object(message, "android");
    known("message.android", &android, &ANDROID)?;
    if let Some(priority) = android.get("priority") {
        must(priority == "HIGH" || priority == "NORMAL", "priority is HIGH or NORMAL")?;
    }
    if let Some(ttl) = android.get("ttl").and_then(Value::as_str) {
        let seconds = ttl.strip_suffix('s').and_then(|seconds| seconds.parse::<u64>().ok());
        must(
            seconds.is_some_and(|seconds| seconds <= 2_419_200),
            format!("ttl {ttl:?}"),
        )?;
    }
    let package = text(&android, "restricted_package_name");
    must(package.is_empty() || package == PACKAGE, "the package is another")?;
    let look = object(&android, "notification");
    known("message.android.notification", &look, &LOOK)?;
    Ok(look)
}
