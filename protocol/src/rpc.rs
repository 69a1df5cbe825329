//! JSON-RPC 2.0 framing of the request and reply topics. Batches are not offered.

use std::borrow::Cow;

use godwit_model::{Refusal, Refused};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::push_string;

/// One request.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id to answer under, verbatim; `None` for a notification, which gets no answer.
    pub id: Option<&'a RawValue>,
    /// The method's name.
    pub method: Cow<'a, str>,
    /// The parameters' JSON; `{}` when left out.
    pub params: &'a str,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl<'a> Request<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when the bytes are not one JSON-RPC 2.0 request.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Refused> {
        let wire: Wire<'a> =
            serde_json::from_slice(bytes).map_err(|e| Refused::new(Refusal::Malformed, e.to_string()))?;
        if wire.jsonrpc.as_deref() != Some("2.0") {
            return Err(Refused::new(Refusal::Malformed, "`jsonrpc` must be \"2.0\""));
        }
        let id = wire.id.filter(|id| {
            id.get()
                .starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit())
        });
        if wire.id.is_some() && id.is_none() {
            return Err(Refused::new(Refusal::Malformed, "`id` must be a string or a number"));
        }
        Ok(Self {
            id,
            method: wire.method,
            params: wire.params.map_or("{}", RawValue::get),
        })
    }
}

/// Writes the answer of a request that went well. `result` is JSON.
pub fn encode_result(id: &RawValue, result: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}", id.get())
}

/// Writes the answer of a refused request; `id` is `None` when the request could not be read.
pub fn encode_refusal(id: Option<&RawValue>, refused: &Refused) -> String {
    let id = id.map_or("null", RawValue::get);
    let mut out = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{},\"message\":",
        refused.refusal.rpc_number()
    );
    push_string(&mut out, refused.refusal.text());
    out.push_str(",\"data\":{\"code\":");
    push_string(&mut out, refused.refusal.code());
    out.push_str(",\"detail\":");
    push_string(&mut out, &refused.detail);
    out.push_str("}}}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_request_is_read_and_answered_under_its_id() {
        let bytes = br#"{"jsonrpc":"2.0","id":"a1","method":"history","params":{"limit":5}}"#;
        let request = Request::decode(bytes).unwrap();
        assert_eq!((&*request.method, request.params), ("history", r#"{"limit":5}"#));
        let answer: Value = serde_json::from_str(&encode_result(request.id.unwrap(), "[1]")).unwrap();
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": "a1", "result": [1]}));
        let no: Value = serde_json::from_str(&encode_refusal(request.id, &Refusal::NotMember.into())).unwrap();
        assert_eq!(no["error"]["data"]["code"], "not_member");
        assert_eq!(no["id"], "a1");
    }

    #[test]
    fn what_is_not_json_rpc_is_refused() {
        for bad in [
            "",
            "[]",
            r#"{"id":1,"method":"x"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
        ] {
            assert_eq!(
                Request::decode(bad.as_bytes()).unwrap_err().refusal,
                Refusal::Malformed,
                "{bad}"
            );
        }
    }
}
