//! Huawei's receipts: signed with HMAC-SHA256, at most ten minutes old, each taken once.

use std::collections::{HashSet, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::{Fate, REPORT_BYTES_MAX, Receipt, ReceiptError};
use crate::VendorName;

/// How far a report's time may be from ours, in milliseconds.
const AGE_MS_MAX: u64 = 10 * 60_000;
/// Nonces that are remembered; more reports than that in twenty minutes let the oldest be repeated.
const NONCES_MAX: usize = 100_000;

/// The nonces of the reports that were taken.
#[derive(Debug, Default)]
pub struct Nonces {
    seen: HashSet<String>,
    order: VecDeque<(u64, String)>,
}

impl Nonces {
    /// Takes a nonce, unless it was taken before.
    fn take(&mut self, nonce: &str, now_ms: u64) -> Result<(), ReceiptError> {
        while let Some((at_ms, _)) = self.order.front()
            && (at_ms.saturating_add(2 * AGE_MS_MAX) < now_ms || self.order.len() >= NONCES_MAX)
        {
            if let Some((_, old)) = self.order.pop_front() {
                self.seen.remove(&old);
            }
        }
        if !self.seen.insert(nonce.to_owned()) {
            return Err(ReceiptError::Repeated);
        }
        self.order.push_back((now_ms, nonce.to_owned()));
        Ok(())
    }

    /// The report with this nonce was not taken after all.
    pub(crate) fn forget(&mut self, nonce: &str) {
        self.seen.remove(nonce);
        self.order.retain(|(_, taken)| taken != nonce);
    }
}

/// Proves that a report comes from Huawei, by its header `X-HUAWEI-CALLBACK-ID`. `key` and `user` are what was entered in
/// Huawei's console. Answers the nonce, which is spent from then on.
pub fn verify(header: &str, key: &str, user: &str, now_ms: u64, nonces: &mut Nonces) -> Result<String, ReceiptError> {
    let part = |name: &str| {
        let mut parts = header.split(';').map(str::trim);
        parts.find_map(|part| part.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim))
    };
    let (Some(time), Some(nonce), Some(value)) = (part("timestamp"), part("nonce"), part("value")) else {
        return Err(ReceiptError::Forged);
    };
    let value = STANDARD.decode(value).map_err(|_| ReceiptError::Forged)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
    for text in [time, nonce, user] {
        mac.update(text.as_bytes());
    }
    mac.verify_slice(&value).map_err(|_| ReceiptError::Forged)?;
    let time: u64 = time.parse().map_err(|_| ReceiptError::Forged)?;
    if time.abs_diff(now_ms) > AGE_MS_MAX {
        return Err(ReceiptError::Stale);
    }
    nonces.take(nonce, now_ms)?;
    Ok(nonce.to_owned())
}

#[derive(Deserialize)]
struct Report {
    statuses: Vec<Entry>,
}

/// What is said of one device, in either of the two forms.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    token: String,
    bi_tag: Option<String>,
    request_id: Option<String>,
    /// V1.
    status: Option<u32>,
    timestamp: Option<u64>,
    /// V2.
    delivery_status: Option<DeliveryStatus>,
}

#[derive(Deserialize)]
struct DeliveryStatus {
    result: u32,
    timestamp: Option<u64>,
}

/// Reads a report that [`verify`] took, in its form V1 or V2.
pub fn read(body: &[u8]) -> Result<Vec<Receipt>, ReceiptError> {
    if body.len() > REPORT_BYTES_MAX {
        return Err(ReceiptError::Unreadable);
    }
    let report: Report = serde_json::from_slice(body).map_err(|_| ReceiptError::Unreadable)?;
    report.statuses.into_iter().map(receipt).collect()
}

fn receipt(entry: Entry) -> Result<Receipt, ReceiptError> {
    let second = entry.delivery_status.as_ref();
    let code = entry.status.or(second.map(|second| second.result));
    let code = code.ok_or(ReceiptError::Unreadable)?;
    Ok(Receipt {
        vendor: VendorName::Huawei,
        token: entry.token,
        push: entry.bi_tag.filter(|tag| !tag.is_empty()),
        vendor_id: entry.request_id,
        fate: fate(code),
        code: code.to_string(),
        at_ms: entry.timestamp.or(second.and_then(|second| second.timestamp)),
    })
}

fn fate(code: u32) -> Fate {
    match code {
        0 => Fate::Delivered,
        2 | 5 => Fate::TokenInvalid,
        6 => Fate::SwitchedOff,
        10 => Fate::Inactive,
        102 => Fate::OverQuota,
        _ => Fate::NotDelivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 1_795_514_400_000;

    /// `printf %s '1795514400000abcuser' | openssl dgst -sha256 -hmac key -binary | base64`
    const HEADER: &str = "timestamp=1795514400000; nonce=abc; value=WgsW1PeAKdWaU+WR4CvD9lm2avs9EMfnFTsacVocHNc=";

    #[test]
    fn a_signature_is_what_openssl_says_and_is_taken_once() {
        let mut nonces = Nonces::default();
        let first = verify(HEADER, "key", "user", NOW_MS, &mut nonces);
        assert_eq!(first.as_deref(), Ok("abc"));
        let again = verify(HEADER, "key", "user", NOW_MS, &mut nonces);
        assert_eq!(again, Err(ReceiptError::Repeated));
        nonces.forget("abc");
        assert!(verify(HEADER, "key", "user", NOW_MS, &mut nonces).is_ok());
    }

    #[test]
    fn a_forged_or_old_report_is_refused_and_spends_no_nonce() {
        let mut nonces = Nonces::default();
        for (header, key, user, now_ms, error) in [
            (HEADER, "other", "user", NOW_MS, ReceiptError::Forged),
            (HEADER, "key", "other", NOW_MS, ReceiptError::Forged),
            ("timestamp=1; nonce=abc", "key", "user", NOW_MS, ReceiptError::Forged),
            ("", "key", "user", NOW_MS, ReceiptError::Forged),
            (HEADER, "key", "user", NOW_MS + AGE_MS_MAX + 1, ReceiptError::Stale),
        ] {
            assert_eq!(verify(header, key, user, now_ms, &mut nonces), Err(error), "{header}");
        }
        assert!(verify(HEADER, "key", "user", NOW_MS, &mut nonces).is_ok());
    }

    #[test]
    fn old_nonces_are_forgotten() {
        let mut nonces = Nonces::default();
        for number in 0..NONCES_MAX + 10 {
            nonces.take(&number.to_string(), NOW_MS).expect("it is new");
        }
        assert!(nonces.seen.len() <= NONCES_MAX);
        nonces.take("later", NOW_MS + 2 * AGE_MS_MAX + 1).expect("it is new");
        assert_eq!(nonces.seen.len(), 1);
    }

    #[test]
    fn both_forms_are_read() {
        let body = br#"{"statuses": [
            {"appid": "1", "token": "a", "biTag": "p1", "status": 0, "timestamp": 5, "requestId": "r"},
            {"token": "b", "pushType": 0, "appPackageName": "x", "biTag": "p2", "requestId": "r",
             "deliveryStatus": {"result": 2, "timestamp": 6}}]}"#;
        let receipts = read(body).expect("a report");
        let facts: Vec<_> = receipts
            .iter()
            .map(|receipt| (receipt.token.as_str(), receipt.fate, receipt.at_ms))
            .collect();
        assert_eq!(
            facts,
            [("a", Fate::Delivered, Some(5)), ("b", Fate::TokenInvalid, Some(6))]
        );
        assert_eq!(receipts[1].push.as_deref(), Some("p2"));
        assert!(read(b"{}").is_err());
    }

    #[test]
    fn only_an_app_that_is_gone_makes_a_token_invalid() {
        for (code, expected) in [
            (0, Fate::Delivered),
            (2, Fate::TokenInvalid),
            (5, Fate::TokenInvalid),
            (6, Fate::SwitchedOff),
            (10, Fate::Inactive),
            (15, Fate::NotDelivered),
            (102, Fate::OverQuota),
            (201, Fate::NotDelivered),
            (256, Fate::NotDelivered),
        ] {
            assert_eq!(fate(code), expected, "{code}");
        }
    }
}
