//! What must hold between the settings of the store for old messages.

use std::time::Duration;

use godwit_archive::{ColdPlace, ColdSettings};

use super::super::problem::{Problem, ProblemKind};
use super::Reading;

/// Least time a page may wait: less is no store over a network.
const TIME_LIMIT_MIN: Duration = Duration::from_millis(100);

pub(super) fn check(reading: &mut Reading) {
    let cold = reading.settings.cold.clone();
    let url = cold.url.as_deref();
    let has_both = cold.access_key.reveal().is_some() == cold.secret_key.reveal().is_some();
    let mut found = Vec::new();
    if url.is_some_and(|url| !ColdPlace::is_url(url)) {
        let what = "must be s3://bucket/prefix or file:///folder, or empty";
        found.push((ProblemKind::BadValue, "cold.url", what));
    }
    if cold.after < ColdSettings::AFTER_MIN {
        let what = "must be at least 4d: a message may be sent again for 72h, and a day is to spare";
        found.push((ProblemKind::BadValue, "cold.after", what));
    }
    if cold.time_limit < TIME_LIMIT_MIN {
        found.push((ProblemKind::BadValue, "cold.time_limit", "must be at least 100ms"));
    }
    if !has_both {
        let what = "and `cold.secret_key` belong together: set both, or none";
        found.push((ProblemKind::Conflict, "cold.access_key", what));
    }
    for (kind, key, what) in found {
        let place = reading.place(key);
        reading.problem(Problem::new(kind, place, format!("`{key}` {what}"), ""));
    }
}
