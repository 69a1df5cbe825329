//! Wakes of the sessions of one thread, gathered: a commit that wakes hundreds of them rouses their thread once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// The wakes of one thread.
#[derive(Clone)]
pub struct Wakes(Arc<Gathered>);

pub(crate) struct Gathered {
    state: Mutex<State>,
    /// Whether the archive tells of a commit right now: the thread is roused when all of it is told.
    telling: Arc<AtomicBool>,
}

#[derive(Default)]
struct State {
    woken: Vec<Arc<Sleeper>>,
    /// Who passes the wakes on; `None` while it was roused and did not look yet.
    thread: Option<Waker>,
    /// Whether nobody passes them on any more.
    ended: bool,
}

/// One task of the thread.
struct Sleeper {
    task: Waker,
    is_woken: AtomicBool,
    gathered: Arc<Gathered>,
}

impl Wakes {
    pub(crate) fn new(telling: Arc<AtomicBool>) -> Self {
        Self(Arc::new(Gathered {
            state: Mutex::default(),
            telling,
        }))
    }

    pub(crate) fn gathered(&self) -> &Arc<Gathered> {
        &self.0
    }

    /// What wakes `task` together with the others of its thread.
    #[must_use]
    pub fn waker(&self, task: &Waker) -> Waker {
        Waker::from(Arc::new(Sleeper {
            task: task.clone(),
            is_woken: AtomicBool::new(false),
            gathered: Arc::clone(&self.0),
        }))
    }

    /// Passes wakes on to the tasks, on the thread it runs on. Never returns; once it is dropped, each wake goes to its
    /// task at once.
    pub async fn pass_on(&self) {
        let _until_dropped = End(&self.0);
        let mut woken = Vec::new();
        std::future::poll_fn(|context| self.0.poll(context, &mut woken)).await;
    }
}

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, sleeper: Arc<Sleeper>) {
        let mut state = self.lock();
        if state.ended {
            drop(state);
            sleeper.wake_task();
            return;
        }
        state.woken.push(sleeper);
        // Looked at under the lock: who tells a commit asks every thread for what it gathered when all is told.
        let thread = if self.telling.load(Ordering::SeqCst) {
            None
        } else {
            state.thread.take()
        };
        drop(state);
        if let Some(thread) = thread {
            thread.wake();
        }
    }

    /// Rouses the thread if anything was gathered.
    pub(crate) fn rouse(&self) {
        let thread = {
            let mut state = self.lock();
            if state.woken.is_empty() {
                return;
            }
            state.thread.take()
        };
        if let Some(thread) = thread {
            thread.wake();
        }
    }

    fn poll(&self, context: &Context<'_>, woken: &mut Vec<Arc<Sleeper>>) -> Poll<()> {
        {
            let mut state = self.lock();
            if state.thread.is_none() {
                state.thread = Some(context.waker().clone());
            }
            std::mem::swap(&mut state.woken, woken);
        }
        for sleeper in woken.drain(..) {
            sleeper.wake_task();
        }
        Poll::Pending
    }
}

impl Sleeper {
    fn wake_task(&self) {
        // Before the task is woken: what wakes it from now on is news.
        self.is_woken.store(false, Ordering::SeqCst);
        self.task.wake_by_ref();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::SeqCst) {
            let gathered = Arc::clone(&self.gathered);
            gathered.add(self);
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.is_woken.swap(true, Ordering::SeqCst) {
            self.gathered.add(Arc::clone(self));
        }
    }
}

/// However the thread ends, nobody is left asleep.
struct End<'a>(&'a Gathered);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let woken = {
            let mut state = self.0.lock();
            state.ended = true;
            state.thread = None;
            std::mem::take(&mut state.woken)
        };
        for sleeper in woken {
            sleeper.wake_task();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn a_commit_rouses_the_thread_once_and_wakes_each_task_once() {
        let telling = Arc::new(AtomicBool::new(false));
        let wakes = Wakes::new(Arc::clone(&telling));
        let (thread, first, second) = (
            Arc::<Count>::default(),
            Arc::<Count>::default(),
            Arc::<Count>::default(),
        );
        let counts = || (thread.get(), first.get(), second.get());
        let thread_waker = Waker::from(Arc::clone(&thread));
        let mut context = Context::from_waker(&thread_waker);
        let mut passing = Box::pin(wakes.pass_on());
        assert!(passing.as_mut().poll(&mut context).is_pending());
        let wakers = [&first, &second].map(|count| wakes.waker(&Waker::from(Arc::clone(count))));

        telling.store(true, Ordering::SeqCst);
        for waker in wakers.iter().chain(&wakers) {
            waker.wake_by_ref();
        }
        assert_eq!(counts(), (0, 0, 0), "not before all is told");
        telling.store(false, Ordering::SeqCst);
        wakes.gathered().rouse();
        wakes.gathered().rouse();
        assert_eq!(counts(), (1, 0, 0));
        assert!(passing.as_mut().poll(&mut context).is_pending());
        assert_eq!(counts(), (1, 1, 1));

        wakers[0].wake_by_ref();
        wakers[0].wake_by_ref();
        assert_eq!(counts(), (2, 1, 1), "without a commit at once");
        drop(passing);
        assert_eq!(counts(), (2, 2, 1), "what was gathered is passed on at the end");
        wakers[1].wake_by_ref();
        assert_eq!(counts(), (2, 2, 2), "and later wakes go straight to their task");
    }
}
