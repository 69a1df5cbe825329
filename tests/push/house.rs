//! A server inside the test's process, all simulated vendors, and users with phones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use godwit_archive::SimulatedDisk;
use godwit_model::{Clock, SystemClock};
use godwit_push::simulator::{Phone, Shown, Simulators};
use godwit_push::{Target, VendorName};
use godwit_server::running::Running;
use godwit_server::settings::{ByteSize, Settings};
use godwit_server::wiring::{Parts, start};
use godwit_store::Store;
use kit::{App, Client, Device, Login, Version, wait_for};
use reqwest::Method;
use serde_json::{Value, json};

/// How long a device may take to acknowledge here: more than a busy machine needs for an answer.
pub(crate) const GRACE: Duration = Duration::from_millis(1_500);
/// After this, what did not come does not come.
pub(crate) const SILENCE: Duration = Duration::from_millis(2_200);

pub(crate) const MASTER_KEY: [u8; 32] = [7; 32];

pub(crate) struct House {
    pub(crate) simulators: Simulators,
    pub(crate) app: App,
    running: Option<Running>,
    disk: SimulatedDisk,
    pub(crate) store: Store,
    settings: Settings,
    clock: Arc<ShiftedClock>,
}

/// The time of the server and of the vendors: the host's, and as much later as a test wants it.
#[derive(Default)]
struct ShiftedClock(AtomicU64);

impl Clock for ShiftedClock {
    fn now_ms(&self) -> u64 {
        SystemClock.now_ms() + self.0.load(Ordering::SeqCst)
    }

    fn steady_ms(&self) -> u64 {
        SystemClock.steady_ms() + self.0.load(Ordering::SeqCst)
    }
}

/// A user's phone.
pub(crate) struct Owner {
    pub(crate) device: Device,
    pub(crate) vendor: VendorName,
    pub(crate) target: Target,
}

impl House {
    pub(crate) async fn new() -> Self {
        Box::pin(Self::with(|_| {})).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let _ = kit::http_client();
        let clock = Arc::new(ShiftedClock::default());
        let simulators = Box::pin(Simulators::start_all(Arc::clone(&clock) as _)).await.unwrap();
        let mut settings = Settings::default();
        settings.http.bind = "127.0.0.1:0".parse().unwrap();
        settings.mqtt.bind = "127.0.0.1:0".parse().unwrap();
        settings.http.app_requests = 1_000_000;
        settings.http.app_requests_burst = 1_000_000;
        // A segment of the simulated disk lies in memory.
        settings.storage.segment_size = ByteSize(1 << 20);
        settings.push.grace = GRACE;
        settings.vendors = simulators.settings();
        change(&mut settings);
        let disk = SimulatedDisk::new(1);
        let store = Store::open("sqlite::memory:").await.unwrap();
        let running = Box::pin(boot(&settings, &disk, (&store, &clock))).await;
        let first = running.first_app().unwrap().clone();
        let http = running.addresses().http.unwrap();
        let app = App::with_secret(&http, &first.client_id, &first.client_secret).await;
        Self {
            simulators,
            app,
            running: Some(running),
            disk,
            store,
            settings,
            clock,
        }
    }

    pub(crate) fn mqtt(&self) -> String {
        self.running.as_ref().unwrap().addresses().mqtt.unwrap()
    }

    /// Lets time pass for the server and the vendors.
    pub(crate) fn forward(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Time goes by; the app signs in again.
    pub(crate) async fn later(&mut self, ms: u64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
        let running = self.running.as_ref().unwrap();
        let first = running.first_app().unwrap().clone();
        let http = running.addresses().http.unwrap();
        self.app = App::with_secret(&http, &first.client_id, &first.client_secret).await;
    }

    /// Where REST is.
    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.running.as_ref().unwrap().addresses().http.unwrap())
    }

    /// Stops the server and starts it again on the same ground, as after a crash.
    pub(crate) async fn restart(&mut self) {
        let running = self.running.take().unwrap();
        running.shutdown().await;
        let running = Box::pin(boot(&self.settings, &self.disk, (&self.store, &self.clock))).await;
        self.app = self.app.at(&running.addresses().http.unwrap());
        self.running = Some(running);
    }

    /// A user with a phone of a vendor, which has acknowledged everything and is away.
    pub(crate) async fn owner(&self, user: &str, vendor: VendorName) -> Owner {
        self.owner_of(user, vendor, "zh-CN").await
    }

    pub(crate) async fn owner_of(&self, user: &str, vendor: VendorName, language: &str) -> Owner {
        let target = self.simulators.new_device(vendor, &format!("{user}-{vendor}"));
        let device = self
            .register(user, &format!("{user}-{vendor}"), language, push(vendor, &target))
            .await;
        Owner { device, vendor, target }
    }

    pub(crate) async fn register(&self, user: &str, code: &str, language: &str, push: Value) -> Device {
        let (status, answer) = self.try_register(user, code, language, push).await;
        assert!(status.is_success(), "{answer}");
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        Device {
            user: user.to_owned(),
            unique_code: code.to_owned(),
            account: text("account"),
            id: text("deviceId"),
            token: text("deviceToken"),
        }
    }

    async fn try_register(&self, user: &str, code: &str, language: &str, push: Value) -> (reqwest::StatusCode, Value) {
        let ticket = json!({"userId": user, "uniqueCode": code});
        let (_, ticket) = self.app.call(Method::POST, "/v1/tickets", Some(&ticket)).await;
        let body = json!({
            "ticket": ticket["ticket"], "uniqueCode": code, "os": "android", "language": language, "push": push,
        });
        self.app.call(Method::POST, "/v1/devices", Some(&body)).await
    }

    /// A device without push.
    pub(crate) async fn desktop(&self, user: &str) -> Device {
        self.app.register(user, &format!("{user}-desktop")).await
    }

    pub(crate) async fn connect(&self, device: &Device) -> Client {
        let (mut client, _) = Client::connect(&self.mqtt(), &Login::of(device, Version::V5)).await;
        client.subscribe(&device.topic("#"), 1).await;
        client
    }

    /// A text from one user to another.
    pub(crate) async fn say(&self, from: &str, to: &str, text: &str) -> Value {
        self.send(json!({"from": from, "to": to, "type": 0, "content": {"text": text}}))
            .await
    }

    pub(crate) async fn send(&self, message: Value) -> Value {
        self.app.send(&message).await
    }

    /// One call as a device.
    pub(crate) async fn ask(&self, device: &Device, method: Method, path: &str, body: Option<Value>) -> Value {
        let path = format!("/v1/accounts/{}/{path}", device.account);
        let (status, answer) = self.app.call_as(&device.token, method, &path, body.as_ref()).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    pub(crate) fn phone(&self, owner: &Owner) -> Phone {
        self.simulators.phone(owner.vendor, &owner.target)
    }

    /// What came to a phone that shows something.
    pub(crate) fn rung(&self, owner: &Owner) -> Vec<Shown> {
        self.phone(owner)
            .history
            .into_iter()
            .filter(|shown| !shown.silent || shown.rings)
            .collect()
    }

    /// Waits until so many pushes that show something came, and not more.
    pub(crate) async fn expect_rung(&self, owner: &Owner, count: usize) -> Vec<Shown> {
        let what = format!("{count} pushes at {}", owner.device.user);
        wait_for(&what, async || (self.rung(owner).len() >= count).then_some(())).await;
        let rung = self.rung(owner);
        assert_eq!(rung.len(), count, "{rung:#?}");
        rung
    }

    /// Nothing more comes.
    pub(crate) async fn expect_silence(&self, owner: &Owner, count: usize) {
        tokio::time::sleep(SILENCE).await;
        let rung = self.rung(owner);
        assert_eq!(rung.len(), count, "{rung:#?}");
    }

    /// The ledger, oldest first, about a user.
    pub(crate) async fn ledger(&self, user: &str) -> Vec<Value> {
        let path = format!("/v1/pushes?user={user}&limit=500");
        let (status, answer) = self.app.call(Method::GET, &path, None).await;
        assert!(status.is_success(), "{answer}");
        let mut items = answer["items"].as_array().unwrap().clone();
        items.reverse();
        items
    }

    /// Waits for a line of the ledger.
    pub(crate) async fn expect_line(&self, user: &str, outcome: &str, code: &str) -> Value {
        let what = format!("a line {outcome} {code} about {user}");
        wait_for(&what, async || {
            let lines = self.ledger(user).await;
            lines
                .into_iter()
                .find(|line| line["outcome"] == outcome && (code.is_empty() || line["code"] == code))
        })
        .await
    }

    /// Waits for the verdict on each device of a user: a phone shows a push before the ledger knows of it.
    pub(crate) async fn expect_verdicts(&self, user: &str, verdicts: &[&str]) {
        let what = format!("the verdicts {verdicts:?} about {user}");
        wait_for(&what, async || (self.verdicts(user).await == verdicts).then_some(())).await;
    }

    /// The verdict for each device of a user.
    pub(crate) async fn verdicts(&self, user: &str) -> Vec<String> {
        let (status, answer) = self
            .app
            .call(Method::GET, &format!("/v1/pushes/why?user={user}"), None)
            .await;
        assert!(status.is_success(), "{answer}");
        let items = answer["items"].as_array().unwrap();
        items
            .iter()
            .map(|why| why["verdict"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub(crate) fn push(vendor: VendorName, target: &Target) -> Value {
    let mut push = json!({"vendor": vendor.as_str(), "token": target.token});
    if let Some(voip) = &target.voip_token {
        push["voipToken"] = json!(voip);
    }
    push
}

async fn boot(settings: &Settings, disk: &SimulatedDisk, (store, clock): (&Store, &Arc<ShiftedClock>)) -> Running {
    let parts = Parts {
        disk: Arc::new(disk.clone()),
        clock: Arc::clone(clock) as _,
        store: store.clone(),
        master_key: MASTER_KEY,
    };
    Box::pin(start(settings, parts)).await.unwrap()
}
