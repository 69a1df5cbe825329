//! What each type takes and refuses, and that reading one copies nothing.

use super::*;
use crate::message_kind;
use godwit_model::CallStatus;
use serde_json::{Value, json};

fn published(name: &str) -> MessageKind {
    message_kind::read(&format!("\"{name}\"")).expect("a name")
}

fn call(content: &Value) -> String {
    json!({"type": "call", "content": content}).to_string()
}

#[test]
fn content_that_fits_its_type_is_taken_whatever_stands_beside_it() {
    for (name, content) in [
        ("text", json!({"text": "", "mentions": ["bob"]})),
        (
            "image",
            json!({"storageId": "s", "thumbnail": "", "thumbnailWidth": 100, "thumbnailHeight": "100"}),
        ),
        ("voice", json!({"storageId": "s", "duration": 152})),
        (
            "video",
            json!({"storageId": "s", "fileName": "", "fileSize": "", "duration": 1.5}),
        ),
        ("file", json!({"storageId": "s", "fileSize": "1024", "mimeType": null})),
        ("linkCard", json!({"title": "t", "appid": 7})),
        ("background", json!({"type": 3})),
        ("appCard", json!({"title": "t", "url": "https://example.org"})),
        ("prescriptionCard", json!({"title": "t"})),
        ("location", json!({"latitude": 22.5, "longitude": "-114"})),
        ("errorReport", json!({"message": "m", "code": 5})),
        ("custom", json!({"anything": [1, 2]})),
        ("unknown", json!(7)),
        ("nobody's", json!("x")),
    ] {
        let content = content.to_string();
        let checked = check(&published(name), &content);
        assert!(checked.is_ok(), "{name} {content}: {checked:?}");
    }
}

#[test]
fn content_that_does_not_fit_is_refused_by_its_field() {
    for (name, content, field) in [
        ("text", json!({}), "`content.text` is missing"),
        ("text", json!("hi"), "`content` must be an object"),
        ("text", json!({"text": 5}), "`content.text` must be"),
        ("text", json!({"text": null}), "`content.text` is missing"),
        ("image", json!({"storageId": ""}), "`content.storageId` must be"),
        (
            "image",
            json!({"storageId": "s", "thumbnailWidth": -1}),
            "`content.thumbnailWidth`",
        ),
        ("voice", json!({"duration": 1}), "`content.storageId`"),
        (
            "file",
            json!({"storageId": "s", "fileSize": "inf"}),
            "`content.fileSize`",
        ),
        ("linkCard", json!({"url": "u"}), "`content.title`"),
        ("background", json!({"content": {}}), "`content.type`"),
        (
            "location",
            json!({"latitude": 91, "longitude": 0}),
            "`content.latitude`",
        ),
        ("location", json!({"latitude": 1}), "`content.longitude`"),
        ("errorReport", json!({"message": []}), "`content.message`"),
        ("custom", json!([]), "`content` must be an object"),
    ] {
        let refused = check(&published(name), &content.to_string()).unwrap_err();
        assert_eq!(refused.refusal, Refusal::InvalidField, "{name} {content}");
        assert!(refused.detail.contains(field), "{name} {content}: {}", refused.detail);
    }
    let twice = check(&published("text"), r#"{"text":"a","text":"b"}"#).unwrap_err();
    assert!(twice.detail.contains("twice"), "{}", twice.detail);
}

#[test]
fn a_call_is_read_with_scalars_as_numbers_or_strings() {
    for (status, push_class) in [
        (CallStatus::Invite, PushClass::Ring),
        (CallStatus::Refuse, PushClass::StopRinging),
        (CallStatus::Busy, PushClass::StopRinging),
    ] {
        let content = call(
            &json!({"status": status.as_str(), "avType": "1", "uid": 5, "roomId": "77",
            "timestamp": 1_675_416_709_033_i64, "useTime": "12", "agoraKey": 1}),
        );
        let meaning = check(&published("background"), &content).unwrap();
        assert_eq!(meaning.call.map(|call| call.status), Some(status));
        assert_eq!(meaning.push_class, push_class);
    }
    for (content, field) in [
        (json!({"roomId": 1}), "`content.content.status` is missing"),
        (
            json!({"status": "other_answer", "roomId": 1}),
            "`content.content.status` must be `invite`",
        ),
        (json!({"status": "invite"}), "`content.content.roomId`"),
        (json!({"status": "invite", "roomId": {}}), "`content.content.roomId`"),
        (
            json!({"status": "invite", "roomId": 1, "uid": true}),
            "`content.content.uid`",
        ),
        (json!(null), "`content.content` must be an object"),
    ] {
        let refused = check(&published("background"), &call(&content)).unwrap_err();
        assert!(refused.detail.contains(field), "{content}: {}", refused.detail);
    }
}

#[test]
fn other_devices_are_told_of_an_answer_in_the_shape_of_a_call() {
    let said = call(&json!({"status": "answer", "roomId": "77", "uid": 5}));
    let meaning = check(&published("background"), &said).unwrap();
    let told: Value = serde_json::from_str(&meaning.call.unwrap().elsewhere(Some("d1")).unwrap()).unwrap();
    assert_eq!(
        told,
        json!({"type": "call", "content": {"status": "other_answer", "roomId": "77", "uid": 5, "deviceId": "d1"}})
    );
    assert!(conforms(MessageType::CallElsewhere, &told.to_string()).is_ok());
    let invite = call(&json!({"status": "invite", "roomId": 1}));
    let meaning = check(&published("background"), &invite).unwrap();
    assert_eq!(meaning.call.unwrap().elsewhere(None), None);
}

#[test]
fn only_the_platform_sends_its_own_types() {
    for own in MessageType::ALL.into_iter().filter(|own| own.is_platforms()) {
        assert_eq!(check(&own.into(), "{}").unwrap_err().refusal, Refusal::Forbidden);
    }
}
