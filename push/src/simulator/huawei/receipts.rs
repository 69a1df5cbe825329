//! Receipts as Huawei posts them: signed with HMAC-SHA256 over time, nonce and user.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

pub(super) const RECEIPT_ID: &str = "RCPSIM0001";
pub(super) const KEY: &str = "simulated-receipt-key";
pub(super) const USER: &str = "godwit";

pub(super) fn receipt(now_ms: u64, statuses: &[(&str, u32)], bi_tag: &str) -> (String, String) {
    let nonce =
        crate::base64url::encode(&blake3::hash(format!("{now_ms}{bi_tag}{statuses:?}").as_bytes()).as_bytes()[..12]);
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{now_ms}{nonce}{USER}").as_bytes());
    let value = STANDARD.encode(mac.finalize().into_bytes());
    let header = format!("timestamp={now_ms}; nonce={nonce}; value={value}");
    let statuses: Vec<Value> = statuses
        .iter()
        .map(|(token, status)| {
            json!({
                "appid": super::APP_ID,
                "token": token,
                "biTag": bi_tag,
                "status": status,
                "timestamp": now_ms,
                "requestId": "sim",
            })
        })
        .collect();
    (header, json!({"statuses": statuses}).to_string())
}
