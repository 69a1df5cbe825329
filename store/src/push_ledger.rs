//! What became of every push, and why there was none: the answer to "why did this phone not ring".

pub(crate) mod row;

use godwit_model::{AccountNo, DeviceNo, TenantNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::number::{from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

/// The [`LedgerLine::kind`] of what a vendor reported later.
pub const RECEIPT: &str = "receipt";

/// One line: an attempt, a reason not to push, or what a vendor reported later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerLine {
    /// Its number; counts all lines. 0 before it is written.
    pub no: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whose.
    pub tenant: TenantNo,
    /// Whose inbox.
    pub account: AccountNo,
    /// Which device.
    pub device: DeviceNo,
    /// The conversation, or the call.
    pub lane: String,
    /// The number in the inbox that the push is about.
    pub seq: u64,
    /// The platform's id of that message.
    pub server_id: String,
    /// The id of the push, the same for every repeat; empty where there was none.
    pub push_id: String,
    /// `alert`, `call`, `background`, `withdraw`, or [`RECEIPT`].
    pub kind: String,
    /// The vendor; empty where it did not come to that.
    pub vendor: String,
    /// One word: `not_due`, `accepted`, `retry` …
    pub outcome: String,
    /// The vendor's code, or our reason.
    pub code: String,
    /// In words.
    pub detail: String,
    /// The vendor's name of it.
    pub vendor_id: Option<String>,
    /// Which attempt, from 1; 0 where there was none.
    pub attempt: u32,
    /// How long the vendor took, in milliseconds.
    pub latency_ms: u64,
}

/// Which lines, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// Whose.
    pub tenant: TenantNo,
    /// Of this account only.
    pub account: Option<AccountNo>,
    /// About this message only.
    pub server_id: Option<String>,
    /// Lines below this number.
    pub before: Option<u64>,
    /// Most lines.
    pub limit: u64,
}

fn tenant_to_row(tenant: TenantNo) -> i32 {
    i32::try_from(tenant.0).unwrap_or(i32::MAX)
}

impl Store {
    /// Lines of the ledger, newest first.
    pub async fn push_ledger(&self, query: &LedgerQuery) -> Result<Vec<LedgerLine>, Error> {
        let mut find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(tenant_to_row(query.tenant)))
            .order_by_desc(row::Column::LineNo)
            .limit(query.limit);
        if let Some(account) = query.account {
            find = find.filter(row::Column::AccountNo.eq(to_row(account.0)));
        }
        if let Some(server_id) = &query.server_id {
            find = find.filter(row::Column::ServerId.eq(server_id));
        }
        if let Some(before) = query.before {
            find = find.filter(row::Column::LineNo.lt(to_row(before)));
        }
        let rows = find.all(&self.reader).await?;
        rows.into_iter().map(LedgerLine::try_from).collect()
    }

    /// Writes lines.
    pub async fn write_push_ledger(&self, lines: &[LedgerLine]) -> Result<(), Error> {
        self.write(|held| async move { write(&held, lines).await }).await
    }

    /// Writes what vendors reported later. Each line is completed from the newest attempt that it is about (its number,
    /// message, conversation and push id), found by the device and either the push's id or the vendor's name of it. What
    /// the ledger says already is not written again. Answers, in their order, when that attempt was.
    pub async fn write_push_receipts(&self, lines: &[LedgerLine]) -> Result<Vec<Option<u64>>, Error> {
        self.write(|held| async move {
            let mut sent = Vec::with_capacity(lines.len());
            for line in lines {
                sent.push(write_receipt(&held, line).await?);
            }
            Ok(sent)
        })
        .await
    }

    /// Forgets lines from before a time; says how many.
    pub async fn trim_push_ledger(&self, before_ms: u64) -> Result<u64, Error> {
        self.write(|held| async move {
            let gone = row::Entity::delete_many()
                .filter(row::Column::AtMs.lt(to_row(before_ms)))
                .exec(&*held)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}

pub(crate) async fn write(transaction: &DatabaseTransaction, lines: &[LedgerLine]) -> Result<(), Error> {
    // Sixteen values a line: far below the bind limits of both databases.
    for chunk in lines.chunks(CHUNK_ROWS) {
        let rows = chunk.iter().map(|line| row::ActiveModel {
            at_ms: Set(to_row(line.at_ms)),
            tenant_no: Set(tenant_to_row(line.tenant)),
            account_no: Set(to_row(line.account.0)),
            device_no: Set(to_row(line.device.0)),
            lane: Set(line.lane.clone()),
            seq: Set(to_row(line.seq)),
            server_id: Set(line.server_id.clone()),
            push_id: Set(line.push_id.clone()),
            kind: Set(line.kind.clone()),
            vendor: Set(line.vendor.clone()),
            outcome: Set(line.outcome.clone()),
            code: Set(line.code.clone()),
            detail: Set(line.detail.clone()),
            vendor_id: Set(line.vendor_id.clone()),
            attempt: Set(i32::try_from(line.attempt).unwrap_or(i32::MAX)),
            latency_ms: Set(to_row(line.latency_ms)),
            ..Default::default()
        });
        row::Entity::insert_many(rows)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}

async fn write_receipt(transaction: &DatabaseTransaction, line: &LedgerLine) -> Result<Option<u64>, Error> {
    let of_device = || {
        row::Entity::find()
            .filter(row::Column::AccountNo.eq(to_row(line.account.0)))
            .filter(row::Column::DeviceNo.eq(to_row(line.device.0)))
            .filter(row::Column::Vendor.eq(&line.vendor))
            .order_by_desc(row::Column::LineNo)
    };
    let mut names = Condition::any();
    if !line.push_id.is_empty() {
        names = names.add(row::Column::PushId.eq(&line.push_id));
    }
    if let Some(vendor_id) = &line.vendor_id {
        names = names.add(row::Column::VendorId.eq(vendor_id));
    }
    let attempt = if names.is_empty() {
        None
    } else {
        let find = of_device().filter(row::Column::Kind.ne(RECEIPT)).filter(names);
        find.one(transaction).await?.map(LedgerLine::try_from).transpose()?
    };
    let sent_at_ms = attempt.as_ref().map(|attempt| attempt.at_ms);
    let line = match attempt {
        Some(attempt) => LedgerLine {
            lane: attempt.lane,
            seq: attempt.seq,
            server_id: attempt.server_id,
            push_id: attempt.push_id,
            ..line.clone()
        },
        None => line.clone(),
    };
    let mut said = of_device()
        .filter(row::Column::Kind.eq(RECEIPT))
        .filter(row::Column::PushId.eq(&line.push_id))
        .filter(row::Column::Outcome.eq(&line.outcome));
    said = match &line.vendor_id {
        Some(vendor_id) => said.filter(row::Column::VendorId.eq(vendor_id)),
        None => said.filter(row::Column::VendorId.is_null()),
    };
    if said.one(transaction).await?.is_none() {
        write(transaction, &[line]).await?;
    }
    Ok(sent_at_ms)
}

impl TryFrom<row::Model> for LedgerLine {
    type Error = Error;

    fn try_from(row: row::Model) -> Result<Self, Error> {
        Ok(Self {
            no: from_row(row.line_no)?,
            at_ms: from_row(row.at_ms)?,
            tenant: TenantNo(u32::try_from(row.tenant_no).unwrap_or_default()),
            account: AccountNo(from_row(row.account_no)?),
            device: DeviceNo(from_row(row.device_no)?),
            lane: row.lane,
            seq: from_row(row.seq)?,
            server_id: row.server_id,
            push_id: row.push_id,
            kind: row.kind,
            vendor: row.vendor,
            outcome: row.outcome,
            code: row.code,
            detail: row.detail,
            vendor_id: row.vendor_id,
            attempt: u32::try_from(row.attempt).unwrap_or_default(),
            latency_ms: from_row(row.latency_ms)?,
        })
    }
}
