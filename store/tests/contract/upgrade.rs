//! Databases of older versions: built with the steps of then, opened with those of today.

use godwit_migrations::Migrator;
use godwit_model::{AccountNo, DeviceNo, Privacy, QuietHours, TenantNo, Zone};
use godwit_store::{PushDeviceRecord, Store, TemplateRecord};
use sea_orm::{ConnectionTrait, Database};
use sea_orm_migration::MigratorTrait;

const TOLD_MS: u64 = 1_700_000_000_000;

/// Builds what the first `steps` steps make, and fills it.
async fn built(url: &str, steps: u32, fill: &[&str]) {
    let database = Database::connect(url).await.unwrap();
    Migrator::up(&database, Some(steps)).await.unwrap();
    for statement in fill {
        database.execute_unprepared(statement).await.unwrap();
    }
    database.close().await.unwrap();
}

fn hash(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

/// A literal of bytes in SQL.
fn bytes(url: &str, hexadecimal: &str) -> String {
    if url.starts_with("sqlite") {
        format!("X'{hexadecimal}'")
    } else {
        format!("'\\x{hexadecimal}'::bytea")
    }
}

/// A tenant, Ann, and two phones of hers.
fn people(url: &str) -> Vec<String> {
    let device = |no: u8| {
        format!(
            "INSERT INTO devices (device_no, device_id, tenant_no, account_no, unique_code, os, model, app_version, \
             token_hash, first_of_account, push_enabled, created_at_ms, registered_at_ms) \
             VALUES ({no}, 'd{no}', 1, 1, 'code{no}', 2, '', '', {}, TRUE, TRUE, 1, 1)",
            bytes(url, &hash(no))
        )
    };
    vec![
        "INSERT INTO tenants (tenant_no, name, created_at_ms) VALUES (1, 'one', 1)".to_owned(),
        "INSERT INTO accounts (account_no, account_id, tenant_no, user_id, created_at_ms) VALUES (1, 'a1', 1, 'ann', 1)"
            .to_owned(),
        device(1),
        device(2),
    ]
}

async fn tokens_from_before_several_vendors(url: &str) {
    let token = |device: u8, vendor: &str| {
        format!(
            "INSERT INTO push_tokens (device_no, vendor, token_hash, sealed_token, set_at_ms) \
             VALUES ({device}, '{vendor}', {}, {}, {TOLD_MS})",
            bytes(url, &hash(device)),
            bytes(url, "0102")
        )
    };
    let mut fill = people(url);
    fill.extend([token(1, "apns"), token(2, "fcm")]);
    let fill: Vec<&str> = fill.iter().map(String::as_str).collect();
    // The last step before devices had several vendors is the sixth.
    built(url, 6, &fill).await;
    let store = Store::open(url).await.unwrap();
    for (device, vendor) in [(1, "apns"), (2, "fcm")] {
        let tokens = store.push_tokens(DeviceNo(device)).await.unwrap();
        assert_eq!(tokens.len(), 1, "{vendor}");
        let token = &tokens[0];
        assert_eq!((token.vendor.as_str(), token.set_at_ms), (vendor, TOLD_MS));
        assert_eq!(token.token_hash, [u8::try_from(device).unwrap(); 32]);
        assert_eq!((&token.sealed_token, &token.sealed_details), (&vec![1, 2], &None));
    }
    let reached = |no, vendor: &str| PushDeviceRecord {
        device: DeviceNo(no),
        since_ms: TOLD_MS,
        vendors: vec![(vendor.to_owned(), TOLD_MS)],
    };
    let found = store.push_devices_of(&[AccountNo(1)]).await.unwrap();
    assert_eq!(found[&AccountNo(1)], [reached(1, "apns"), reached(2, "fcm")]);
    // They are tokens like all others: found by what names them, and retired by their vendor's word.
    let by_hash = store.push_token_by_hash("fcm", &[2; 32]).await.unwrap();
    assert_eq!(by_hash.map(|found| found.device), Some(DeviceNo(2)));
    let token = ("fcm", &[2; 32]);
    assert!(
        store
            .retire_push_token(DeviceNo(2), token, TOLD_MS + 1, ("gone", 1))
            .await
            .unwrap()
    );
    let found = store.push_devices_of(&[AccountNo(1)]).await.unwrap();
    assert_eq!(found[&AccountNo(1)], [reached(1, "apns")]);
}

async fn wishes_and_words_from_before_zones_and_apps(url: &str) {
    let mut fill = people(url);
    fill.extend([
        "INSERT INTO push_wishes (account_no, privacy, quiet_from, quiet_until, quiet_offset, quiet_calls, quiet_mentions) \
         VALUES (1, 'sender', 1320, 420, 480, TRUE, FALSE)"
            .to_owned(),
        "INSERT INTO push_templates (tenant_no, message_type, language, words) VALUES (1, 'text', 'zh', '{}')".to_owned(),
    ]);
    let fill: Vec<&str> = fill.iter().map(String::as_str).collect();
    built(url, 7, &fill).await;
    let store = Store::open(url).await.unwrap();
    let wishes = store.push_wishes(AccountNo(1)).await.unwrap();
    let quiet = QuietHours {
        from: 1_320,
        until: 420,
        zone: Zone::Offset(480),
        calls: true,
        mentions: false,
    };
    assert_eq!(
        (wishes.privacy, wishes.quiet, wishes.desktop_hold_s),
        (Privacy::Sender, Some(quiet), 0)
    );
    let words = TemplateRecord {
        package: String::new(),
        message_type: "text".to_owned(),
        language: "zh".to_owned(),
        words: "{}".to_owned(),
    };
    assert_eq!(store.push_templates(TenantNo(1)).await.unwrap(), [words]);
}

#[tokio::test]
async fn a_file_from_before_several_vendors_keeps_its_push_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}?mode=rwc", folder.path().join(name).display());
    tokens_from_before_several_vendors(&url("tokens.db")).await;
    wishes_and_words_from_before_zones_and_apps(&url("wishes.db")).await;
}

/// The same on PostgreSQL, in two empty databases.
pub(crate) async fn older_databases_keep_what_they_held(one: &str, other: &str) {
    tokens_from_before_several_vendors(one).await;
    wishes_and_words_from_before_zones_and_apps(other).await;
}
