//! Vendor push as the settings say: the vendors behind their lanes, and who hears of commits for them.

pub(crate) mod simulated;

use std::sync::Arc;

use godwit_dispatcher::{Channels, Due, Push, PushSettings};
use godwit_model::Clock;
use godwit_push::Vendors;

use crate::failure::Failure;
use crate::rooms::milliseconds;
use crate::settings::Settings;

/// Vendor push, and what must hear of every commit for it; neither where no vendor is set.
pub(crate) fn open(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<(Push, Option<Arc<Due>>), Failure> {
    let vendors = vendors(settings, clock)?;
    if vendors.is_empty() {
        return Ok((Push::default(), None));
    }
    let due = Arc::new(Due::default());
    let channels = Channels::of(Arc::new(vendors));
    Ok((Push::new(patience(settings), channels, Arc::clone(&due)), Some(due)))
}

/// The vendors of the settings. Reads their key files.
pub(crate) fn vendors(settings: &Settings, clock: &Arc<dyn Clock>) -> Result<Vendors, Failure> {
    Vendors::from_settings(&settings.vendors, clock)
        .map_err(|error| Failure::new("GW-V001", error.to_string(), "docs/push.md lists what each vendor has"))
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
