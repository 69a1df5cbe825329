//! What an account wishes of its vendors' pushes, and when the platform began to count and to push.

mod fact;
mod row;

use std::collections::HashMap;

use godwit_model::{AccountNo, PushWishes, QuietHours, Zone};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::number::{from_row, name_from_row, to_row};
use crate::{CHUNK_ROWS, Error, Store};

impl Store {
    /// What an account wishes; the default where it said nothing.
    pub async fn push_wishes(&self, account: AccountNo) -> Result<PushWishes, Error> {
        Ok(self
            .push_wishes_of(&[account])
            .await?
            .remove(&account)
            .unwrap_or_default())
    }

    /// What accounts wish; those who said nothing are missing.
    pub async fn push_wishes_of(&self, accounts: &[AccountNo]) -> Result<HashMap<AccountNo, PushWishes>, Error> {
        let mut found = HashMap::new();
        for chunk in accounts.chunks(CHUNK_ROWS) {
            let numbers = chunk.iter().map(|account| to_row(account.0));
            let find = row::Entity::find().filter(row::Column::AccountNo.is_in(numbers));
            for row in find.all(&self.reader).await? {
                found.insert(AccountNo(from_row(row.account_no)?), wishes(row)?);
            }
        }
        Ok(found)
    }

    /// Notes what an account wishes.
    pub async fn set_push_wishes(&self, account: AccountNo, wishes: &PushWishes) -> Result<(), Error> {
        self.write(|held| async move {
            let minute = |minute: u32| i32::try_from(minute).unwrap_or_default();
            let quiet = wishes.quiet.as_ref();
            let (offset, zone) = match quiet.map(|quiet| &quiet.zone) {
                Some(Zone::Named(name)) => (0, Some(name.clone())),
                Some(Zone::Offset(minutes)) => (*minutes, None),
                None => (0, None),
            };
            let row = row::ActiveModel {
                account_no: Set(to_row(account.0)),
                privacy: Set(wishes.privacy.as_str().to_owned()),
                quiet_from: Set(quiet.map(|quiet| minute(quiet.from))),
                quiet_until: Set(quiet.map(|quiet| minute(quiet.until))),
                quiet_offset: Set(offset),
                quiet_zone: Set(zone),
                quiet_calls: Set(quiet.is_none_or(|quiet| quiet.calls)),
                quiet_mentions: Set(quiet.is_some_and(|quiet| quiet.mentions)),
                desktop_hold_s: Set(i32::try_from(wishes.desktop_hold_s).unwrap_or(i32::MAX)),
            };
            let replace = OnConflict::column(row::Column::AccountNo)
                .update_columns([
                    row::Column::Privacy,
                    row::Column::QuietFrom,
                    row::Column::QuietUntil,
                    row::Column::QuietOffset,
                    row::Column::QuietZone,
                    row::Column::QuietCalls,
                    row::Column::QuietMentions,
                    row::Column::DesktopHoldS,
                ])
                .to_owned();
            let insert = row::Entity::insert(row).on_conflict(replace);
            insert.exec_without_returning(&*held).await?;
            Ok(())
        })
        .await
    }

    /// The time in milliseconds at which something named began: the one noted first, `now_ms` where none was.
    pub async fn began_at_ms(&self, name: &str, now_ms: u64) -> Result<u64, Error> {
        // Nearly always it is noted, and reading waits for nobody.
        if let Some(found) = fact::Entity::find_by_id(name).one(&self.reader).await? {
            return from_row(found.value);
        }
        self.write(|held| async move {
            if let Some(found) = fact::Entity::find_by_id(name).one(&*held).await? {
                return from_row(found.value);
            }
            let row = fact::ActiveModel {
                name: Set(name.to_owned()),
                value: Set(to_row(now_ms)),
            };
            fact::Entity::insert(row).exec_without_returning(&*held).await?;
            Ok(now_ms)
        })
        .await
    }
}

fn wishes(row: row::Model) -> Result<PushWishes, Error> {
    let minute = |value: i32| from_row(i64::from(value)).map(|minute| u32::try_from(minute).unwrap_or_default());
    let quiet = match (row.quiet_from, row.quiet_until) {
        (Some(from), Some(until)) => Some(QuietHours {
            from: minute(from)?,
            until: minute(until)?,
            zone: row.quiet_zone.map_or(Zone::Offset(row.quiet_offset), Zone::Named),
            calls: row.quiet_calls,
            mentions: row.quiet_mentions,
        }),
        _ => None,
    };
    Ok(PushWishes {
        privacy: name_from_row(&row.privacy)?,
        quiet,
        desktop_hold_s: u32::try_from(row.desktop_hold_s).unwrap_or_default(),
    })
}
