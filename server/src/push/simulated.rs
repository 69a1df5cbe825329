//! `godwit serve --simulate-push`: stand-ins for all vendors, and what made-up phones would show, on standard output.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use godwit_gateway::{SimulatedNotification, SimulatedPhone};
use godwit_model::{Clock, SystemClock};
use godwit_push::VendorName;
use godwit_push::simulator::{Shown, Simulators};

use crate::console::print;
use crate::failure::Failure;
use crate::settings::Settings;

/// How often it is looked what phones show.
const LOOK: Duration = Duration::from_millis(200);
/// Characters of a token that are printed.
const TOKEN_SHOWN: usize = 12;

/// Starts the stand-ins and leads the settings to them.
pub(crate) async fn start(settings: &mut Settings) -> Result<Arc<Simulators>, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let started = Simulators::start_all(clock).await;
    let simulators =
        started.map_err(|error| Failure::new("GW-V006", format!("the simulated vendors do not start: {error}"), ""))?;
    simulators.devices().welcome_strangers();
    settings.vendors = simulators.settings();
    Ok(Arc::new(simulators))
}

/// What one phone shows, as the page to try the platform draws it.
pub(crate) fn phone(simulators: &Simulators, vendor: &str, token: &str) -> SimulatedPhone {
    let Ok(vendor) = vendor.parse() else {
        return SimulatedPhone::default();
    };
    let phone = simulators.phones().look(vendor, token);
    let history: Vec<&Shown> = phone.history.iter().collect();
    let shown = history.iter().zip(1..).filter(|(shown, _)| !shown.silent);
    let notifications = shown.map(|(shown, next)| SimulatedNotification {
        id: shown.id.clone().unwrap_or_else(|| next.to_string()),
        title: shown.title.clone(),
        body: shown.body.clone(),
        rings: shown.rings,
        state: state(shown, history.get(next..).unwrap_or_default()),
    });
    SimulatedPhone {
        badge: phone.badge,
        notifications: notifications.collect(),
    }
}

/// What became of a notification by those that came later.
fn state(shown: &Shown, later: &[&Shown]) -> &'static str {
    let collapse = shown.data.get("collapse");
    for next in later {
        if collapse.is_some() && next.data.get("withdraw") == collapse {
            return "withdrawn";
        }
        if !next.silent && shown.collapse.is_some() && next.collapse == shown.collapse {
            return "replaced";
        }
    }
    "shown"
}

/// Prints what phones show, for as long as the server runs.
pub(crate) async fn watch(simulators: Arc<Simulators>) {
    let mut printed: HashMap<(VendorName, String), usize> = HashMap::new();
    loop {
        tokio::time::sleep(LOOK).await;
        for (vendor, token, phone) in simulators.phones().all() {
            let already = printed.entry((vendor, token.clone())).or_default();
            for shown in phone.history.iter().skip(*already) {
                print(&line(vendor, &token, shown));
            }
            *already = phone.history.len();
        }
    }
}

fn line(vendor: VendorName, token: &str, shown: &Shown) -> String {
    let token: String = token.chars().take(TOKEN_SHOWN).collect();
    let badge = shown
        .badge
        .map_or_else(String::new, |badge| format!(" (badge {badge})"));
    let what = match (shown.silent, shown.rings) {
        (true, _) => "is told silently".to_owned(),
        (false, true) => format!("RINGS: {} {}", shown.title, shown.body),
        (false, false) => format!("shows: {} | {}", shown.title, shown.body),
    };
    format!("[{vendor}] phone {token}… {what}{badge}\n")
}
