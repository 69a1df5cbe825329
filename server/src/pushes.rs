//! `godwit push …`, `godwit why`, `godwit message show`: asks the server that runs on a data folder, as its first app.

use std::fmt::Write as _;
use std::sync::Arc;

use godwit_model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::args::{Configured, MessageCommand, PushCommand, Why};
use crate::asking::{Operator, items, text};
use crate::console::{print, print_json};
use crate::failure::{Exit, Failure};
use crate::{push, settings};

/// Does what was asked about pushes.
pub(crate) async fn run(command: PushCommand, json: bool) -> Result<(), Failure> {
    match command {
        PushCommand::Check { vendor, configured } => check(vendor.as_deref(), &configured, json).await,
        PushCommand::Test { user, configured } => test(&user, &configured, json).await,
        PushCommand::Log {
            user,
            message,
            limit,
            configured,
        } => {
            let mut path = format!("/v1/pushes?limit={limit}");
            for (name, value) in [("user", user), ("message", message)] {
                if let Some(value) = value {
                    put(&mut path, format_args!("&{name}={value}"));
                }
            }
            let lines = Operator::sign_in(&configured).await?.get(&path).await?;
            show(&lines, json, log_text);
            Ok(())
        }
    }
}

/// Says why a user's devices rang or did not.
pub(crate) async fn why(asked: &Why, json: bool) -> Result<(), Failure> {
    let message = asked
        .message
        .as_ref()
        .map_or_else(String::new, |id| format!("&message={id}"));
    let path = format!("/v1/pushes/why?user={}{message}", asked.user);
    let answer = Operator::sign_in(&asked.configured).await?.get(&path).await?;
    show(&answer, json, why_text);
    Ok(())
}

/// Tells what became of a message.
pub(crate) async fn message(command: MessageCommand, json: bool) -> Result<(), Failure> {
    let MessageCommand::Show { server_id, configured } = command;
    let path = format!("/v1/messages/{server_id}/timeline");
    let answer = Operator::sign_in(&configured).await?.get(&path).await?;
    show(&answer, json, timeline_text);
    Ok(())
}

/// Asks vendors whether they take the credentials; needs no running server.
async fn check(vendor: Option<&str>, configured: &Configured, json: bool) -> Result<(), Failure> {
    let settings = settings::load(configured.sources())?.settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let vendors = push::vendors(&settings, &clock)?;
    let mut answers = Vec::new();
    for (app, lane) in vendors.all() {
        let name = lane.name();
        if vendor.is_some_and(|asked| asked != name.as_str()) {
            continue;
        }
        let found = lane.check().await;
        let (ok, says) = match &found {
            Ok(says) => (true, says.clone()),
            Err(error) => (false, error.to_string()),
        };
        answers.push(json!({"vendor": name.as_str(), "app": app, "ok": ok, "says": says}));
    }
    if answers.is_empty() {
        let what = vendor.map_or_else(
            || "no vendor is set".to_owned(),
            |vendor| format!("no vendor {vendor:?} is set"),
        );
        return Err(Failure::new("GW-V002", what, "docs/push.md shows how to set one").with_exit(Exit::NotFound));
    }
    let refused = answers.iter().any(|answer| answer["ok"] == false);
    show(&json!({ "items": answers }), json, |answer| {
        let lines = items(answer).iter().map(|answer| {
            let mark = if answer["ok"] == true { "works" } else { "FAILS" };
            format!("{:8} {mark}  {}\n", text(&answer["vendor"]), text(&answer["says"]))
        });
        lines.collect()
    });
    if refused {
        let next = "put the credentials right; tokens are kept meanwhile";
        return Err(Failure::new("GW-V003", "a vendor does not take the credentials", next).with_exit(Exit::Refused));
    }
    Ok(())
}

/// Sends a message for the test and tells what became of its pushes.
async fn test(user: &str, configured: &Configured, json: bool) -> Result<(), Failure> {
    let operator = Operator::sign_in(configured).await?;
    let words = json!({"title": "Godwit", "body": "This is a test of push"});
    let draft = json!({"to": user, "type": "text", "content": {"text": "This is a test of push"}, "push": words});
    let sent = operator.post("/v1/messages", &draft).await?;
    let path = format!("/v1/pushes/why?user={user}&message={}", text(&sent["serverId"]));
    let mut answer = Value::Null;
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        answer = operator.get(&path).await?;
        if items(&answer).iter().all(|why| why["verdict"] != "ourFault") {
            break;
        }
    }
    show(&answer, json, why_text);
    Ok(())
}

fn show(answer: &Value, json: bool, in_words: impl Fn(&Value) -> String) {
    if json {
        print_json(answer);
    } else {
        print(&in_words(answer));
    }
}

fn put(out: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(words);
}

fn log_text(answer: &Value) -> String {
    let lines = items(answer).iter().map(|line| {
        format!(
            "{}  {:12} {:9} {:8} {:14} {} {} {}\n",
            line["at"],
            text(&line["userId"]),
            text(&line["kind"]),
            text(&line["vendor"]),
            text(&line["outcome"]),
            text(&line["code"]),
            text(&line["detail"]),
            text(&line["pushId"]),
        )
    });
    lines.collect()
}

fn why_text(answer: &Value) -> String {
    if items(answer).is_empty() {
        return "the user has no device\n".to_owned();
    }
    let mut out = String::new();
    for why in items(answer) {
        put(&mut out, format_args!("device {}\n", text(&why["deviceId"])));
        for check in why["checks"].as_array().into_iter().flatten() {
            let mark = if check["ok"] == true { "yes" } else { "no " };
            put(
                &mut out,
                format_args!("  {mark}  {:11} {}\n", text(&check["check"]), text(&check["detail"])),
            );
        }
        let verdict = match text(&why["verdict"]) {
            "notDue" => "no push was due",
            "ourFault" => "one is due and the vendor does not have it: our fault",
            "vendorRefused" => "the vendor refused it",
            _ => "the vendor accepted it: look at the phone",
        };
        put(&mut out, format_args!("  => {verdict}\n"));
    }
    out
}

fn timeline_text(answer: &Value) -> String {
    let mut out = format!(
        "message {}  accepted at {}  in {} as number {}\n",
        text(&answer["serverId"]),
        answer["acceptedAt"],
        text(&answer["conv"]),
        answer["convSeq"]
    );
    for reader in answer["readers"].as_array().into_iter().flatten() {
        put(
            &mut out,
            format_args!(
                "  {} as entry {}, read: {}\n",
                text(&reader["userId"]),
                reader["seq"],
                reader["read"]
            ),
        );
        for device in reader["devices"].as_array().into_iter().flatten() {
            let has = if device["received"] == true {
                "has it"
            } else {
                "does not have it"
            };
            put(
                &mut out,
                format_args!("    device {} {has}\n", text(&device["deviceId"])),
            );
            for line in device["pushes"].as_array().into_iter().flatten() {
                put(
                    &mut out,
                    format_args!(
                        "      {}  {} {} {} {}\n",
                        line["at"],
                        text(&line["kind"]),
                        text(&line["vendor"]),
                        text(&line["outcome"]),
                        text(&line["code"])
                    ),
                );
            }
        }
    }
    out
}
