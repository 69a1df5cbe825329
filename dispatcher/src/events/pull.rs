//! Events for whoever asks: a page from a place on, or as soon as there is something.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use godwit_model::{Refusal, Refused, ServerId};
use godwit_registry::App;
use tokio::time::Instant;

use super::EventKind;
use super::event::PulledEvent;
use super::kind::Kinds;
use super::source::Place;
use crate::Dispatcher;

/// Longest sleep while something may come.
const IDLE: Duration = Duration::from_secs(1);
/// How long the log is looked through for one request, whatever is there.
const LOOKING: Duration = Duration::from_secs(5);

/// Where whoever asks for events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventCursor(Place);

/// The text is no place among events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a `cursor` of an earlier answer")]
pub struct MalformedCursor;

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.log, self.0.noted)
    }
}

impl FromStr for EventCursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let (log, noted) = text.split_once('.').ok_or(MalformedCursor)?;
        Ok(Self(Place {
            log: log.parse::<ServerId>().map_err(|_| MalformedCursor)?,
            noted: noted.parse().map_err(|_| MalformedCursor)?,
        }))
    }
}

/// Events that somebody asked for.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// In their order.
    pub events: Vec<PulledEvent>,
    /// What to ask for next.
    pub cursor: EventCursor,
}

impl Dispatcher {
    /// The events of the app's tenant after a place, or from now on; those of these kinds that the app may hear. Waits
    /// for the first one at most so long.
    ///
    /// # Errors
    /// [`Refusal::Overloaded`] where too many wait.
    pub async fn pull_events(
        &self,
        app: &App,
        after: Option<EventCursor>,
        kinds: Option<Vec<EventKind>>,
        wait: Duration,
    ) -> Result<Pulled, Refused> {
        let desk = self.events_desk()?;
        let heard = Kinds::heard_with(app.scopes);
        let kinds = kinds.map_or(heard, |kinds| Kinds(Kinds::of(kinds).0 & heard.0));
        let _place = desk
            .pulls
            .try_acquire()
            .map_err(|_| Refused::new(Refusal::Overloaded, "too many wait for events; try again"))?;
        let now_ms = self.clock.now_ms();
        if desk.interest.pulled(app.tenant, now_ms) {
            desk.know_interest(now_ms);
        }
        let began = Instant::now();
        let mut place = after.map_or_else(|| self.place_now(&desk.source), |after| after.0);
        loop {
            let news = desk.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let page = self.page_of_events(&desk.source, (app.tenant, kinds), place).await?;
            let moved = page.next != place;
            place = page.next;
            let waited = began.elapsed();
            let is_over = if moved {
                waited >= wait.max(LOOKING)
            } else {
                waited >= wait
            };
            if !page.events.is_empty() || is_over || desk.ending.load(Ordering::SeqCst) {
                return Ok(Pulled {
                    events: page.events.iter().map(super::event::Event::pulled).collect(),
                    cursor: EventCursor(place),
                });
            }
            if !moved {
                let _ = tokio::time::timeout(IDLE.min(wait.saturating_sub(waited)), news).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_what_it_prints() {
        let cursor = EventCursor(Place {
            log: ServerId(0x0192_f3a4_5b6c_7d8e_9fa0_b1c2_d3e4_f506),
            noted: 7,
        });
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", ".", "7", "x.7", "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506.x"] {
            assert_eq!(bad.parse::<EventCursor>(), Err(MalformedCursor), "{bad}");
        }
    }
}
