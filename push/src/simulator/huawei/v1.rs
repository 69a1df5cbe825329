//! What Huawei's API for Android takes.

use serde_json::Value;

use super::{No, PAYLOAD_MAX, Push, Rules};
use crate::simulator::asked::Asked;
use crate::simulator::phone::Shown;
use crate::simulator::strict::{self, Fault, Fields, Is, known, must, object, text};

const MESSAGE: [(&str, Is); 6] = [
    ("data", Is::Text),
    ("notification", Is::Object),
    ("android", Is::Object),
    ("token", Is::Texts),
    ("topic", Is::Text),
    ("condition", Is::Text),
];
const NOTIFICATION: [(&str, Is); 3] = [("title", Is::Text), ("body", Is::Text), ("image", Is::Text)];
const ANDROID: [(&str, Is); 9] = [
    ("collapse_key", Is::Number),
    ("urgency", Is::Text),
    ("category", Is::Text),
    ("ttl", Is::Text),
    ("bi_tag", Is::Text),
    ("receipt_id", Is::Text),
    ("target_user_type", Is::Number),
    ("data", Is::Text),
    ("notification", Is::Object),
];
const LOOK: [(&str, Is); 17] = [
    ("title", Is::Text),
    ("body", Is::Text),
    ("click_action", Is::Object),
    ("channel_id", Is::Text),
    ("importance", Is::Text),
    ("tag", Is::Text),
    ("group", Is::Text),
    ("notify_id", Is::Number),
    ("foreground_show", Is::Flag),
    ("badge", Is::Object),
    ("sound", Is::Text),
    ("default_sound", Is::Flag),
    ("visibility", Is::Text),
    ("style", Is::Number),
    ("profile_id", Is::Text),
    ("image", Is::Text),
    ("icon", Is::Text),
];
const CLICK: [(&str, Is); 4] = [
    ("type", Is::Number),
    ("intent", Is::Text),
    ("action", Is::Text),
    ("url", Is::Text),
];
const BADGE: [(&str, Is); 3] = [("add_num", Is::Number), ("set_num", Is::Number), ("class", Is::Text)];
const TTL_MAX: u64 = 1_296_000;

impl Rules {
    pub(super) fn v1(&self, asked: &Asked) -> Result<Push, No> {
        let whole = strict::json(asked).map_err(No::wrong)?;
        known(
            "request",
            &whole,
            &[("validate_only", Is::Flag), ("message", Is::Object)],
        )
        .map_err(No::wrong)?;
        let message = object(&whole, "message");
        known("message", &message, &MESSAGE).map_err(No::wrong)?;
        let android = object(&message, "android");
        known("message.android", &android, &ANDROID).map_err(No::wrong)?;
        self.category(text(&android, "category"))?;
        ttl(&android).map_err(|fault| No(200, "80100004", fault))?;
        self.urgency(&android)?;
        let mut without = message.clone();
        without.remove("token");
        let size = Value::Object(without).to_string().len();
        must(size <= PAYLOAD_MAX, format!("{size} bytes")).map_err(|fault| No(200, "80300008", fault))?;
        let shown = shown(&message, &android).map_err(No::wrong)?;
        Ok(Push {
            tokens: strict::list(&message, "token"),
            shown,
            dry: whole.get("validate_only") == Some(&Value::Bool(true)),
            bi_tag: text(&android, "bi_tag").to_owned(),
        })
    }

    fn urgency(&self, android: &Fields) -> Result<(), No> {
        let urgency = text(android, "urgency");
        must(matches!(urgency, "" | "HIGH" | "NORMAL"), format!("urgency {urgency}")).map_err(No::wrong)?;
        let may = urgency != "HIGH" || self.granted().high_priority;
        must(may, "no right to high priority").map_err(|fault| No(200, "80300011", fault))
    }
}

fn ttl(android: &Fields) -> Result<(), Fault> {
    let seconds = text(android, "ttl")
        .strip_suffix('s')
        .and_then(|text| text.parse::<u64>().ok());
    must(
        seconds.is_some_and(|seconds| (1..=TTL_MAX).contains(&seconds)),
        "ttl of 1s to 1296000s",
    )
}

fn shown(message: &Fields, android: &Fields) -> Result<Shown, Fault> {
    let silent = !android.contains_key("notification");
    must(silent == message.contains_key("data"), "either a notification or data")?;
    must(
        silent != message.contains_key("notification"),
        "a notification in both places or none",
    )?;
    let notification = object(message, "notification");
    known("message.notification", &notification, &NOTIFICATION)?;
    let look = object(android, "notification");
    known("message.android.notification", &look, &LOOK)?;
    let badge = object(&look, "badge");
    known("badge", &badge, &BADGE)?;
    must(
        badge.is_empty() || !text(&badge, "class").is_empty(),
        "a badge needs the class of the start page",
    )?;
    let click = object(&look, "click_action");
    known("click_action", &click, &CLICK)?;
    if !silent {
        click_fits(&click)?;
        let importance = text(&look, "importance");
        must(
            matches!(importance, "LOW" | "NORMAL" | "HIGH"),
            format!("importance {importance}"),
        )?;
        must(
            !text(&look, "title").is_empty() && !text(&look, "body").is_empty(),
            "title and body",
        )?;
    }
    let data = if silent {
        text(message, "data")
    } else {
        text(android, "data")
    };
    let data = strict::texts(&strict::json_text(data.as_bytes())?);
    let set = badge.get("set_num").and_then(Value::as_u64);
    Ok(Shown {
        id: data.get("pushId").cloned(),
        title: text(&look, "title").to_owned(),
        body: text(&look, "body").to_owned(),
        badge: set
            .and_then(|set| u32::try_from(set).ok())
            .or_else(|| data.get("badge")?.parse().ok()),
        collapse: look.get("notify_id").map(Value::to_string),
        sound: look.get("sound").and_then(Value::as_str).map(str::to_owned),
        rings: silent && data.contains_key("title"),
        silent,
        tap: data.get("url").or_else(|| data.get("intent")).cloned(),
        data,
    })
}

fn click_fits(click: &Fields) -> Result<(), Fault> {
    let fits = match click.get("type").and_then(Value::as_u64) {
        Some(1) => click.contains_key("intent") || click.contains_key("action"),
        Some(2) => text(click, "url").starts_with("https://"),
        Some(3) => click.len() == 1,
        _ => false,
    };
    must(fits, "click_action does not fit its type")
}
