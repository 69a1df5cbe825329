//! What OPPO's answers mean.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::door::Answer;
use crate::{Outcome, Scope};

/// Our token is wrong or has expired.
pub(super) const TOKEN_STALE: i64 = 11;
pub(super) const TOKEN_INVALID: i64 = 10_000;

#[derive(Deserialize)]
struct Said {
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Value,
}

pub(super) fn code(answer: &Answer) -> Option<i64> {
    serde_json::from_slice::<Said>(&answer.body).ok().map(|said| said.code)
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return answer.by_status();
    };
    let id = said.data.get("messageId").and_then(Value::as_str);
    match said.code {
        0 => Outcome::accepted(id.map(str::to_owned)),
        code => by_code(code, &said.message, answer.retry_after),
    }
}

/// What became of one message of a request for many.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    registration_id: String,
    message_id: Option<String>,
    #[serde(default)]
    error_code: i64,
    #[serde(default)]
    error_message: String,
}

/// The outcomes of a request for many, in the order of `ids`.
pub(super) fn outcomes(answer: &Answer, ids: &[&str]) -> Vec<Outcome> {
    let said = serde_json::from_slice::<Said>(&answer.body).ok();
    let ones = said.filter(|said| said.code == 0);
    let ones = ones.and_then(|said| serde_json::from_value::<Vec<One>>(said.data).ok());
    let Some(ones) = ones else {
        let outcome = match outcome(answer) {
            // It took the request, and does not say what became of whom.
            Outcome::Accepted { .. } => Outcome::retry(Scope::Vendor, "unreadable", answer.text()),
            other => other,
        };
        return vec![outcome; ids.len()];
    };
    let ones: HashMap<&str, &One> = ones.iter().map(|one| (one.registration_id.as_str(), one)).collect();
    let of_id = |id: &&str| match ones.get(id) {
        None => Outcome::retry(Scope::Token, "unanswered", "OPPO does not say what became of it"),
        Some(one) if one.error_code == 0 => Outcome::accepted(one.message_id.clone()),
        Some(one) => by_code(one.error_code, &one.error_message, answer.retry_after),
    };
    ids.iter().map(of_id).collect()
}

pub(super) fn by_code(number: i64, text: &str, retry_after: Option<Duration>) -> Outcome {
    let code = number.to_string();
    match number {
        -1 => Outcome::retry_after(Scope::Vendor, retry_after, code, text),
        -2 | 13 | 55 => Outcome::retry_after(Scope::App, retry_after, code, text),
        TOKEN_STALE | 12 | 14..=19 | 27 | 28 | 30 | 67 => Outcome::misconfigured(code, text),
        33 => Outcome::quota_day(code, text),
        TOKEN_INVALID => Outcome::token_invalid(code, text),
        _ => Outcome::refused(code, text),
    }
}
