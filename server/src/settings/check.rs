//! What must hold between settings, and the bounds that a kind of value does not know.

mod cold;
mod tls;

use std::path::Path;

use godwit_model::limits;

use super::problem::{Place, Problem, ProblemKind};
use super::{Reading, Settings};

/// The largest segment: offsets inside it are 32 bits wide.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 64 << 10..=1 << 30;

pub(crate) fn check(reading: &mut Reading) {
    let Settings {
        server,
        mqtt,
        storage,
        credentials,
        limits,
        ..
    } = reading.settings.clone();
    let mut found = Vec::new();
    let mut require = |holds: bool, kind, key: &'static str, what: &str| {
        if !holds {
            found.push((kind, key, what.to_owned()));
        }
    };
    let segment_fits = SEGMENT_BYTES.contains(&storage.segment_size.0);
    require(
        segment_fits,
        ProblemKind::BadValue,
        "storage.segment_size",
        "must be from 64KiB to 1GiB",
    );
    let members_fit = limits.group_members <= limits::GROUP_MEMBERS_MAX;
    require(
        members_fit,
        ProblemKind::BadValue,
        "limits.group_members",
        "must be at most 100000",
    );
    let keep_alive_fits = (1..=u64::from(u16::MAX)).contains(&mqtt.keep_alive_max.as_secs());
    require(
        keep_alive_fits,
        ProblemKind::BadValue,
        "mqtt.keep_alive_max",
        "must be from 1s to 65535s",
    );
    let expiry_fits = mqtt
        .session_expiry_max
        .is_none_or(|time| (1..u64::from(u32::MAX)).contains(&time.as_secs()));
    require(
        expiry_fits,
        ProblemKind::BadValue,
        "mqtt.session_expiry_max",
        "must be from 1s to 4294967294s; leave it empty for sessions without end",
    );
    let ticket_fits = credentials.ticket_lifetime <= credentials.ticket_lifetime_max;
    let what = "must not be longer than credentials.ticket_lifetime_max";
    require(ticket_fits, ProblemKind::Conflict, "credentials.ticket_lifetime", what);
    let database = storage.database.reveal().unwrap_or("postgres://");
    let is_postgres = database.starts_with("postgres://") || database.starts_with("postgresql://");
    let what = "must be a postgres:// URL, or empty for SQLite in the data folder";
    require(is_postgres, ProblemKind::BadValue, "storage.database", what);
    let key_file = storage.key_file.as_deref().map(Path::new);
    let has_key_file = !storage.encrypt || key_file.is_some();
    let what = "needs `storage.key_file`, a file outside the data folder";
    require(has_key_file, ProblemKind::Conflict, "storage.encrypt", what);
    let is_apart = key_file.is_none_or(|file| !file.starts_with(&server.data));
    let what = "must be outside the data folder: who takes the one must not have the other";
    require(is_apart, ProblemKind::Conflict, "storage.key_file", what);
    for (kind, key, what) in found {
        let place = reading.place(key);
        reading.problem(Problem::new(kind, place, format!("`{key}` {what}"), ""));
    }
    cold::check(reading);
    tls::check(reading);
}

impl Reading {
    /// Where a setting was last written.
    fn place(&self, key: &'static str) -> Place {
        self.origins.get(key).cloned().unwrap_or(Place::Default)
    }
}
