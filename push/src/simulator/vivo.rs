//! Stands in for vivo, with its tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, Fields, Is, known, must, number, object, text, width};
use super::tokens::{Tokens, Worth};
use super::{World, chat, simulated_callback};
use crate::hexadecimal::hexadecimal;
use crate::settings::{ClassWords, Pace, Vivo};
use crate::{Secret, VendorName};

const APP_ID: u64 = 105_000_001;
const APP_KEY: &str = "simulated-vivo-key";
const APP_SECRET: &str = "simulated-vivo-secret";
const HOUR_MS: u64 = 3_600_000;
const CLOCK_MS: u64 = 600_000;
const MESSAGE: [(&str, Is); 20] = [
    ("appId", Is::Number),
    ("regId", Is::Text),
    ("alias", Is::Text),
    ("notifyType", Is::Number),
    ("title", Is::Text),
    ("content", Is::Text),
    ("timeToLive", Is::Number),
    ("skipType", Is::Number),
    ("skipContent", Is::Text),
    ("networkType", Is::Number),
    ("classification", Is::Number),
    ("category", Is::Text),
    ("clientCustomMap", Is::Object),
    ("extra", Is::Object),
    ("requestId", Is::Text),
    ("pushMode", Is::Number),
    ("notifyId", Is::Number),
    ("profileId", Is::Text),
    ("sendOnline", Is::Flag),
    ("foregroundShow", Is::Flag),
];
/// Categories of system messages; others exist, and are not this app's.
const SYSTEM_CATEGORIES: [&str; 2] = ["IM", "ACCOUNT"];

/// A simulated vivo. Stops when it is dropped.
pub struct VivoSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    tokens: Tokens,
    /// How many of class 0 and 1 are left today.
    left: Mutex<[u64; 2]>,
    /// Payloads of lists, by the task they were given.
    saved: Mutex<HashMap<String, (usize, Shown)>>,
}

/// A code of vivo's, its text, and the status of the device if it is about that.
struct No(i64, Fault, Option<i64>);

impl VivoSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            tokens: Tokens::new(24 * HOUR_MS),
            left: Mutex::new([u64::MAX; 2]),
            saved: Mutex::default(),
        });
        let server = Server::start(&world.authority, script, Arc::clone(&rules) as _).await?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, with a key that is taken.
    pub fn settings(&self) -> Vivo {
        let words = ClassWords {
            classification: Some(1),
            category: Some("IM".to_owned()),
            ..ClassWords::default()
        };
        Vivo {
            app_id: APP_ID,
            app_key: APP_KEY.to_owned(),
            app_secret: Secret::new(APP_SECRET),
            class: chat(words),
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

    /// How many messages of the marketing and of the system class are left today.
    pub fn set_quota(&self, marketing: u64, system: u64) {
        *self.rules.left.lock().expect("nothing panics while it holds the quota") = [marketing, system];
    }
}

impl Rules {
    fn token(&self, asked: &Asked) -> Result<Value, No> {
        let wrong = |fault| No(10_200, fault, None);
        let fields = strict::json(asked).map_err(wrong)?;
        let parts = [
            ("appId", Is::Number),
            ("appKey", Is::Text),
            ("timestamp", Is::Number),
            ("sign", Is::Text),
        ];
        known("auth", &fields, &parts).map_err(wrong)?;
        let (app, time) = (
            number(&fields, "appId").map_err(wrong)?,
            number(&fields, "timestamp").map_err(wrong)?,
        );
        must(app == APP_ID, "the app is unknown").map_err(|fault| No(10_094, fault, None))?;
        let now_ms = self.world.clock.now_ms();
        must(
            time.abs_diff(now_ms) <= CLOCK_MS,
            "the time is more than ten minutes off",
        )
        .map_err(wrong)?;
        let key = text(&fields, "appKey");
        let sign = hexadecimal(&Md5::digest(format!("{app}{key}{time}{APP_SECRET}")));
        let right = key == APP_KEY && text(&fields, "sign") == sign;
        must(right, "key or signature is wrong").map_err(|fault| No(10_000, fault, None))?;
        Ok(json!({"result": 0, "desc": "请求成功", "authToken": self.tokens.give(now_ms)}))
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        match asked.path.as_str() {
            "/message/auth" => return self.token(asked),
            "/message/send" | "/message/saveListPayload" | "/message/pushToList" if asked.method == "POST" => {}
            other => return Err(No(10_200, format!("no such path: {other}"), None)),
        }
        let alive = self.tokens.worth(asked.header("authToken"), self.world.clock.now_ms());
        must(alive == Worth::Alive, "the token is wrong").map_err(|fault| No(10_000, fault, None))?;
        let task = format!("sim{}", self.script.seen());
        match asked.path.as_str() {
            "/message/saveListPayload" => self.save(asked, &task)?,
            "/message/pushToList" => return self.list(asked),
            _ => self.one(asked)?,
        }
        Ok(json!({"result": 0, "desc": "请求成功", "taskId": task}))
    }

    fn one(&self, asked: &Asked) -> Result<(), No> {
        let (id, class, shown) = read(asked)?;
        must(!id.is_empty(), "regId is missing").map_err(|fault| No(10_200, fault, None))?;
        self.hours(class)?;
        self.spend(class, 1)?;
        match self.reach(&id, &shown) {
            None => Ok(()),
            // Who was never there is a wrong parameter of a single push.
            Some(1) if self.is_unknown(&id) => Err(No(10_302, "the regId is not valid".to_owned(), None)),
            Some(status) => Err(No(0, "not reached".to_owned(), Some(status))),
        }
    }

    fn is_unknown(&self, id: &str) -> bool {
        self.world.devices.get(VendorName::Vivo, id) == Device::Unknown
    }

    /// The status of a device that is not reached.
    fn reach(&self, id: &str, shown: &Shown) -> Option<i64> {
        match self.world.devices.get(VendorName::Vivo, id) {
            Device::Good => {}
            Device::Unknown | Device::OtherApp => return Some(1),
            Device::Gone { .. } => return Some(2),
            Device::Refused { .. } => return Some(3),
        }
        self.world
            .phones
            .receive(VendorName::Vivo, id, shown.clone(), Keeps::All);
        None
    }

    fn save(&self, asked: &Asked, task: &str) -> Result<(), No> {
        let (id, class, shown) = read(asked)?;
        must(id.is_empty(), "the payload of a list has no regId").map_err(|fault| No(10_200, fault, None))?;
        self.hours(class)?;
        self.saved().insert(task.to_owned(), (class, shown));
        Ok(())
    }

    fn list(&self, asked: &Asked) -> Result<Value, No> {
        let wrong = |fault| No(10_200, fault, None);
        let fields = strict::json(asked).map_err(wrong)?;
        let parts = [("regIds", Is::Texts), ("taskId", Is::Text), ("requestId", Is::Text)];
        known("list", &fields, &parts).map_err(wrong)?;
        let ids = strict::list(&fields, "regIds");
        must((2..=1_000).contains(&ids.len()), "a list of 2 to 1,000").map_err(wrong)?;
        must(
            (1..=64).contains(&text(&fields, "requestId").len()),
            "requestId of 1 to 64",
        )
        .map_err(wrong)?;
        let task = text(&fields, "taskId");
        let Some((class, shown)) = self.saved().get(task).cloned() else {
            return Err(No(10_207, format!("no such task: {task}"), None));
        };
        self.spend(class, ids.len() as u64)?;
        let refused = ids.iter().filter_map(|id| {
            let status = self.reach(id, &shown)?;
            Some(json!({"userid": id, "status": status}))
        });
        Ok(json!({"result": 0, "desc": "请求成功", "taskId": task, "invalidUsers": refused.collect::<Vec<_>>()}))
    }

    fn saved(&self) -> MutexGuard<'_, HashMap<String, (usize, Shown)>> {
        self.saved.lock().expect("nothing panics while it holds the payloads")
    }

    /// Marketing from 7 to 23 o'clock in China.
    fn hours(&self, class: usize) -> Result<(), No> {
        let hour = (self.world.clock.now_ms() / HOUR_MS + 8) % 24;
        let may = class == 1 || (7..23).contains(&hour);
        must(may, "marketing sleeps").map_err(|fault| No(10_071, fault, None))
    }

    fn spend(&self, class: usize, pushes: u64) -> Result<(), No> {
        let mut left = self.left.lock().expect("nothing panics while it holds the quota");
        let code = if class == 0 { 10_070 } else { 10_073 };
        must(left[class] >= pushes, "no more of this class today").map_err(|fault| No(code, fault, None))?;
        left[class] -= pushes;
        Ok(())
    }
}

impl server::Rules for Rules {
    fn is_push(&self, asked: &Asked) -> bool {
        asked.path != "/message/auth"
    }

    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(body) => Said::json(200, &body),
            Err(No(result, fault, None)) => {
                if (10_200..=10_207).contains(&result) {
                    self.script.complain(fault.clone());
                }
                Said::json(200, &json!({"result": result, "desc": fault}))
            }
            Err(No(result, fault, Some(status))) => {
                let user = json!({"userid": "sim", "status": status});
                Said::json(
                    200,
                    &json!({"result": result, "desc": fault, "taskId": "sim", "invalidUser": user}),
                )
            }
        }
    }
}

/// The device, the class (0 or 1) and what is shown.
fn read(asked: &Asked) -> Result<(String, usize, Shown), No> {
    let wrong = |fault| No(10_200, fault, None);
    let message = strict::json(asked).map_err(wrong)?;
    known("message", &message, &MESSAGE).map_err(wrong)?;
    must(number(&message, "appId").map_err(wrong)? == APP_ID, "the app").map_err(|fault| No(10_094, fault, None))?;
    let (title, content) = (text(&message, "title"), text(&message, "content"));
    must((1..=40).contains(&width(title)), "title of 1 to 40").map_err(wrong)?;
    must((1..=100).contains(&width(content)), "content of 1 to 100").map_err(wrong)?;
    let ttl = number(&message, "timeToLive").map_err(wrong)?;
    must((60..=86_400).contains(&ttl), "timeToLive of 60 to 86,400").map_err(wrong)?;
    must(
        (1..=4).contains(&number(&message, "notifyType").map_err(wrong)?),
        "notifyType",
    )
    .map_err(wrong)?;
    let request = text(&message, "requestId");
    must((1..=64).contains(&request.len()), "requestId of 1 to 64").map_err(wrong)?;
    let skip = number(&message, "skipType").map_err(wrong)?;
    let content_of_skip = text(&message, "skipContent");
    must(
        matches!(skip, 1..=4) && content_of_skip.len() <= 1_024,
        "skipType and skipContent",
    )
    .map_err(wrong)?;
    must(
        (skip == 1) == content_of_skip.is_empty(),
        "skipContent does not fit skipType",
    )
    .map_err(wrong)?;
    extra(&message).map_err(wrong)?;
    let class = classes(&message)?;
    words(content)?;
    let data = strict::texts(&object(&message, "clientCustomMap"));
    let shown = Shown {
        id: Some(request.to_owned()),
        title: title.to_owned(),
        body: content.to_owned(),
        badge: None,
        collapse: message.get("notifyId").map(Value::to_string),
        sound: None,
        rings: false,
        silent: false,
        tap: (!content_of_skip.is_empty()).then(|| content_of_skip.to_owned()),
        data,
    };
    Ok((text(&message, "regId").to_owned(), class, shown))
}

fn extra(message: &Fields) -> Result<(), Fault> {
    let extra = object(message, "extra");
    known("extra", &extra, &[("callback", Is::Text), ("callback.param", Is::Text)])?;
    must(text(&extra, "callback").len() <= 128, "callback of 128")?;
    must(text(&extra, "callback.param").len() <= 64, "callback.param of 64")
}

fn classes(message: &Fields) -> Result<usize, No> {
    let class = message.get("classification").and_then(Value::as_u64).unwrap_or(0);
    let category = text(message, "category");
    let system = SYSTEM_CATEGORIES.contains(&category);
    must(
        category.is_empty() || system || category == "MARKETING",
        format!("the category {category}"),
    )
    .map_err(|fault| No(10_096, fault, None))?;
    must(
        category.is_empty() || system == (class == 1),
        "category and classification do not fit",
    )
    .map_err(|fault| No(10_097, fault, None))?;
    Ok(usize::from(class == 1))
}

/// vivo refuses what looks like a test: only digits and Latin letters with "test" in it, or only digits.
fn words(content: &str) -> Result<(), No> {
    let lower = content.to_lowercase();
    let plain = lower.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ');
    let only_digits = lower.chars().all(|c| c.is_ascii_digit() || c == ' ');
    let is_test = only_digits || (plain && lower.contains("test"));
    must(!is_test, "looks like a test").map_err(|fault| No(10_085, fault, None))
}
