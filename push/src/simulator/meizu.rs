//! Stands in for Meizu (reference: MEIZUPUSH/PushAPI).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, Fields, Is, known, must, object, text, value, width};
use super::{World, simulated_callback};
use crate::hexadecimal::hexadecimal;
use crate::settings::{Classes, Meizu, Pace};
use crate::{Secret, VendorName};

const APP_ID: &str = "100999";
const APP_SECRET: &str = "simulated-meizu-secret";
/// So many a minute reach a device one by one; more are folded.
const PER_MINUTE: u32 = 5;
const MESSAGE: [(&str, Is); 6] = [
    ("noticeBarInfo", Is::Object),
    ("noticeExpandInfo", Is::Object),
    ("clickTypeInfo", Is::Object),
    ("pushTimeInfo", Is::Object),
    ("advanceInfo", Is::Object),
    ("extra", Is::Object),
];
const BAR: [(&str, Is); 4] = [
    ("noticeMsgType", Is::Number),
    ("noticeBarType", Is::Number),
    ("title", Is::Text),
    ("content", Is::Text),
];
const CLICK: [(&str, Is); 4] = [
    ("clickType", Is::Number),
    ("url", Is::Text),
    ("activity", Is::Text),
    ("parameters", Is::Object),
];
const ADVANCE: [(&str, Is); 4] = [
    ("notificationType", Is::Object),
    ("notifyKey", Is::Text),
    ("clearNoticeBar", Is::Number),
    ("suspend", Is::Number),
];
const EXTRA: [(&str, Is); 3] = [
    ("callback", Is::Text),
    ("callback.param", Is::Text),
    ("callback.type", Is::Text),
];

/// A simulated Meizu. Stops when it is dropped.
pub struct MeizuSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    /// The minute, and what each device got in it.
    minute: Mutex<(u64, HashMap<String, u32>)>,
}

/// A code of Meizu's, and its text.
struct No(&'static str, Fault);

impl MeizuSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            minute: Mutex::default(),
        });
        let server = Server::start(&world.authority, script, Arc::clone(&rules) as _).await?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, with a secret that is taken.
    pub fn settings(&self) -> Meizu {
        Meizu {
            app_id: APP_ID.to_owned(),
            app_secret: Secret::new(APP_SECRET),
            class: Classes::default(),
            callback: Some(simulated_callback()),
            connection: self.rules.world.connection(self.server.origin(), None),
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }
}

impl Rules {
    fn take(&self, asked: &Asked) -> Result<Value, No> {
        let wrong = |fault| No("1005", fault);
        let path = "/garcia/api/server/push/varnished/pushByPushId";
        must(asked.path == path && asked.method == "POST", "no such path").map_err(wrong)?;
        let form = strict::form(asked).map_err(wrong)?;
        strict::known_names(&form, &["appId", "pushIds", "messageJson", "sign"]).map_err(wrong)?;
        must(value(&form, "appId").map_err(wrong)? == APP_ID, "the app").map_err(|fault| No("110000", fault))?;
        let given = value(&form, "sign").map_err(wrong)?;
        must(given == sign(&form), "the signature is wrong").map_err(|fault| No("1006", fault))?;
        let ids: Vec<&str> = value(&form, "pushIds").map_err(wrong)?.split(',').collect();
        must(ids.len() <= 100 && ids.iter().all(|id| !id.is_empty()), "1 to 100 ids").map_err(wrong)?;
        let message = value(&form, "messageJson").map_err(wrong)?;
        let shown = strict::json_text(message.as_bytes())
            .and_then(|message| shown(&message))
            .map_err(wrong)?;
        Ok(self.reach(&ids, &shown))
    }

    fn reach(&self, ids: &[&str], shown: &Shown) -> Value {
        let mut refused: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for id in ids {
            let code = match self.world.devices.get(VendorName::Meizu, id) {
                Device::Good if self.is_folded(id) => "520".to_owned(),
                Device::Good => {
                    self.world
                        .phones
                        .receive(VendorName::Meizu, id, shown.clone(), Keeps::All);
                    continue;
                }
                Device::Unknown | Device::OtherApp => "110003".to_owned(),
                Device::Gone { .. } => "110002".to_owned(),
                Device::Refused { reason } => reason,
            };
            refused.entry(code).or_default().push(id);
        }
        json!({
            "code": "200",
            "message": "",
            "value": refused,
            "msgId": format!("sim{}", self.script.seen()),
            "redirect": "",
        })
    }

    fn is_folded(&self, id: &str) -> bool {
        let now = self.world.clock.now_ms() / 60_000;
        let mut minute = self.minute.lock().expect("nothing panics while it holds the minute");
        if minute.0 != now {
            *minute = (now, HashMap::new());
        }
        let got = minute.1.entry(id.to_owned()).or_default();
        *got += 1;
        *got > PER_MINUTE
    }
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(body) => Said::json(200, &body),
            Err(No(code, fault)) => {
                if code == "1005" {
                    self.script.complain(fault.clone());
                }
                Said::json(
                    200,
                    &json!({"code": code, "message": fault, "value": "", "redirect": ""}),
                )
            }
        }
    }
}

fn sign(form: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, value) in form.iter().filter(|(name, _)| *name != "sign") {
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text.push_str(APP_SECRET);
    hexadecimal(&Md5::digest(text))
}

fn shown(message: &Fields) -> Result<Shown, Fault> {
    known("messageJson", message, &MESSAGE)?;
    let (bar, click) = (object(message, "noticeBarInfo"), object(message, "clickTypeInfo"));
    known("noticeBarInfo", &bar, &BAR)?;
    known("clickTypeInfo", &click, &CLICK)?;
    must((1..=32).contains(&width(text(&bar, "title"))), "title of 1 to 32")?;
    must((1..=100).contains(&width(text(&bar, "content"))), "content of 1 to 100")?;
    let private = bar.get("noticeMsgType").and_then(Value::as_u64);
    must(private.is_some_and(|private| private <= 1), "noticeMsgType 0 or 1")?;
    let fits = match click.get("clickType").and_then(Value::as_u64) {
        Some(0) => !click.contains_key("url") && !click.contains_key("activity"),
        Some(1) => !text(&click, "activity").is_empty(),
        Some(2) => !text(&click, "url").is_empty(),
        _ => false,
    };
    must(fits, "clickTypeInfo does not fit its type")?;
    let time = object(message, "pushTimeInfo");
    known(
        "pushTimeInfo",
        &time,
        &[("offLine", Is::Number), ("validTime", Is::Number)],
    )?;
    let hours = time.get("validTime").and_then(Value::as_u64);
    must(
        hours.is_some_and(|hours| (1..=72).contains(&hours)),
        "validTime of 1 to 72",
    )?;
    let (advance, extra) = (object(message, "advanceInfo"), object(message, "extra"));
    known("advanceInfo", &advance, &ADVANCE)?;
    must(text(&advance, "notifyKey").len() <= 8, "notifyKey of 8")?;
    known("extra", &extra, &EXTRA)?;
    let long = text(&extra, "callback").len() > 128 || text(&extra, "callback.param").len() > 64;
    must(!long, "callback of 128, callback.param of 64")?;
    let data = strict::texts(&object(&click, "parameters"));
    let tap = click.get("url").or_else(|| click.get("activity"));
    Ok(Shown {
        // Meizu has no id for repeats: the key replaces.
        id: None,
        title: text(&bar, "title").to_owned(),
        body: text(&bar, "content").to_owned(),
        badge: None,
        collapse: advance.get("notifyKey").and_then(Value::as_str).map(str::to_owned),
        sound: None,
        rings: false,
        silent: false,
        tap: tap.and_then(Value::as_str).map(str::to_owned),
        data,
    })
}
