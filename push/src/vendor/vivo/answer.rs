//! What vivo's answers mean.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

use crate::door::Answer;
use crate::{Outcome, Scope};

/// Our token is wrong or has expired.
pub(super) const TOKEN_STALE: i64 = 10_000;
pub(super) const TOO_FAST: i64 = 10_072;
const TOKEN_INVALID: i64 = 10_302;

const DAY_MS: u64 = 24 * 3_600_000;
/// Marketing may come from seven in the morning on, in China (UTC+8).
const MORNING_MS: u64 = 7 * 3_600_000;
const CHINA_MS: u64 = 8 * 3_600_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    result: i64,
    #[serde(default)]
    desc: String,
    task_id: Option<String>,
    invalid_user: Option<InvalidUser>,
    /// Of a list.
    #[serde(default)]
    invalid_users: Vec<InvalidUser>,
}

#[derive(Deserialize)]
struct InvalidUser {
    #[serde(default)]
    userid: String,
    status: i64,
}

pub(super) fn result(answer: &Answer) -> Option<i64> {
    serde_json::from_slice::<Said>(&answer.body)
        .ok()
        .map(|said| said.result)
}

pub(super) fn outcome(answer: &Answer, now_ms: u64) -> Outcome {
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return answer.by_status();
    };
    if let Some(InvalidUser { status, .. }) = said.invalid_user {
        return invalid_user(status, &said.desc);
    }
    match said.result {
        0 => Outcome::accepted(said.task_id),
        result => by_result(result, &said.desc, now_ms),
    }
}

/// The outcomes of a list, in the order of `ids`: all but those it names are accepted.
pub(super) fn outcomes(answer: &Answer, ids: &[&str], now_ms: u64) -> Vec<Outcome> {
    let all = outcome(answer, now_ms);
    let named = serde_json::from_slice::<Said>(&answer.body).map(|said| said.invalid_users);
    let (Outcome::Accepted { .. }, Ok(named)) = (&all, named) else {
        return vec![all; ids.len()];
    };
    let named: HashMap<&str, i64> = named.iter().map(|user| (user.userid.as_str(), user.status)).collect();
    let of_id = |id: &&str| {
        named
            .get(id)
            .map_or_else(|| all.clone(), |status| invalid_user(*status, ""))
    };
    ids.iter().map(of_id).collect()
}

/// Whether it calls a token of a list invalid and does not say which.
pub(super) fn is_about_nobody(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::TokenInvalid { code, .. } if *code == TOKEN_INVALID.to_string())
}

fn invalid_user(status: i64, text: &str) -> Outcome {
    let code = format!("invalidUser {status}");
    match status {
        1 | 2 => Outcome::token_invalid(code, text),
        4 => Outcome::misconfigured(code, "a test push to a device that is not one of the testers"),
        // 3 is a device that was not seen for long: its token is kept.
        _ => Outcome::refused(code, text),
    }
}

pub(super) fn by_result(result: i64, text: &str, now_ms: u64) -> Outcome {
    let code = result.to_string();
    match result {
        TOKEN_STALE | 10_094 | 10_096 | 10_097 => Outcome::misconfigured(code, text),
        10_070 | 10_073 | 10_252 | 10_254 => Outcome::quota_day(code, text),
        10_071 => Outcome::retry_after(Scope::Token, Some(until_morning(now_ms)), code, text),
        TOO_FAST => Outcome::retry(Scope::App, code, text),
        10_085 | 10_104 => Outcome::content_rejected(code, text),
        TOKEN_INVALID => Outcome::token_invalid(code, text),
        _ => Outcome::refused(code, text),
    }
}

fn until_morning(now_ms: u64) -> Duration {
    let since_midnight = (now_ms + CHINA_MS) % DAY_MS;
    Duration::from_millis((DAY_MS + MORNING_MS - since_midnight) % DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_morning_is_chinas() {
        // 2026-11-24 10:00 UTC is six in the evening there.
        assert_eq!(until_morning(1_795_514_400_000), Duration::from_hours(13));
        assert_eq!(
            until_morning(1_795_514_400_000 + 12 * 3_600_000),
            Duration::from_hours(1)
        );
    }
}
