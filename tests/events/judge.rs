//! A service that is asked before messages are taken, and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a judge says of a text.
type Rule = dyn Fn(&str) -> Said + Send + Sync;

/// What it says, and after how long.
pub(crate) struct Said(pub(crate) u16, pub(crate) Value, pub(crate) Duration);

impl Said {
    pub(crate) fn at_once(answer: Value) -> Self {
        Self(200, answer, Duration::ZERO)
    }

    pub(crate) fn allow_after(delay: Duration) -> Self {
        Self(200, json!({"action": "allow"}), delay)
    }
}

/// A question: id, timestamp, signature and body.
type Asked = (String, String, String, Value);

#[derive(Clone)]
struct Shared {
    rule: Arc<Rule>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub(crate) struct Judge {
    address: SocketAddr,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Judge {
    pub(crate) async fn start(rule: impl Fn(&str) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared {
            rule: Arc::new(rule),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/judge", self.address)
    }

    /// What was asked: id, timestamp, signature and body.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

async fn answer(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let text = asked["data"]["message"]["content"]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let said = (shared.rule)(&text);
    let line = (
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
        asked,
    );
    shared.asked.lock().unwrap().push(line);
    tokio::time::sleep(said.2).await;
    (StatusCode::from_u16(said.0).unwrap(), Json(said.1)).into_response()
}
