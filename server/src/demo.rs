//! `godwit demo`: three people, a group, a phone that disappears, a server that is killed. Told as it happens, and
//! every claim is checked.

mod child;
mod narrator;
mod phone;
mod rest;
mod story;
mod talk;

use std::time::Duration;

use serde::Serialize;

use crate::console::print_json;
use crate::failure::Failure;
use narrator::Narrator;

/// The whole story must end by then, also when something hangs.
const LONGEST: Duration = Duration::from_mins(1);

#[derive(Serialize)]
struct Verdict {
    passed: bool,
    checks: Vec<String>,
    missing: Vec<String>,
    seconds: f64,
}

/// Tells the story; fails with what did not come true.
pub(crate) async fn run(json: bool) -> Result<(), Failure> {
    let mut narrator = Narrator::new(json);
    let told = tokio::select! {
        told = tokio::time::timeout(LONGEST, story::tell(&mut narrator)) => told,
        _ = tokio::signal::ctrl_c() => Ok(Err(Failure::new("GW-E003", "interrupted", ""))),
    };
    match told {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => narrator.failed(failure.to_string()),
        Err(_) => narrator.failed(format!("the story did not end within {} s", LONGEST.as_secs())),
    }
    let seconds = narrator.seconds();
    let (checks, missing) = narrator.end();
    if json {
        print_json(&Verdict {
            passed: missing.is_empty(),
            checks,
            missing: missing.clone(),
            seconds,
        });
    }
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("the demo did not come true: {}", missing.join("; "));
    Err(Failure::new("GW-E001", what, ""))
}
