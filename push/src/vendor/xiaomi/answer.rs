//! What Xiaomi's answers mean.

use std::time::Duration;

use serde::Deserialize;

use crate::door::Answer;
use crate::{Outcome, Scope};

/// A second's quota is used up: the next second has another.
const SECOND: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Said {
    result: String,
    code: i64,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    info: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Data {
    id: Option<String>,
}

/// Often a dead registration.
pub(super) const SEND_FAILED: &str = "20301";

pub(super) fn outcome(answer: &Answer) -> Outcome {
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return answer.by_status();
    };
    let text = format!("{} {} {}", said.description, said.reason, said.info);
    let code = said.code.to_string();
    match said.code {
        0 if said.result == "ok" => Outcome::accepted(said.data.and_then(|data| data.id)),
        // 20301 is often a dead registration, but the text that would say so is not documented: its callback tells for
        // sure.
        10008 | 10012 | 10016 | 10017 | 20301 | 65009 => Outcome::refused(code, text),
        10027 | 200_002 => Outcome::retry_after(Scope::App, answer.retry_after.or(Some(SECOND)), code, text),
        10034 | 200_001 => Outcome::quota_day(code, text),
        10031 | 21301 | 21302 | 22000 | 22006 | 22007 | 22022 | 26004 | 27001 => Outcome::misconfigured(code, text),
        -1 | 0 | 1 | 10001..=10003 => Outcome::retry_after(Scope::Vendor, answer.retry_after, code, text),
        _ if answer.status == 200 => Outcome::refused(code, text),
        _ => answer.by_status(),
    }
}
