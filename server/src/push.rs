//! Vendor push as the settings say: the vendors behind their lanes, and who hears of commits for them.

pub(crate) mod simulated;

use std::sync::Arc;
use std::time::Duration;

use godwit_dispatcher::{Channels, Due, Push, PushSettings};
use godwit_model::Clock;
use godwit_push::{KeptVendors, Receipts, SettingsError, Vendors};

use crate::failure::Failure;
use crate::rooms::milliseconds;
use crate::settings::Settings;

/// How often the files of keys are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Vendor push, or nothing of it where no vendor is set.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) push: Push,
    /// What must hear of every commit.
    pub(crate) due: Option<Arc<Due>>,
    /// Whose keys are to be kept new.
    pub(crate) vendors: Option<Arc<KeptVendors>>,
}

/// Makes vendor push as the settings say.
pub(crate) fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Opened, Failure> {
    let vendors = KeptVendors::new(settings.vendors.clone(), Arc::clone(clock));
    let vendors = vendors.map_err(|error| wrong(&error))?;
    if vendors.now().is_empty() {
        return Ok(Opened::default());
    }
    let vendors = Arc::new(vendors);
    let patience = patience(settings);
    let due = Arc::new(Due::new(patience.accounts_max));
    let receipts = Receipts::from_settings(&settings.vendors).map_err(|error| wrong(&error))?;
    let channels = Channels::of(Arc::clone(&vendors)).with_receipts(receipts);
    Ok(Opened {
        push: Push::new(patience, channels, Arc::clone(&due)),
        due: Some(due),
        vendors: Some(vendors),
    })
}

/// The vendors of the settings. Reads their key files.
pub(crate) fn vendors(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Vendors, Failure> {
    Vendors::from_settings(&settings.vendors, clock).map_err(|error| wrong(&error))
}

fn wrong(error: &SettingsError) -> Failure {
    Failure::new("GW-V001", error.to_string(), "docs/push.md lists what each vendor has")
}

/// Takes new keys into use when their files change; ends when it is dropped or aborted.
pub(crate) async fn keep_renewed(vendors: Arc<KeptVendors>) {
    let mut failures = 0_u32;
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let kept = Arc::clone(&vendors);
        // It reads files.
        let Ok(renewed) = tokio::task::spawn_blocking(move || kept.renew()).await else {
            continue;
        };
        failures = if renewed.is_err() {
            failures.saturating_add(1)
        } else {
            0
        };
        metrics::gauge!("push_keys_broken").set(if failures > 1 { 1.0 } else { 0.0 });
        match renewed {
            Ok(true) => tracing::info!("keys of push vendors changed, and are in use"),
            // Told once, and not of a file that is just being written.
            Err(error) if failures == 2 => {
                tracing::error!(%error, "a changed key of a push vendor cannot be used: the former one stays in use");
            }
            Ok(false) | Err(_) => {}
        }
    }
}

fn patience(settings: &Settings) -> PushSettings {
    let push = &settings.push;
    let window = |time| u32::try_from(milliseconds(time)).unwrap_or(u32::MAX);
    PushSettings {
        grace_ms: milliseconds(push.grace),
        message_ms: milliseconds(push.message_time),
        call_ms: milliseconds(push.call_time),
        window_ms: window(push.window),
        window_max_ms: window(push.window_max),
        ledger_ms: milliseconds(push.ledger_time),
        in_flight_max: push.in_flight,
        batched_max: push.batched,
        linger_ms: milliseconds(push.linger),
        page: push.page,
        accounts_max: push.accounts_waiting,
        idle_ms: godwit_dispatcher::push::idle(&settings.vendors),
        badge_updates: push.badge_updates,
        ledger_not_due: push.ledger_not_due,
        ..PushSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_those_of_the_room() {
        assert_eq!(patience(&Settings::default()), PushSettings::default());
    }
}
