//! Every published type is written and read back, and nothing that came is lost.

use super::*;

fn round(content: &Content) -> Content {
    Content::read(&content.kind(), &content.to_json())
}

#[test]
fn every_type_is_read_as_it_was_written() {
    let call = Call {
        av_type: Some(1.into()),
        uid: Some("alice".into()),
        agora_key: Some("k".into()),
        ..Call::new(CallStatus::Invite, "room")
    };
    for content in [
        Content::text("hi"),
        Content::Image(Media::stored("s1")),
        Content::Voice(Media {
            duration: Some(152.into()),
            ..Media::stored("s2")
        }),
        Content::Video(Media {
            thumbnail_width: Some("100".into()),
            ..Media::stored("s3")
        }),
        Content::File(Media {
            file_name: Some("a.pdf".into()),
            file_size: Some("".into()),
            ..Media::stored("s4")
        }),
        Content::LinkCard(Card::titled("t")),
        Content::Background {
            kind: "organisation".into(),
            data: json!({"changed": [1]}),
        },
        Content::Call(call.clone()),
        Content::CallElsewhere(Call {
            status: CallStatus::OtherAnswer,
            device_id: Some("d".into()),
            ..call
        }),
        Content::AppCard(Card {
            appid: Some(7.into()),
            ..Card::titled("t")
        }),
        Content::PrescriptionCard(Card {
            url: Some("https://example.org".into()),
            ..Card::titled("t")
        }),
        Content::Location(Location::at(22.5, -114.0).expect("finite")),
        Content::ErrorReport(ErrorReport {
            message: "m".into(),
            code: Some(5.into()),
            ..ErrorReport::default()
        }),
        Content::Custom(json!({"anything": {"at": "all"}})),
        Content::Other {
            kind: Kind::Number(4711),
            content: json!([1, 2]),
        },
        Content::Other {
            kind: Kind::Name("weather".into()),
            content: json!("sunny"),
        },
    ] {
        assert_eq!(round(&content), content);
    }
}

#[test]
fn fields_beside_the_published_ones_are_kept() {
    let json = json!({"storageId": "s", "width": 4000, "exif": {"iso": 100}});
    let read = Content::read(&Kind::named("image"), &json);
    assert!(
        matches!(&read, Content::Image(media) if media.more["width"] == 4000),
        "{read:?}"
    );
    assert_eq!(read.to_json(), json);
}

#[test]
fn numbers_and_strings_are_both_scalars() {
    let json = json!({"type": "call", "content": {"status": "busy", "roomId": 77, "useTime": "12"}});
    let Content::Call(call) = Content::read(&Kind::Number(6), &json) else {
        panic!("a call");
    };
    assert_eq!((call.status, call.room_id.as_u64()), (CallStatus::Busy, Some(77)));
    assert_eq!(call.use_time.and_then(|time| time.as_u64()), Some(12));
    assert_eq!(Scalar::from("1.5").as_f64(), Some(1.5));
}

#[test]
fn content_that_does_not_fit_its_type_is_untouched() {
    for content in [json!({"text": 5}), json!("hi"), json!(null)] {
        let read = Content::read(&Kind::named("text"), &content);
        assert_eq!(
            read,
            Content::Other {
                kind: Kind::Number(0),
                content: content.clone()
            }
        );
        assert_eq!(read.to_json(), content);
    }
}
