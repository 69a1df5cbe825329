//! What Huawei's API for HarmonyOS takes.

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::{KEY_ID, No, PAYLOAD_MAX, Push, Rules, SUB_ACCOUNT, bearer};
use crate::simulator::asked::Asked;
use crate::simulator::phone::Shown;
use crate::simulator::strict::{self, Fault, Fields, Is, known, must, number, object, text};

const OPTIONS: [(&str, Is); 5] = [
    ("ttl", Is::Number),
    ("biTag", Is::Text),
    ("receiptId", Is::Text),
    ("collapseKey", Is::Number),
    ("testMessage", Is::Flag),
];
const LOOK: [(&str, Is); 9] = [
    ("category", Is::Text),
    ("title", Is::Text),
    ("body", Is::Text),
    ("clickAction", Is::Object),
    ("badge", Is::Object),
    ("notifyId", Is::Number),
    ("foregroundShow", Is::Flag),
    ("sound", Is::Text),
    ("image", Is::Text),
];
const CLICK: [(&str, Is); 4] = [
    ("actionType", Is::Number),
    ("action", Is::Text),
    ("uri", Is::Text),
    ("data", Is::Object),
];
const HOUR: u64 = 3_600;
const TTL_MAX: u64 = 1_296_000;

impl Rules {
    /// The token that the caller signed itself.
    pub(super) fn signed(&self, asked: &Asked) -> Result<(), No> {
        let wrong = |fault| No(401, "80200001", fault);
        let (header, claims) = strict::signed(bearer(asked), Algorithm::PS256, &self.key).map_err(wrong)?;
        must(text(&header, "kid") == KEY_ID, "kid is not a key of the account").map_err(wrong)?;
        must(text(&claims, "iss") == SUB_ACCOUNT, "iss is not the account").map_err(wrong)?;
        must(text(&claims, "aud") == self.token_url, "aud is another").map_err(wrong)?;
        let (from, until) = (
            number(&claims, "iat").map_err(wrong)?,
            number(&claims, "exp").map_err(wrong)?,
        );
        must(until <= from + 24 * HOUR, "more than a day").map_err(|fault| No(200, "80300036", fault))?;
        let now = self.world.clock.now_ms() / 1000;
        must(from <= now, "iat is in the future").map_err(wrong)?;
        must(now < until, "the token has expired").map_err(|fault| No(401, "80200005", fault))
    }

    pub(super) fn v3(&self, asked: &Asked) -> Result<Push, No> {
        let whole = strict::json(asked).map_err(No::wrong)?;
        let parts = [
            ("payload", Is::Object),
            ("target", Is::Object),
            ("pushOptions", Is::Object),
        ];
        known("request", &whole, &parts).map_err(No::wrong)?;
        let (payload, target) = (object(&whole, "payload"), object(&whole, "target"));
        known("target", &target, &[("token", Is::Texts)]).map_err(No::wrong)?;
        let options = object(&whole, "pushOptions");
        known("pushOptions", &options, &OPTIONS).map_err(No::wrong)?;
        let ttl = options.get("ttl").and_then(Value::as_u64);
        must(ttl.is_some_and(|ttl| (1..=TTL_MAX).contains(&ttl)), "ttl").map_err(|fault| No(200, "80100004", fault))?;
        let kind = asked.header("push-type");
        if kind == "10" {
            must(ttl.is_some_and(|ttl| ttl <= 60), "a call waits for 60 s")
                .map_err(|fault| No(200, "80100004", fault))?;
        }
        must(text(&options, "biTag").len() <= 64, "biTag of 64 bytes").map_err(No::wrong)?;
        let size = Value::Object(payload.clone()).to_string().len();
        must(size <= PAYLOAD_MAX, format!("{size} bytes")).map_err(|fault| No(200, "80300008", fault))?;
        let look = object(&payload, "notification");
        self.category(text(&look, "category"))?;
        let shown = shown(kind, &payload, &look).map_err(No::wrong)?;
        let tokens = strict::list(&target, "token");
        let dry = options.get("testMessage") == Some(&Value::Bool(true));
        must(!dry || tokens.len() <= 10, "10 devices for a test").map_err(|fault| No(200, "80300030", fault))?;
        Ok(Push {
            tokens,
            shown,
            dry,
            bi_tag: text(&options, "biTag").to_owned(),
        })
    }
}

/// The header says what the payload is, and they must agree.
fn shown(kind: &str, payload: &Fields, look: &Fields) -> Result<Shown, Fault> {
    let silent = match kind {
        "0" => false,
        "6" | "10" => true,
        other => return Err(format!("push-type {other:?}")),
    };
    let part = if silent {
        ("extraData", Is::Text)
    } else {
        ("notification", Is::Object)
    };
    known("payload", payload, &[part])?;
    must(payload.len() == 1, "the payload does not fit the push-type")?;
    known("notification", look, &LOOK)?;
    let click = object(look, "clickAction");
    known("clickAction", &click, &CLICK)?;
    let data = if silent {
        strict::texts(&strict::json_text(text(payload, "extraData").as_bytes())?)
    } else {
        must(click.contains_key("actionType"), "clickAction without actionType")?;
        must(
            !text(look, "title").is_empty() && !text(look, "body").is_empty(),
            "title and body",
        )?;
        strict::texts(&object(&click, "data"))
    };
    let set = object(look, "badge").get("setNum").and_then(Value::as_u64);
    Ok(Shown {
        id: data.get("pushId").cloned(),
        title: text(look, "title").to_owned(),
        body: text(look, "body").to_owned(),
        badge: set
            .and_then(|set| u32::try_from(set).ok())
            .or_else(|| data.get("badge")?.parse().ok()),
        collapse: look.get("notifyId").map(Value::to_string),
        sound: look.get("sound").and_then(Value::as_str).map(str::to_owned),
        rings: kind == "10",
        silent,
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    })
}
