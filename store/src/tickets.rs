//! Tickets not yet used. A ticket is used up by the registration it allows, in the same transaction.

mod ticket;

use godwit_model::{AccountNo, AppNo};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use crate::number::{from_row, to_row};
use crate::{Error, Store, rosters};

/// A ticket, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRecord {
    /// Whose device it registers.
    pub account: AccountNo,
    /// The one unique code it is for, if it names one.
    pub unique_code: Option<String>,
    /// When it stops to work.
    pub expires_at_ms: u64,
}

/// A ticket to be kept.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// The hash of its text.
    pub hash: [u8; 32],
    /// Which app vouches for the user: it is one of its users from then on.
    pub app: Option<AppNo>,
    /// What it says.
    pub says: TicketRecord,
}

impl Store {
    /// Keeps a ticket, and forgets those that expired.
    pub async fn keep_ticket(&self, new: &NewTicket, now_ms: u64) -> Result<(), Error> {
        self.write(|held| async move {
            let transaction = &*held;
            ticket::Entity::delete_many()
                .filter(ticket::Column::ExpiresAtMs.lte(to_row(now_ms)))
                .exec(transaction)
                .await?;
            let row = ticket::ActiveModel {
                ticket_hash: Set(new.hash.to_vec()),
                account_no: Set(to_row(new.says.account.0)),
                unique_code: Set(new.says.unique_code.clone()),
                expires_at_ms: Set(to_row(new.says.expires_at_ms)),
            };
            ticket::Entity::insert(row).exec_without_returning(transaction).await?;
            if let Some(app) = new.app {
                rosters::note_app_user(transaction, app, new.says.account).await?;
            }
            Ok(())
        })
        .await
    }

    /// The ticket with this hash that still works at `now_ms`.
    pub async fn ticket(&self, hash: &[u8; 32], now_ms: u64) -> Result<Option<TicketRecord>, Error> {
        let find = ticket::Entity::find_by_id(hash.to_vec()).filter(ticket::Column::ExpiresAtMs.gt(to_row(now_ms)));
        let Some(row) = find.one(&self.reader).await? else {
            return Ok(None);
        };
        Ok(Some(TicketRecord {
            account: AccountNo(from_row(row.account_no)?),
            unique_code: row.unique_code,
            expires_at_ms: from_row(row.expires_at_ms)?,
        }))
    }
}

/// Forgets every ticket of an account.
pub(crate) async fn forget_of(transaction: &DatabaseTransaction, account: AccountNo) -> Result<(), Error> {
    ticket::Entity::delete_many()
        .filter(ticket::Column::AccountNo.eq(to_row(account.0)))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Uses a ticket up; `false` when it is gone or too old.
pub(crate) async fn consume(transaction: &DatabaseTransaction, hash: &[u8; 32], now_ms: u64) -> Result<bool, Error> {
    let used = ticket::Entity::delete_many()
        .filter(ticket::Column::TicketHash.eq(hash.to_vec()))
        .filter(ticket::Column::ExpiresAtMs.gt(to_row(now_ms)))
        .exec(transaction)
        .await?;
    Ok(used.rows_affected == 1)
}
