//! The number on the icons of an account's other phones, told in silence when something was read on one device.

use godwit_model::DeviceNo;
use godwit_registry::{Account, Decision, Error, Owed};

use super::Desk;
use super::wanted::Wanted;
use crate::Dispatcher;

/// What jobs of badges are called in the place of a conversation: one for each device, so that they come together.
pub(super) const LANE: &str = "badge";
/// How long a number is of use, in milliseconds: a day.
const USE_MS: u64 = 24 * 3_600_000;
/// After everything that shows something.
const PRIORITY: i32 = -1;

impl Dispatcher {
    /// Owes the unread count to the devices of an account that are away and whose vendor can tell it in silence, but for
    /// those that have it already.
    pub(super) async fn owe_badges(&self, desk: &Desk, account: &Account, told: &[DeviceNo]) -> Result<(), Error> {
        if !desk.settings.badge_updates {
            return Ok(());
        }
        let here = self.hub.connected(account.no);
        let now_ms = self.clock.now_ms();
        let app = account.tenant.to_string();
        let mut decisions = Vec::new();
        for device in self.registry.push_devices(account.no).await?.iter() {
            if here.contains(&device.no) || told.contains(&device.no) {
                continue;
            }
            let Some(vendor) = self.awake_vendor(desk, device) else {
                continue;
            };
            let lane = desk.channels.lane(&app, vendor);
            if lane.is_none_or(|lane| !lane.limits().silent) {
                continue;
            }
            let not_after_ms = now_ms.saturating_add(USE_MS);
            let wanted = Wanted::badge(now_ms, not_after_ms);
            let owed = Owed {
                lane: LANE.to_owned(),
                priority: PRIORITY,
                // Later ones take the place of earlier ones.
                seq: now_ms,
                conv_seq: now_ms,
                messages: 0,
                wanted: wanted.text(),
                not_after_ms,
                withdraws: false,
                in_place_of: None,
                hold_ms: 0,
            };
            decisions.push(Decision {
                device: device.no,
                account: account.no,
                up_to: 0,
                vendor: vendor.to_owned(),
                owed: vec![owed],
                lines: Vec::new(),
            });
        }
        if decisions.is_empty() {
            return Ok(());
        }
        self.registry.owe_besides(&decisions).await?;
        for decision in &decisions {
            desk.wake(&decision.vendor);
        }
        Ok(())
    }
}
