//! Times and sizes as people write them: `30s`, `64MiB`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Microseconds of each unit of time, the largest first.
const TIMES: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Bytes of each unit of size, the largest first.
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        read(text, &SIZES).map(Self).ok_or(())
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(self.0, &SIZES))
    }
}

pub(crate) fn read_duration(text: &str) -> Option<Duration> {
    read(text, &TIMES).map(Duration::from_micros)
}

pub(crate) fn show_duration(time: Duration) -> String {
    show(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), &TIMES)
}

/// A whole number followed by exactly one unit.
fn read(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// In the largest unit that leaves no rest.
fn show(amount: u64, units: &[(&str, u64)]) -> String {
    let fitting = units
        .iter()
        .find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor));
    let (unit, factor) = fitting.or(units.last()).copied().unwrap_or(("", 1));
    format!("{}{unit}", amount / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_back_as_they_are_shown() {
        for text in ["500us", "50ms", "30s", "5m", "1h", "72h", "7d", "1500ms", "0us"] {
            let time = read_duration(text).expect("a time");
            assert_eq!(read_duration(&show_duration(time)), Some(time), "{text}");
        }
        assert_eq!(show_duration(Duration::from_mins(5)), "5m");
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("1GiB", 1 << 30),
            ("1000B", 1000),
            ("8 KiB", 8 << 10),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        assert_eq!(ByteSize(64 << 20).to_string(), "64MiB");
    }

    #[test]
    fn a_number_without_a_unit_or_with_another_is_not_understood() {
        for text in ["30", "s", "", "30 sec", "-1s", "1.5h", "30S"] {
            assert_eq!(read_duration(text), None, "{text}");
        }
        for text in ["64", "64MB", "64M", "MiB", "99999999999GiB"] {
            assert_eq!(text.parse::<ByteSize>(), Err(()), "{text}");
        }
    }
}
