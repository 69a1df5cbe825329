//! A tenant with users and devices, made in few words.

use godwit_model::{AccountNo, DeviceNo, OsKind, TenantNo, UserId};
use godwit_store::{DeviceFacts, NewDevice, NewPushToken, NewTicket, RegisterOutcome, Renewal, Store, TicketRecord};

pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

pub(crate) async fn tenant(store: &Store) -> TenantNo {
    store.create_tenant("tenant", NOW_MS).await.unwrap()
}

pub(crate) async fn account(store: &Store, tenant: TenantNo, name: &str) -> AccountNo {
    let id = format!("id-of-{name}-in-{tenant}");
    store.ensure_account(tenant, &user(name), &id, NOW_MS).await.unwrap().no
}

pub(crate) async fn accounts(store: &Store, tenant: TenantNo, count: usize) -> Vec<AccountNo> {
    let mut accounts = Vec::new();
    for at in 0..count {
        accounts.push(account(store, tenant, &format!("user{at}")).await);
    }
    accounts
}

pub(crate) fn facts(ticket_hash: Option<[u8; 32]>) -> DeviceFacts {
    DeviceFacts {
        os: OsKind::Ios,
        model: "model".to_owned(),
        app_version: "1".to_owned(),
        language: None,
        push: Vec::new(),
        ticket_hash,
        now_ms: NOW_MS,
    }
}

pub(crate) fn push(token: u8) -> NewPushToken {
    NewPushToken {
        vendor: "fcm".to_owned(),
        token_hash: [token; 32],
        sealed_token: vec![token; 40],
        sealed_details: None,
    }
}

/// A device with this id; its token's hash is of the id's first byte.
pub(crate) fn device(tenant: TenantNo, account: AccountNo, code: &str, id: &str) -> NewDevice {
    NewDevice {
        device_id: id.to_owned(),
        tenant,
        account,
        unique_code: code.to_owned(),
        token_hash: [id.as_bytes()[0]; 32],
        replaces: None,
        devices_max: 100,
        facts: facts(None),
    }
}

pub(crate) fn renewal(no: DeviceNo, account: AccountNo, next: u8) -> Renewal {
    Renewal {
        no,
        account,
        token_hash: None,
        next_token_hash: [next; 32],
        facts: facts(None),
    }
}

pub(crate) async fn made(store: &Store, new: &NewDevice) -> DeviceNo {
    match store.create_device(new).await.unwrap() {
        RegisterOutcome::Done(no) => no,
        other => unreachable!("the device was not made: {other:?}"),
    }
}

pub(crate) async fn keep_ticket(store: &Store, hash: u8, account: AccountNo) -> [u8; 32] {
    let says = TicketRecord {
        account,
        unique_code: None,
        expires_at_ms: NOW_MS + 1_000,
    };
    let new = NewTicket {
        hash: [hash; 32],
        app: None,
        says,
    };
    store.keep_ticket(&new, NOW_MS).await.unwrap();
    new.hash
}
