//! What Google's answers mean.

use std::time::Duration;

use serde::Deserialize;

use crate::door::Answer;
use crate::{Outcome, Scope};

#[derive(Deserialize)]
struct Sent {
    name: String,
}

#[derive(Deserialize)]
struct Failed {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    error_code: Option<String>,
    #[serde(default)]
    field_violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    #[serde(default)]
    field: String,
}

impl Fault {
    fn code(&self) -> Option<&str> {
        self.details.iter().find_map(|detail| detail.error_code.as_deref())
    }

    /// Whether it is the device's token that is malformed, and not the message.
    fn is_about_the_device(&self) -> bool {
        let mut violations = self.details.iter().flat_map(|detail| &detail.field_violations);
        violations.any(|violation| violation.field == "message.token")
            || self.message.contains("registration token is not a valid")
    }
}

fn fault(answer: &Answer) -> Option<Fault> {
    serde_json::from_slice::<Failed>(&answer.body)
        .ok()
        .map(|failed| failed.error)
}

/// Whether Google does not take our bearer token; a fault of the credentials in its project looks alike but says so.
pub(super) fn is_about_our_token(answer: &Answer) -> bool {
    answer.status == 401 && fault(answer).is_none_or(|fault| fault.code().is_none())
}

pub(super) fn outcome(answer: &Answer, retry_after: Duration) -> Outcome {
    if answer.status == 200
        && let Ok(sent) = serde_json::from_slice::<Sent>(&answer.body)
    {
        return Outcome::accepted(Some(sent.name));
    }
    let Some(fault) = fault(answer) else {
        return match answer.status {
            429 => Outcome::retry_after(
                Scope::App,
                answer.retry_after.or(Some(retry_after)),
                "429",
                answer.text(),
            ),
            _ => answer.by_status(),
        };
    };
    let text = fault.message.as_str();
    match (answer.status, fault.code()) {
        (404, Some(code @ "UNREGISTERED")) | (403, Some(code @ "SENDER_ID_MISMATCH")) => {
            Outcome::token_invalid(code, text)
        }
        (400, code) => {
            let code = code.unwrap_or("INVALID_ARGUMENT");
            if fault.is_about_the_device() {
                Outcome::token_invalid(code, text)
            } else {
                Outcome::refused(code, text)
            }
        }
        (429, code) => {
            let after = answer.retry_after.or(Some(retry_after));
            Outcome::retry_after(Scope::App, after, code.unwrap_or("QUOTA_EXCEEDED"), text)
        }
        (500.., code) => Outcome::retry_after(Scope::Vendor, answer.retry_after, code.unwrap_or(&fault.status), text),
        (401 | 403 | 404, code) => Outcome::misconfigured(code.unwrap_or(&fault.status), text),
        _ => answer.by_status(),
    }
}
