//! Reads what comes on the inbox: which of the five things an entry is, and what the local table needs of it.

use serde::Deserialize;
use serde_json::Value;

use crate::draft::canonical;
use crate::kind::Kind;

/// An entry of the inbox.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) what: What,
    /// The JSON as it came, unknown fields included.
    pub(crate) body: String,
}

/// Which of the five things it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Message(Box<Head>),
    Refused {
        id: String,
        code: String,
        detail: String,
    },
    Gone {
        reason: String,
    },
    Gap {
        from: u64,
        to: u64,
    },
    /// The entry is there, but larger than the packets this client takes: it is read from the inbox.
    TooLarge,
}

/// What the local table looks a message up by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) server_id: String,
    pub(crate) conv: String,
    pub(crate) conv_seq: u64,
    /// Who wrote it: in a group, the member.
    pub(crate) sender: String,
    /// Where an answer goes: the group, or the other side.
    pub(crate) address: String,
    pub(crate) is_background: bool,
    /// The message this one withdraws, and why.
    pub(crate) withdraws: Option<(String, String)>,
}

/// An envelope as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Envelope {
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default)]
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) from: String,
    #[serde(default)]
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) target: Names,
    #[serde(rename = "type")]
    pub(crate) kind: Option<Kind>,
    #[serde(default)]
    pub(crate) content: Value,
    pub(crate) timestamp: Option<i64>,
    #[serde(default)]
    pub(crate) is_background: bool,
    pub(crate) ext: Option<Value>,
    pub(crate) server_id: Option<String>,
    #[serde(default)]
    pub(crate) server_time: u64,
    #[serde(default)]
    pub(crate) conv: String,
    #[serde(default)]
    pub(crate) conv_seq: u64,
    gone: Option<Value>,
    refused: Option<Refused>,
    gap: Option<Gap>,
    too_large: Option<Value>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    id: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

#[derive(Deserialize)]
struct Gap {
    from: u64,
    to: u64,
}

/// A name or several, as `target` is written.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Names {
    One(String),
    Several(Vec<String>),
}

impl Default for Names {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Names {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(name) if name.is_empty() => Vec::new(),
            Self::One(name) => vec![name],
            Self::Several(names) => names,
        }
    }
}

/// Whether an address is a group.
fn is_group(address: &str) -> bool {
    address.starts_with("g:")
}

/// Who wrote a message, and where an answer goes, for this reader.
pub(crate) fn sides(from: &str, to: &str, target: &[String], me: &str) -> (String, String) {
    if is_group(from) {
        let sender = target.first().map_or(from, String::as_str);
        (sender.to_owned(), from.to_owned())
    } else if from == me && !to.is_empty() {
        (from.to_owned(), canonical(to))
    } else {
        (from.to_owned(), from.to_owned())
    }
}

impl Entry {
    /// Reads an entry for the user `me`. `None` if it is not one: no JSON, or no number.
    pub(crate) fn read(bytes: &[u8], me: &str) -> Option<Self> {
        let body = std::str::from_utf8(bytes).ok()?;
        let envelope: Envelope = serde_json::from_str(body).ok()?;
        if envelope.seq == 0 || i64::try_from(envelope.seq).is_err() {
            return None;
        }
        Some(Self {
            seq: envelope.seq,
            what: What::of(envelope, me),
            body: body.to_owned(),
        })
    }
}

impl What {
    fn of(envelope: Envelope, me: &str) -> Self {
        if let Some(gap) = envelope.gap {
            return Self::Gap {
                from: gap.from,
                to: gap.to,
            };
        }
        if let Some(refused) = envelope.refused {
            return Self::Refused {
                id: refused.id,
                code: refused.code,
                detail: refused.detail,
            };
        }
        if envelope.too_large.is_some() {
            return Self::TooLarge;
        }
        match (envelope.gone, envelope.server_id) {
            (Some(reason), _) => Self::Gone {
                reason: reason.as_str().map_or_else(|| reason.to_string(), str::to_owned),
            },
            (None, Some(server_id)) => {
                let target = envelope.target.into_vec();
                let (sender, address) = sides(&envelope.from, &envelope.to, &target, me);
                let kind = envelope.kind.as_ref().and_then(Kind::published);
                // It is from the own account to itself, in the conversation with whom it names.
                let address = match (kind, target.first()) {
                    (Some("callElsewhere"), Some(caller)) => canonical(caller),
                    _ => address,
                };
                let withdraws = (kind == Some("withdrawn"))
                    .then(|| withdrawn(&envelope.content))
                    .flatten();
                Self::Message(Box::new(Head {
                    id: envelope.id,
                    server_id,
                    conv: envelope.conv,
                    conv_seq: envelope.conv_seq,
                    sender,
                    address,
                    is_background: envelope.is_background,
                    withdraws,
                }))
            }
            // None of the five as this version knows them: the number is kept, and so is the body.
            (None, None) => Self::Gone {
                reason: "unknown".to_owned(),
            },
        }
    }
}

fn withdrawn(content: &Value) -> Option<(String, String)> {
    let text = |field: &str| content.get(field).and_then(Value::as_str).map(str::to_owned);
    Some((text("serverId")?, text("reason").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn what(entry: &Value) -> What {
        Entry::read(entry.to_string().as_bytes(), "alice")
            .expect("an entry")
            .what
    }

    #[test]
    fn the_five_things_are_told_apart() {
        let message =
            json!({"id": "r", "from": "bob", "to": "alice", "type": 0, "seq": 1, "serverId": "s", "conv": "s-1"});
        assert!(matches!(what(&message), What::Message(_)));
        let refused = json!({"refused": {"id": "r", "code": "not_member", "detail": "d"}, "seq": 2, "serverId": "s"});
        assert!(matches!(what(&refused), What::Refused { code, .. } if code == "not_member"));
        assert!(matches!(what(&json!({"seq": 3, "gone": "recalled"})), What::Gone { reason } if reason == "recalled"));
        assert_eq!(
            what(&json!({"seq": 9, "gap": {"from": 4, "to": 9}})),
            What::Gap { from: 4, to: 9 }
        );
        assert_eq!(what(&json!({"seq": 5, "tooLarge": {"bytes": 70123}})), What::TooLarge);
    }

    #[test]
    fn who_wrote_and_where_an_answer_goes() {
        let sides_of = |from, to, target| {
            let entry =
                json!({"id": "r", "from": from, "to": to, "target": target, "type": 0, "seq": 1, "serverId": "s"});
            match what(&entry) {
                What::Message(head) => (head.sender, head.address),
                other => panic!("{other:?}"),
            }
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(sides_of("bob", "alice", ""), pair("bob", "bob"));
        assert_eq!(sides_of("alice", "bob", ""), pair("alice", "bob"));
        assert_eq!(sides_of("alice", "alice", ""), pair("alice", "alice"));
        assert_eq!(sides_of("g:team", "alice", "carol"), pair("carol", "g:team"));
        assert_eq!(sides_of("a:shop", "alice", ""), pair("a:shop", "a:shop"));
    }

    #[test]
    fn what_is_no_entry_is_not_read_as_one() {
        for bytes in [&b"no json"[..], b"{}", br#"{"seq":0}"#, br#"{"seq":-1}"#, &[0xff, 0xfe]] {
            assert_eq!(Entry::read(bytes, "alice"), None);
        }
    }
}
