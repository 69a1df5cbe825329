//! A server inside the test's process that may call this machine, quick to try again.

use std::sync::Arc;
use std::time::Duration;

use godwit_archive::SimulatedDisk;
use godwit_model::SystemClock;
use godwit_server::running::Running;
use godwit_server::settings::{ByteSize, Settings};
use godwit_server::wiring::{Parts, start};
use godwit_store::Store;
use kit::{App, Client, Device, Login, Version, wait_for};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::receiver::Receiver;

pub(crate) struct House {
    pub(crate) app: App,
    running: Option<Running>,
    disk: SimulatedDisk,
    pub(crate) store: Store,
    settings: Settings,
}

impl House {
    pub(crate) async fn new() -> Self {
        Box::pin(Self::with(|_| {})).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let _ = kit::http_client();
        let mut settings = Settings::default();
        settings.http.bind = "127.0.0.1:0".parse().unwrap();
        settings.mqtt.bind = "127.0.0.1:0".parse().unwrap();
        settings.http.app_requests = 1_000_000;
        settings.http.app_requests_burst = 1_000_000;
        // A segment of the simulated disk lies in memory.
        settings.storage.segment_size = ByteSize(1 << 20);
        settings.webhooks.private_addresses = true;
        settings.webhooks.time_limit = Duration::from_millis(1_500);
        settings.webhooks.retry = Duration::from_millis(50);
        settings.webhooks.retry_max = Duration::from_millis(200);
        change(&mut settings);
        let disk = SimulatedDisk::new(1);
        let store = Store::open("sqlite::memory:").await.unwrap();
        let running = Box::pin(boot(&settings, &disk, &store)).await;
        let first = running.first_app().unwrap().clone();
        let http = running.addresses().http.unwrap();
        let app = App::with_secret(&http, &first.client_id, &first.client_secret).await;
        Self {
            app,
            running: Some(running),
            disk,
            store,
            settings,
        }
    }

    /// Stops the server and starts it again on the same ground.
    pub(crate) async fn restart(&mut self) {
        let running = self.running.take().unwrap();
        running.shutdown().await;
        let running = Box::pin(boot(&self.settings, &self.disk, &self.store)).await;
        self.app = self.app.at(&running.addresses().http.unwrap());
        self.running = Some(running);
    }

    pub(crate) fn mqtt(&self) -> String {
        self.running.as_ref().unwrap().addresses().mqtt.unwrap()
    }

    pub(crate) async fn must(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.app.call(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    pub(crate) async fn refused(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let (status, answer) = self.app.call(method, path, body).await;
        assert!(!status.is_success(), "{path}: {status} {answer}");
        (status, answer)
    }

    /// A webhook for these types of events; all if there are none.
    pub(crate) async fn webhook(&self, url: &str, types: &[&str]) -> Value {
        let mut body = json!({"url": url});
        if !types.is_empty() {
            body["types"] = json!(types);
        }
        self.must(Method::POST, "/v1/webhooks", Some(&body)).await
    }

    /// One at a receiver, for messages.
    pub(crate) async fn told(&self, receiver: &Receiver) -> String {
        let made = self.webhook(&receiver.url(), &["message.accepted"]).await;
        made["webhookId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn items(&self, path: &str) -> Vec<Value> {
        self.must(Method::GET, path, None).await["items"]
            .as_array()
            .unwrap()
            .clone()
    }

    pub(crate) async fn connect(&self, device: &Device) -> Client {
        let (mut client, _) = Client::connect(&self.mqtt(), &Login::of(device, Version::V5)).await;
        client.subscribe(&device.topic("inbox"), 1).await;
        client
    }

    pub(crate) async fn say(&self, from: &str, to: &str, text: &str) -> Value {
        let message = json!({"from": from, "to": to, "type": 0, "content": {"text": text}});
        self.app.send(&message).await
    }

    /// Waits until the receiver took exactly these texts, in this order.
    pub(crate) async fn expect_texts(&self, receiver: &Receiver, texts: &[String]) {
        let what = format!("{} texts at a receiver", texts.len());
        wait_for(&what, async || (receiver.texts().len() >= texts.len()).then_some(())).await;
        assert_eq!(receiver.texts(), texts);
    }
}

async fn boot(settings: &Settings, disk: &SimulatedDisk, store: &Store) -> Running {
    let parts = Parts {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(SystemClock),
        store: store.clone(),
        master_key: [7; 32],
    };
    Box::pin(start(settings, parts)).await.unwrap()
}
