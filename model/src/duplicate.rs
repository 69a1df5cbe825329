//! When a client's message id is too old to be judged: ids that carry their time of birth.

use crate::limits::DUPLICATE_WINDOW_MS;

/// The time in milliseconds a UUIDv7 was made at (RFC 9562, 5.7); `None` for every other text.
pub fn carried_time_ms(id: &str) -> Option<u64> {
    let bytes = id.as_bytes();
    let hyphens = bytes.len() == 36 && [8, 13, 18, 23].into_iter().all(|at| bytes.get(at) == Some(&b'-'));
    if !hyphens || bytes.get(14) != Some(&b'7') {
        return None;
    }
    let digits = || id.chars().filter(|c| *c != '-');
    if digits().count() != 32 || !digits().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    digits()
        .take(12)
        .try_fold(0, |time, c| Some(time << 4 | u64::from(c.to_digit(16)?)))
}

/// Whether an id was made before the window in which repeats are recognised.
pub fn is_expired(id: &str, now_ms: u64) -> bool {
    carried_time_ms(id).is_some_and(|made_ms| made_ms.saturating_add(DUPLICATE_WINDOW_MS) < now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_of_version_7_carries_its_time() {
        // The example of RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC.
        let id = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F";
        assert_eq!(carried_time_ms(id), Some(0x017f_22e2_79b0));
        assert!(is_expired(id, 0x017f_22e2_79b0 + DUPLICATE_WINDOW_MS + 1));
        assert!(!is_expired(id, 0x017f_22e2_79b0 + DUPLICATE_WINDOW_MS));
        for other in [
            "",
            "hello",
            "017F22E2-79B0-4CC3-98C4-DC0C0C07398F",
            "017F22E279B07CC398C4DC0C0C07398F",
        ] {
            assert_eq!(carried_time_ms(other), None, "{other}");
        }
    }
}
