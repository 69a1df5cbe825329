//! Messages whose recipients are numbered step by step after their commit.

use std::collections::VecDeque;
use std::sync::Arc;

use godwit_model::limits::FANOUT_CHUNK_RECIPIENTS;
use godwit_model::{AccountNo, ConversationKey};

use crate::record::Record;
use crate::segment::Location;
use crate::state::{FanoutMark, Map};

/// Most recipients that may wait in memory for their numbers.
const WAITING_RECIPIENTS_MAX: usize = 16 << 20;

/// A message under way to its recipients.
pub(crate) struct Fanout {
    pub(crate) record: Arc<Record>,
    pub(crate) intent: Location,
    /// Frozen when the message was accepted; ascending.
    pub(crate) recipients: Vec<AccountNo>,
    /// Index of the first one without a number.
    pub(crate) next: usize,
}

impl Fanout {
    /// The recipients of the next step.
    pub(crate) fn chunk(&self) -> &[AccountNo] {
        let end = (self.next + FANOUT_CHUNK_RECIPIENTS).min(self.recipients.len());
        self.recipients.get(self.next..end).unwrap_or_default()
    }

    pub(crate) fn is_last_chunk(&self) -> bool {
        self.next + FANOUT_CHUNK_RECIPIENTS >= self.recipients.len()
    }
}

/// The fan-outs of one conversation, oldest first: a later one never overtakes.
struct Lane {
    conversation: Option<ConversationKey>,
    fanouts: VecDeque<Fanout>,
}

/// All fan-outs under way. Conversations take turns.
#[derive(Default)]
pub(crate) struct Fanouts {
    lanes: VecDeque<Lane>,
    /// How many fan-outs each conversation has.
    busy: Map<ConversationKey, usize>,
    waiting: usize,
}

impl Fanouts {
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether a message of this conversation has to line up behind others.
    pub(crate) fn is_busy(&self, conversation: ConversationKey) -> bool {
        self.busy.contains_key(&conversation)
    }

    /// Whether so many more recipients may wait. One fan-out alone may have any size.
    pub(crate) fn has_room(&self, recipients: usize) -> bool {
        self.waiting == 0 || self.waiting + recipients <= WAITING_RECIPIENTS_MAX
    }

    pub(crate) fn push(&mut self, fanout: Fanout) {
        self.waiting += fanout.recipients.len() - fanout.next;
        let conversation = fanout.record.conversation;
        if let Some(conversation) = conversation {
            *self.busy.entry(conversation).or_default() += 1;
        }
        let same = |lane: &&mut Lane| conversation.is_some() && lane.conversation == conversation;
        match self.lanes.iter_mut().find(same) {
            Some(lane) => lane.fanouts.push_back(fanout),
            None => self.lanes.push_back(Lane {
                conversation,
                fanouts: VecDeque::from([fanout]),
            }),
        }
    }

    /// The fan-out whose turn it is.
    pub(crate) fn current(&self) -> Option<&Fanout> {
        self.lanes.front()?.fanouts.front()
    }

    /// The chunk of the current fan-out is durable: the next conversation has its turn.
    pub(crate) fn advance(&mut self) {
        let Some(mut lane) = self.lanes.pop_front() else { return };
        if let Some(fanout) = lane.fanouts.front_mut() {
            let count = fanout.chunk().len();
            fanout.next += count;
            self.waiting -= count;
            if fanout.next >= fanout.recipients.len() {
                lane.fanouts.pop_front();
                self.finish(lane.conversation);
            }
        }
        if !lane.fanouts.is_empty() {
            self.lanes.push_back(lane);
        }
    }

    fn finish(&mut self, conversation: Option<ConversationKey>) {
        let Some(conversation) = conversation else { return };
        if let Some(count) = self.busy.get_mut(&conversation) {
            *count -= 1;
            if *count == 0 {
                self.busy.remove(&conversation);
            }
        }
    }

    /// All of them in the order of their intents, as a start needs them.
    pub(crate) fn marks(&self) -> Vec<FanoutMark> {
        let fanouts = self.lanes.iter().flat_map(|lane| &lane.fanouts);
        let mut marks: Vec<_> = fanouts
            .map(|fanout| FanoutMark {
                intent: fanout.intent,
                next: fanout.next as u64,
            })
            .collect();
        marks.sort_unstable_by_key(|mark| mark.intent);
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fanout(conversation: u128, offset: u32, recipients: u64) -> Fanout {
        Fanout {
            record: Arc::new(Record::quarantined(Some(ConversationKey(conversation)), 1, 0)),
            intent: Location { segment: 1, offset },
            recipients: (1..=recipients).map(AccountNo).collect(),
            next: 0,
        }
    }

    #[test]
    fn conversations_take_turns_and_keep_their_order() {
        let mut fanouts = Fanouts::default();
        fanouts.push(fanout(1, 10, 2_500));
        fanouts.push(fanout(1, 20, 5));
        fanouts.push(fanout(2, 30, 1_500));
        let mut turns = Vec::new();
        while let Some(current) = fanouts.current() {
            turns.push((current.intent.offset, current.chunk().len()));
            fanouts.advance();
        }
        assert_eq!(
            turns,
            [(10, 1000), (30, 1000), (10, 1000), (30, 500), (10, 500), (20, 5)]
        );
        assert!(!fanouts.is_busy(ConversationKey(1)) && fanouts.waiting == 0);
    }
}
