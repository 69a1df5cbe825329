//! The topics of one account.

use godwit_protocol::topic::Filter;
use godwit_protocol::{Channel, Topic};

use crate::session::request::Place;

/// The account of a session, and its inbox topic, which each delivery needs.
#[derive(Debug, Default)]
pub(super) struct Topics {
    account: Box<str>,
    inbox: Box<str>,
}

impl Topics {
    pub(super) fn of(account: &str) -> Self {
        let inbox = Topic {
            account,
            channel: Channel::Inbox,
        };
        Self {
            account: account.into(),
            inbox: inbox.name().into(),
        }
    }

    pub(super) fn inbox(&self) -> &str {
        &self.inbox
    }

    pub(super) fn named(&self, channel: Channel) -> String {
        Topic {
            account: &self.account,
            channel,
        }
        .name()
    }

    /// The account's own filter; `None` when there is nothing of it under `filter`.
    pub(super) fn filter<'f>(&self, filter: &'f str) -> Option<Filter<'f>> {
        Filter::parse(filter).filter(|filter| filter.account() == &*self.account)
    }

    /// Where a publication to `topic` goes.
    pub(super) fn place(&self, topic: &str) -> Place {
        match Topic::parse(topic).filter(|topic| topic.account == &*self.account) {
            Some(Topic {
                channel: Channel::Outbox,
                ..
            }) => Place::Outbox,
            Some(Topic {
                channel: Channel::Request,
                ..
            }) => Place::Request,
            _ => Place::Elsewhere,
        }
    }
}
