//! Stands in for Xiaomi (reference: dev.mi.com, documents 1559, 1560, 1656, 2314).

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, must, value, width};
use super::{CALLBACK_SECRET, World, chat, simulated_callback};
use crate::settings::{ClassWords, Pace, Xiaomi};
use crate::{Secret, VendorName};

const APP_SECRET: &str = "simulated-xiaomi-secret";
const PACKAGE: &str = "example.godwit";
const CHANNEL: &str = "im-channel";
const TEMPLATE: &str = "T1001";
const NAMES: [&str; 20] = [
    "registration_id",
    "restricted_package_name",
    "title",
    "description",
    "payload",
    "pass_through",
    "notify_type",
    "notify_id",
    "time_to_live",
    "time_to_send",
    "extra.channel_id",
    "extra.template_id",
    "extra.template_param",
    "extra.notify_effect",
    "extra.intent_uri",
    "extra.web_uri",
    "extra.notify_foreground",
    "extra.sound_uri",
    "extra.jobkey",
    "extra.only_send_once",
];
const CALLBACK_NAMES: [&str; 3] = ["extra.callback", "extra.callback.param", "extra.callback.type"];
/// Reports that wait to be fetched.
const REPORTS_MAX: usize = 10_000;
const DAY_MS: u64 = 24 * 3_600_000;

/// A simulated Xiaomi. Stops when it is dropped.
pub struct XiaomiSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    state: Mutex<State>,
}

struct State {
    day_quota: u64,
    day_acked: u64,
    per_second: u64,
    second: (u64, u64),
    reports: VecDeque<String>,
}

/// A code of Xiaomi's, and its text.
struct No(i64, Fault);

impl XiaomiSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let script = Arc::new(Script::default());
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            state: Mutex::new(State {
                day_quota: u64::MAX,
                day_acked: 0,
                per_second: u64::MAX,
                second: (0, 0),
                reports: VecDeque::new(),
            }),
        });
        let server = Server::start(&world.authority, script, Arc::clone(&rules) as _).await?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, with a secret that is taken and a channel and template that are approved.
    pub fn settings(&self) -> Xiaomi {
        let words = ClassWords {
            channel: Some(CHANNEL.to_owned()),
            template: Some(TEMPLATE.to_owned()),
            template_values: BTreeMap::from([
                ("sender".to_owned(), "{title}".to_owned()),
                ("preview".to_owned(), "{body}".to_owned()),
            ]),
            ..ClassWords::default()
        };
        Xiaomi {
            app_secret: Secret::new(APP_SECRET),
            package: PACKAGE.to_owned(),
            class: chat(words),
            encode_payload_twice: false,
            region_url: Some(format!("{}/{{region}}", self.server.origin())),
            callback: Some(simulated_callback()),
            connection: self.rules.world.connection(self.server.origin(), None),
            pace: Pace::default(),
        }
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// So many devices may be reached in a day.
    pub fn set_day_quota(&self, devices: u64) {
        self.rules.state().day_quota = devices;
    }

    /// So many requests are taken in a second.
    pub fn set_per_second(&self, requests: u64) {
        self.rules.state().per_second = requests;
    }

    /// The reports that it would have posted to the callback, as forms; each is given once.
    pub fn take_reports(&self) -> Vec<String> {
        self.rules.state().reports.drain(..).collect()
    }
}

impl Rules {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the counters")
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        let key = asked.header("authorization");
        must(key == format!("key={APP_SECRET}"), "the app secret is wrong").map_err(|fault| No(21301, fault))?;
        let regions = ["", "/sgp", "/fr", "/ru", "/idmb"];
        let path = |end: &str| regions.iter().any(|region| asked.path == format!("{region}{end}"));
        if asked.method == "GET" && path("/v1/trace/quota/get") {
            let state = self.state();
            return Ok(json!({"day_quota": state.day_quota, "day_acked": state.day_acked}));
        }
        let is_send = asked.method == "POST" && path("/v3/message/regid");
        must(is_send, format!("{} {}", asked.method, asked.path)).map_err(|fault| No(10016, fault))?;
        let form = strict::form(asked).map_err(|fault| No(10017, fault))?;
        classes(&form)?;
        let (ids, shown) = read(&form)?;
        self.count(ids.len())?;
        self.reach(&ids, &shown)
    }

    fn count(&self, devices: usize) -> Result<(), No> {
        let now = self.world.clock.now_ms() / 1000;
        let mut state = self.state();
        if state.second.0 != now {
            state.second = (now, 0);
        }
        state.second.1 += 1;
        must(state.second.1 <= state.per_second, "too many requests in a second")
            .map_err(|fault| No(200_002, fault))?;
        let devices = u64::try_from(devices).unwrap_or(u64::MAX);
        must(state.day_acked + devices <= state.day_quota, "the day's quota").map_err(|fault| No(200_001, fault))?;
        state.day_acked += devices;
        Ok(())
    }

    fn reach(&self, ids: &[String], shown: &Shown) -> Result<Value, No> {
        let message = format!("sim{}", self.script.seen());
        let mut reached = Vec::new();
        let mut dead = Vec::new();
        for id in ids {
            if self.world.devices.get(VendorName::Xiaomi, id) == Device::Good {
                self.world
                    .phones
                    .receive(VendorName::Xiaomi, id, shown.clone(), Keeps::All);
                reached.push(id.as_str());
            } else {
                dead.push(id.as_str());
            }
        }
        // What is dead is told by the callback, not by the answer.
        self.report(&message, 1, &reached);
        self.report(&message, 16, &dead);
        if reached.is_empty() {
            return Err(No(20301, "发送消息失败".to_owned()));
        }
        let state = self.state();
        Ok(json!({"id": message, "day_quota": state.day_quota, "day_acked": state.day_acked}))
    }

    fn report(&self, message: &str, kind: u32, ids: &[&str]) {
        if ids.is_empty() {
            return;
        }
        let report = json!({
            "param": CALLBACK_SECRET,
            "type": kind,
            "targets": ids.join(","),
            "timestamp": self.world.clock.now_ms(),
            "extra": {},
        });
        let data = json!({message: report}).to_string();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("data", &data).finish();
        let mut state = self.state();
        if state.reports.len() == REPORTS_MAX {
            state.reports.pop_front();
        }
        state.reports.push_back(form);
    }
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        match self.take(asked) {
            Ok(data) => {
                let body = json!({"result": "ok", "trace_id": "sim", "code": 0, "data": data, "description": "成功", "info": ""});
                Said::json(200, &body)
            }
            Err(No(code, fault)) => {
                if matches!(code, 10016 | 10017 | 65009) {
                    self.script.complain(fault.clone());
                }
                let body =
                    json!({"result": "error", "trace_id": "sim", "code": code, "description": fault, "reason": fault});
                Said::json(200, &body)
            }
        }
    }
}

fn classes(form: &BTreeMap<String, String>) -> Result<(), No> {
    let package = value(form, "restricted_package_name").map_err(|fault| No(22022, fault))?;
    must(package == PACKAGE, "the package is not the app's").map_err(|fault| No(22000, fault))?;
    match form.get("extra.channel_id").map(String::as_str) {
        None | Some(CHANNEL) => {}
        Some(other) => return Err(No(27001, format!("the channel {other} is not approved"))),
    }
    match form.get("extra.template_id").map(String::as_str) {
        None | Some(TEMPLATE) => Ok(()),
        Some(other) => Err(No(26004, format!("the template {other} is not approved"))),
    }
}

fn read(form: &BTreeMap<String, String>) -> Result<(Vec<String>, Shown), No> {
    let wrong = |fault| No(10017, fault);
    let table = [&NAMES[..], &CALLBACK_NAMES].concat();
    strict::known_names(form, &table).map_err(wrong)?;
    let ids: Vec<String> = value(form, "registration_id")
        .map_err(wrong)?
        .split(',')
        .map(str::to_owned)
        .collect();
    must(
        ids.len() <= 1_000 && ids.iter().all(|id| !id.is_empty()),
        "1 to 1,000 registrations",
    )
    .map_err(wrong)?;
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let silent = text("pass_through") == "1";
    if !silent {
        let (title, description) = (text("title"), text("description"));
        must(!title.is_empty() && width(&title) < 50, "title under 50").map_err(|fault| No(65009, fault))?;
        must(
            !description.is_empty() && width(&description) < 128,
            "description under 128",
        )
        .map_err(|fault| No(65009, fault))?;
    }
    let life: Option<u64> = text("time_to_live").parse().ok();
    must(life.is_some_and(|life| life > 0 && life <= 10 * DAY_MS), "time_to_live").map_err(wrong)?;
    must(text("extra.jobkey").len() <= 20, "jobkey of 20 at most").map_err(wrong)?;
    must(
        text("extra.callback.param").len() <= 256,
        "callback.param of 256 at most",
    )
    .map_err(wrong)?;
    templates(form).map_err(|fault| No(26004, fault))?;
    let payload = strict::json_text(text("payload").as_bytes()).map_err(wrong)?;
    let data = strict::texts(&payload);
    let shown = Shown {
        id: form.get("extra.jobkey").cloned(),
        title: if silent { String::new() } else { text("title") },
        body: if silent { String::new() } else { text("description") },
        badge: None,
        collapse: form.get("notify_id").cloned(),
        sound: form.get("extra.sound_uri").cloned(),
        rings: false,
        silent,
        tap: form
            .get("extra.web_uri")
            .or_else(|| form.get("extra.intent_uri"))
            .cloned(),
        data,
    };
    Ok((ids, shown))
}

fn templates(form: &BTreeMap<String, String>) -> Result<(), Fault> {
    let Some(values) = form.get("extra.template_param") else {
        return must(!form.contains_key("extra.template_id"), "a template without values");
    };
    let values = strict::json_text(values.as_bytes())?;
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    must(
        names == ["preview", "sender"],
        format!("the template has other values than {names:?}"),
    )?;
    for (name, value) in &values {
        let value = value.as_str().ok_or_else(|| format!("{name} is not a text"))?;
        must((1..=128).contains(&width(value)), format!("{name} of 1 to 128"))?;
        let emoji = value
            .chars()
            .any(|c| ('\u{1F000}'..'\u{20000}').contains(&c) || c == '\u{200D}' || c == '\u{FE0F}');
        must(!emoji, format!("{name} has an emoji"))?;
    }
    Ok(())
}
