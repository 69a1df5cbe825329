//! Walks DER, as far as a certificate's plain facts need it (ITU-T X.690). Never panics, whatever the bytes are.

pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;

/// What is left of a sequence of values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a>(pub(super) &'a [u8]);

impl<'a> Values<'a> {
    /// The next value: its tag and its bytes.
    pub(super) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.is_empty() || digits.len() > 4 {
                return None;
            }
            let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, which must have this tag.
    pub(super) fn take(&mut self, expected: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == expected).map(|(_, value)| value)
    }

    /// The values inside the next one, which must have this tag.
    pub(super) fn enter(&mut self, expected: u8) -> Option<Self> {
        self.take(expected).map(Self)
    }

    /// The next value, if it has this tag; else nothing is taken.
    pub(super) fn take_if(&mut self, expected: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let value = ahead.take(expected)?;
        *self = ahead;
        Some(value)
    }
}

/// A time of a certificate, in milliseconds since 1970 (RFC 5280, 4.1.2.5: always UTC, always with seconds).
pub(super) fn time_ms(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let pairs = rest.as_bytes().chunks(2).map(|pair| {
        let two_digits = pair.len() == 2 && pair.iter().all(u8::is_ascii_digit);
        let pair = std::str::from_utf8(pair).ok().filter(|_| two_digits)?;
        pair.parse::<i64>().ok()
    });
    let pairs: Vec<i64> = pairs.collect::<Option<_>>()?;
    let [month, day, hour, minute, second] = *pairs.as_slice() else {
        return None;
    };
    let seconds = (days_since_1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    // What ended before 1970 ended long ago.
    Some(u64::try_from(seconds).unwrap_or(0) * 1000)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that the leap day is
/// the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The date of a time, as `(year, month, day)`.
pub(super) fn date(time_ms: u64) -> (i64, i64, i64) {
    let days = i64::try_from(time_ms / 86_400_000).unwrap_or(i64::MAX);
    // Close to the year from below, then the month: at most one and eleven steps on.
    let mut year = 1970 + days / 366;
    while days_since_1970(year + 1, 1, 1) <= days {
        year += 1;
    }
    let month = (2..=12)
        .take_while(|month| days_since_1970(year, *month, 1) <= days)
        .last()
        .unwrap_or(1);
    (year, month, days - days_since_1970(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_dates_agree_with_the_calendar() {
        for (tag, text, seconds) in [
            (UTC_TIME, "700101000000Z", 0),
            (UTC_TIME, "240229235959Z", 1_709_251_199),
            (UTC_TIME, "491231235959Z", 2_524_607_999),
            (GENERALIZED_TIME, "20500101000000Z", 2_524_608_000),
        ] {
            assert_eq!(time_ms(tag, text.as_bytes()), Some(seconds * 1000), "{text}");
        }
        for wrong in ["", "Z", "2402292359Z", "24022923595Z", "xx0229235959Z", "240229235959"] {
            assert_eq!(time_ms(UTC_TIME, wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(date(1_709_251_199_000), (2024, 2, 29));
        assert_eq!(date(1_709_251_200_000), (2024, 3, 1));
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(2_524_607_999_000), (2049, 12, 31));
    }

    #[test]
    fn bytes_that_are_no_der_end_the_walk() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 5, 1],
            &[0x30, 0x80],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0x82, 1],
        ] {
            assert!(Values(bytes).next().is_none(), "{bytes:?}");
        }
        let mut values = Values(&[0x04, 0x81, 1, 7, 0x05, 0]);
        assert_eq!(values.take_if(SEQUENCE), None);
        assert_eq!(values.take_if(OCTET_STRING), Some(&[7][..]));
        assert_eq!(values.next(), Some((5, &[][..])));
    }
}
