//! `godwit serve`: from the settings to a running server, and from a signal to its end.

use std::time::Instant;

use crate::args::Serve;
use crate::banner::Banner;
use crate::console::print;
use crate::data_folder::DataFolder;
use crate::failure::Failure;
use crate::push::simulated;
use crate::running::Running;
use crate::settings::{self, Loaded, LogFormat};
use crate::shutdown::StopSignals;
use crate::wiring::{self, Parts};
use crate::{console, operator, telemetry};

/// Runs a server until it is told to stop, or cannot go on.
pub(crate) async fn serve(arguments: &Serve) -> Result<(), Failure> {
    let began = Instant::now();
    let mut loaded = settings::load(arguments.sources())?;
    telemetry::install_log(&loaded.settings.log);
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let mut signals = StopSignals::listen()?;
    let folder = DataFolder::open_or_make(&loaded.settings.server.data)?;
    folder.clear_addresses()?;
    operator::forget(&folder)?;
    let simulators = if arguments.simulate_push {
        Some(simulated::start(&mut loaded.settings).await?)
    } else {
        None
    };
    let parts = Parts::of_folder(&loaded.settings, &folder).await?;
    let running = wiring::start_with(&loaded.settings, parts, simulators.clone()).await?;
    if let Err(failure) = announce(&loaded, &folder, &running, began) {
        running.shutdown().await;
        return Err(failure);
    }
    let _watching = simulators.map(|simulators| AbortOnDrop(tokio::spawn(simulated::watch(simulators))));
    let reason = tokio::select! {
        signal = signals.next() => Ok(signal),
        () = running.archive_failed() => Err(archive_failed()),
        never = operator::obey(&folder, running.archive.clone()) => match never {},
    };
    tracing::info!(signal = reason.as_ref().ok(), "stopping");
    folder.clear_addresses()?;
    stop(running, &mut signals).await?;
    reason.map(drop)
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps what the start made, and says where everything is.
fn announce(loaded: &Loaded, folder: &DataFolder, running: &Running, began: Instant) -> Result<(), Failure> {
    if let Some(app) = running.first_app() {
        folder.write_first_app(app)?;
    }
    let addresses = running.addresses();
    folder.write_addresses(&addresses)?;
    let took = began.elapsed();
    let first_app = folder.first_app_path();
    let banner = Banner {
        loaded,
        addresses: &addresses,
        certificate: running.certificate(),
        is_new: folder.is_new(),
        first_app: first_app.exists().then_some(&*first_app),
    };
    match loaded.settings.log.format {
        LogFormat::Text => print(&banner.text(took)),
        LogFormat::Json => banner.log(took),
    }
    Ok(())
}

/// The first signal asked to stop; a second one does not wait for what is under way.
async fn stop(running: Running, signals: &mut StopSignals) -> Result<(), Failure> {
    tokio::select! {
        () = running.shutdown() => {
            tracing::info!("stopped");
            Ok(())
        }
        signal = signals.next() => {
            // The archive's writer may be in the middle of a sync; the next start recovers as after a crash.
            console::report(&Failure::new("GW-P003", format!("{signal} again: ending at once"), ""));
            std::process::exit(1)
        }
    }
}

fn archive_failed() -> Failure {
    let what = "the message log stopped after a failed write or sync; nothing is acknowledged any more";
    let next = "look at the disk, then start again: everything that was acknowledged is still there";
    Failure::new("GW-A002", what, next)
}
