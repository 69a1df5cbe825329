//! What a push service and a browser take (RFC 8030, 8291, 8292).

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use super::{Browsers, decrypt, public};
use crate::simulator::World;
use crate::simulator::asked::Asked;
use crate::simulator::devices::Device;
use crate::simulator::phone::{Keeps, Shown};
use crate::simulator::script::Script;
use crate::simulator::server::{self, Said};
use crate::simulator::strict::{self, Fault, Is, known, must, number, object, text};
use crate::{VendorName, base64url};

/// Bytes of an encrypted body that every service must take.
const BODY_MAX: usize = 4_096;
const DAY: u64 = 24 * 3_600;
const PAYLOAD: [(&str, Is); 9] = [
    ("kind", Is::Text),
    ("tag", Is::Text),
    ("title", Is::Text),
    ("body", Is::Text),
    ("icon", Is::Text),
    ("image", Is::Text),
    ("sound", Is::Text),
    ("unread", Is::Number),
    ("data", Is::Object),
];

pub(super) struct Rules {
    pub(super) world: Arc<World>,
    pub(super) script: Arc<Script>,
    pub(super) browsers: Arc<Browsers>,
    /// With the port.
    pub(super) origin: String,
    /// What the browsers subscribed with.
    pub(super) server_key: Vec<u8>,
}

struct No(u16, Fault);

impl Rules {
    fn take(&self, asked: &Asked) -> Result<String, No> {
        let of = |status| move |fault: Fault| No(status, fault);
        must(asked.method == "POST", "only POST").map_err(of(405))?;
        let name = asked.path.strip_prefix("/push/").unwrap_or_default();
        let browser = self
            .browsers
            .find(name)
            .ok_or_else(|| No(404, "no such subscription".to_owned()))?;
        self.vapid(asked.header("authorization")).map_err(of(401))?;
        headers(asked).map_err(of(400))?;
        must(asked.body.len() <= BODY_MAX, "more than 4,096 bytes").map_err(of(413))?;
        match self.world.devices.get(VendorName::WebPush, name) {
            Device::Good => {}
            Device::Unknown | Device::OtherApp => return Err(No(404, "no such subscription".to_owned())),
            Device::Gone { .. } => return Err(No(410, "the subscription has expired".to_owned())),
            Device::Refused { reason } => return Err(No(429, reason)),
        }
        // A service could not look inside; this one is also the browser.
        let opened = decrypt::open(&asked.body, &browser.key, &public(&browser.key), &browser.secret);
        let shown = opened.and_then(|text| shown(&text, asked)).map_err(of(400))?;
        self.world.phones.receive(VendorName::WebPush, name, shown, Keeps::All);
        Ok(format!("{}/message/{}", self.origin, self.script.seen()))
    }

    fn vapid(&self, authorization: &str) -> Result<(), Fault> {
        let parts = authorization
            .strip_prefix("vapid ")
            .ok_or("not a vapid authorization")?;
        let part = |name: &str| {
            let mut parts = parts.split(',').map(str::trim);
            parts
                .find_map(|part| part.strip_prefix(name))
                .ok_or_else(|| format!("{name} is missing"))
        };
        let key = base64url::decode(part("k=")?).ok_or("k is not base64url")?;
        must(key == self.server_key, "k is not the key of the subscription")?;
        let x_and_y = key.get(1..).ok_or("k is too short")?;
        let (x, y) = x_and_y.split_at_checked(32).ok_or("k is too short")?;
        let key = DecodingKey::from_ec_components(&base64url::encode(x), &base64url::encode(y));
        let key = key.map_err(|error| error.to_string())?;
        let (_, claims) = strict::signed(part("t=")?, Algorithm::ES256, &key)?;
        must(
            text(&claims, "aud") == self.origin,
            format!("aud is not {}", self.origin),
        )?;
        let (now, until) = (self.world.clock.now_ms() / 1000, number(&claims, "exp")?);
        must(
            now < until && until <= now + DAY,
            "exp is past or more than a day ahead",
        )?;
        let subject = text(&claims, "sub");
        must(
            subject.starts_with("mailto:") || subject.starts_with("https:"),
            "sub is nobody one can write to",
        )
    }
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(location) => Said {
                status: 201,
                headers: vec![("location", location)],
                body: String::new(),
            },
            Err(No(status, fault)) => {
                if matches!(status, 400 | 401 | 405) {
                    self.script.complain(fault.clone());
                }
                Said {
                    status,
                    headers: Vec::new(),
                    body: fault,
                }
            }
        }
    }
}

fn headers(asked: &Asked) -> Result<(), Fault> {
    must(asked.header("ttl").parse::<u64>().is_ok(), "TTL is missing")?;
    must(asked.header("content-encoding") == "aes128gcm", "not aes128gcm")?;
    let urgency = asked.header("urgency");
    must(
        matches!(urgency, "very-low" | "low" | "normal" | "high"),
        format!("urgency {urgency:?}"),
    )?;
    let topic = asked.header("topic");
    let plain = topic
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    must(topic.len() <= 32 && plain, format!("topic {topic:?}"))
}

fn shown(payload: &[u8], asked: &Asked) -> Result<Shown, Fault> {
    let payload = strict::json_text(payload)?;
    known("payload", &payload, &PAYLOAD)?;
    let kind = text(&payload, "kind");
    let data = strict::texts(&object(&payload, "data"));
    let tag = text(&payload, "tag");
    must(tag == asked.header("topic"), "tag and topic differ")?;
    Ok(Shown {
        id: data.get("pushId").cloned(),
        title: text(&payload, "title").to_owned(),
        body: text(&payload, "body").to_owned(),
        badge: payload
            .get("unread")
            .and_then(Value::as_u64)
            .and_then(|badge| u32::try_from(badge).ok()),
        collapse: (!tag.is_empty()).then(|| tag.to_owned()),
        sound: payload.get("sound").and_then(Value::as_str).map(str::to_owned),
        rings: kind == "call",
        silent: matches!(kind, "background" | "withdraw"),
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    })
}
