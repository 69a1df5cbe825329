//! Very many phones in the database of a server that does not run.

use std::path::Path;

use rusqlite::{Connection, params};

/// An opaque public id in SQL: 26 of the characters of base32, and no more than 128 bits.
const ID: &str = "'a' || substr(replace(replace(replace(replace(lower(hex(randomblob(13))), '0', 'g'), '1', 'h'), '8', 'i'), \
                  '9', 'j'), 2)";

/// Makes accounts with one phone each after the model of one user's, whose only device has a vendor's token: `crowd1`,
/// `crowd2` and so on. They share the vendor's token, and differ in everything else.
pub fn multiply(folder: &Path, model: &str, phones: u64) {
    let phones = i64::try_from(phones).expect("not that many");
    let mut database = Connection::open(folder.join("store.db")).expect("the database");
    let change = database.transaction().expect("a transaction");
    let statements = [
        "INSERT INTO accounts (account_id, tenant_no, user_id, created_at_ms) \
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?2) \
         SELECT {id}, tenant_no, 'crowd' || n, created_at_ms \
         FROM number, accounts WHERE user_id = ?1",
        "INSERT INTO devices (device_id, tenant_no, account_no, unique_code, os, model, app_version, language, token_hash, \
         next_token_hash, first_of_account, push_enabled, created_at_ms, registered_at_ms, retired_at_ms) \
         SELECT {id}, new.tenant_no, new.account_no, new.user_id, os, model, app_version, language, \
         randomblob(32), NULL, first_of_account, push_enabled, devices.created_at_ms, registered_at_ms, NULL \
         FROM accounts new, devices JOIN accounts old ON old.account_no = devices.account_no \
         WHERE new.user_id LIKE 'crowd%' AND old.user_id = ?1 AND ?2 > 0",
        "INSERT INTO device_push_tokens (device_no, vendor, place, token_hash, sealed_token, sealed_details, set_at_ms, since_ms) \
         SELECT new.device_no, vendor, 0, randomblob(32), sealed_token, sealed_details, set_at_ms, since_ms \
         FROM devices new, device_push_tokens \
         JOIN devices old ON old.device_no = device_push_tokens.device_no \
         JOIN accounts ON accounts.account_no = old.account_no \
         WHERE new.unique_code LIKE 'crowd%' AND accounts.user_id = ?1 AND ?2 > 0",
    ];
    for statement in statements {
        let statement = statement.replace("{id}", ID);
        change.execute(&statement, params![model, phones]).expect(&statement);
    }
    change.commit().expect("a commit");
}
