//! Call signalling: what travels inside background data, and what an account's other devices are told.

use godwit_model::{CallStatus, Refusal, Refused};

use super::fields::{FIELDS_MAX, Field, Rule, may, must, read};
use crate::json::push_string;

/// The inner `type` of background data that is call signalling, as JSON.
pub const CALL_TYPE: &str = "\"call\"";

/// The fields of a call signal.
pub const CALL_FIELDS: &[Field] = &[
    must("status", Rule::Id),
    must("roomId", Rule::Scalar),
    may("avType", Rule::Scalar),
    may("uid", Rule::Scalar),
    may("timestamp", Rule::Scalar),
    may("useTime", Rule::Scalar),
    may("agoraKey", Rule::Scalar),
];

/// A call signal, read from a draft.
#[derive(Clone, Copy, Debug)]
pub struct CallSignal<'a> {
    /// What it says.
    pub status: CallStatus,
    /// Values as JSON, in the order of [`CALL_FIELDS`].
    values: [Option<&'a str>; FIELDS_MAX],
}

impl<'a> CallSignal<'a> {
    pub(super) fn read(json: Option<&'a str>) -> Result<Self, Refused> {
        let values = read("content.content", json.unwrap_or("null"), CALL_FIELDS)?;
        let status = values[0].unwrap_or_default().trim_matches('"');
        let status = status
            .parse()
            .map_err(|error| Refused::new(Refusal::InvalidField, format!("`content.content.status` {error}")))?;
        Ok(Self { status, values })
    }

    /// The content of the message that ends the ringing on the account's other devices; `None` where nothing ends.
    /// `device_id` is the device that spoke, so that it knows itself.
    pub fn elsewhere(&self, device_id: Option<&str>) -> Option<String> {
        let told = self.status.told_to_own_devices()?;
        let mut out = format!("{{\"type\":{CALL_TYPE},\"content\":{{\"status\":\"{}\"", told.as_str());
        let mut push = |name: &str, json: &str| {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            out.push_str(json);
        };
        for (field, value) in CALL_FIELDS.iter().zip(self.values).skip(1) {
            if let Some(value) = value {
                push(field.name, value);
            }
        }
        if let Some(device_id) = device_id {
            let mut quoted = String::new();
            push_string(&mut quoted, device_id);
            push("deviceId", &quoted);
        }
        out.push_str("}}");
        Some(out)
    }
}
