//! The part of a message that is the same for every reader, as the archive keeps it: JSON members without braces.

use std::fmt::Write as _;

use godwit_model::{Draft, Refused};
use serde_json::Value;

use crate::json::{push_number, push_string};
use crate::message_kind;

/// Set in a record's `form` when `to` is each reader's own name (groups and broadcasts).
pub const FORM_TO_IS_READER: u8 = 1;

/// Set in a record's `form` when its `ext` holds user properties (see [`crate::properties`]).
pub const FORM_HAS_PROPERTIES: u8 = 2;

/// Set in a record's `form` when an app sent it, as itself or as a user.
pub const FORM_FROM_APP: u8 = 4;

/// What a stored message says, before it is stamped and addressed.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// The sender every reader sees: for a group message the group.
    pub from: &'a str,
    /// The receiver every reader sees; `None` when each sees itself.
    pub to: Option<&'a str>,
    /// For a group message the sender; otherwise what the draft said.
    pub target: &'a [&'a str],
    /// The tenant.
    pub tenant_no: u32,
    /// Everything else.
    pub draft: &'a Draft,
}

impl Body<'_> {
    /// Writes the members.
    pub fn encode(&self) -> String {
        let draft = self.draft;
        let mut out = String::with_capacity(draft.content.len() + draft.ext.len() + 160);
        out.push_str("\"id\":");
        push_string(&mut out, &draft.id);
        out.push_str(",\"from\":");
        push_string(&mut out, self.from);
        if let Some(to) = self.to {
            out.push_str(",\"to\":");
            push_string(&mut out, to);
        }
        out.push_str(",\"tenantNo\":\"");
        push_number(&mut out, self.tenant_no.into());
        out.push_str("\",\"target\":");
        push_target(&mut out, self.target);
        // Writing to a string cannot fail.
        let _ = write!(out, ",\"type\":{},\"content\":", draft.kind);
        out.push_str(&draft.content);
        if let Some(timestamp_ms) = draft.timestamp_ms {
            let _ = write!(out, ",\"timestamp\":{timestamp_ms}");
        }
        out.push_str(if draft.is_background {
            ",\"isBackground\":true"
        } else {
            ",\"isBackground\":false"
        });
        if !draft.ext.is_empty() {
            out.push_str(",\"ext\":");
            out.push_str(&draft.ext);
        }
        out
    }
}

fn push_target(out: &mut String, target: &[&str]) {
    match target {
        [] => out.push_str("\"\""),
        [one] => push_string(out, one),
        many => {
            for (at, name) in many.iter().enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                push_string(out, name);
            }
            out.push(']');
        }
    }
}

/// The stored form of a refusal: which draft, which code, why.
pub fn refused(draft_id: &str, refused: &Refused) -> String {
    let mut out = String::from("{\"id\":");
    push_string(&mut out, draft_id);
    out.push_str(",\"code\":");
    push_string(&mut out, refused.refusal.code());
    out.push_str(",\"detail\":");
    push_string(&mut out, &refused.detail);
    out.push('}');
    out
}

/// Whether two stored bodies say the same thing, whatever the order of members, spelling of escapes, or the clients' clocks.
pub fn same_meaning(one: &str, other: &str) -> bool {
    let parse = |body: &str| -> Option<Value> {
        let mut value: Value = serde_json::from_str(&format!("{{{body}}}")).ok()?;
        let members = value.as_object_mut()?;
        members.remove("timestamp");
        // Its name and its number are the same type.
        if let Some(said) = members.get_mut("type") {
            *said = message_kind::read(&said.to_string()).map_or_else(|| said.take(), |kind| kind.to_string().into());
        }
        Some(value)
    };
    parse(one).is_some_and(|one| Some(one) == parse(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meaning_ignores_order_and_the_clients_clock() {
        let one = r#""id":"1","content":{"a":1,"b":"\u00e4"},"timestamp":5"#;
        let other = r#""content":{"b":"ä","a":1},"id":"1","timestamp":6"#;
        assert!(same_meaning(one, other));
        assert!(!same_meaning(one, r#""content":{"b":"ä","a":2},"id":"1""#));
        assert!(same_meaning(r#""type":"text","id":"1""#, r#""id":"1","type":0"#));
        assert!(!same_meaning(r#""type":"text","id":"1""#, r#""id":"1","type":1"#));
    }
}
