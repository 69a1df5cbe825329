//! Fills the data folder of a server that does not run: accounts and devices in its database, messages in its log.
//!
//! Through the door 20 million messages would take half an hour; the log itself takes 100,000 a second.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use godwit_archive::{
    AppendError, Archive, DeviceState, DuplicateKey, Entry, Pending, RealDisk, RecordKind, Settings, Silent,
};
use godwit_model::{AccountNo, ConversationKey, DeviceNo, SystemClock, TenantNo};
use rusqlite::{Connection, params};

use super::{Growth, PAGE, Site};
use crate::draft::BODY_BYTES;
use crate::numbers::real;
use crate::target::user_name;

/// Messages for each account that is made.
const MESSAGES_OF_ACCOUNT: u64 = 20;
/// Messages of each conversation, in the mean.
const MESSAGES_OF_CONVERSATION: u64 = 2;
/// Messages under way at a time.
const WINDOW: usize = 2_048;

/// Who gets what.
struct Spread {
    tenant: TenantNo,
    stored: u64,
    /// The accounts that were made: numbers in a row, and their devices.
    first_account: u64,
    first_device: u64,
    accounts: u64,
    /// Those whose inboxes are read later: they get a little more than a page, over the whole length.
    readers: Vec<AccountNo>,
}

impl Site<'_> {
    /// Registers the users over the door, and stores everything else directly.
    pub(super) async fn fill(&mut self, growth: &Growth) -> anyhow::Result<()> {
        let running = self.godwit.start(&self.folder, self.certificate).await?;
        running.target.users(growth.users + growth.readers).await?;
        running.stop().await?;
        if self.stored == 0 {
            return Ok(());
        }
        let data = self.data();
        let spread = make_accounts(&data.join("store.db"), self.stored, growth)?;
        let archive = open(&data.join("archive"))?;
        let began = Instant::now();
        store(&archive, &spread).await?;
        self.filled_per_s = Some(real(self.stored) / began.elapsed().as_secs_f64());
        place_devices(&archive, &spread).await?;
        archive.close();
        Ok(())
    }
}

fn open(folder: &Path) -> anyhow::Result<Archive> {
    let disk = Arc::new(RealDisk::open(folder)?);
    let (archive, _) = Archive::open(disk, Arc::new(SystemClock), Settings::default(), Arc::new(Silent))?;
    Ok(archive)
}

/// Accounts with one device each, made after the model of a registered one.
fn make_accounts(database: &Path, stored: u64, growth: &Growth) -> anyhow::Result<Spread> {
    let mut database = Connection::open(database)?;
    let number = |sql: &str| database.query_row(sql, (), |row| row.get::<_, u32>(0));
    let tenant = TenantNo(number("SELECT max(tenant_no) FROM accounts")?);
    let first_account = u64::from(number("SELECT max(account_no) + 1 FROM accounts")?);
    let first_device = u64::from(number("SELECT max(device_no) + 1 FROM devices")?);
    let readers = (growth.users..growth.users + growth.readers).map(|reader| {
        let sql = "SELECT account_no FROM accounts WHERE user_id = ?1";
        let no = database.query_row(sql, [user_name(reader)], |row| row.get::<_, u32>(0));
        Ok(AccountNo(no.context("a reader is registered")?.into()))
    });
    let spread = Spread {
        tenant,
        stored,
        first_account,
        first_device,
        accounts: (stored / MESSAGES_OF_ACCOUNT).max(2),
        readers: readers.collect::<anyhow::Result<_>>()?,
    };
    let change = database.transaction()?;
    {
        let mut account = change.prepare(
            "INSERT INTO accounts (account_no, account_id, tenant_no, user_id, created_at_ms) \
             SELECT ?1, ?2, tenant_no, 'crowd-' || ?1, created_at_ms FROM accounts WHERE account_no = ?3",
        )?;
        let mut device = change.prepare(
            "INSERT INTO devices (device_no, device_id, tenant_no, account_no, unique_code, os, model, app_version, language, \
             token_hash, first_of_account, push_enabled, created_at_ms, registered_at_ms) \
             SELECT ?1, ?2, tenant_no, ?3, 'crowd-' || ?1, os, model, app_version, language, \
             randomblob(32), first_of_account, push_enabled, created_at_ms, registered_at_ms \
             FROM devices WHERE device_no = ?4",
        )?;
        for at in 0..spread.accounts {
            let (account_no, device_no) = (sql_number(first_account + at), sql_number(first_device + at));
            account.execute(params![
                account_no,
                public_id(first_account + at),
                sql_number(first_account - 1)
            ])?;
            let id = public_id(!(first_device + at));
            device.execute(params![device_no, id, account_no, sql_number(first_device - 1)])?;
        }
    }
    change.commit()?;
    Ok(spread)
}

/// SQLite has signed numbers; ours are small.
fn sql_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// 26 characters of base32, no more than 128 bits, as the platform's public ids are.
fn public_id(number: u64) -> String {
    let bits = u128::from(mix(number)) << 64 | u128::from(mix(!number));
    let digit = |at: u32| {
        let five = (bits >> (5 * at)).to_le_bytes()[0] & 31;
        char::from(if five < 26 { b'a' + five } else { b'2' + five - 26 })
    };
    std::iter::once('a').chain((0..25).map(digit)).collect()
}

async fn store(archive: &Archive, spread: &Spread) -> anyhow::Result<()> {
    let text: String = ('a'..='z').cycle().take(BODY_BYTES).collect();
    let mut under_way: VecDeque<Pending> = VecDeque::new();
    for n in 0..spread.stored {
        if under_way.len() >= WINDOW
            && let Some(oldest) = under_way.pop_front()
        {
            oldest.await?;
        }
        let pending = loop {
            match archive.append(spread.entry(n, &text)) {
                Err(AppendError::Overloaded) => archive.room().await,
                other => break other?,
            }
        };
        under_way.push_back(pending);
    }
    for pending in under_way {
        pending.await?;
    }
    Ok(())
}

/// Everybody has read everything.
async fn place_devices(archive: &Archive, spread: &Spread) -> anyhow::Result<()> {
    let mut saved = None;
    for at in 0..spread.accounts {
        let account = AccountNo(spread.first_account + at);
        let state = DeviceState {
            account,
            cursor: archive.head(account),
            session: None,
        };
        saved = Some(loop {
            match archive.save_device(DeviceNo(spread.first_device + at), state) {
                Err(AppendError::Overloaded) => tokio::time::sleep(Duration::from_millis(1)).await,
                other => break other?,
            }
        });
    }
    if let Some(last) = saved {
        last.await?;
    }
    Ok(())
}

impl Spread {
    /// The message with this number, as the platform stores it.
    fn entry(&self, n: u64, text: &str) -> Entry {
        let conversations = (self.stored / MESSAGES_OF_CONVERSATION).max(1);
        let conversation = mix(n) % conversations;
        let somebody = |salt: u64| AccountNo(self.first_account + mix(conversation ^ salt) % self.accounts);
        let from = somebody(0xaaaa_0000_0000);
        let to = self.reader(n).unwrap_or_else(|| somebody(0x5555_0000_0000));
        let body = format!(
            "\"id\":\"{n:032x}\",\"from\":\"crowd-{}\",\"to\":\"crowd-{}\",\"tenantNo\":\"{}\",\"target\":\"\",\"type\":0,\
             \"content\":{{\"text\":\"{text}\"}},\"timestamp\":1700000000000,\"isBackground\":false",
            from.0, to.0, self.tenant.0
        );
        let key = u128::from(mix(n ^ 0x1234_5678)) << 64 | u128::from(mix(n));
        Entry {
            kind: RecordKind::Message,
            tenant: self.tenant,
            form: 0,
            conversation: Some(ConversationKey::single(from, to)),
            sender: from,
            duplicate_key: Some(DuplicateKey { key, body: key }),
            expires_at_ms: None,
            recipients: vec![from, to],
            body: body.into(),
        }
    }

    /// Every so many messages one goes to the next reader, so that each gets six fifths of a page or more.
    fn reader(&self, n: u64) -> Option<AccountNo> {
        let count = u64::try_from(self.readers.len()).unwrap_or(u64::MAX);
        let every = (self.stored / (count * (PAGE + PAGE / 5)).max(1)).max(1);
        let turn = usize::try_from(n / every % count.max(1)).ok()?;
        let reader = self.readers.get(turn)?;
        n.is_multiple_of(every).then_some(*reader)
    }
}

/// Numbers far from one another for numbers in a row.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(stored: u64) -> Spread {
        Spread {
            tenant: TenantNo(1),
            stored,
            first_account: 1_000,
            first_device: 2_000,
            accounts: 50,
            readers: (1..=20).map(AccountNo).collect(),
        }
    }

    #[test]
    fn every_reader_gets_a_page_over_the_whole_length() {
        for stored in [1_000, 100_000] {
            let spread = spread(stored);
            for reader in &spread.readers {
                let got: Vec<_> = (0..stored).filter(|n| spread.reader(*n) == Some(*reader)).collect();
                assert!(got.len() >= 50, "{} of {stored}", got.len());
                let (first, last) = (got[0], got[got.len() - 1]);
                assert!(first < stored / 10 && last > stored * 8 / 10, "{first}..{last}");
            }
        }
    }

    #[test]
    fn a_stored_message_is_an_envelope_from_one_of_the_crowd() {
        let entry = spread(1_000_000).entry(7, &"x".repeat(BODY_BYTES));
        let json = format!("{{{}}}", String::from_utf8_lossy(&entry.body));
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["content"]["text"].as_str().map(str::len), Some(BODY_BYTES));
        assert!((1_000..1_050).contains(&entry.sender.0), "{:?}", entry.sender);
    }

    #[test]
    fn public_ids_differ_and_look_like_the_platforms() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(public_id).collect();
        assert_eq!(ids.len(), 10_000);
        let is_digit = |c: char| c.is_ascii_lowercase() || ('2'..='7').contains(&c);
        assert!(ids.iter().all(|id| id.len() == 26 && id.chars().all(is_digit)));
    }
}
