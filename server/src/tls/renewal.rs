//! Reads the files again when they change or on SIGHUP. Bad ones are told of, and what was good stays in use.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use godwit_model::Clock;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::doors::TlsDoors;
use super::fault::Fault;
use super::material::judge;
use crate::settings::TlsFiles;

/// How often the files are looked at. A change is taken when it is seen twice, so that a certificate and its key are
/// both there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How often the certificate's end is thought of.
const REMIND: Duration = Duration::from_hours(12);

/// How long before its end a certificate is worth a word.
const REMIND_BEFORE_MS: u64 = 14 * 24 * 3_600_000;

/// What tells one content of the files from another without reading them.
type Stamp = Vec<Option<(u64, u64, i64, i64)>>;

/// Keeps the doors' TLS by the newest good files; ends when it is dropped or aborted.
pub(crate) async fn keep_renewed(doors: Arc<TlsDoors>, files: TlsFiles, clock: Arc<dyn Clock>) {
    let mut hangups = signal(SignalKind::hangup())
        .inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be received; files of TLS are still watched"))
        .ok();
    let mut looks = tokio::time::interval(LOOK_AGAIN);
    let mut reminders = tokio::time::interval(REMIND);
    let mut in_use = stamp(&files);
    let mut seen = in_use.clone();
    loop {
        let is_asked = tokio::select! {
            () = next(&mut hangups) => true,
            _ = looks.tick() => false,
            _ = reminders.tick() => {
                remind(&doors, clock.now_ms());
                continue;
            }
        };
        let now = stamp(&files);
        let is_new = now != in_use && now == seen;
        seen.clone_from(&now);
        if is_asked || is_new {
            in_use = now;
            renew(&doors, &files, clock.now_ms());
        }
    }
}

async fn next(hangups: &mut Option<Signal>) {
    let received = match hangups {
        Some(signal) => signal.recv().await,
        None => None,
    };
    if received.is_none() {
        std::future::pending::<()>().await;
    }
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |path: &Path| {
        let metadata = path.metadata().ok()?;
        Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
    };
    let paths = [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref()];
    paths.into_iter().flatten().map(|path| of(path)).collect()
}

fn renew(doors: &TlsDoors, files: &TlsFiles, now_ms: u64) {
    let judgement = judge(files, now_ms);
    for fault in &judgement.faults {
        tell(fault);
    }
    let renewed = judgement.material.map(|material| {
        let until = material.facts.until();
        doors.renew(material).map(|()| until)
    });
    let outcome = match renewed {
        Some(Ok(until)) => {
            tracing::info!(until, "the files of TLS were read again and are in use");
            "renewed"
        }
        Some(Err(failure)) => {
            tracing::error!(%failure, "the former certificate stays in use");
            "kept"
        }
        None => {
            tracing::error!("the new files of TLS cannot be used; the former certificate stays in use");
            "kept"
        }
    };
    metrics::counter!("tls_renewals_total", "outcome" => outcome).increment(1);
}

fn tell(fault: &Fault) {
    let Fault { what, next, .. } = fault;
    if fault.is_warning() {
        tracing::warn!("{what}; {next}");
    } else {
        tracing::error!("{what}; {next}");
    }
}

fn remind(doors: &TlsDoors, now_ms: u64) {
    let facts = doors.facts();
    metrics::gauge!("tls_certificate_valid_until_seconds").set(precise(facts.until_ms / 1000));
    if now_ms.saturating_add(REMIND_BEFORE_MS) > facts.until_ms {
        tracing::warn!(until = facts.until(), "the certificate of TLS ends soon, or has ended");
    }
}

/// Seconds as metrics carry them: exact for some hundred million years.
#[expect(
    clippy::cast_precision_loss,
    reason = "dates of certificates have four digits of years"
)]
fn precise(seconds: u64) -> f64 {
    seconds as f64
}
