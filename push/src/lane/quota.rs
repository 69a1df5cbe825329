//! What may be sent in a day, from midnight to midnight in China, and what is kept for calls and mentions.

use std::collections::BTreeMap;

use crate::{Class, Outcome};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// China is eight hours ahead of UTC all year.
const AHEAD_MS: u64 = 8 * 3_600 * 1_000;

/// The next midnight of the Chinese vendors (UTC+8), in milliseconds since 1970.
pub fn next_vendor_midnight_ms(now_ms: u64) -> u64 {
    (day(now_ms) + 1) * DAY_MS - AHEAD_MS
}

fn day(now_ms: u64) -> u64 {
    (now_ms + AHEAD_MS) / DAY_MS
}

/// The settings allow no more today.
pub(super) fn used_up() -> Outcome {
    Outcome::quota_day("per_day", "as many as the settings allow in a day")
}

#[derive(Debug)]
pub(super) struct Quota {
    per_day: Option<u64>,
    reserve: u64,
    today: u64,
    spent: u64,
    /// Until when a class is stopped by the vendor's word, in milliseconds since 1970.
    stopped: BTreeMap<Class, u64>,
}

impl Quota {
    pub(super) fn new(per_day: Option<u64>, reserve: u64) -> Self {
        Self {
            per_day,
            reserve,
            today: 0,
            spent: 0,
            stopped: BTreeMap::new(),
        }
    }

    pub(super) fn admit(&mut self, class: Class, now_ms: u64) -> Result<(), Outcome> {
        self.turn_day(now_ms);
        if self.stopped.contains_key(&class) {
            return Err(Outcome::quota_day(
                "quota_day",
                "the vendor takes no more of this class today",
            ));
        }
        if self.left(class, now_ms) == 0 {
            return Err(used_up());
        }
        Ok(())
    }

    /// How many more of this class the settings allow today.
    pub(super) fn left(&mut self, class: Class, now_ms: u64) -> u64 {
        self.turn_day(now_ms);
        let Some(most) = self.per_day else {
            return u64::MAX;
        };
        let most = if matches!(class, Class::Call | Class::Mention) {
            most
        } else {
            most.saturating_sub(self.reserve)
        };
        most.saturating_sub(self.spent)
    }

    pub(super) fn spend(&mut self, pushes: u64, now_ms: u64) {
        self.turn_day(now_ms);
        self.spent = self.spent.saturating_add(pushes);
    }

    pub(super) fn stop(&mut self, class: Class, now_ms: u64) {
        self.stopped.insert(class, next_vendor_midnight_ms(now_ms));
    }

    pub(super) fn stopped(&self, now_ms: u64) -> Vec<Class> {
        let still = self.stopped.iter().filter(|(_, until_ms)| now_ms < **until_ms);
        still.map(|(class, _)| *class).collect()
    }

    fn turn_day(&mut self, now_ms: u64) {
        self.stopped.retain(|_, until_ms| now_ms < *until_ms);
        let today = day(now_ms);
        if today != self.today {
            self.today = today;
            self.spent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24 10:00 UTC, 18:00 in China.
    const TEN_MS: u64 = 1_795_514_400_000;
    const HOUR_MS: u64 = 3_600_000;

    #[test]
    fn midnight_is_chinas() {
        assert_eq!(next_vendor_midnight_ms(TEN_MS), TEN_MS + 6 * HOUR_MS);
        assert_eq!(next_vendor_midnight_ms(TEN_MS + 6 * HOUR_MS), TEN_MS + 30 * HOUR_MS);
    }

    #[test]
    fn a_class_out_of_quota_rests_until_midnight_and_others_go_on() {
        let mut quota = Quota::new(None, 0);
        quota.stop(Class::Chat, TEN_MS);
        assert!(quota.admit(Class::Chat, TEN_MS + 6 * HOUR_MS - 1).is_err());
        assert!(quota.admit(Class::Call, TEN_MS).is_ok());
        assert_eq!(quota.stopped(TEN_MS), [Class::Chat]);
        assert!(quota.admit(Class::Chat, TEN_MS + 6 * HOUR_MS).is_ok());
    }

    #[test]
    fn calls_and_mentions_have_a_reserve() {
        let mut quota = Quota::new(Some(10), 3);
        quota.spend(7, TEN_MS);
        assert!(quota.admit(Class::Chat, TEN_MS).is_err());
        assert!(quota.admit(Class::Call, TEN_MS).is_ok());
        quota.spend(3, TEN_MS);
        assert!(quota.admit(Class::Mention, TEN_MS).is_err());
        assert!(quota.admit(Class::Chat, TEN_MS + 6 * HOUR_MS).is_ok());
    }
}
