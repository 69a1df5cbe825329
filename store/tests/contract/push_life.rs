//! What becomes of pushes later: retired tokens, messages that are taken back, what is held, what vendors report.

use godwit_model::{AccountNo, DeviceNo, TenantNo};
use godwit_store::{LedgerLine, LedgerQuery, Owed, RetiredPushToken, Store};

use crate::people::{NOW_MS, push};
use crate::push::{GONE, LANE, claim, decide, owed, phone, reached, sent, settle};

pub(crate) async fn a_retired_token_is_kept_and_comes_back_by_its_devices_word(store: Store) {
    let (ann, phone) = phone(&store).await;
    let retire = async || {
        let token = ("fcm", &[1; 32]);
        assert!(store.retire_push_token(phone, token, NOW_MS + 9, GONE).await.unwrap());
    };
    retire().await;
    assert!(store.push_devices_of(&[ann]).await.unwrap().is_empty());
    let aside = RetiredPushToken {
        vendor: "fcm".to_owned(),
        reason: GONE.0.to_owned(),
        retired_at_ms: GONE.1,
    };
    assert_eq!(store.retired_push_tokens(phone).await.unwrap(), [aside]);
    // The same device tells the same token: what it was owed since the first time is owed still.
    store.set_push_tokens(phone, &[push(1)], NOW_MS + 7).await.unwrap();
    let back = reached(phone, NOW_MS, vec![("fcm".to_owned(), NOW_MS + 7)]);
    assert_eq!(store.push_devices_of(&[ann]).await.unwrap()[&ann], [back]);
    assert_eq!(store.retired_push_tokens(phone).await.unwrap(), []);
    retire().await;
    assert_eq!(store.purge_retired_push_tokens(GONE.1).await.unwrap(), 0);
    assert_eq!(store.purge_retired_push_tokens(GONE.1 + 1).await.unwrap(), 1);
    // Purged, it is a new token like any other.
    store.set_push_tokens(phone, &[push(1)], NOW_MS + 8).await.unwrap();
    let anew = reached(phone, NOW_MS + 8, vec![("fcm".to_owned(), NOW_MS + 8)]);
    assert_eq!(store.push_devices_of(&[ann]).await.unwrap()[&ann], [anew]);
    retire().await;
    store.remove_push_token(phone).await.unwrap();
    assert_eq!(
        store.retired_push_tokens(phone).await.unwrap(),
        [],
        "a logout forgets at once"
    );
}

pub(crate) async fn what_is_recalled_is_taken_back_where_it_was_sent_last(store: Store) {
    let who = phone(&store).await;
    let recall = |conv_seq, seq| Owed {
        in_place_of: Some(conv_seq),
        withdraws: true,
        wanted: format!("recall {conv_seq}"),
        ..owed(seq)
    };
    decide(&store, who, vec![recall(1, 2)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await, [], "nothing was sent");
    decide(&store, who, vec![owed(3)], NOW_MS).await;
    decide(&store, who, vec![recall(3, 4)], NOW_MS).await;
    let (job, wanted, _) = claim(&store, NOW_MS).await.remove(0);
    assert_eq!(wanted, "about 3", "it is looked at when it is sent");
    settle(&store, job, NOW_MS, sent(3, 1)).await;
    decide(&store, who, vec![recall(2, 5)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await, [], "another message is shown");
    decide(&store, who, vec![recall(3, 6)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await[0].1, "recall 3");
}

pub(crate) async fn what_is_held_waits_and_may_be_read_meanwhile(store: Store) {
    let who = phone(&store).await;
    let held = |seq| Owed {
        hold_ms: 5_000,
        ..owed(seq)
    };
    decide(&store, who, vec![held(1)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS + 4_999).await, []);
    store
        .read_elsewhere(who.0, (LANE, 1), "take back", NOW_MS)
        .await
        .unwrap();
    assert_eq!(claim(&store, NOW_MS + 5_000).await, []);
    decide(&store, who, vec![held(2)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS + 5_000).await.len(), 1);
}

pub(crate) async fn a_receipt_is_written_once_beside_its_attempt(store: Store) {
    let attempt = LedgerLine {
        at_ms: NOW_MS,
        tenant: TenantNo(1),
        account: AccountNo(1),
        device: DeviceNo(1),
        lane: LANE.to_owned(),
        seq: 7,
        server_id: "m7".to_owned(),
        push_id: "p7".to_owned(),
        kind: "alert".to_owned(),
        vendor: "huawei".to_owned(),
        outcome: "accepted".to_owned(),
        vendor_id: Some("v7".to_owned()),
        ..LedgerLine::default()
    };
    store.write_push_ledger(std::slice::from_ref(&attempt)).await.unwrap();
    let receipt = |device, push_id: &str, vendor_id: Option<&str>| LedgerLine {
        at_ms: NOW_MS + 9,
        tenant: TenantNo(1),
        account: AccountNo(1),
        device: DeviceNo(device),
        push_id: push_id.to_owned(),
        vendor_id: vendor_id.map(str::to_owned),
        kind: godwit_store::RECEIPT.to_owned(),
        vendor: "huawei".to_owned(),
        outcome: "delivered".to_owned(),
        ..LedgerLine::default()
    };
    let write = async |line: LedgerLine| store.write_push_receipts(&[line]).await.unwrap().remove(0);
    assert_eq!(write(receipt(1, "p7", None)).await, Some(NOW_MS));
    assert_eq!(write(receipt(1, "p7", None)).await, Some(NOW_MS), "said twice");
    assert_eq!(
        write(receipt(1, "", Some("v7"))).await,
        Some(NOW_MS),
        "by the vendor's name of it"
    );
    assert_eq!(write(receipt(2, "p7", None)).await, None, "another device");
    let about = LedgerQuery {
        tenant: TenantNo(1),
        server_id: Some("m7".to_owned()),
        limit: 10,
        ..LedgerQuery::default()
    };
    let lines = store.push_ledger(&about).await.unwrap();
    let kinds: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
    assert_eq!(kinds, ["receipt", "receipt", "alert"]);
    assert!(
        lines
            .iter()
            .all(|line| line.lane == LANE && line.seq == 7 && line.push_id == "p7")
    );
}
