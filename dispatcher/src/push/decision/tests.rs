//! The rules as a table: what is said, what the reader wishes, and what is owed.

use super::*;
use crate::message_facts::tests::record;
use godwit_model::{ConversationKey, GroupNo, QuietHours};

const NOW_MS: u64 = 2_000;

const MUTE: Mute = Mute {
    until_ms: None,
    mentions: false,
};

fn text(ext: &str) -> String {
    format!(r#""id":"1","from":"ann","target":"","type":0,"content":{{"text":"hi"}},"isBackground":false,"ext":{ext}"#)
}

fn call(status: &str) -> String {
    // What the platform tells a user's own devices has a type of its own.
    let kind = if status.starts_with("other_") { 256 } else { 6 };
    format!(
        r#""id":"1","from":"ann","target":"","type":{kind},"isBackground":true,
        "content":{{"type":"call","content":{{"status":"{status}","roomId":"r"}}}}"#
    )
}

fn typed(kind: &str, is_background: bool) -> String {
    format!(r#""id":"1","from":"ann","type":{kind},"content":{{}},"isBackground":{is_background}"#)
}

/// Quiet all day.
fn quiet(calls: bool, mentions: bool) -> PushWishes {
    let quiet = QuietHours {
        from: 0,
        until: 0,
        zone: godwit_model::Zone::Offset(0),
        calls,
        mentions,
    };
    PushWishes {
        quiet: Some(quiet),
        ..PushWishes::default()
    }
}

struct Case<'a> {
    body: &'a str,
    account: u64,
    wishes: PushWishes,
    conversation_mute: Option<Mute>,
    sender_mute: Option<Mute>,
    now_ms: u64,
    in_group: bool,
}

impl<'a> Case<'a> {
    fn of(body: &'a str) -> Self {
        Self {
            body,
            account: 2,
            wishes: PushWishes::default(),
            conversation_mute: None,
            sender_mute: None,
            now_ms: NOW_MS,
            in_group: false,
        }
    }

    fn debt(&self) -> Debt {
        let mut record = record(self.body);
        if self.in_group {
            record.conversation = Some(ConversationKey::group(GroupNo(1)));
        }
        let facts = MessageFacts::of(&record);
        let user = "bob".parse().unwrap();
        let reader = Reader {
            account: AccountNo(self.account),
            user: &user,
            wishes: &self.wishes,
            conversation_mute: self.conversation_mute,
            sender_mute: self.sender_mute,
        };
        decide(
            &record,
            facts.as_ref(),
            &reader,
            (&PushSettings::default(), self.now_ms),
        )
    }

    /// The class of the push, or why there is none.
    fn word(&self) -> &'static str {
        match self.debt() {
            Debt::Push { class, .. } => class.as_str(),
            Debt::StopRinging => "stop",
            Debt::TakeBack { .. } => "take_back",
            Debt::None(reason) => reason.word(),
        }
    }
}

#[test]
fn the_types_class_comes_first() {
    assert_eq!(Case::of(&text("{}")).word(), "chat");
    assert_eq!(Case::of(&typed("11", true)).word(), "background");
    assert_eq!(Case::of(&typed("\"groupChange\"", false)).word(), "quiet_type");
    let recalled = r#""id":"1","from":"ann","type":"withdrawn","content":{"convSeq":7},"isBackground":true"#;
    assert_eq!(Case::of(recalled).debt(), Debt::TakeBack { conv_seq: 7 });
    assert_eq!(
        Case::of(&typed("\"order\"", false)).word(),
        "chat",
        "an unknown type notifies"
    );
    assert_eq!(
        Case::of(&call("invite")).word(),
        "call",
        "although it is for the background"
    );
    for status in [
        "cancel",
        "timeout",
        "answer",
        "refuse",
        "busy",
        "other_answer",
        "other_refuse",
    ] {
        assert_eq!(Case::of(&call(status)).word(), "stop", "{status}");
    }
    assert_eq!(Case::of("garbage").word(), "message_gone");
}

#[test]
fn the_senders_own_devices_are_not_rung_but_stop_ringing() {
    let (said, invite, answered) = (text("{}"), call("invite"), call("other_answer"));
    let own = |body| Case {
        account: 1,
        ..Case::of(body)
    };
    assert_eq!(own(&said).word(), "own_message");
    assert_eq!(own(&invite).word(), "own_message");
    assert_eq!(own(&answered).word(), "stop");
}

#[test]
fn what_is_muted_is_silent_except_for_whom_it_names_and_calls() {
    let mention = text(r#"{"mentions":["bob"]}"#);
    let lets_mentions = Mute { mentions: true, ..MUTE };
    let ends = Mute {
        until_ms: Some(NOW_MS),
        ..MUTE
    };
    let (said, ring) = (text("{}"), call("invite"));
    for (body, mute, word) in [
        (&said, MUTE, "conversation_muted"),
        (&said, lets_mentions, "conversation_muted"),
        (&mention, MUTE, "conversation_muted"),
        (&mention, lets_mentions, "mention"),
        (&said, ends, "group"),
        (&ring, MUTE, "call"),
    ] {
        let case = Case {
            conversation_mute: Some(mute),
            in_group: true,
            ..Case::of(body)
        };
        assert_eq!(case.word(), word, "{body} {mute:?}");
    }
    let muted_sender = |body| Case {
        sender_mute: Some(MUTE),
        ..Case::of(body)
    };
    assert_eq!(muted_sender(&said).word(), "sender_muted");
    assert_eq!(
        muted_sender(&ring).word(),
        "sender_muted",
        "nor may a muted sender ring"
    );
}

#[test]
fn quiet_hours_let_through_what_they_say() {
    let (mention, ring) = (text(r#"{"mentions":"all"}"#), call("invite"));
    for (body, wishes, word) in [
        (&text("{}"), quiet(true, true), "quiet_hours"),
        (&mention, quiet(true, true), "chat"),
        (&mention, quiet(true, false), "quiet_hours"),
        (&ring, quiet(true, false), "call"),
        (&ring, quiet(false, true), "quiet_hours"),
    ] {
        let case = Case {
            wishes: wishes.clone(),
            ..Case::of(body)
        };
        assert_eq!(case.word(), word, "{body} {wishes:?}");
    }
}

#[test]
fn a_sender_may_ask_for_no_push_and_a_late_one_is_of_no_use() {
    assert_eq!(Case::of(&text(r#"{"push":{"off":true}}"#)).word(), "sender_off");
    let short = text(r#"{"push":{"ttlSeconds":1}}"#);
    assert_eq!(Case::of(&short).word(), "too_old");
    let ring = call("invite");
    let late = Case {
        now_ms: 1_000 + 60_000,
        ..Case::of(&ring)
    };
    assert_eq!(late.word(), "too_old", "a call after a minute");
    let marketing = text(r#"{"push":{"marketing":true}}"#);
    assert_eq!(Case::of(&marketing).word(), "chat", "only an app advertises");
}
