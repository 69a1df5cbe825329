//! Merges indexes in the background, whenever there are enough of one size and no segment waits to be sealed.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::Index;
use super::sealer::Backlog;
use crate::sealed_log::SealedLog;
use crate::sorted::stream::MergeError;

/// The thread that merges.
pub(super) struct Merger {
    thread: Option<JoinHandle<()>>,
}

impl Merger {
    pub(super) fn start(sealed_log: Arc<SealedLog>, backlog: Arc<Backlog>) -> io::Result<Self> {
        let thread = std::thread::Builder::new()
            .name("archive-merge".into())
            .spawn(move || run(&sealed_log, &backlog))?;
        Ok(Self { thread: Some(thread) })
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A merge that was given up left nothing; the next start begins it anew.
            let _ = thread.join();
        }
    }
}

fn run(sealed_log: &SealedLog, backlog: &Backlog) {
    let mut seals = 0;
    loop {
        sealed_log.bound_filters();
        while let Some(inputs) = sealed_log.due() {
            if !backlog.give_way() {
                return;
            }
            match sealed_log.merge(&inputs, &|| backlog.give_way()) {
                Ok(()) => {}
                Err(MergeError::Stopped) => return,
                Err(MergeError::Damaged(at)) => {
                    let damaged = inputs.get(at).map_or(0, |index| index.range().0);
                    sealed_log.damaged(damaged);
                    break;
                }
                Err(MergeError::Disk(error)) => {
                    tracing::warn!(%error, "indexes could not be merged; it is tried again after the next seal");
                    break;
                }
            }
        }
        match backlog.next_seal(seals) {
            Some(next) => seals = next,
            None => return,
        }
    }
}
