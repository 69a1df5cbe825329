//! Who changed what, and which versions of clients are good.

use godwit_model::TenantNo;
use godwit_store::{AuditQuery, ClientVersions, Expected, NewAuditLine, Store, Versioned};

use crate::people::{NOW_MS, tenant};

fn line(tenant: TenantNo, at_ms: u64, actor: &str) -> NewAuditLine {
    NewAuditLine {
        at_ms,
        tenant,
        actor: actor.to_owned(),
        action: "PUT /v1/users/{userId}".to_owned(),
        subject: "/v1/users/ann".to_owned(),
        status: 201,
        code: None,
        address: "192.0.2.7".to_owned(),
        request_id: format!("r{at_ms}"),
    }
}

pub(crate) async fn the_audit_is_read_from_both_ends(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    for at in 0..5 {
        let actor = if at % 2 == 0 { "a:even" } else { "a:odd" };
        store.add_audit_line(&line(one, NOW_MS + at, actor)).await.unwrap();
    }
    store.add_audit_line(&line(other, NOW_MS, "a:else")).await.unwrap();
    let times = async |query: AuditQuery| -> Vec<u64> {
        let found = store.audit(one, &query).await.unwrap();
        found.iter().map(|line| line.says.at_ms - NOW_MS).collect()
    };
    let all = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(times(all.clone()).await, [4, 3, 2, 1, 0]);
    let found = store.audit(one, &all).await.unwrap();
    assert_eq!(found[4].says, line(one, NOW_MS, "a:even"));
    let before = AuditQuery {
        before: Some(found[1].no),
        limit: 2,
        ..all.clone()
    };
    assert_eq!(times(before).await, [2, 1]);
    let after = AuditQuery {
        after: Some(found[3].no),
        ..all.clone()
    };
    assert_eq!(times(after).await, [2, 3, 4], "oldest first");
    let narrow = AuditQuery {
        since_ms: Some(NOW_MS + 1),
        until_ms: Some(NOW_MS + 4),
        actor: Some("a:even".to_owned()),
        action: Some("PUT /v1/users/{userId}".to_owned()),
        ..all
    };
    assert_eq!(times(narrow).await, [2]);
}

pub(crate) async fn old_lines_of_the_audit_are_forgotten(store: Store) {
    let tenant = tenant(&store).await;
    for at in 0..5 {
        store.add_audit_line(&line(tenant, NOW_MS + at, "a:app")).await.unwrap();
    }
    assert_eq!(store.trim_audit(NOW_MS + 3).await.unwrap(), 3);
    let query = AuditQuery {
        limit: 10,
        ..AuditQuery::default()
    };
    assert_eq!(store.audit(tenant, &query).await.unwrap().len(), 2);
    assert_eq!(store.trim_audit(NOW_MS + 3).await.unwrap(), 0);
}

pub(crate) async fn what_is_said_of_clients_is_kept(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let said = |os: &str, minimum: &str| ClientVersions {
        os: os.to_owned(),
        minimum: minimum.to_owned(),
        latest: "3.0".to_owned(),
        message: "come".to_owned(),
        version: 0,
    };
    let put = async |os: &str, minimum: &str, expected| {
        store
            .put_client_versions(one, &said(os, minimum), expected)
            .await
            .unwrap()
    };
    let Versioned::Done((first, true)) = put("ios", "1.0", Expected::Any).await else {
        unreachable!("it is new");
    };
    assert_eq!(first.version, 1);
    assert_eq!(put("ios", "2.0", Expected::Version(2)).await, Versioned::Differs);
    let Versioned::Done((second, false)) = put("ios", "2.0", Expected::Version(1)).await else {
        unreachable!("it is there");
    };
    put("android", "1.0", Expected::Any).await;
    assert_eq!(store.client_versions_on(one, "ios").await.unwrap(), Some(second));
    assert_eq!(store.client_versions_on(other, "ios").await.unwrap(), None);
    let names: Vec<_> = store
        .client_versions(one)
        .await
        .unwrap()
        .into_iter()
        .map(|said| said.os)
        .collect();
    assert_eq!(names, ["android", "ios"]);
    assert!(store.remove_client_versions(one, "ios").await.unwrap());
    assert!(!store.remove_client_versions(one, "ios").await.unwrap());
}
