//! What devices are owed by way of their vendors, and how it is paid.

use godwit_model::{AccountNo, DeviceNo, TenantNo};
use godwit_store::{
    Decision, LedgerLine, LedgerQuery, NEVER_MS, NewPushToken, Owed, PushDeviceRecord, ReadElsewhere, Settled,
    Settlement, Store, TemplateRecord,
};

use crate::people::{NOW_MS, account, device, made, push, tenant};

pub(crate) const LANE: &str = "s-1-2";
const WINDOWS: (u32, u32) = (3_000, 10_000);
pub(crate) const GONE: (&str, u64) = ("gone", NOW_MS + 5);

fn of_vendor(vendor: &str, token: u8) -> NewPushToken {
    NewPushToken {
        vendor: vendor.to_owned(),
        ..push(token)
    }
}

pub(crate) fn reached(device: DeviceNo, since_ms: u64, vendors: Vec<(String, u64)>) -> PushDeviceRecord {
    PushDeviceRecord {
        device,
        since_ms,
        vendors,
    }
}

pub(crate) async fn phone(store: &Store) -> (AccountNo, DeviceNo) {
    let tenant = tenant(store).await;
    let ann = account(store, tenant, "ann").await;
    let no = made(store, &device(tenant, ann, "code", "phone")).await;
    store.set_push_tokens(no, &[push(1)], NOW_MS).await.unwrap();
    (ann, no)
}

pub(crate) fn owed(seq: u64) -> Owed {
    Owed {
        lane: LANE.to_owned(),
        priority: 3,
        seq,
        conv_seq: seq,
        messages: 1,
        wanted: format!("about {seq}"),
        not_after_ms: NOW_MS + 100_000,
        withdraws: false,
        in_place_of: None,
        hold_ms: 0,
    }
}

pub(crate) async fn decide(store: &Store, (account, device): (AccountNo, DeviceNo), owed: Vec<Owed>, now_ms: u64) {
    let up_to = owed.iter().map(|owed| owed.seq).max().unwrap_or_default();
    let decision = Decision {
        device,
        account,
        up_to,
        vendor: "fcm".to_owned(),
        owed,
        lines: Vec::new(),
    };
    store.keep_decisions(&[decision], now_ms).await.unwrap();
}

/// Takes what is due: what is to be sent, and for how many messages.
pub(crate) async fn claim(store: &Store, now_ms: u64) -> Vec<(u64, String, u32)> {
    let due = store
        .claim_push_jobs("fcm", (now_ms, now_ms + 60_000), 10)
        .await
        .unwrap();
    due.into_iter()
        .map(|due| (due.job, due.attempt, due.messages))
        .collect()
}

pub(crate) async fn settle(store: &Store, job: u64, at_ms: u64, what: Settled) {
    let settlement = Settlement {
        job,
        at_ms,
        what,
        lines: Vec::new(),
    };
    store.settle_push_jobs(&[settlement]).await.unwrap();
}

pub(crate) fn sent(seq: u64, messages: u32) -> Settled {
    Settled::Sent {
        seq,
        conv_seq: seq,
        messages,
        window_ms: WINDOWS,
    }
}

pub(crate) async fn a_device_has_vendors_in_an_order(store: Store) {
    let (ann, phone) = phone(&store).await;
    let vendors = |found: Vec<godwit_store::PushTokenRecord>| -> Vec<String> {
        found.into_iter().map(|token| token.vendor).collect()
    };
    let order = [of_vendor("xiaomi", 1), of_vendor("fcm", 2)];
    store.set_push_tokens(phone, &order, NOW_MS).await.unwrap();
    assert_eq!(vendors(store.push_tokens(phone).await.unwrap()), ["xiaomi", "fcm"]);
    let found = store.push_devices_of(&[ann]).await.unwrap();
    let both = vec![("xiaomi".to_owned(), NOW_MS), ("fcm".to_owned(), NOW_MS)];
    assert_eq!(found[&ann], [reached(phone, NOW_MS, both)]);
    // Without its first, the second is the first.
    assert!(
        store
            .retire_push_token(phone, ("xiaomi", &[1; 32]), NOW_MS + 1, GONE)
            .await
            .unwrap()
    );
    let fcm = || vec![("fcm".to_owned(), NOW_MS)];
    assert_eq!(
        store.push_devices_of(&[ann]).await.unwrap()[&ann],
        [reached(phone, NOW_MS, fcm())]
    );
    store.set_push_enabled(phone, false, NOW_MS).await.unwrap();
    assert!(store.push_devices_of(&[ann]).await.unwrap().is_empty());
    store.set_push_enabled(phone, true, NOW_MS + 9).await.unwrap();
    let found = store.push_devices_of(&[ann]).await.unwrap();
    assert_eq!(
        found[&ann],
        [reached(phone, NOW_MS + 9, fcm())],
        "nothing is owed from while it was off"
    );
}

pub(crate) async fn only_this_very_token_is_retired_and_only_if_it_is_older(store: Store) {
    let (_, phone) = phone(&store).await;
    for (vendor, hash, before_ms) in [("fcm", 1, NOW_MS), ("fcm", 2, NOW_MS + 1), ("apns", 1, NOW_MS + 1)] {
        assert!(
            !store
                .retire_push_token(phone, (vendor, &[hash; 32]), before_ms, GONE)
                .await
                .unwrap()
        );
    }
    assert!(
        store
            .retire_push_token(phone, ("fcm", &[1; 32]), NOW_MS + 1, GONE)
            .await
            .unwrap()
    );
    assert_eq!(store.push_token(phone).await.unwrap(), None);
}

pub(crate) async fn devices_that_can_be_pushed_to_are_found_page_by_page(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let mut phones = Vec::new();
    for at in 0..5_u8 {
        let id = format!("{at}phone");
        let no = made(&store, &device(tenant, ann, &id, &id)).await;
        store.set_push_tokens(no, &[push(at)], NOW_MS).await.unwrap();
        phones.push(no);
    }
    store.mark_decided(phones[1], 7).await.unwrap();
    store.set_push_enabled(phones[2], false, NOW_MS).await.unwrap();
    let (mut after, mut found) = (DeviceNo(0), Vec::new());
    loop {
        let page = store.push_devices_after(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.device;
        found.extend(page.iter().map(|device| (device.device, device.decided_up_to)));
    }
    assert_eq!(found, [(phones[0], 0), (phones[1], 7), (phones[3], 0), (phones[4], 0)]);
}

pub(crate) async fn a_decision_made_again_owes_nothing_new(store: Store) {
    let who = phone(&store).await;
    decide(&store, who, vec![owed(5)], NOW_MS).await;
    decide(&store, who, vec![owed(5)], NOW_MS).await;
    let claimed = claim(&store, NOW_MS).await;
    assert_eq!(claimed.iter().map(|due| due.2).collect::<Vec<_>>(), [1]);
    settle(&store, claimed[0].0, NOW_MS, sent(5, 1)).await;
    decide(&store, who, vec![owed(5)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS + 1_000_000).await, []);
    assert_eq!(store.push_marks(&[who.1]).await.unwrap()[&who.1], 5);
}

pub(crate) async fn a_burst_is_one_push_at_once_and_one_for_each_window(store: Store) {
    let who = phone(&store).await;
    let mut now_ms = NOW_MS;
    decide(&store, who, vec![owed(1)], now_ms).await;
    let first = claim(&store, now_ms).await.remove(0);
    settle(&store, first.0, now_ms, sent(1, 1)).await;
    let mut seq = 1;
    for window_ms in [3_000, 6_000, 10_000, 10_000] {
        for _ in 0..2 {
            seq += 1;
            decide(&store, who, vec![owed(seq)], now_ms).await;
        }
        assert_eq!(claim(&store, now_ms + window_ms - 1).await, [], "in the window");
        assert_eq!(store.next_push_due("fcm").await.unwrap(), Some(now_ms + window_ms));
        now_ms += window_ms;
        let next = claim(&store, now_ms).await;
        assert_eq!(next, [(first.0, format!("about {seq}"), 2)]);
        settle(&store, first.0, now_ms, sent(seq, 2)).await;
    }
    // After a quiet while, at once again.
    now_ms += 30_000;
    decide(&store, who, vec![owed(seq + 1)], now_ms).await;
    assert_eq!(claim(&store, now_ms).await.len(), 1);
}

pub(crate) async fn an_attempt_stays_as_it_is_until_it_is_settled(store: Store) {
    let who = phone(&store).await;
    decide(&store, who, vec![owed(1)], NOW_MS).await;
    let (job, attempt, _) = claim(&store, NOW_MS).await.remove(0);
    decide(&store, who, vec![owed(2)], NOW_MS).await;
    let later = Settled::Later {
        due_at_ms: NOW_MS + 500,
        vendor: None,
        attempt: None,
        counts: true,
    };
    settle(&store, job, NOW_MS, later).await;
    assert_eq!(claim(&store, NOW_MS + 499).await, []);
    assert_eq!(claim(&store, NOW_MS + 500).await, [(job, attempt, 2)], "the same again");
    settle(&store, job, NOW_MS + 500, sent(1, 1)).await;
    assert_eq!(claim(&store, NOW_MS + 3_499).await, []);
    assert_eq!(
        claim(&store, NOW_MS + 3_500).await,
        [(job, "about 2".to_owned(), 1)],
        "then the news"
    );
    settle(&store, job, NOW_MS + 3_500, Settled::Dropped).await;
    assert_eq!(store.push_jobs_of(who.0).await.unwrap()[0].due_at_ms, NEVER_MS);
    assert_eq!(store.trim_push_jobs(NOW_MS + 100_001).await.unwrap(), 1);
}

pub(crate) async fn a_job_belongs_to_one_worker_until_its_lease_ends(store: Store) {
    let who = phone(&store).await;
    decide(&store, who, vec![owed(1)], NOW_MS).await;
    let both = tokio::join!(claim(&store, NOW_MS), claim(&store, NOW_MS));
    assert_eq!(both.0.len() + both.1.len(), 1);
    assert_eq!(claim(&store, NOW_MS + 59_999).await, []);
    assert_eq!(claim(&store, NOW_MS + 60_000).await.len(), 1, "the worker vanished");
    assert_eq!(
        store.resume_push_jobs(NOW_MS + 60_001).await.unwrap(),
        1,
        "so did the platform"
    );
    assert_eq!(claim(&store, NOW_MS + 60_001).await.len(), 1);
    assert_eq!(store.push_jobs_waiting().await.unwrap(), 1);
}

pub(crate) async fn a_shared_id_is_kept_with_the_attempt_and_no_longer(store: Store) {
    let (ann, phone) = phone(&store).await;
    decide(&store, (ann, phone), vec![owed(1)], NOW_MS).await;
    let job = claim(&store, NOW_MS).await[0].0;
    let shared_id = async |now_ms: u64| {
        let due = store
            .claim_push_jobs("fcm", (now_ms, now_ms + 60_000), 10)
            .await
            .unwrap();
        due[0].shared_id
    };
    store.share_push_attempts(&[job], [7; 16]).await.unwrap();
    // Whoever repeats it, in whatever company, says the same.
    store.share_push_attempts(&[job], [8; 16]).await.unwrap();
    assert_eq!(shared_id(NOW_MS + 60_000).await, Some([7; 16]));
    let again = Settled::Later {
        due_at_ms: NOW_MS,
        vendor: None,
        attempt: None,
        counts: true,
    };
    settle(&store, job, NOW_MS, again).await;
    assert_eq!(shared_id(NOW_MS).await, Some([7; 16]));
    settle(&store, job, NOW_MS, sent(1, 1)).await;
    decide(&store, (ann, phone), vec![owed(2)], NOW_MS).await;
    assert_eq!(shared_id(NOW_MS + 3_000).await, None, "the next push is another");
}

pub(crate) async fn the_most_urgent_are_taken_first_and_among_those_the_oldest(store: Store) {
    let (ann, phone) = phone(&store).await;
    for (lane, priority, at_ms) in [("a", 1, 0), ("b", 5, 2), ("c", 5, 1), ("d", 3, 0), ("later", 9, 100)] {
        let owed = Owed {
            lane: lane.to_owned(),
            priority,
            wanted: lane.to_owned(),
            ..owed(1)
        };
        decide(&store, (ann, phone), vec![owed], NOW_MS + at_ms).await;
    }
    let mut taken = Vec::new();
    for limit in [3, 10] {
        let times = (NOW_MS + 50, NOW_MS + 60_000);
        let due = store.claim_push_jobs("fcm", times, limit).await.unwrap();
        taken.push(due.into_iter().map(|due| due.lane).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(taken, ["c b d", "a"]);
}

pub(crate) async fn what_is_read_elsewhere_is_forgotten_or_taken_back(store: Store) {
    let who = phone(&store).await;
    let read = |up_to| store.read_elsewhere(who.0, (LANE, up_to), "take back", NOW_MS);
    decide(&store, who, vec![owed(5)], NOW_MS).await;
    let done = |forgotten, withdrawn: &[DeviceNo]| ReadElsewhere {
        forgotten,
        withdrawn: withdrawn.to_vec(),
    };
    assert_eq!(read(4).await.unwrap(), done(0, &[]), "not that far");
    assert_eq!(read(5).await.unwrap(), done(1, &[]));
    assert_eq!(store.push_jobs_of(who.0).await.unwrap(), []);
    decide(&store, who, vec![owed(6)], NOW_MS).await;
    let job = claim(&store, NOW_MS).await.remove(0).0;
    assert_eq!(read(6).await.unwrap(), done(0, &[who.1]), "it is on its way");
    settle(&store, job, NOW_MS, sent(6, 1)).await;
    let next = claim(&store, NOW_MS + 3_000).await;
    assert_eq!(next.iter().map(|due| due.1.as_str()).collect::<Vec<_>>(), ["take back"]);
    settle(&store, job, NOW_MS, Settled::Withdrawn).await;
    assert_eq!(store.push_jobs_of(who.0).await.unwrap(), []);
}

pub(crate) async fn a_call_that_ends_before_it_rang_owes_nothing(store: Store) {
    let who = phone(&store).await;
    let end = |seq| Owed {
        withdraws: true,
        wanted: "stop".to_owned(),
        ..owed(seq)
    };
    decide(&store, who, vec![end(1)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await, [], "nothing rang");
    decide(&store, who, vec![owed(2)], NOW_MS).await;
    decide(&store, who, vec![end(3)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await, [], "it had not rung yet");
    decide(&store, who, vec![owed(4)], NOW_MS).await;
    let job = claim(&store, NOW_MS).await.remove(0).0;
    settle(&store, job, NOW_MS, sent(4, 1)).await;
    decide(&store, who, vec![end(5)], NOW_MS).await;
    assert_eq!(claim(&store, NOW_MS).await[0].1, "stop");
}

pub(crate) async fn a_retired_device_is_owed_nothing(store: Store) {
    let who = phone(&store).await;
    decide(&store, who, vec![owed(1)], NOW_MS).await;
    let job = claim(&store, NOW_MS).await.remove(0).0;
    store.retire_device(who.1, NOW_MS).await.unwrap();
    assert_eq!(store.push_jobs_of(who.0).await.unwrap(), []);
    settle(&store, job, NOW_MS, sent(1, 1)).await;
    assert_eq!(store.push_jobs_of(who.0).await.unwrap(), [], "what is gone stays gone");
    assert_eq!(store.push_tokens(who.1).await.unwrap(), []);
}

pub(crate) async fn the_ledger_is_read_newest_first_and_forgets(store: Store) {
    let line = |at_ms, account, server_id: &str| LedgerLine {
        at_ms,
        tenant: TenantNo(1),
        account: AccountNo(account),
        device: DeviceNo(1),
        server_id: server_id.to_owned(),
        outcome: "accepted".to_owned(),
        vendor_id: Some("v".to_owned()),
        ..LedgerLine::default()
    };
    let lines: Vec<_> = (0..700).map(|at| line(at, at % 2, &format!("m{}", at % 10))).collect();
    store.write_push_ledger(&lines).await.unwrap();
    let all = LedgerQuery {
        tenant: TenantNo(1),
        limit: 3,
        ..LedgerQuery::default()
    };
    let times = async |query: &LedgerQuery| -> Vec<u64> {
        store
            .push_ledger(query)
            .await
            .unwrap()
            .iter()
            .map(|line| line.at_ms)
            .collect()
    };
    assert_eq!(times(&all).await, [699, 698, 697]);
    let of_one = LedgerQuery {
        account: Some(AccountNo(0)),
        server_id: Some("m4".to_owned()),
        ..all.clone()
    };
    assert_eq!(times(&of_one).await, [694, 684, 674]);
    let last = store.push_ledger(&of_one).await.unwrap().pop().unwrap();
    let before = LedgerQuery {
        before: Some(last.no),
        ..of_one.clone()
    };
    assert_eq!(times(&before).await, [664, 654, 644]);
    let stranger = LedgerQuery {
        tenant: TenantNo(2),
        ..all.clone()
    };
    assert!(times(&stranger).await.is_empty());
    assert_eq!(store.trim_push_ledger(698).await.unwrap(), 698);
    assert_eq!(times(&all).await, [699, 698]);
}

pub(crate) async fn a_template_takes_the_place_of_its_former(store: Store) {
    let tenant = tenant(&store).await;
    let template = |words: &str| TemplateRecord {
        package: String::new(),
        message_type: "text".to_owned(),
        language: "zh".to_owned(),
        words: words.to_owned(),
    };
    store.put_push_template(tenant, &template("one")).await.unwrap();
    store.put_push_template(tenant, &template("two")).await.unwrap();
    assert_eq!(store.push_templates(tenant).await.unwrap(), [template("two")]);
    let of_app = TemplateRecord {
        package: "org.example.work".to_owned(),
        ..template("three")
    };
    store.put_push_template(tenant, &of_app).await.unwrap();
    let both = [template("two"), of_app.clone()];
    assert_eq!(store.push_templates(tenant).await.unwrap(), both);
    let key = ("", "text", "zh");
    assert!(store.remove_push_template(tenant, key).await.unwrap());
    assert!(!store.remove_push_template(tenant, key).await.unwrap());
    assert_eq!(store.push_templates(tenant).await.unwrap(), [of_app]);
}
