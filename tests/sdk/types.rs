//! The SDK's table of types beside the protocol's.

use godwit_sdk::{Call, CallStatus, Card, Content, ErrorReport, Location, Media};
use serde_json::json;

/// One content of every type a client may send.
pub fn samples() -> Vec<Content> {
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
