//! What readers said: how far they have read, what is muted, what they wish.

use std::collections::HashMap;

use godwit_model::{AccountNo, ConversationKey, Mute, Privacy, PushWishes, QuietHours, Zone};
use godwit_store::{ConversationState, Count, MuteSubject, Store};

use crate::people::{account, tenant};

fn talk(other: u64) -> ConversationKey {
    ConversationKey::single(AccountNo(1), AccountNo(other))
}

async fn ann(store: &Store) -> AccountNo {
    let tenant = tenant(store).await;
    account(store, tenant, "ann").await
}

pub(crate) async fn what_is_read_stays_read(store: Store) {
    let ann = ann(&store).await;
    let read = |read_up_to, unread| ConversationState {
        conversation: talk(2),
        read_up_to,
        unread,
    };
    let first = count(ann, (None, 9), &[(talk(2), 5), (talk(3), 1)]);
    assert_eq!(store.count_unread(&[first]).await.unwrap(), [true]);
    assert_eq!(store.counted_up_to(ann).await.unwrap(), Some(9));
    assert_eq!(store.mark_read(ann, &read(4, 2), Some(9)).await.unwrap(), Some(true));
    assert_eq!(store.mark_read(ann, &read(3, 3), Some(9)).await.unwrap(), Some(false));
    assert_eq!(
        store.mark_read(ann, &read(5, 1), Some(8)).await.unwrap(),
        None,
        "counted meanwhile"
    );
    let state = store.conversation_state(ann, talk(2)).await.unwrap();
    assert_eq!(state, Some(read(4, 2)));
    assert_eq!(store.conversation_states(ann).await.unwrap().len(), 2);
    assert_eq!(store.conversation_state(ann, talk(4)).await.unwrap(), None);
}

pub(crate) async fn inboxes_are_counted_together(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let bob = account(&store, tenant, "bob").await;
    let first = [
        count(ann, (None, 3), &[(talk(2), 3)]),
        count(bob, (None, 2), &[(talk(2), 1), (talk(3), 1)]),
    ];
    assert_eq!(store.count_unread(&first).await.unwrap(), [true, true]);
    let second = [
        count(ann, (Some(9), 4), &[(talk(2), 7)]),
        count(bob, (Some(2), 5), &[(talk(3), 2)]),
    ];
    assert_eq!(store.count_unread(&second).await.unwrap(), [false, true]);
    assert_eq!(
        store.counted_up_to_of(&[ann, bob, AccountNo(99)]).await.unwrap(),
        HashMap::from([(ann, 3), (bob, 5)])
    );
    let unread = async |account, conversation| {
        let state = store.conversation_state(account, conversation).await.unwrap();
        state.unwrap().unread
    };
    assert_eq!(unread(ann, talk(2)).await, 3, "somebody else had counted");
    assert_eq!((unread(bob, talk(2)).await, unread(bob, talk(3)).await), (1, 3));
}

fn count(account: AccountNo, (from, to): (Option<u64>, u64), changes: &[(ConversationKey, i64)]) -> Count {
    Count {
        account,
        from,
        to,
        changes: changes.to_vec(),
    }
}

pub(crate) async fn a_count_that_somebody_else_made_is_not_made_again(store: Store) {
    let ann = ann(&store).await;
    let steps = [
        (None, 3, 3, true),
        (None, 3, 3, false),
        (Some(3), 4, -1, true),
        (Some(4), 5, -9, true),
    ];
    for (from, to, change, is_kept) in steps {
        let step = count(ann, (from, to), &[(talk(2), change)]);
        assert_eq!(store.count_unread(&[step]).await.unwrap(), [is_kept]);
    }
    let state = store.conversation_state(ann, talk(2)).await.unwrap().unwrap();
    assert_eq!(state.unread, 0, "never below nothing");
}

pub(crate) async fn mutes_and_wishes_are_read_as_they_were_made(store: Store) {
    let ann = ann(&store).await;
    let mute = Mute {
        until_ms: Some(7),
        mentions: true,
    };
    let (talk, sender) = (MuteSubject::Conversation(talk(2)), MuteSubject::Sender(AccountNo(3)));
    store.set_mute(ann, talk, Some(mute)).await.unwrap();
    store
        .set_mute(ann, sender, Some(Mute { until_ms: None, ..mute }))
        .await
        .unwrap();
    store.set_mute(ann, sender, Some(mute)).await.unwrap();
    let found = store.mutes(ann).await.unwrap();
    assert_eq!(found.iter().map(|muted| muted.mute).collect::<Vec<_>>(), [mute, mute]);
    store.set_mute(ann, talk, None).await.unwrap();
    let found = store.mutes(ann).await.unwrap();
    assert_eq!(found.iter().map(|muted| muted.subject).collect::<Vec<_>>(), [sender]);

    assert_eq!(store.push_wishes(ann).await.unwrap(), PushWishes::default());
    let quiet = QuietHours {
        from: 1_320,
        until: 420,
        zone: Zone::Offset(-210),
        calls: false,
        mentions: true,
    };
    let wishes = PushWishes {
        privacy: Privacy::Sender,
        quiet: Some(quiet.clone()),
        desktop_hold_s: 60,
    };
    store.set_push_wishes(ann, &wishes).await.unwrap();
    assert_eq!(store.push_wishes(ann).await.unwrap(), wishes);
    let moved = PushWishes {
        quiet: Some(QuietHours {
            zone: Zone::Named("America/New_York".to_owned()),
            ..quiet
        }),
        ..wishes
    };
    store.set_push_wishes(ann, &moved).await.unwrap();
    assert_eq!(store.push_wishes(ann).await.unwrap(), moved);
    store.set_push_wishes(ann, &PushWishes::default()).await.unwrap();
    assert_eq!(store.push_wishes(ann).await.unwrap(), PushWishes::default());
}

pub(crate) async fn a_beginning_is_noted_once(store: Store) {
    assert_eq!(store.began_at_ms("one", 5).await.unwrap(), 5);
    assert_eq!(store.began_at_ms("one", 9).await.unwrap(), 5);
    assert_eq!(store.began_at_ms("other", 9).await.unwrap(), 9);
}
