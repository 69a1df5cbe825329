//! Stops asking a vendor that is down or does not take us, and probes with single pushes.

/// So many failures in a row open it.
const FAILURES_MAX: u32 = 10;
/// So many complaints about the configuration in a row open it.
const MISCONFIGURED_MAX: u32 = 3;
/// First pause after failures, in milliseconds; each failed probe doubles it.
const PAUSE_MS_FIRST: u64 = 1_000;
/// Longest pause, and the pause of a wrong configuration, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// Whether a push may go to the vendor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It may.
    Open,
    /// It may, alone, to see how the vendor is.
    Probe,
    /// Not for so long.
    Stopped { left_ms: u64, why: String },
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    misconfigured: u32,
    /// While it is open.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    why: String,
    pause_ms: u64,
    /// When the next probe may go, in steady milliseconds. A probe moves it on, so that one that never comes back does
    /// not close the way for ever.
    probe_at_ms: u64,
    /// Whether a probe is on its way: what was on its way when it opened proves nothing new.
    probing: bool,
}

impl Breaker {
    pub(super) fn enter(&mut self, steady_ms: u64) -> Entry {
        let Some(open) = &mut self.open else {
            return Entry::Open;
        };
        if steady_ms < open.probe_at_ms {
            return Entry::Stopped {
                left_ms: open.probe_at_ms - steady_ms,
                why: open.why.clone(),
            };
        }
        open.probe_at_ms = steady_ms + open.pause_ms;
        open.probing = true;
        Entry::Probe
    }

    /// The vendor works, whatever it said.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// The vendor did not answer, or said that it is down.
    pub(super) fn failed(&mut self, code: &str, steady_ms: u64) {
        self.failures += 1;
        let pause_ms = match &self.open {
            None if self.failures < FAILURES_MAX => return,
            None => PAUSE_MS_FIRST,
            Some(open) if open.probing => (open.pause_ms * 2).min(PAUSE_MS_MAX),
            Some(_) => return,
        };
        self.stop(
            format!("{code}: {} failures in a row", self.failures),
            pause_ms,
            steady_ms,
        );
    }

    /// The vendor does not take us as we are.
    pub(super) fn misconfigured(&mut self, code: &str, detail: &str, steady_ms: u64) {
        self.misconfigured += 1;
        if self.misconfigured >= MISCONFIGURED_MAX || self.open.is_some() {
            self.stop(format!("{code}: {detail}"), PAUSE_MS_MAX, steady_ms);
        }
    }

    /// Milliseconds until the next push may go.
    pub(super) fn left_ms(&self, steady_ms: u64) -> u64 {
        let open = self.open.as_ref();
        open.map_or(0, |open| open.probe_at_ms.saturating_sub(steady_ms))
    }

    pub(super) fn stopped(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.why.as_str())
    }

    fn stop(&mut self, why: String, pause_ms: u64, steady_ms: u64) {
        if self.open.is_none() {
            tracing::warn!(why, "pushes to a vendor are stopped; single ones will try again");
        }
        self.open = Some(Open {
            why,
            pause_ms,
            probe_at_ms: steady_ms + pause_ms,
            probing: false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_after_failures() -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            assert_eq!(breaker.enter(0), Entry::Open);
            breaker.failed("503", 0);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_closes_with_a_good_probe() {
        let mut breaker = open_after_failures();
        assert!(matches!(breaker.enter(999), Entry::Stopped { left_ms: 1, .. }));
        assert_eq!(breaker.enter(1_000), Entry::Probe);
        assert!(matches!(breaker.enter(1_000), Entry::Stopped { left_ms: 1_000, .. }));
        breaker.answered();
        assert_eq!(breaker.enter(1_001), Entry::Open);
    }

    #[test]
    fn each_failed_probe_doubles_the_pause_up_to_a_minute() {
        let mut breaker = open_after_failures();
        let mut now_ms = 1_000;
        for pause_ms in [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            assert_eq!(breaker.enter(now_ms), Entry::Probe);
            breaker.failed("503", now_ms + 10);
            now_ms += 10;
            assert!(matches!(breaker.enter(now_ms), Entry::Stopped { left_ms, .. } if left_ms == pause_ms));
            now_ms += pause_ms;
        }
    }

    #[test]
    fn failures_that_were_on_their_way_when_it_opened_change_nothing() {
        let mut breaker = open_after_failures();
        for _ in 0..100 {
            breaker.failed("503", 500);
        }
        assert_eq!(breaker.enter(1_000), Entry::Probe);
    }

    #[test]
    fn a_probe_that_never_comes_back_is_followed_by_another() {
        let mut breaker = open_after_failures();
        assert_eq!(breaker.enter(1_000), Entry::Probe);
        assert_eq!(breaker.enter(2_000), Entry::Probe);
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let mut breaker = Breaker::default();
        for _ in 0..50 {
            breaker.failed("timeout", 0);
            breaker.failed("timeout", 0);
            breaker.answered();
        }
        assert_eq!(breaker.enter(0), Entry::Open);
    }

    #[test]
    fn a_wrong_configuration_is_probed_each_minute_and_says_why() {
        let mut breaker = Breaker::default();
        for _ in 0..MISCONFIGURED_MAX {
            breaker.misconfigured("InvalidProviderToken", "the key is unknown", 0);
        }
        assert!(matches!(breaker.enter(59_999), Entry::Stopped { left_ms: 1, .. }));
        assert_eq!(breaker.stopped(), Some("InvalidProviderToken: the key is unknown"));
        assert_eq!(breaker.enter(60_000), Entry::Probe);
    }
}
