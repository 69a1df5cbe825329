//! What OPPO's answers mean.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::door::Answer;
use crate::{Outcome, Scope};

/// Our token is wrong or has expired.
pub(super) const TOKEN_STALE: i64 = 11;

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

pub(super) fn by_code(number: i64, text: &str, retry_after: Option<Duration>) -> Outcome {
    let code = number.to_string();
    match number {
        -1 => Outcome::retry_after(Scope::Vendor, retry_after, code, text),
        -2 | 13 | 55 => Outcome::retry_after(Scope::App, retry_after, code, text),
        TOKEN_STALE | 12 | 14..=19 | 27 | 28 | 30 | 67 => Outcome::misconfigured(code, text),
        33 => Outcome::quota_day(code, text),
        10_000 => Outcome::token_invalid(code, text),
        _ => Outcome::refused(code, text),
    }
}
