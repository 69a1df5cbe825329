//! Reports that list devices under a push: Xiaomi's, Meizu's, vivo's and OPPO's. None of them is signed, so each must
//! bring back the secret that went out with the push.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Fate, REPORT_BYTES_MAX, Receipt, ReceiptError};
use crate::VendorName;

/// What is said of one push.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    param: String,
    /// A number, or a text with one.
    #[serde(default, rename = "type")]
    kind: Value,
    targets: Targets,
    timestamp: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Targets {
    List(Vec<String>),
    Commas(String),
}

impl Targets {
    fn each(&self) -> Vec<&str> {
        let trimmed = match self {
            Self::List(list) => list.iter().map(|target| target.trim()).collect(),
            Self::Commas(text) => text.split(',').map(str::trim).collect::<Vec<_>>(),
        };
        trimmed.into_iter().filter(|target| !target.is_empty()).collect()
    }
}

/// Compares without telling by its time how much is right: hashes are equal or they are not.
fn is_secret(given: &str, secret: &str) -> bool {
    !secret.is_empty() && blake3::hash(given.as_bytes()) == blake3::hash(secret.as_bytes())
}

/// Xiaomi: a form with `data`, a map from its name of the push to `{param, type, targets, timestamp}`.
pub fn xiaomi(body: &[u8], secret: &str) -> Result<Vec<Receipt>, ReceiptError> {
    let kind = |kind: &str| match kind {
        "1" => Fate::Delivered,
        "2" => Fate::Clicked,
        "16" => Fate::TokenInvalid,
        "128" => Fate::OverQuota,
        _ => Fate::NotDelivered,
    };
    let data = field(body, "data")?;
    mapped(VendorName::Xiaomi, data.as_bytes(), secret, kind)
}

/// Meizu: a form with `cb`, a map from its name of the push to `{param, type, targets}`.
pub fn meizu(body: &[u8], secret: &str) -> Result<Vec<Receipt>, ReceiptError> {
    let kind = |kind: &str| match kind {
        "1" => Fate::Delivered,
        "2" => Fate::Clicked,
        _ => Fate::NotDelivered,
    };
    let data = field(body, "cb")?;
    mapped(VendorName::Meizu, data.as_bytes(), secret, kind)
}

/// vivo: JSON, a map from its name of the push to `{param, targets}`, about delivery only.
pub fn vivo(body: &[u8], secret: &str) -> Result<Vec<Receipt>, ReceiptError> {
    mapped(VendorName::Vivo, body, secret, |_| Fate::Delivered)
}

/// OPPO's list of events.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    message_id: Option<String>,
    registration_ids: String,
    #[serde(default)]
    param: String,
    #[serde(default, rename = "eventType")]
    kind: String,
}

/// OPPO: JSON, a list of `{messageId, registrationIds, param, eventType}`.
pub fn oppo(body: &[u8], secret: &str) -> Result<Vec<Receipt>, ReceiptError> {
    if body.len() > REPORT_BYTES_MAX {
        return Err(ReceiptError::Unreadable);
    }
    let events: Vec<Event> = serde_json::from_slice(body).map_err(|_| ReceiptError::Unreadable)?;
    if !events.iter().all(|event| is_secret(&event.param, secret)) {
        return Err(ReceiptError::Forged);
    }
    let mut receipts = Vec::new();
    for event in &events {
        let fate = match event.kind.as_str() {
            "push_arrive" => Fate::Delivered,
            "push_click" => Fate::Clicked,
            "regid_invalid" => Fate::TokenInvalid,
            "user_daily_limit" => Fate::OverQuota,
            _ => Fate::NotDelivered,
        };
        for token in Targets::Commas(event.registration_ids.clone()).each() {
            receipts.push(Receipt {
                vendor: VendorName::Oppo,
                token: token.to_owned(),
                push: None,
                vendor_id: event.message_id.clone(),
                fate,
                code: event.kind.clone(),
                at_ms: None,
            });
        }
    }
    Ok(receipts)
}

fn field(body: &[u8], name: &str) -> Result<String, ReceiptError> {
    if body.len() > REPORT_BYTES_MAX {
        return Err(ReceiptError::Unreadable);
    }
    let mut fields = url::form_urlencoded::parse(body);
    let found = fields.find(|(field, _)| field == name);
    found
        .map(|(_, value)| value.into_owned())
        .ok_or(ReceiptError::Unreadable)
}

fn mapped(
    vendor: VendorName,
    json: &[u8],
    secret: &str,
    fate: impl Fn(&str) -> Fate,
) -> Result<Vec<Receipt>, ReceiptError> {
    if json.len() > REPORT_BYTES_MAX {
        return Err(ReceiptError::Unreadable);
    }
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(json).map_err(|_| ReceiptError::Unreadable)?;
    if !entries.values().all(|entry| is_secret(&entry.param, secret)) {
        return Err(ReceiptError::Forged);
    }
    let mut receipts = Vec::new();
    for (vendor_id, entry) in &entries {
        let code = entry
            .kind
            .as_str()
            .map_or_else(|| entry.kind.to_string(), str::to_owned);
        for token in entry.targets.each() {
            receipts.push(Receipt {
                vendor,
                token: token.to_owned(),
                push: None,
                vendor_id: Some(vendor_id.clone()),
                fate: fate(&code),
                code: code.clone(),
                at_ms: entry.timestamp,
            });
        }
    }
    Ok(receipts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(name: &str, json: &str) -> Vec<u8> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair(name, json).finish().into_bytes()
    }

    fn facts(receipts: &[Receipt]) -> Vec<(&str, Fate)> {
        receipts
            .iter()
            .map(|receipt| (receipt.token.as_str(), receipt.fate))
            .collect()
    }

    #[test]
    fn xiaomi_lists_devices_under_each_push() {
        let json = r#"{"m1": {"param": "s", "type": 1, "targets": "a,b", "timestamp": 5},
            "m2": {"param": "s", "type": 16, "targets": "c", "timestamp": 6, "extra": {}}}"#;
        let receipts = xiaomi(&form("data", json), "s").expect("a report");
        let expected = [
            ("a", Fate::Delivered),
            ("b", Fate::Delivered),
            ("c", Fate::TokenInvalid),
        ];
        assert_eq!(facts(&receipts), expected);
        assert_eq!(receipts[2].vendor_id.as_deref(), Some("m2"));
        assert_eq!(receipts[2].at_ms, Some(6));
    }

    #[test]
    fn one_entry_without_the_secret_spoils_the_report() {
        let json =
            r#"{"m1": {"param": "s", "type": 1, "targets": "a"}, "m2": {"param": "x", "type": 16, "targets": "c"}}"#;
        assert_eq!(xiaomi(&form("data", json), "s"), Err(ReceiptError::Forged));
        assert_eq!(xiaomi(&form("data", json), ""), Err(ReceiptError::Forged));
    }

    #[test]
    fn meizu_vivo_and_oppo_are_read() {
        let json = r#"{"NS1": {"param": "s", "type": "2", "targets": ["p1"]}}"#;
        let receipts = meizu(&form("cb", json), "s").expect("a report");
        assert_eq!(facts(&receipts), [("p1", Fate::Clicked)]);
        let receipts = vivo(br#"{"7": {"param": "s", "targets": "v1, v2"}}"#, "s").expect("a report");
        assert_eq!(facts(&receipts), [("v1", Fate::Delivered), ("v2", Fate::Delivered)]);
        let json = br#"[{"messageId": "m", "appId": "1", "taskId": "m", "registrationIds": "o1, o2", "param": "s",
            "eventType": "push_arrive", "eventTime": "2026-11-24 10:00:00"}]"#;
        let receipts = oppo(json, "s").expect("a report");
        assert_eq!(facts(&receipts), [("o1", Fate::Delivered), ("o2", Fate::Delivered)]);
        assert_eq!(oppo(json, "t"), Err(ReceiptError::Forged));
    }

    #[test]
    fn what_is_no_report_is_not_read() {
        assert_eq!(xiaomi(b"x=1", "s"), Err(ReceiptError::Unreadable));
        assert_eq!(xiaomi(b"data=%7B", "s"), Err(ReceiptError::Unreadable));
        assert_eq!(vivo(b"[]", "s"), Err(ReceiptError::Unreadable));
        assert_eq!(oppo(b"{}", "s"), Err(ReceiptError::Unreadable));
    }
}
