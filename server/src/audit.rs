//! `godwit audit`: who changed what, asked of the server that runs on a data folder.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use godwit_registry::Registry;
use serde_json::Value;

use crate::args::Audit;
use crate::asking::{Operator, items, text};
use crate::console::{print, print_json};
use crate::failure::Failure;
use crate::rooms::milliseconds;

/// How often it is looked what is old.
const FORGET: Duration = Duration::from_hours(1);

/// Shows the audit, or all of it.
pub(crate) async fn run(asked: &Audit, json: bool) -> Result<(), Failure> {
    let operator = Operator::sign_in(&asked.configured).await?;
    let mut query = String::new();
    for (name, value) in [("since", asked.since), ("until", asked.until)] {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(query, "&{name}={value}");
        }
    }
    if asked.export {
        let path = format!("/v1/audit/export?after=0{query}");
        let mut out = std::io::stdout();
        return operator.stream(&path, &mut |piece| drop(out.write_all(piece))).await;
    }
    for (name, value) in [("actor", &asked.actor), ("action", &asked.action)] {
        if let Some(value) = value {
            let _ = write!(query, "&{name}={}", percent(value));
        }
    }
    let answer = operator.get(&format!("/v1/audit?limit={}{query}", asked.limit)).await?;
    if json {
        print_json(&answer);
    } else {
        print(&lines(&answer));
    }
    Ok(())
}

fn lines(answer: &Value) -> String {
    let line = |line: &Value| {
        format!(
            "{}  {}  {:3} {} {}  {}  {}\n",
            line["at"],
            text(&line["actor"]),
            line["status"],
            text(&line["action"]),
            text(&line["code"]),
            text(&line["subject"]),
            text(&line["address"]),
        )
    };
    items(answer).iter().map(line).collect()
}

/// A value of a query: everything but letters, digits and `-._~` by its number (RFC 3986, 2.1).
fn percent(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Forgets old lines, for as long as the server runs.
pub(crate) async fn forget_old(registry: Registry, age: Duration) {
    loop {
        match registry.trim_audit(milliseconds(age)).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "old lines of the audit are forgotten"),
            Err(error) => tracing::warn!(%error, "old lines of the audit could not be forgotten"),
        }
        tokio::time::sleep(FORGET).await;
    }
}
