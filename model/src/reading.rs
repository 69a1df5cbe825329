//! What a reader wishes: what is muted, when it is quiet, how much a notification may tell.

use std::fmt;
use std::str::FromStr;

/// A conversation or a sender that must not disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mute {
    /// Until when, in milliseconds since 1970; `None` is for ever.
    pub until_ms: Option<u64>,
    /// Whether messages that name the reader disturb all the same.
    pub mentions: bool,
}

impl Mute {
    /// Whether it holds now.
    pub fn holds(&self, now_ms: u64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }
}

/// Minutes of a day.
pub const DAY_MINUTES: u32 = 24 * 60;
/// How far a zone is from UTC at most, in minutes: UTC+14.
pub const OFFSET_MINUTES_MAX: i32 = 14 * 60;

/// A time of the day in which the reader is not disturbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// First quiet minute of the reader's day, from 0 to 1,439.
    pub from: u32,
    /// First minute that is not quiet any more; below `from` it is on the next day. Equal to it, the whole day is quiet.
    pub until: u32,
    /// Which clock the reader's day goes by.
    pub zone: Zone,
    /// Whether calls ring all the same.
    pub calls: bool,
    /// Whether messages that name the reader disturb all the same.
    pub mentions: bool,
}

impl QuietHours {
    /// Whether it is quiet at a time in milliseconds since 1970, when the reader's clock is so many minutes before UTC.
    pub fn holds(&self, now_ms: u64, offset: i32) -> bool {
        let minutes = i64::try_from(now_ms / 60_000).unwrap_or(i64::MAX / 2) + i64::from(offset);
        let minute = u32::try_from(minutes.rem_euclid(i64::from(DAY_MINUTES))).unwrap_or_default();
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// A clock somewhere on earth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Zone {
    /// So many minutes before UTC, summer and winter.
    Offset(i32),
    /// As its name in the time zone database says, such as `Asia/Shanghai`: summer time included.
    Named(String),
}

/// How much of a message a notification may tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Privacy {
    /// Who, and what.
    #[default]
    Full,
    /// Who, not what.
    Sender,
    /// Only that there is something.
    Neutral,
}

impl Privacy {
    /// All of them, the most telling first.
    pub const ALL: [Self; 3] = [Self::Full, Self::Sender, Self::Neutral];

    /// As requests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Sender => "sender",
            Self::Neutral => "neutral",
        }
    }
}

impl fmt::Display for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No privacy has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `full`, `sender` or `neutral`")]
pub struct UnknownPrivacy;

impl FromStr for Privacy {
    type Err = UnknownPrivacy;

    fn from_str(text: &str) -> Result<Self, UnknownPrivacy> {
        let found = Self::ALL.into_iter().find(|privacy| privacy.as_str() == text);
        found.ok_or(UnknownPrivacy)
    }
}

/// What an account wishes of its vendors' pushes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushWishes {
    /// How much is told.
    pub privacy: Privacy,
    /// When it is quiet; `None` is never.
    pub quiet: Option<QuietHours>,
    /// For how many seconds a desktop that is here, and has the message, keeps the phone from ringing; 0: it does not.
    pub desktop_hold_s: u32,
}

/// Most seconds for which a desktop may keep a phone from ringing.
pub const DESKTOP_HOLD_S_MAX: u32 = 3_600;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: u64 = 3_600_000;

    fn quiet(from: u32, until: u32, offset: i32) -> QuietHours {
        QuietHours {
            from: from * 60,
            until: until * 60,
            zone: Zone::Offset(offset),
            calls: true,
            mentions: false,
        }
    }

    #[test]
    fn quiet_hours_go_across_midnight_and_follow_the_readers_zone() {
        // 1970-01-01 is a day like any other; hours below are UTC.
        for (hours, hour, holds) in [
            (quiet(22, 7, 0), 23, true),
            (quiet(22, 7, 0), 6, true),
            (quiet(22, 7, 0), 7, false),
            (quiet(22, 7, 0), 21, false),
            (quiet(9, 17, 0), 12, true),
            (quiet(9, 17, 0), 17, false),
            // 15:00 UTC is 23:00 in Shanghai and 10:00 in New York.
            (quiet(22, 7, 480), 15, true),
            (quiet(22, 7, -300), 15, false),
            (quiet(22, 7, -300), 4, true),
            (quiet(8, 8, 0), 3, true),
        ] {
            let Zone::Offset(offset) = hours.zone else { continue };
            assert_eq!(hours.holds(hour * HOUR_MS, offset), holds, "{hours:?} at {hour}");
        }
    }

    #[test]
    fn a_mute_ends_by_itself() {
        let mute = Mute {
            until_ms: Some(10),
            mentions: false,
        };
        assert!(mute.holds(9) && !mute.holds(10));
        assert!(Mute { until_ms: None, ..mute }.holds(u64::MAX));
    }
}
