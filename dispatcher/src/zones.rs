//! What a reader's clock says: by its distance to UTC, or by the name of its zone, summer time included.

use godwit_model::{QuietHours, Zone};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Longest name of a zone, in bytes; the longest there is has 32.
const NAME_BYTES_MAX: usize = 64;

/// Finds a zone by its name in the time zone database, whatever the case of its letters. Answers its proper name.
pub(crate) fn find(name: &str) -> Option<Zone> {
    // A name without a slash is an abbreviation, which says nothing about summer time; `UTC` is the exception.
    let is_name = name.len() <= NAME_BYTES_MAX && (name.contains('/') || name.eq_ignore_ascii_case("utc"));
    let zone = is_name.then(|| TimeZone::get(name).ok()).flatten()?;
    zone.iana_name().map(|name| Zone::Named(name.to_owned()))
}

/// Whether it is quiet now. A zone that the database does not know any more counts as UTC.
pub(crate) fn is_quiet(hours: &QuietHours, now_ms: u64) -> bool {
    hours.holds(now_ms, offset(&hours.zone, now_ms))
}

/// How many minutes a clock is before UTC at a time.
fn offset(zone: &Zone, now_ms: u64) -> i32 {
    match zone {
        Zone::Offset(minutes) => *minutes,
        Zone::Named(name) => {
            let now = i64::try_from(now_ms)
                .ok()
                .and_then(|ms| Timestamp::from_millisecond(ms).ok());
            let zone = TimeZone::get(name).ok();
            zone.zip(now)
                .map_or(0, |(zone, now)| zone.to_offset(now).seconds() / 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> u64 {
        let timestamp: Timestamp = text.parse().expect("a time");
        u64::try_from(timestamp.as_millisecond()).expect("after 1970")
    }

    fn night(zone: &str) -> QuietHours {
        QuietHours {
            from: 22 * 60,
            until: 7 * 60,
            zone: find(zone).expect("a zone"),
            calls: true,
            mentions: false,
        }
    }

    #[test]
    fn the_night_follows_summer_time() {
        // Berlin goes from UTC+1 to UTC+2 on 2026-03-29 at 01:00 UTC, and back on 2026-10-25 at 01:00 UTC.
        let berlin = night("Europe/Berlin");
        for (time, quiet) in [
            ("2026-03-28T20:59:59Z", false),
            ("2026-03-28T21:00:00Z", true),
            ("2026-03-29T04:59:59Z", true),
            ("2026-03-29T05:00:00Z", false),
            ("2026-03-29T19:59:59Z", false),
            ("2026-03-29T20:00:00Z", true),
            ("2026-10-25T05:59:59Z", true),
            ("2026-10-25T06:00:00Z", false),
        ] {
            assert_eq!(is_quiet(&berlin, at(time)), quiet, "{time}");
        }
    }

    #[test]
    fn a_reader_who_travels_has_the_night_of_where_they_are() {
        let noon_in_shanghai = at("2026-07-01T04:00:00Z");
        assert!(!is_quiet(&night("Asia/Shanghai"), noon_in_shanghai));
        assert!(is_quiet(&night("America/New_York"), noon_in_shanghai));
        // Half an hour, and a quarter: Kathmandu is UTC+5:45.
        assert!(is_quiet(&night("Asia/Kathmandu"), at("2026-07-01T16:15:00Z")));
        assert!(!is_quiet(&night("Asia/Kathmandu"), at("2026-07-01T16:14:59Z")));
    }

    #[test]
    fn a_zone_is_known_by_its_proper_name() {
        assert_eq!(find("asia/shanghai"), Some(Zone::Named("Asia/Shanghai".to_owned())));
        assert_eq!(find("utc"), Some(Zone::Named("UTC".to_owned())));
        for unknown in ["", "CST", "Asia/Atlantis", "../etc/passwd", "/etc/localtime"] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
        let gone = QuietHours {
            zone: Zone::Named("Asia/Atlantis".to_owned()),
            ..night("UTC")
        };
        assert!(is_quiet(&gone, at("2026-07-01T22:00:00Z")));
    }
}
