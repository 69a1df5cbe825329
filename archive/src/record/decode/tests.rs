//! What is written reads back, and nothing that is read can do harm.

use proptest::prelude::*;

use super::*;
use crate::record::encode;

fn records() -> impl Strategy<Value = Record> {
    let conversation = prop::option::of((any::<u128>(), any::<u64>()));
    (
        0..6_usize,
        any::<u8>(),
        conversation,
        any::<u128>(),
        any::<u64>(),
        any::<Vec<u8>>(),
    )
        .prop_map(|(kind, form, conversation, id, sender, body)| Record {
            kind: [0, 1, 16, 17, 18, 19].map(|byte| RecordKind::from_byte(byte).expect("known"))[kind],
            form,
            conversation: conversation.map(|(key, _)| ConversationKey(key)),
            conv_seq: conversation.map_or(0, |(_, seq)| seq),
            server_id: ServerId(id),
            server_time_ms: time_of(ServerId(id)),
            expires_at_ms: (form % 2 == 0).then_some(sender),
            sender: AccountNo(sender),
            // What is gone has none.
            body: if kind < 2 { body.into() } else { Bytes::new() },
        })
}

fn keys() -> impl Strategy<Value = Option<DuplicateKey>> {
    prop::option::of((any::<u128>(), any::<u128>()).prop_map(|(key, body)| DuplicateKey { key, body }))
}

fn numbers() -> impl Strategy<Value = Vec<(AccountNo, u64)>> {
    prop::collection::btree_map(any::<u64>(), any::<u64>(), 0..40).prop_map(|map| {
        map.into_iter()
            .map(|(account, seq)| (AccountNo(account), seq))
            .collect()
    })
}

fn front(record: &Record, key: Option<DuplicateKey>) -> encode::Front<'_> {
    encode::Front {
        record,
        key,
        sealed: None,
    }
}

proptest! {
    #[test]
    fn a_message_reads_back(record in records(), key in keys(), numbers in numbers()) {
        let mut out = Vec::new();
        encode::message(&mut out, &front(&record, key), &numbers);
        let read = stored(&out.into()).expect("sound");
        prop_assert_eq!(read.numbers(), Some(numbers));
        prop_assert_eq!(read.key, key);
        prop_assert_eq!(read.record, record);
    }

    #[test]
    fn numbers_of_a_commit_read_back(accounts in numbers(), keys: Vec<(u128, u64)>) {
        let conversations: Vec<_> = keys.into_iter().map(|(key, seq)| (ConversationKey(key), seq)).collect();
        let mut out = Vec::new();
        encode::numbers(&mut out, &accounts, conversations.iter().map(|(key, seq)| (key, seq)));
        prop_assert_eq!(super::numbers(&out), Some((accounts, conversations)));
    }

    #[test]
    fn an_intent_reads_back(record in records(), key in keys(), numbers in numbers()) {
        let accounts: Vec<_> = numbers.into_iter().map(|(account, _)| account).collect();
        let mut out = Vec::new();
        encode::intent(&mut out, &front(&record, key), &accounts);
        let read = stored(&out.into()).expect("sound");
        prop_assert_eq!(read.recipients, accounts.len());
        prop_assert_eq!(read.accounts(), Some(accounts));
        prop_assert_eq!(read.record, record);
    }

    #[test]
    fn a_chunk_reads_back(segment: u64, offset: u32, tag: u32, time_ms: u64, start: u64, last: bool, numbers in numbers()) {
        let head = ChunkHead { intent: Location { segment, offset }, tag, time_ms, start, last };
        let mut out = Vec::new();
        encode::chunk(&mut out, &head, &numbers);
        prop_assert_eq!(chunk(&out), Some((head, numbers)));
    }

    #[test]
    fn devices_read_back(states in prop::collection::vec((any::<u64>(), prop::option::of((any::<u64>(), any::<u64>(), prop::option::of((any::<u8>(), any::<u32>(), any::<u64>()))))), 0..10)) {
        let states: Vec<_> = states.into_iter().map(|(device, state)| {
            let state = state.map(|(account, cursor, session)| DeviceState {
                account: AccountNo(account),
                cursor,
                session: session.map(|(subscriptions, expiry_s, ended_at_ms)| SessionState { subscriptions, expiry_s, ended_at_ms }),
            });
            (DeviceNo(device), state)
        }).collect();
        let mut out = Vec::new();
        for (device, state) in &states {
            encode::device(&mut out, *device, state.as_ref());
        }
        prop_assert!(out.len() <= states.len() * encode::DEVICE_BYTES_MAX);
        prop_assert_eq!(devices(&out), Some(states));
    }

    #[test]
    fn any_bytes_are_decoded_without_panic(bytes: Vec<u8>) {
        if let Some(read) = stored(&Bytes::from(bytes.clone())) {
            let _ = (read.numbers(), read.accounts());
        }
        let _ = (chunk(&bytes), devices(&bytes));
    }

    #[test]
    fn a_damaged_message_is_decoded_without_panic(record in records(), numbers in numbers(), at: prop::sample::Index, byte: u8) {
        let mut out = Vec::new();
        encode::message(&mut out, &front(&record, None), &numbers);
        let at = at.index(out.len());
        out[at] = byte;
        if let Some(read) = stored(&out.into()) {
            let _ = (read.numbers(), read.accounts());
        }
    }
}
