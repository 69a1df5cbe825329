//! How a simulator is made to fail, and what it remembers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::asked::Asked;

/// Requests and complaints that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// Something that goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This status with this body, and Retry-After in seconds.
    Answer {
        /// The status.
        status: u16,
        /// Seconds of Retry-After, if any.
        retry_after: Option<u64>,
        /// The body.
        body: String,
    },
    /// No answer at all.
    Silence,
    /// The connection breaks.
    Reset,
    /// The right answer, late.
    Late(Duration),
    /// The request is done, and the answer is lost.
    LostAnswer,
}

impl Trouble {
    /// A bare status.
    pub fn status(status: u16) -> Self {
        Self::Answer {
            status,
            retry_after: None,
            body: String::new(),
        }
    }

    /// 429 with a Retry-After.
    pub fn too_many(retry_after: u64) -> Self {
        Self::Answer {
            status: 429,
            retry_after: Some(retry_after),
            body: String::new(),
        }
    }

    /// A page of some proxy, with 200.
    pub fn html() -> Self {
        Self::body(200, "<html><body>Please log in</body></html>")
    }

    /// A body that begins as JSON.
    pub fn half_json() -> Self {
        Self::body(200, "{\"code\": 0, \"data\": {")
    }

    /// A status with a body.
    pub fn body(status: u16, body: impl Into<String>) -> Self {
        Self::Answer {
            status,
            retry_after: None,
            body: body.into(),
        }
    }
}

/// What a simulator does with requests beside answering them.
#[derive(Default)]
pub struct Script {
    state: Mutex<State>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

/// A request that is not answered yet.
pub(crate) struct Open<'a>(&'a AtomicUsize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Default)]
struct State {
    next: VecDeque<Trouble>,
    /// One in so many requests gets one of these, in turn.
    each: Option<(u64, Vec<Trouble>)>,
    seen: u64,
    troubled: u64,
    requests: VecDeque<Asked>,
    complaints: VecDeque<String>,
}

impl Script {
    /// The next push, after those that are already spoken for, has this trouble.
    pub fn then(&self, trouble: Trouble) {
        self.state().next.push_back(trouble);
    }

    /// The next `times` pushes have this trouble.
    pub fn then_times(&self, times: usize, trouble: &Trouble) {
        self.state().next.extend(std::iter::repeat_n(trouble.clone(), times));
    }

    /// One in `every` requests has one of these troubles, in turn, until [`Self::calm`].
    pub fn each(&self, every: u64, troubles: Vec<Trouble>) {
        self.state().each = (every > 0 && !troubles.is_empty()).then_some((every, troubles));
    }

    /// Every request has this trouble, until [`Self::calm`].
    pub fn always(&self, trouble: Trouble) {
        self.each(1, vec![trouble]);
    }

    /// No more trouble.
    pub fn calm(&self) {
        let mut state = self.state();
        state.next.clear();
        state.each = None;
    }

    /// The last requests, oldest first, at most 10,000.
    pub fn requests(&self) -> Vec<Asked> {
        self.state().requests.iter().cloned().collect()
    }

    /// How many requests came.
    pub fn seen(&self) -> u64 {
        self.state().seen
    }

    /// What was wrong with requests that no vendor would take, oldest first.
    pub fn complaints(&self) -> Vec<String> {
        self.state().complaints.iter().cloned().collect()
    }

    /// How many requests are not answered yet.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The most that [`Self::open`] ever was.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    pub(crate) fn begin(&self) -> Open<'_> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        Open(&self.open)
    }

    pub(crate) fn complain(&self, what: impl Into<String>) {
        let mut state = self.state();
        push(&mut state.complaints, what.into());
    }

    pub(crate) fn record(&self, asked: &Asked) {
        let mut state = self.state();
        push(&mut state.requests, asked.clone());
    }

    /// Counts a request and says what goes wrong with it. A request for a token is none of those that
    /// [`Self::then`] speaks of.
    pub(crate) fn trouble(&self, is_push: bool) -> Option<Trouble> {
        let mut state = self.state();
        state.seen += 1;
        if is_push && let Some(trouble) = state.next.pop_front() {
            return Some(trouble);
        }
        let (seen, troubled) = (state.seen, state.troubled);
        let (every, troubles) = state.each.as_ref()?;
        if !seen.is_multiple_of(*every) {
            return None;
        }
        let count = u64::try_from(troubles.len()).unwrap_or(1);
        let turn = usize::try_from(troubled % count).unwrap_or(0);
        let trouble = troubles.get(turn).cloned();
        state.troubled += 1;
        trouble
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the script")
    }
}

fn push<T>(queue: &mut VecDeque<T>, item: T) {
    if queue.len() == REMEMBERED_MAX {
        queue.pop_front();
    }
    queue.push_back(item);
}
