//! The SDK's table of types beside the protocol's.

use std::collections::BTreeSet;

use godwit_model::{CallStatus as PublishedStatus, MessageType};
use godwit_protocol::content::{self, Rule};
use godwit_sdk::{Call, CallStatus, Card, Content, ErrorReport, Kind, Location, Media};
use serde_json::{Value, json};

/// One content of every type a client may send.
pub(crate) fn samples() -> Vec<Content> {
    vec![
        Content::text("hi"),
        Content::Image(Media::stored("s1")),
        Content::Voice(Media {
            duration: Some(152.into()),
            ..Media::stored("s2")
        }),
        Content::Video(Media {
            thumbnail_width: Some(100.into()),
            ..Media::stored("s3")
        }),
        Content::File(Media {
            file_size: Some("1024".into()),
            ..Media::stored("s4")
        }),
        Content::LinkCard(Card::titled("t")),
        Content::Background {
            kind: "organisation".into(),
            data: json!({"changed": [1]}),
        },
        Content::Call(Call {
            uid: Some(5.into()),
            ..Call::new(CallStatus::Invite, "room")
        }),
        Content::AppCard(Card {
            appid: Some(7.into()),
            ..Card::titled("t")
        }),
        Content::PrescriptionCard(Card::titled("t")),
        Content::Location(Location::at(22.5, -114.0).expect("finite")),
        Content::ErrorReport(ErrorReport {
            message: "m".into(),
            ..ErrorReport::default()
        }),
        Content::Custom(json!({"anything": {"at": "all"}})),
    ]
}

#[test]
fn the_types_of_the_sdk_are_the_published_ones() {
    let published = MessageType::ALL.map(|published| (published.name(), published.number()));
    let known: Vec<_> = Kind::all_published().collect();
    assert_eq!(known, published);
}

#[test]
fn the_sdk_knows_every_published_field() {
    for published in MessageType::ALL {
        let Some(fields) = content::schema(published) else {
            continue;
        };
        let content: Value = fields
            .iter()
            .map(|field| {
                let value = match field.rule {
                    Rule::Text | Rule::Id | Rule::Scalar => json!("x"),
                    Rule::Number => json!(1),
                    Rule::Degrees(_) => json!(1.5),
                    Rule::Any => json!(["x"]),
                };
                (field.name.to_owned(), value)
            })
            .collect();
        let read = Content::read(&Kind::named(published.name()), &content);
        let said = format!("{read:?}");
        if published == MessageType::CallElsewhere {
            continue; // Its data is always that of a call, which is looked at below.
        }
        assert!(!matches!(read, Content::Other { .. }), "{said}");
        assert!(
            !said.contains("more: {\""),
            "a field of {} is not known: {said}",
            published.name()
        );
        assert_eq!(read.to_json(), content, "{}", published.name());
    }
}

#[test]
fn the_sdk_knows_every_field_and_status_of_a_call() {
    for status in PublishedStatus::ALL {
        let mut inner: serde_json::Map<String, Value> = content::CALL_FIELDS
            .iter()
            .map(|field| (field.name.to_owned(), json!("x")))
            .collect();
        inner.insert("status".to_owned(), json!(status.as_str()));
        let content = json!({ "type": "call", "content": inner });
        for name in ["background", "callElsewhere"] {
            let read = Content::read(&Kind::named(name), &content);
            assert!(matches!(read, Content::Call(_) | Content::CallElsewhere(_)), "{read:?}");
            assert_eq!(read.to_json(), content);
        }
    }
}

#[test]
fn what_the_sdk_writes_conforms() {
    let mut written = BTreeSet::new();
    for content in samples() {
        let kind = content.kind();
        let published = MessageType::from_name(kind.published().expect("a published type")).expect("the same table");
        let json = content.to_json().to_string();
        let conforms = content::conforms(published, &json);
        assert!(conforms.is_ok(), "{content:?}: {conforms:?}");
        written.insert(published.name());
    }
    let clients = MessageType::ALL
        .into_iter()
        .filter(|one| !one.is_platforms() && *one != MessageType::Unknown);
    assert_eq!(written, clients.map(MessageType::name).collect::<BTreeSet<_>>());
}
