//! What Huawei's answers mean, token by token. A status of 200 means nothing.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::codes;
use crate::door::Answer;
use crate::{Outcome, Scope};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    code: String,
    #[serde(default)]
    msg: String,
    request_id: Option<String>,
}

impl Said {
    pub(super) fn read(answer: &Answer) -> Option<Self> {
        serde_json::from_slice(&answer.body).ok()
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }
}

/// The text of a partial success, in both spellings.
#[derive(Deserialize)]
struct Partial {
    /// v1: only which.
    #[serde(default)]
    illegal_tokens: Vec<String>,
    /// v3: by reason.
    #[serde(default, rename = "illegalTokens")]
    by_reason: HashMap<String, Vec<String>>,
}

/// Reasons of v3 that speak of the token itself. The others are about the app, the right to push, or the country.
const TOKEN_REASONS: [&str; 2] = ["tokenFormatError", "noRight"];

pub(super) fn is_all_refused(outcome: &Outcome) -> bool {
    outcome.code() == codes::ALL_REFUSED
}

pub(super) fn outcomes(answer: &Answer, tokens: &[&str]) -> Vec<Outcome> {
    let Some(said) = Said::read(answer) else {
        // Huawei's flow control is a 503 without words.
        let outcome = match answer.status {
            503 => Outcome::retry_after(Scope::App, answer.retry_after, "503", answer.text()),
            _ => answer.by_status(),
        };
        return vec![outcome; tokens.len()];
    };
    match said.code.as_str() {
        codes::SOME_REFUSED => some_refused(&said, tokens),
        codes::ALL_REFUSED => all_refused(&said, tokens),
        code => {
            let outcome = codes::outcome(code, &said.msg, answer.retry_after);
            let outcome = match outcome {
                Some(Outcome::Accepted { .. }) => Outcome::accepted(said.request_id.clone()),
                Some(outcome) => outcome,
                None => by_unknown_code(answer, &said),
            };
            vec![outcome; tokens.len()]
        }
    }
}

fn by_unknown_code(answer: &Answer, said: &Said) -> Outcome {
    match answer.status {
        200 => Outcome::refused(said.code.as_str(), &said.msg),
        503 => Outcome::retry_after(Scope::App, answer.retry_after, said.code.as_str(), &said.msg),
        _ => answer.by_status(),
    }
}

fn some_refused(said: &Said, tokens: &[&str]) -> Vec<Outcome> {
    let Ok(partial) = serde_json::from_str::<Partial>(&said.msg) else {
        // Nobody can tell which: nobody is retired.
        return vec![Outcome::refused(said.code.as_str(), &said.msg); tokens.len()];
    };
    let illegal: HashSet<&str> = partial.illegal_tokens.iter().map(String::as_str).collect();
    let of_token = |token: &&str| {
        if illegal.contains(*token) {
            return Outcome::token_invalid(said.code.as_str(), "illegal token");
        }
        reason_of(&partial, token).unwrap_or_else(|| Outcome::accepted(said.request_id.clone()))
    };
    tokens.iter().map(of_token).collect()
}

fn all_refused(said: &Said, tokens: &[&str]) -> Vec<Outcome> {
    let partial = serde_json::from_str::<Partial>(&said.msg).ok();
    let partial = partial.filter(|partial| !partial.by_reason.is_empty());
    let alone = tokens.len() == 1;
    let of_token = |token: &&str| match &partial {
        Some(partial) => {
            reason_of(partial, token).unwrap_or_else(|| Outcome::refused(said.code.as_str(), "no reason is given"))
        }
        None if alone => Outcome::token_invalid(said.code.as_str(), &said.msg),
        None => Outcome::refused(said.code.as_str(), &said.msg),
    };
    tokens.iter().map(of_token).collect()
}

fn reason_of(partial: &Partial, token: &str) -> Option<Outcome> {
    let mut reasons = partial.by_reason.iter();
    let (reason, _) = reasons.find(|(_, tokens)| tokens.iter().any(|refused| refused == token))?;
    Some(if TOKEN_REASONS.contains(&reason.as_str()) {
        Outcome::token_invalid(reason.as_str(), "")
    } else {
        Outcome::refused(
            reason.as_str(),
            "Huawei does not push to this device; its token is kept",
        )
    })
}
