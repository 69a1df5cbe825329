//! JSON-RPC over the connection: what was asked, who waits for the answer. A machine without I/O.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::error::Error;

/// Most requests that wait for an answer.
const WAITING_MAX: usize = 64;

/// An answer: JSON as it came, or why there is none.
pub(crate) type Answer = Result<Box<RawValue>, Error>;

/// Who asked.
pub(crate) enum Asker {
    /// The app.
    App(oneshot::Sender<Answer>),
    /// The connection itself, for a page of the inbox behind this number.
    Page { after: u64 },
}

struct Asked {
    payload: String,
    asker: Asker,
}

/// What was asked and is not answered.
#[derive(Default)]
pub(crate) struct Requests {
    waiting: HashMap<String, Asked>,
}

#[derive(Deserialize)]
struct Reply {
    id: Value,
    result: Option<Box<RawValue>>,
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

impl Requests {
    /// Keeps a request under its id and answers the bytes to publish; `None` if too many wait (the asker is told).
    pub(crate) fn ask(&mut self, id: String, method: &str, params: &Value, asker: Asker) -> Option<String> {
        self.waiting.retain(|_, asked| match &asked.asker {
            Asker::App(answer) => !answer.is_closed(),
            Asker::Page { .. } => true,
        });
        if self.waiting.len() >= WAITING_MAX {
            if let Asker::App(answer) = asker {
                let _ = answer.send(Err(Error::refused(
                    "overloaded",
                    "too many requests wait for an answer",
                )));
            }
            return None;
        }
        let payload = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
        self.waiting.insert(
            id,
            Asked {
                payload: payload.clone(),
                asker,
            },
        );
        Some(payload)
    }

    /// A reply came: who asked, and the answer.
    pub(crate) fn answered(&mut self, bytes: &[u8]) -> Option<(Asker, Answer)> {
        let reply: Reply = serde_json::from_slice(bytes).ok()?;
        let asked = self.waiting.remove(reply.id.as_str()?)?;
        let answer = match (reply.error, reply.result) {
            (Some(problem), _) => {
                let text = |field: &str| problem.data.get(field).and_then(Value::as_str);
                Err(Error::refused(
                    text("code").unwrap_or("internal"),
                    text("detail").unwrap_or(&problem.message),
                ))
            }
            (None, Some(result)) => Ok(result),
            (None, None) => Err(Error::Unreachable("an answer without a result".to_owned())),
        };
        Some((asked.asker, answer))
    }

    /// A connection begins: pages of the former one are forgotten, and what the app asked is published again under the
    /// same id, by which the platform knows it.
    pub(crate) fn again(&mut self) -> Vec<String> {
        self.waiting
            .retain(|_, asked| matches!(&asked.asker, Asker::App(answer) if !answer.is_closed()));
        self.waiting.values().map(|asked| asked.payload.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_finds_who_asked_also_over_another_connection() {
        let mut requests = Requests::default();
        let (answer, answered) = oneshot::channel();
        let first = requests.ask("q1".into(), "group.list", &json!({}), Asker::App(answer));
        requests.ask("q2".into(), "inbox", &json!({}), Asker::Page { after: 0 });
        assert_eq!(
            requests.again(),
            [first.expect("published")],
            "the page is forgotten, the app's is not"
        );
        let (asker, result) = requests
            .answered(br#"{"jsonrpc":"2.0","id":"q1","result":{"items":[]}}"#)
            .expect("it was asked");
        let Asker::App(answer) = asker else {
            panic!("the app asked")
        };
        answer.send(result).expect("it waits");
        assert_eq!(
            answered.await.expect("sent").expect("a result").get(),
            r#"{"items":[]}"#
        );
        assert!(
            requests.answered(br#"{"id":"q1","result":{}}"#).is_none(),
            "answered once"
        );
    }

    #[test]
    fn a_refusal_carries_its_code() {
        let mut requests = Requests::default();
        requests.ask("q".into(), "inbox", &json!({}), Asker::Page { after: 3 });
        let reply = br#"{"id":"q","error":{"code":-32403,"message":"m","data":{"code":"not_member","detail":"d"}}}"#;
        let (asker, result) = requests.answered(reply).expect("it was asked");
        assert!(matches!(asker, Asker::Page { after: 3 }));
        assert_eq!(result.unwrap_err().code(), Some("not_member"));
    }
}
