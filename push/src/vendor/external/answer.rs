//! What an external service answers: 2xx with an outcome, or a status by which HTTP means something.

use std::time::Duration;

use serde::Deserialize;

use crate::door::Answer;
use crate::{Outcome, Scope};

/// Longest wait that a service may ask for.
const RETRY_SECONDS_MAX: u64 = 24 * 3_600;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Said {
    outcome: String,
    /// The service's name of the push.
    id: Option<String>,
    code: String,
    detail: String,
    /// Of a token: since when it is dead, in milliseconds since 1970.
    as_of: Option<u64>,
    /// Of a retry: not before so many seconds.
    retry_after: Option<u64>,
}

pub(super) fn outcome(answer: &Answer) -> Outcome {
    if !(200..300).contains(&answer.status) {
        return answer.by_status();
    }
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Outcome::accepted(None);
    }
    let Ok(said) = serde_json::from_slice::<Said>(&answer.body) else {
        return answer.by_status();
    };
    let Said { code, detail, .. } = said;
    match said.outcome.as_str() {
        "accepted" => Outcome::accepted(said.id),
        "tokenInvalid" => match Outcome::token_invalid(code, detail) {
            Outcome::TokenInvalid { code, detail, .. } => Outcome::TokenInvalid {
                code,
                detail,
                as_of_ms: said.as_of,
            },
            other => other,
        },
        "retry" => {
            let after = said.retry_after.map(|s| Duration::from_secs(s.min(RETRY_SECONDS_MAX)));
            Outcome::retry_after(Scope::Token, after.or(answer.retry_after), code, detail)
        }
        "quotaDay" => Outcome::quota_day(code, detail),
        "contentRejected" => Outcome::content_rejected(code, detail),
        "refused" => Outcome::refused(code, detail),
        "misconfigured" => Outcome::misconfigured(code, detail),
        "unsupported" => Outcome::Unsupported,
        _ => answer.by_status(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, body: &str) -> Outcome {
        outcome(&Answer {
            status,
            headers: reqwest::header::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
            retry_after: None,
        })
    }

    #[test]
    fn only_the_services_own_word_ends_a_token() {
        for (status, body, word) in [
            (200, "", "accepted"),
            (204, "", "accepted"),
            (200, r#"{"outcome": "accepted", "id": "x"}"#, "accepted"),
            (
                200,
                r#"{"outcome": "tokenInvalid", "code": "gone", "asOf": 5}"#,
                "token_invalid",
            ),
            (200, r#"{"outcome": "retry", "retryAfter": 2}"#, "retry"),
            (200, r#"{"outcome": "quotaDay"}"#, "quota_day"),
            (200, r#"{"outcome": "contentRejected"}"#, "content_rejected"),
            (200, r#"{"outcome": "refused"}"#, "refused"),
            (200, r#"{"outcome": "misconfigured"}"#, "misconfigured"),
            (200, r#"{"outcome": "unsupported"}"#, "unsupported"),
            (200, r#"{"outcome": "perhaps"}"#, "retry"),
            (200, "<html>", "retry"),
            (401, "", "misconfigured"),
            (404, "", "misconfigured"),
            (410, "", "refused"),
            (422, "", "refused"),
            (429, "", "retry"),
            (503, "", "retry"),
        ] {
            assert_eq!(answered(status, body).word(), word, "{status} {body}");
        }
        let dead = answered(200, r#"{"outcome": "tokenInvalid", "asOf": 5}"#);
        assert!(matches!(dead, Outcome::TokenInvalid { as_of_ms: Some(5), .. }));
    }
}
