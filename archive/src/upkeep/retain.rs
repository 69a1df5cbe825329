//! Lets go of segments that have been kept long enough, and says so when it dares not.

use std::sync::{Arc, Mutex, PoisonError};

use godwit_model::Clock;

use super::retention::{Limits, RetentionHalt, Verdict, judge};
use super::trust::{Reading, Trust};
use super::{Desk, UpkeepError};
use crate::segments;
use crate::settings::Settings;

/// What one pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments that were dropped.
    pub segments: u64,
    /// Bytes that their files took.
    pub bytes: u64,
    /// Why nothing was dropped although something should be.
    pub halt: Option<RetentionHalt>,
}

/// What retention would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPlan {
    /// Whether anything is limited: age or size.
    pub limited: bool,
    /// Segments that an approved pass would drop now, at most.
    pub segments: u64,
    /// Bytes that their files take.
    pub bytes: u64,
    /// Bytes of everything that is kept.
    pub of: u64,
    /// Server time of the newest message that would go, in milliseconds since 1970.
    pub newest_ms: Option<u64>,
    /// Why a pass that nobody approved would drop nothing of it.
    pub halt: Option<RetentionHalt>,
}

/// Why the last pass dropped nothing, for those who only ask.
pub(crate) type LastHalt = Arc<Mutex<Option<RetentionHalt>>>;

/// What retention remembers.
pub(crate) struct Retention {
    limits: Limits,
    segment_bytes: u64,
    trust: Trust,
    halt: LastHalt,
}

impl Retention {
    pub(crate) fn new(settings: &Settings, clock: &dyn Clock, halt: LastHalt) -> Self {
        Self {
            limits: Limits {
                age: settings.retention_age,
                bytes: settings.retention_bytes,
            },
            segment_bytes: settings.segment_bytes,
            trust: Trust::new(Reading::of(clock)),
            halt,
        }
    }

    /// Tells of a change once, not at every pass.
    fn note(&self, halt: Option<RetentionHalt>) {
        let mut known = self.halt.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news =
            known.map(|known| std::mem::discriminant(&known)) != halt.map(|halt| std::mem::discriminant(&halt));
        *known = halt;
        drop(known);
        metrics::gauge!("archive_retention_halted").set(if halt.is_some() { 1.0 } else { 0.0 });
        if let Some(halt) = halt.filter(|_| is_news) {
            tracing::error!(
                %halt,
                "retention is halted and drops nothing: `godwit archive retain` tells what would go, and with --yes lets it"
            );
        }
    }
}

impl Desk {
    /// What an approved pass would do, and why one that nobody approved would not. Changes nothing on the disk.
    pub(crate) fn plan(&mut self) -> RetentionPlan {
        let all = segments::list(&self.shared.view, self.retention.segment_bytes);
        let limits = self.retention.limits;
        let moment = self.retention.trust.moment(Reading::of(&*self.clock));
        let halt = match judge(&all, limits, moment, false) {
            Verdict::Halt(halt) => Some(halt),
            Verdict::Keep | Verdict::Drop { .. } => None,
        };
        let before = match judge(&all, limits, moment, true) {
            Verdict::Drop { before } => before,
            Verdict::Keep | Verdict::Halt(_) => 0,
        };
        let going = all.iter().filter(|segment| segment.no < before);
        RetentionPlan {
            limited: limits != Limits::default(),
            segments: going.clone().count() as u64,
            bytes: going.clone().map(|segment| segment.bytes).sum(),
            of: all.iter().map(|segment| segment.bytes).sum(),
            newest_ms: going.map(|segment| segment.last_ms).max(),
            halt,
        }
    }

    /// One pass. `approved` is an operator's word that the clock is right and much may go.
    pub(crate) fn retain(&mut self, approved: bool) -> Result<Retained, UpkeepError> {
        let view = &self.shared.view;
        let all = segments::list(view, self.retention.segment_bytes);
        let now = Reading::of(&*self.clock);
        if approved {
            self.retention.trust = Trust::new(now);
        }
        let moment = self.retention.trust.moment(now);
        let before = match judge(&all, self.retention.limits, moment, approved) {
            Verdict::Keep => {
                self.retention.note(None);
                return Ok(Retained::default());
            }
            Verdict::Halt(halt) => {
                self.retention.note(Some(halt));
                return Ok(Retained {
                    halt: Some(halt),
                    ..Retained::default()
                });
            }
            Verdict::Drop { before } => before,
        };
        self.retention.note(None);
        let lowest = self.sealed_log.drop_before(before)?;
        let gone = all.iter().filter(|segment| segment.no < lowest);
        let retained = Retained {
            segments: gone.clone().count() as u64,
            bytes: gone.map(|segment| segment.bytes).sum(),
            halt: None,
        };
        if retained.segments > 0 {
            metrics::counter!("archive_dropped_segments_total").increment(retained.segments);
            tracing::info!(
                segments = retained.segments,
                bytes = retained.bytes,
                lowest,
                "messages were kept long enough and went"
            );
        }
        Ok(retained)
    }
}
