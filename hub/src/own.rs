//! What a device published itself and does not want back: the numbers its publications got in its own inbox.

use std::collections::VecDeque;

/// Numbers kept at most. A device that publishes on and on and acknowledges nothing gets back what is beyond.
const OWN_MAX: usize = 1_024;

/// Numbers of the device's own entries whose turn has not come.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Ascending.
    seqs: VecDeque<u64>,
    newest: u64,
}

impl Own {
    /// Numbers come in the order of the inbox. One that came before is left out: its turn may be over.
    pub(crate) fn add(&mut self, seq: u64) {
        if seq > self.newest && self.seqs.len() < OWN_MAX {
            self.seqs.push_back(seq);
        }
        self.newest = self.newest.max(seq);
    }

    /// The highest number that was ever added.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether the entry whose turn it is is one of them. Turns ascend.
    pub(crate) fn takes(&mut self, seq: u64) -> bool {
        while self.seqs.front().is_some_and(|&own| own < seq) {
            self.seqs.pop_front();
        }
        let takes = self.seqs.front() == Some(&seq);
        if takes {
            self.seqs.pop_front();
        }
        if takes && self.seqs.is_empty() {
            // A quiet device holds no memory for it.
            self.seqs = VecDeque::new();
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_taken_once_and_in_turn() {
        let mut own = Own::default();
        for seq in [3, 5, 4, 9] {
            own.add(seq);
        }
        let taken: Vec<u64> = (1..=10).filter(|&seq| own.takes(seq)).collect();
        assert_eq!((taken, own.newest()), (vec![3, 5, 9], 9), "4 came late");
        assert!(!own.takes(9));
    }

    #[test]
    fn memory_is_bounded() {
        let mut own = Own::default();
        (1..=10_000).for_each(|seq| own.add(seq));
        assert_eq!((own.seqs.len(), own.newest()), (OWN_MAX, 10_000));
    }
}
