//! What the envelope reads, refuses and writes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::body::Body;

fn decode(value: &Value) -> Result<Draft, Refused> {
    decode_draft(value.to_string().as_bytes())
}

#[test]
fn the_documented_envelope_is_read() {
    let draft = decode(&json!({
        "id": "r1", "from": "alice", "to": "bob@user", "tenantNo": "1", "target": "", "type": 0,
        "content": {"text": "hi there"}, "timestamp": 1_675_416_709_033_i64, "isBackground": false
    }))
    .unwrap();
    assert_eq!(draft.id, "r1");
    assert_eq!(draft.from, Some("alice".parse().unwrap()));
    assert_eq!(draft.to, vec!["bob".parse::<Address>().unwrap()]);
    assert_eq!(draft.target, vec![]);
    assert_eq!(draft.kind, MessageKind::Published(godwit_model::MessageType::Text));
    assert_eq!(draft.content, r#"{"text":"hi there"}"#);
    assert_eq!(draft.timestamp_ms, Some(1_675_416_709_033));
}

#[test]
fn what_only_the_platform_writes_is_dropped_and_the_unknown_is_kept() {
    let draft =
        decode(&json!({"id": "1", "to": "bob", "type": "text", "seq": 9, "serverId": "x", "color": "red"})).unwrap();
    assert_eq!(draft.ext, r#"{"color":"red"}"#);
    let again = decode(&json!({"id": "1", "to": "bob", "type": "text", "ext": {"color": "red"}})).unwrap();
    assert_eq!(again.ext, draft.ext);
    let both =
        decode(&json!({"id": "1", "to": "bob", "type": "text", "ext": {"color": "red"}, "color": "blue"})).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&both.ext).unwrap(),
        json!({"ext": {"color": "red"}, "color": "blue"})
    );
}

#[test]
fn bad_input_is_refused_with_its_field() {
    for (bytes, refusal, word) in [
        (r"", Refusal::Malformed, "EOF"),
        (r"[]", Refusal::Malformed, "object"),
        (r#"{"id":"1","id":"2","to":"b","type":0}"#, Refusal::Malformed, "twice"),
        (r#"{"id":"1","to":"b","type":0} x"#, Refusal::Malformed, "trailing"),
        (r#"{"id":"1","to":"b/c","type":0}"#, Refusal::InvalidField, "`to`"),
        (
            r#"{"id":"1","to":"b","from":"x y","type":0}"#,
            Refusal::InvalidField,
            "`from`",
        ),
        (r#"{"id":"1","to":"b"}"#, Refusal::InvalidField, "`type`"),
        (r#"{"id":"1","to":"b","type":{}}"#, Refusal::InvalidField, "`type`"),
        (r#"{"id":5,"to":"b","type":0}"#, Refusal::Malformed, "string"),
    ] {
        let refused = decode_draft(bytes.as_bytes()).unwrap_err();
        assert_eq!(refused.refusal, refusal, "{bytes}: {refused}");
        assert!(refused.detail.contains(word), "{bytes}: {refused}");
    }
    let deep = format!(
        r#"{{"id":"1","to":"b","type":0,"content":{}{}}}"#,
        "[".repeat(64),
        "]".repeat(64)
    );
    assert_eq!(decode_draft(deep.as_bytes()).unwrap_err().refusal, Refusal::Malformed);
    let large = vec![b' '; DRAFT_BYTES_MAX + 1];
    assert_eq!(decode_draft(&large).unwrap_err().refusal, Refusal::TooLarge);
}

#[test]
fn a_rendered_message_is_json_with_the_readers_fields() {
    let mut draft =
        decode(&json!({"id": "1", "to": "g:team", "type": 0, "content": {"text": "a\"b"}, "x": 1})).unwrap();
    draft.timestamp_ms = Some(5);
    let body = Body {
        from: "g:team",
        to: None,
        target: &["alice"],
        tenant_no: 1,
        draft: &draft,
    }
    .encode();
    let stamp = Stamp {
        server_id: ServerId(1),
        server_time_ms: 77,
        conversation: Some((ConversationKey::group(godwit_model::GroupNo(3)), 4)),
    };
    let value: Value = serde_json::from_str(&render_message(&body, Some("bob"), Some(12), &stamp)).unwrap();
    assert_eq!(
        value,
        json!({
            "id": "1", "from": "g:team", "to": "bob", "tenantNo": "1", "target": "alice", "type": 0,
            "content": {"text": "a\"b"}, "timestamp": 5, "isBackground": false, "ext": {"x": 1},
            "seq": 12, "serverId": "00000000-0000-0000-0000-000000000001", "serverTime": 77,
            "conv": "g-0-3", "convSeq": 4
        })
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_draft(&bytes);
        let _ = peek_id(&bytes);
    }

    #[test]
    fn arbitrary_texts_survive_the_way(id in ".{1,40}", text in any::<String>(), key in ".{1,10}") {
        prop_assume!(id.len() <= MESSAGE_ID_BYTES_MAX);
        let mut sent = json!({"id": id, "to": "bob", "type": 0, "content": {"text": text}});
        sent[format!("_{key}")] = json!(1);
        let draft = decode(&sent).unwrap();
        let body = Body { from: "alice", to: Some("bob"), target: &[], tenant_no: 1, draft: &draft }.encode();
        let stamp = Stamp { server_id: ServerId(1), server_time_ms: 1, conversation: None };
        let value: Value = serde_json::from_str(&render_message(&body, None, Some(1), &stamp)).unwrap();
        prop_assert_eq!(&value["id"], &sent["id"]);
        prop_assert_eq!(&value["content"], &sent["content"]);
        prop_assert_eq!(&value["ext"][format!("_{key}")], &json!(1));
    }
}
