//! What became of pushes, for those who ask.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use godwit_model::{AccountNo, DeviceNo, Refused, TenantNo};
use godwit_registry::{LedgerLine, LedgerQuery};
use serde::{Deserialize, Serialize};

use crate::Dispatcher;
use crate::failure::of_registry;

/// One line of the ledger: an attempt, or why there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Counts all lines.
    pub no: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Whose.
    pub user_id: String,
    /// Which device; its number where it is gone.
    pub device_id: String,
    /// The conversation, or the call.
    pub conv: String,
    /// The number in the inbox that it is about.
    pub seq: u64,
    /// That message.
    pub server_id: String,
    /// The same for every repeat; empty where nothing was sent.
    pub push_id: String,
    /// What it does on the phone.
    pub kind: String,
    /// The vendor; empty where it did not come to that.
    pub vendor: String,
    /// One word.
    pub outcome: String,
    /// The vendor's code, or our reason.
    pub code: String,
    /// In words.
    pub detail: String,
    /// The vendor's name of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// Which attempt, from 1; 0 where there was none.
    pub attempt: u32,
    /// How long the vendor took, in milliseconds.
    pub latency_ms: u64,
}

/// Names of accounts and devices, each looked up once.
#[derive(Default)]
struct Names {
    users: HashMap<AccountNo, String>,
    devices: HashMap<DeviceNo, String>,
}

impl Dispatcher {
    /// Lines of a tenant's ledger, newest first: of one account, about one message, below a number; at most so many.
    pub async fn push_log(
        &self,
        tenant: TenantNo,
        (account, server_id, before, limit): (Option<AccountNo>, Option<String>, Option<u64>, u64),
    ) -> Result<Vec<Line>, Refused> {
        let query = LedgerQuery {
            tenant,
            account,
            server_id,
            before,
            limit,
        };
        let found = self.registry.push_ledger(&query).await.map_err(of_registry)?;
        let mut names = Names::default();
        let mut lines = Vec::with_capacity(found.len());
        for line in found {
            self.look_up(&mut names, &line).await?;
            lines.push(names.show(line));
        }
        Ok(lines)
    }

    async fn look_up(&self, names: &mut Names, line: &LedgerLine) -> Result<(), Refused> {
        if let Entry::Vacant(name) = names.users.entry(line.account) {
            let account = self.registry.account_by_no(line.account).await.map_err(of_registry)?;
            name.insert(account.map_or_else(String::new, |account| account.user.to_string()));
        }
        if let Entry::Vacant(name) = names.devices.entry(line.device) {
            let device = self.registry.device_by_no(line.device).await.map_err(of_registry)?;
            name.insert(device.map_or_else(|| line.device.0.to_string(), |device| device.device_id.to_string()));
        }
        Ok(())
    }
}

impl Names {
    fn show(&self, line: LedgerLine) -> Line {
        Line {
            no: line.no,
            at: line.at_ms,
            user_id: self.users.get(&line.account).cloned().unwrap_or_default(),
            device_id: self.devices.get(&line.device).cloned().unwrap_or_default(),
            conv: line.lane,
            seq: line.seq,
            server_id: line.server_id,
            push_id: line.push_id,
            kind: line.kind,
            vendor: line.vendor,
            outcome: line.outcome,
            code: line.code,
            detail: line.detail,
            vendor_id: line.vendor_id,
            attempt: line.attempt,
            latency_ms: line.latency_ms,
        }
    }
}
