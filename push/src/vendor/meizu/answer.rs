//! What Meizu's answers mean, id by id.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::door::Answer;
use crate::lane::next_vendor_midnight_ms;
use crate::{Outcome, Scope};

/// How long to leave a device alone whose push was put off.
const PUT_OFF: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    /// A text, by the documents; a number, in places.
    code: Value,
    #[serde(default)]
    message: String,
    /// Ids by code; an empty text or nothing when all went well.
    #[serde(default)]
    value: Value,
    msg_id: Option<String>,
}

pub(super) fn outcomes(answer: &Answer, ids: &[&str], now_ms: u64) -> Vec<Outcome> {
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return vec![answer.by_status(); ids.len()];
    };
    let code = said.code.as_str().map_or_else(|| said.code.to_string(), str::to_owned);
    if code != "200" {
        return vec![of_request(&code, &said.message); ids.len()];
    }
    let refused = serde_json::from_value::<BTreeMap<String, Vec<String>>>(said.value).unwrap_or_default();
    let code_of = |id: &str| {
        let mut codes = refused.iter();
        codes.find(|(_, refused)| refused.iter().any(|refused| refused == id))
    };
    let of_id = |id: &&str| match code_of(id) {
        Some((code, _)) => of_device(code, said.msg_id.as_ref(), now_ms),
        None => Outcome::accepted(said.msg_id.clone()),
    };
    ids.iter().map(of_id).collect()
}

fn of_request(code: &str, text: &str) -> Outcome {
    match code {
        "500" | "1001" | "1003" => Outcome::retry(Scope::Vendor, code, text),
        "1006" | "110000" | "110001" | "110009" | "110031" | "110032" | "110033" => Outcome::misconfigured(code, text),
        "110010" => Outcome::retry(Scope::App, code, text),
        "110019" => Outcome::quota_day(code, text),
        _ => Outcome::refused(code, text),
    }
}

fn of_device(code: &str, msg_id: Option<&String>, now_ms: u64) -> Outcome {
    match code {
        "110002" => Outcome::token_invalid(code, "unsubscribed"),
        "110003" => Outcome::token_invalid(code, "illegal"),
        "519" => Outcome::retry_after(Scope::Token, Some(PUT_OFF), code, "later"),
        "201" | "501" | "513" => Outcome::retry(Scope::Token, code, ""),
        // More than five a minute are folded into one that is shown.
        "520" => Outcome::accepted(msg_id.cloned()),
        "110010" => Outcome::refused(code, "the user switched notifications off; the token is kept"),
        // This device's day, not the app's.
        "110011" => {
            let left = Duration::from_millis(next_vendor_midnight_ms(now_ms) - now_ms);
            let text = "as many of the public class as a device takes in a day";
            Outcome::retry_after(Scope::Token, Some(left), code, text)
        }
        _ => Outcome::refused(code, ""),
    }
}
