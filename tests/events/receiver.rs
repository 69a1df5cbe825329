//! A receiver of webhooks that keeps what it gets, and misbehaves as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a receiver does with a call.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Takes it.
    Takes,
    /// Answers with a status.
    Status(u16),
    /// Says nothing.
    Hangs,
    /// Sends the caller elsewhere.
    Redirects(String),
    /// Takes it, with an answer that does not end.
    Endless,
    /// Refuses those whose body holds a text.
    RefusesWith(String),
}

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) text: String,
    pub(crate) body: Value,
    /// Whether it was taken.
    pub(crate) taken: bool,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<(Manner, Vec<Got>)>>);

pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared(Arc::new(Mutex::new((Manner::Takes, Vec::new()))));
        let router = Router::new().fallback(take).with_state(shared.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn behave(&self, manner: Manner) {
        self.shared.0.lock().unwrap().0 = manner;
    }

    /// Everything that came, in its order.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.shared.0.lock().unwrap().1.clone()
    }

    /// The texts of messages that were taken, in their order, each once.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let taken = self
            .got()
            .into_iter()
            .filter(|got| got.taken && seen.insert(got.id.clone()));
        let text = |got: Got| {
            got.body["data"]["message"]["content"]["text"]
                .as_str()
                .map(str::to_owned)
        };
        taken.filter_map(text).collect()
    }
}

async fn take(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    };
    let text = String::from_utf8(body.to_vec()).unwrap();
    let manner = shared.0.lock().unwrap().0.clone();
    let taken = match &manner {
        Manner::Takes | Manner::Endless => true,
        Manner::RefusesWith(word) => !text.contains(word.as_str()),
        _ => false,
    };
    let got = Got {
        path: uri.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
        taken,
    };
    shared.0.lock().unwrap().1.push(got);
    match manner {
        Manner::Takes => StatusCode::NO_CONTENT.into_response(),
        Manner::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Manner::Redirects(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Manner::RefusesWith(_) if taken => StatusCode::OK.into_response(),
        Manner::RefusesWith(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not this one").into_response(),
        Manner::Hangs => {
            tokio::time::sleep(Duration::from_hours(1)).await;
            StatusCode::OK.into_response()
        }
        Manner::Endless => {
            let piece: Result<_, std::convert::Infallible> = Ok(Bytes::from(vec![b'x'; 4_096]));
            let stream = axum::body::Body::from_stream(futures_util::stream::repeat(piece));
            Response::new(stream)
        }
    }
}
