//! Keeps the token that a vendor wants with each request, and renews it once for everybody.

use std::sync::{Arc, Mutex, MutexGuard};

use godwit_model::Clock;
use reqwest::RequestBuilder;
use tokio::sync::watch;

use crate::door::{Answer, Door, Unreached};
use crate::{BoxFuture, CheckError, Outcome};

/// A token is renewed in the background once this part of its life is over, in percent.
const RENEW_PERCENT: u64 = 80;
/// First pause after a failed renewal, in milliseconds; each failure doubles it.
const PAUSE_MS_FIRST: u64 = 1_000;
/// Longest pause after failed renewals, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;

/// A new token.
pub(crate) struct Fresh {
    pub(crate) token: String,
    /// How long it is good for, in milliseconds.
    pub(crate) life_ms: u64,
    /// After how long it is renewed in the background, in milliseconds.
    pub(crate) renew_ms: u64,
}

impl Fresh {
    /// A token that is good for `life_ms`.
    pub(crate) fn new(token: impl Into<String>, life_ms: u64) -> Self {
        Self {
            token: token.into(),
            life_ms,
            renew_ms: life_ms / 100 * RENEW_PERCENT,
        }
    }
}

/// No token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Who gives tokens cannot be reached.
    Unreached(Unreached),
    /// Who gives tokens has trouble, and says so.
    Busy { outcome: Outcome },
    /// The credentials are wrong.
    Refused { code: String, detail: String },
}

impl Denied {
    pub(crate) fn refused(code: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self::Refused {
            code: code.into(),
            detail: crate::outcome::detail(detail),
        }
    }

    /// For an answer that holds no token and no word we know.
    pub(crate) fn by_status(answer: &Answer) -> Self {
        match answer.by_status() {
            outcome @ Outcome::Retry { .. } => Self::Busy { outcome },
            other => Self::refused(other.code(), other.detail()),
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Unreached(unreached) => unreached.outcome(),
            Self::Busy { outcome } => outcome.clone(),
            Self::Refused { code, detail } => Outcome::misconfigured(code.as_str(), detail),
        }
    }
}

impl From<Denied> for CheckError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unreached(unreached) => unreached.into(),
            Denied::Busy { outcome } => Self::Unexpected {
                code: outcome.code().to_owned(),
                detail: outcome.detail().to_owned(),
            },
            Denied::Refused { code, detail } => Self::Credentials { code, detail },
        }
    }
}

/// Gets a token from whoever gives them. Called by one task at a time.
pub(crate) trait Fetch: Send + Sync + 'static {
    fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>>;
}

type Fetched = Result<Arc<str>, Denied>;
/// Where the outcome of the renewal under way will be; `None` until then.
type Flight = watch::Receiver<Option<Fetched>>;

/// The token of one account at one vendor.
pub(crate) struct TokenSource {
    fetch: Box<dyn Fetch>,
    clock: Arc<dyn Clock>,
    /// Refuses to renew sooner than this after the last success, in milliseconds.
    least_ms: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    flight: Option<Flight>,
    failed: Option<Failed>,
}

struct Held {
    token: Arc<str>,
    renew_at_ms: u64,
    dead_at_ms: u64,
    since_ms: u64,
}

struct Failed {
    denied: Denied,
    until_ms: u64,
    pause_ms: u64,
}

impl TokenSource {
    pub(crate) fn new(fetch: impl Fetch, clock: Arc<dyn Clock>) -> Arc<Self> {
        Self::with_least(fetch, clock, 0)
    }

    /// A source that renews a token that was called invalid not sooner than `least_ms` after it came.
    pub(crate) fn with_least(fetch: impl Fetch, clock: Arc<dyn Clock>, least_ms: u64) -> Arc<Self> {
        Arc::new(Self {
            fetch: Box::new(fetch),
            clock,
            least_ms,
            state: Mutex::default(),
        })
    }

    /// The token; waits only when there is none that is alive, and then for the same renewal as everybody else.
    pub(crate) async fn get(self: &Arc<Self>) -> Fetched {
        let flight = {
            let mut state = self.state();
            let now_ms = self.clock.steady_ms();
            let alive = state.held.as_ref().filter(|held| now_ms < held.dead_at_ms);
            if let Some(held) = alive {
                let token = Arc::clone(&held.token);
                if now_ms >= held.renew_at_ms {
                    // Whoever holds a living token does not wait, and does not mind a failure.
                    let _ = self.renewal(&mut state, now_ms);
                }
                return Ok(token);
            }
            self.renewal(&mut state, now_ms)?
        };
        landed(flight).await
    }

    /// The vendor does not take this token: forgets it, unless it was renewed meanwhile.
    pub(crate) fn invalidate(&self, token: &str) {
        let now_ms = self.clock.steady_ms();
        let mut state = self.state();
        let is_it = |held: &Held| *held.token == *token && now_ms >= held.since_ms.saturating_add(self.least_ms);
        if state.held.as_ref().is_some_and(is_it) {
            state.held = None;
        }
    }

    /// The renewal that is under way, or a new one, unless the last failed a moment ago.
    fn renewal(self: &Arc<Self>, state: &mut State, now_ms: u64) -> Result<Flight, Denied> {
        if let Some(flight) = &state.flight {
            return Ok(flight.clone());
        }
        if let Some(failed) = state.failed.as_ref().filter(|failed| now_ms < failed.until_ms) {
            return Err(failed.denied.clone());
        }
        let (land, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let source = Arc::clone(self);
        // A task of its own: whoever asked first may go away, and the others still wait.
        tokio::spawn(async move {
            let _grounded = Grounded(&source);
            let fetched = source.fetch.fetch().await;
            let fetched = source.keep(fetched);
            let _ = land.send(Some(fetched));
        });
        Ok(flight)
    }

    fn keep(&self, fetched: Result<Fresh, Denied>) -> Fetched {
        let now_ms = self.clock.steady_ms();
        let mut state = self.state();
        state.flight = None;
        let result = if fetched.is_ok() { "ok" } else { "failed" };
        metrics::counter!("push_auth_refresh_total", "result" => result).increment(1);
        match fetched {
            Ok(fresh) => {
                let token: Arc<str> = fresh.token.into();
                state.failed = None;
                state.held = Some(Held {
                    token: Arc::clone(&token),
                    renew_at_ms: now_ms.saturating_add(fresh.renew_ms),
                    dead_at_ms: now_ms.saturating_add(fresh.life_ms),
                    since_ms: now_ms,
                });
                Ok(token)
            }
            Err(denied) => {
                let before = state.failed.as_ref().map(|failed| failed.pause_ms);
                let pause_ms = before.map_or(PAUSE_MS_FIRST, |pause_ms| (pause_ms * 2).min(PAUSE_MS_MAX));
                state.failed = Some(Failed {
                    denied: denied.clone(),
                    until_ms: now_ms + pause_ms,
                    pause_ms,
                });
                Err(denied)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds a token")
    }
}

/// Asks with the token, and once more with a new one if the vendor calls it stale.
pub(crate) async fn ask_with_token(
    door: &Door,
    tokens: &Arc<TokenSource>,
    build: impl Fn(&str) -> RequestBuilder,
    is_stale: impl Fn(&Answer) -> bool,
) -> Result<Answer, Outcome> {
    let mut renewed = false;
    loop {
        let token = tokens.get().await.map_err(|denied| denied.outcome())?;
        let answer = door.ask(build(&token)).await.map_err(|unreached| unreached.outcome())?;
        if renewed || !is_stale(&answer) {
            return Ok(answer);
        }
        tokens.invalidate(&token);
        renewed = true;
    }
}

/// Ends a flight whose task was given up before it could keep what it fetched.
struct Grounded<'a>(&'a TokenSource);

impl Drop for Grounded<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if state
            .flight
            .as_ref()
            .is_some_and(|flight| flight.has_changed().is_err())
        {
            state.flight = None;
        }
    }
}

async fn landed(mut flight: Flight) -> Fetched {
    let landed = flight.wait_for(Option::is_some).await;
    let fetched = landed.ok().and_then(|fetched| fetched.clone());
    fetched.unwrap_or(Err(Denied::Unreached(Unreached::Broken(
        "the renewal was given up".to_owned(),
    ))))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use godwit_model::clock::ManualClock;

    use super::*;

    #[derive(Clone, Default)]
    struct Giver {
        asked: Arc<AtomicUsize>,
        broken: Arc<Mutex<bool>>,
    }

    impl Fetch for Giver {
        fn fetch(&self) -> BoxFuture<'_, Result<Fresh, Denied>> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let broken = *self.broken.lock().expect("free");
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(5)).await;
                if broken {
                    return Err(Denied::refused("invalid_client", "no"));
                }
                Ok(Fresh::new(format!("token {number}"), 100_000))
            })
        }
    }

    fn source() -> (Arc<TokenSource>, Giver, Arc<ManualClock>) {
        let (giver, clock) = (Giver::default(), Arc::new(ManualClock::new(1_000_000)));
        (TokenSource::new(giver.clone(), Arc::clone(&clock) as _), giver, clock)
    }

    async fn thousand(source: &Arc<TokenSource>) -> Vec<Fetched> {
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..1_000 {
            let source = Arc::clone(source);
            asking.spawn(async move { source.get().await });
        }
        asking.join_all().await
    }

    #[tokio::test]
    async fn a_thousand_at_once_renew_once() {
        let (source, giver, clock) = source();
        for fetched in thousand(&source).await {
            assert_eq!(fetched.as_deref(), Ok("token 1"));
        }
        clock.set(1_000_000 + 100_000);
        for fetched in thousand(&source).await {
            assert_eq!(fetched.as_deref(), Ok("token 2"));
        }
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn from_80_percent_on_it_is_renewed_while_the_old_one_is_used() {
        let (source, giver, clock) = source();
        source.get().await.expect("a token");
        clock.set(1_000_000 + 79_999);
        assert_eq!(source.get().await.as_deref(), Ok("token 1"));
        assert_eq!(giver.asked.load(Ordering::SeqCst), 1);
        clock.set(1_000_000 + 80_000);
        assert_eq!(source.get().await.as_deref(), Ok("token 1"));
        while source.get().await.as_deref() != Ok("token 2") {
            tokio::task::yield_now().await;
        }
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_hundred_complaints_about_one_token_renew_it_once() {
        let (source, giver, _) = source();
        let first = source.get().await.expect("a token");
        for _ in 0..100 {
            source.invalidate(&first);
            assert_eq!(source.get().await.as_deref(), Ok("token 2"));
        }
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn after_a_failure_everybody_gets_it_until_the_pause_is_over() {
        let (source, giver, clock) = source();
        *giver.broken.lock().expect("free") = true;
        for fetched in thousand(&source).await {
            assert_eq!(fetched, Err(Denied::refused("invalid_client", "no")));
        }
        assert_eq!(giver.asked.load(Ordering::SeqCst), 1);
        clock.set(1_000_000 + 1_000);
        assert!(source.get().await.is_err());
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
        clock.set(1_000_000 + 2_999);
        assert!(source.get().await.is_err(), "the second pause is twice as long");
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
        *giver.broken.lock().expect("free") = false;
        clock.set(1_000_000 + 3_000);
        assert_eq!(source.get().await.as_deref(), Ok("token 3"));
    }

    #[tokio::test]
    async fn a_failed_renewal_in_the_background_leaves_the_living_token() {
        let (source, giver, clock) = source();
        source.get().await.expect("a token");
        *giver.broken.lock().expect("free") = true;
        clock.set(1_000_000 + 90_000);
        for _ in 0..10 {
            assert_eq!(source.get().await.as_deref(), Ok("token 1"));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(giver.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn who_asked_first_may_go_away() {
        let (source, giver, _) = source();
        let first = tokio::time::timeout(Duration::from_millis(1), source.get()).await;
        assert!(first.is_err(), "it was still waiting");
        assert_eq!(source.get().await.as_deref(), Ok("token 1"));
        assert_eq!(giver.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_token_that_must_not_be_renewed_yet_is_kept() {
        let (giver, clock) = (Giver::default(), Arc::new(ManualClock::new(0)));
        let source = TokenSource::with_least(giver.clone(), Arc::clone(&clock) as _, 20_000);
        let first = source.get().await.expect("a token");
        source.invalidate(&first);
        assert_eq!(source.get().await, Ok(Arc::clone(&first)));
        clock.set(20_000);
        source.invalidate(&first);
        assert_eq!(source.get().await.as_deref(), Ok("token 2"));
    }
}
