//! What a reader wishes of its vendors' pushes, as it is written in requests and answers.

use godwit_model::reading::{DAY_MINUTES, DESKTOP_HOLD_S_MAX, OFFSET_MINUTES_MAX};
use godwit_model::{PushWishes, QuietHours, Refusal, Refused, Zone};
use serde::{Deserialize, Serialize};

use crate::zones;

/// What a reader wishes; what is left out goes back to its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Wishes {
    /// `full`, `sender` (who, not what) or `neutral` (only that there is something).
    pub privacy: Option<String>,
    /// When it is quiet; left out: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<Quiet>,
    /// For how many seconds a desktop (web or Windows) that is connected and has the message keeps the other devices from
    /// ringing for it, at most 3,600; left out or 0: it does not.
    #[serde(skip_serializing_if = "is_zero")]
    pub desktop_hold: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A time of the reader's day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quiet {
    /// First quiet minute, as `22:00`.
    pub from: String,
    /// First minute that is not, as `07:30`; before `from` it is on the next day.
    pub until: String,
    /// The reader's zone by its name, as `Asia/Shanghai`, or how far its clock is from UTC, as `+08:00`, which knows no
    /// summer time. The app tells it anew when the phone's zone changes.
    pub zone: String,
    /// Whether calls ring all the same; they do if not given.
    #[serde(default = "yes")]
    pub calls: bool,
    /// Whether messages that name the reader disturb all the same.
    #[serde(default)]
    pub mentions: bool,
}

fn yes() -> bool {
    true
}

impl Wishes {
    /// Reads what was written.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] naming the field.
    pub fn understand(&self) -> Result<PushWishes, Refused> {
        let privacy = self.privacy.as_deref().map(str::parse).transpose();
        let privacy = privacy.map_err(|error| invalid(&format!("`privacy` {error}")))?;
        if self.desktop_hold > DESKTOP_HOLD_S_MAX {
            return Err(invalid(&format!(
                "`desktopHold` is at most {DESKTOP_HOLD_S_MAX} seconds"
            )));
        }
        Ok(PushWishes {
            privacy: privacy.unwrap_or_default(),
            desktop_hold_s: self.desktop_hold,
            quiet: self.quiet_hours.as_ref().map(Quiet::understand).transpose()?,
        })
    }
}

impl Quiet {
    fn understand(&self) -> Result<QuietHours, Refused> {
        let minute = |field: &str, text: &str| {
            minutes(text)
                .filter(|minute| *minute < DAY_MINUTES)
                .ok_or_else(|| invalid(&format!("`{field}` must be a time of the day, as 22:00")))
        };
        Ok(QuietHours {
            from: minute("quietHours.from", &self.from)?,
            until: minute("quietHours.until", &self.until)?,
            zone: zone(&self.zone).ok_or_else(|| {
                invalid(
                    "`quietHours.zone` must be the name of a zone, as Asia/Shanghai, or a distance to UTC, as +08:00",
                )
            })?,
            calls: self.calls,
            mentions: self.mentions,
        })
    }
}

fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| (text.len() == 2).then(|| text.parse::<u32>().ok()).flatten();
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes)
}

fn zone(text: &str) -> Option<Zone> {
    offset(text).map(Zone::Offset).or_else(|| zones::find(text))
}

fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let distance = i32::try_from(minutes(rest)?).ok()?;
    (distance <= OFFSET_MINUTES_MAX).then_some(sign * distance)
}

fn invalid(detail: &str) -> Refused {
    Refused::new(Refusal::InvalidField, detail.to_owned())
}

fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl From<PushWishes> for Wishes {
    fn from(wishes: PushWishes) -> Self {
        Self {
            privacy: Some(wishes.privacy.as_str().to_owned()),
            desktop_hold: wishes.desktop_hold_s,
            quiet_hours: wishes.quiet.map(|quiet| Quiet {
                from: clock(quiet.from),
                until: clock(quiet.until),
                zone: match quiet.zone {
                    Zone::Named(name) => name,
                    Zone::Offset(minutes) => {
                        let sign = if minutes < 0 { '-' } else { '+' };
                        format!("{sign}{}", clock(minutes.unsigned_abs()))
                    }
                },
                calls: quiet.calls,
                mentions: quiet.mentions,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_as_they_are_written() {
        let text = r#"{"privacy":"sender","quietHours":{"from":"22:00","until":"07:30","zone":"-03:30","calls":true,"mentions":false}}"#;
        let wishes: Wishes = serde_json::from_str(text).unwrap();
        let understood = wishes.understand().unwrap();
        assert_eq!(understood.quiet.as_ref().unwrap().zone, Zone::Offset(-210));
        assert_eq!(serde_json::to_string(&Wishes::from(understood)).unwrap(), text);
        let named = text.replace("-03:30", "America/St_Johns");
        let held = named.replace("}}", r#"},"desktopHold":30}"#);
        for text in [named, held] {
            let wishes: Wishes = serde_json::from_str(&text).unwrap();
            let understood = wishes.understand().unwrap();
            assert_eq!(serde_json::to_string(&Wishes::from(understood)).unwrap(), text);
        }
        let too_long = Wishes {
            desktop_hold: DESKTOP_HOLD_S_MAX + 1,
            ..Wishes::default()
        };
        assert!(too_long.understand().is_err());
        for wrong in ["24:00", "7:00", "07:60", "noon"] {
            assert_eq!(minutes(wrong).filter(|minute| *minute < DAY_MINUTES), None, "{wrong}");
        }
        assert_eq!(
            (offset("+14:00"), offset("+15:00"), offset("08:00")),
            (Some(840), None, None)
        );
    }
}
