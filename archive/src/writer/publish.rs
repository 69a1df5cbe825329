//! What happens after a commit: readers see it, the listener is told, appenders are answered. Or none of that.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::build::count;
use super::{FULL_REST, Writer, measure};
use crate::device::table::Dirty;
use crate::entry::AppendError;
use crate::fanout::Fanout;
use crate::segment::Location;

impl Writer {
    /// The commit is durable.
    pub(super) fn publish(&mut self, devices: Vec<Dirty>) {
        self.tail += self.batch.bytes.len() as u64;
        self.end_is_marked = false;
        self.progress.durable_batch = self.progress.batch_no;
        self.progress.last_id = self.ids.last();
        self.show(&devices);
        self.batch.remember(&mut self.remembered);
        self.move_fanouts();
        if !self.batch.deliveries.is_empty() {
            self.listener.committed(&self.batch.deliveries);
        }
        self.answer();
        self.listener.answered();
        self.meters.commits.increment(1);
        self.meters.batch_entries.record(measure(self.batch.records.len()));
        for reply in devices.into_iter().flat_map(|dirty| dirty.replies) {
            let _ = reply.send(Ok(()));
        }
    }

    /// Gives the answers that waited for the sync.
    pub(super) fn answer(&mut self) {
        let mut stored = 0;
        for answer in self.answers.drain(..) {
            match &answer.result {
                Ok(receipt) if !receipt.duplicate => stored += 1,
                other => count(other),
            }
            // Who does not wait any more needs no answer.
            let _ = answer.reply.send(answer.result);
        }
        self.meters.stored.increment(stored);
        self.answer_marks(&Ok(()));
    }

    /// Answers those who wait for their marks.
    pub(super) fn answer_marks(&mut self, result: &Result<(), AppendError>) {
        for queued in self.marks.drain(..) {
            let _ = queued.reply.send(result.clone());
        }
    }

    /// Lets readers see it.
    fn show(&self, devices: &[Dirty]) {
        let mut view = self.shared.view.write();
        self.batch.raise(&mut view.heads);
        for numbered in &self.batch.records {
            let key = numbered.key.map(|key| key.key);
            view.active.add_record(&numbered.receipt.record, key, numbered.offset);
        }
        for (delivery, posting) in self.batch.deliveries.iter().zip(&self.batch.postings) {
            view.active.add_number(delivery.account, *posting);
        }
        for dirty in devices {
            view.active.add_device(dirty.device, dirty.state);
        }
        view.active.add_marks(&self.batch.marks);
        drop(view);
        self.shared.view.marks.add(&self.batch.marks);
    }

    /// A step was made, and new fan-outs begin.
    fn move_fanouts(&mut self) {
        self.fanouts.advance();
        let segment = self.segment.no;
        for numbered in &mut self.batch.records {
            let Some(recipients) = numbered.later.take() else {
                continue;
            };
            let intent = Location {
                segment,
                offset: numbered.offset,
            };
            let record = std::sync::Arc::clone(&numbered.receipt.record);
            self.fanouts.push(Fanout {
                record,
                intent,
                recipients,
                next: 0,
            });
        }
    }

    /// Nothing of the commit was kept. Says whether there is reason to try again before the end.
    pub(super) fn fail_full(&mut self, open: bool) -> bool {
        self.resting = Some(Instant::now() + FULL_REST);
        let is_news = !self.shared.full.swap(true, Ordering::Relaxed);
        self.answer_all(&AppendError::StorageFull);
        if is_news {
            let segment = self.segment.no;
            tracing::warn!(segment, "the disk is full; appends are refused until there is room");
        }
        // While closing, what still waits gets its answer; devices that do not fit are given up.
        !open && self.shared.queue.has_entries()
    }

    /// A write or a sync failed: what is on the disk is unknown, and trying again would not make it known.
    pub(super) fn stop(&mut self, error: &io::Error) {
        tracing::error!(%error, "the archive cannot write any more and acknowledges nothing from now on");
        self.shared.queue.stop();
        self.listener.stopped();
        self.answer_all(&AppendError::Stopped);
        for queued in self.taken.drain(..) {
            let _ = queued.reply.send(Err(AppendError::Stopped));
        }
        let (devices, _) = self.shared.devices.take(usize::MAX);
        for reply in devices.into_iter().flat_map(|dirty| dirty.replies) {
            let _ = reply.send(Err(AppendError::Stopped));
        }
    }

    fn answer_all(&mut self, error: &AppendError) {
        for answer in self.answers.drain(..) {
            let result = Err(error.clone());
            count(&result);
            let _ = answer.reply.send(result);
        }
        self.answer_marks(&Err(error.clone()));
    }

    /// These devices were not written: they stay changed, and who waits is told.
    pub(super) fn devices_failed(&mut self, devices: Vec<Dirty>, error: &AppendError) {
        if devices.is_empty() {
            return;
        }
        self.shared.devices.put_back(devices.iter().map(|dirty| dirty.device));
        self.shared.queue.devices_due(Instant::now() + FULL_REST);
        for reply in devices.into_iter().flat_map(|dirty| dirty.replies) {
            let _ = reply.send(Err(error.clone()));
        }
    }
}
