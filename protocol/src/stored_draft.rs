//! A draft written down as clients write one, to be read again when its time has come.

use std::fmt::Write as _;

use godwit_model::{Address, Draft};

use crate::json::push_string;

/// Writes a draft that [`crate::envelope::decode_stored_draft`] reads as the same one, but for how long it is kept back and
/// shown.
pub fn encode(draft: &Draft) -> String {
    let mut out = String::with_capacity(draft.content.len() + draft.ext.len() + 160);
    out.push_str("{\"id\":");
    push_string(&mut out, &draft.id);
    if let Some(from) = &draft.from {
        out.push_str(",\"from\":");
        push_string(&mut out, &from.to_string());
    }
    push_addresses(&mut out, "to", &draft.to);
    push_addresses(&mut out, "target", &draft.target);
    // Writing to a string cannot fail.
    let _ = write!(out, ",\"type\":{},\"content\":{}", draft.kind, draft.content);
    if let Some(timestamp_ms) = draft.timestamp_ms {
        let _ = write!(out, ",\"timestamp\":{timestamp_ms}");
    }
    let _ = write!(out, ",\"isBackground\":{}", draft.is_background);
    if !draft.ext.is_empty() {
        out.push_str(",\"ext\":");
        out.push_str(&draft.ext);
    }
    out.push('}');
    out
}

fn push_addresses(out: &mut String, field: &str, addresses: &[Address]) {
    let _ = write!(out, ",\"{field}\":[");
    for (at, address) in addresses.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(out, &address.to_string());
    }
    out.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{decode_draft, decode_stored_draft};

    #[test]
    fn a_draft_reads_back_what_was_written() {
        for json in [
            r#"{"id":"a","to":"bob","type":0,"content":{"text":"h\u00e4"}}"#,
            r#"{"id":"a\"b","from":"ann","to":["bob","t:vip"],"target":"x","type":"own","timestamp":-5,"isBackground":true}"#,
            r#"{"id":"a","to":"and(t:a,not(o:b))","type":77,"content":[1, 2],"color":"red","push":{"off":true}}"#,
        ] {
            let draft = decode_draft(json.as_bytes()).unwrap();
            assert_eq!(decode_stored_draft(encode(&draft).as_bytes()).unwrap(), draft, "{json}");
        }
    }
}
