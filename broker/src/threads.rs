//! The threads that carry MQTT's bytes. Each runs its connections alone, so that waking one wakes no other thread.

use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};

use std::cell::OnceCell;
use std::task::Waker;

use godwit_hub::{Hub, Wakes};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

thread_local! {
    static WAKES: OnceCell<Wakes> = const { OnceCell::new() };
}

/// What wakes `task` together with the others of its thread, if it runs on one of these.
pub(crate) fn gathered_waker(task: &Waker) -> Option<Waker> {
    WAKES.with(|wakes| wakes.get().map(|wakes| wakes.waker(task)))
}

/// They end when this is dropped; what still runs on them is dropped with them.
pub(crate) struct Threads {
    handles: Vec<Handle>,
    next: AtomicUsize,
    _running: DropGuard,
}

impl Threads {
    /// Starts so many; for 0 one for each core but one, and at least one.
    pub(crate) fn start(count: usize, hub: &Hub) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let count = if count == 0 { cores - 1 } else { count };
        let stop = CancellationToken::new();
        // When one cannot be started, dropping this ends the others.
        let running = stop.clone().drop_guard();
        let handles: io::Result<Vec<_>> = (0..count.max(1))
            .map(|at| start_one(at, stop.clone(), hub.gather_wakes()))
            .collect();
        Ok(Self {
            handles: handles?,
            next: AtomicUsize::new(0),
            _running: running,
        })
    }

    /// The one that accepts.
    pub(crate) fn first(&self) -> &Handle {
        &self.handles[0]
    }

    /// The one that takes the next connection: each in turn.
    pub(crate) fn next(&self) -> &Handle {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        &self.handles[turn % self.handles.len()]
    }
}

fn start_one(at: usize, stop: CancellationToken, wakes: Wakes) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name(format!("mqtt-{at}")).spawn(move || {
        WAKES.with(|known| known.set(wakes.clone()).ok());
        runtime.spawn(async move { wakes.pass_on().await });
        runtime.block_on(stop.cancelled());
        // Pages that are being read need not be waited for.
        runtime.shutdown_background();
    })?;
    Ok(handle)
}
