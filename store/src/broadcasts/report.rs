//! What became of a message at many accounts at once, for reports.

use godwit_model::{AccountNo, ConversationKey, DeviceNo};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::conversation_states::row as state;
use crate::devices::device;
use crate::number::{from_row, to_row};
use crate::push_ledger::row as ledger;
use crate::{CHUNK_ROWS, Error, Store};

impl Store {
    /// The live devices of these accounts, each with its account.
    pub async fn devices_of_all(&self, accounts: &[AccountNo]) -> Result<Vec<(AccountNo, DeviceNo)>, Error> {
        let mut found = Vec::new();
        for chunk in accounts.chunks(CHUNK_ROWS) {
            let find = device::Entity::find()
                .select_only()
                .column(device::Column::AccountNo)
                .column(device::Column::DeviceNo)
                .filter(device::Column::RetiredAtMs.is_null())
                .filter(device::Column::AccountNo.is_in(chunk.iter().map(|account| to_row(account.0))));
            let rows: Vec<(i64, i64)> = find.into_tuple().all(&self.reader).await?;
            for (account, device) in rows {
                found.push((AccountNo(from_row(account)?), DeviceNo(from_row(device)?)));
            }
        }
        Ok(found)
    }

    /// How many of these accounts have read a conversation up to this number.
    pub async fn count_readers(
        &self,
        conversation: ConversationKey,
        conv_seq: u64,
        accounts: &[AccountNo],
    ) -> Result<u64, Error> {
        let mut readers = 0;
        for chunk in accounts.chunks(CHUNK_ROWS) {
            let find = state::Entity::find()
                .filter(state::Column::Conversation.eq(conversation.to_string()))
                .filter(state::Column::ReadUpTo.gte(to_row(conv_seq)))
                .filter(state::Column::AccountNo.is_in(chunk.iter().map(|account| to_row(account.0))));
            readers += find.count(&self.reader).await?;
        }
        Ok(readers)
    }

    /// What the ledger says of the pushes of a message: the account and the outcome of each line, each pair once.
    pub async fn push_outcomes(&self, server_id: &str) -> Result<Vec<(AccountNo, String)>, Error> {
        let find = ledger::Entity::find()
            .select_only()
            .column(ledger::Column::AccountNo)
            .column(ledger::Column::Outcome)
            .filter(ledger::Column::ServerId.eq(server_id))
            .filter(ledger::Column::Attempt.gt(0))
            .distinct();
        let rows: Vec<(i64, String)> = find.into_tuple().all(&self.reader).await?;
        rows.into_iter()
            .map(|(account, outcome)| Ok((AccountNo(from_row(account)?), outcome)))
            .collect()
    }
}
