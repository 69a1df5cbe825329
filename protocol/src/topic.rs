//! The topics of the MQTT door: `im/{account}/{channel}`. The only place that spells them.

/// What a topic carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Down: numbered entries of the inbox.
    Inbox,
    /// Up: drafts.
    Outbox,
    /// Up: JSON-RPC requests.
    Request,
    /// Down: JSON-RPC replies, to the asking session only.
    Reply,
    /// Down: hints that are not stored.
    Event,
}

impl Channel {
    const ALL: [Self; 5] = [Self::Inbox, Self::Outbox, Self::Request, Self::Reply, Self::Event];

    /// The last level of the topic.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Event => "event",
        }
    }

    /// Whether clients publish to it (otherwise they subscribe to it).
    pub fn is_up(self) -> bool {
        matches!(self, Self::Outbox | Self::Request)
    }
}

/// A topic of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic<'a> {
    /// The account's opaque id.
    pub account: &'a str,
    /// What it carries.
    pub channel: Channel,
}

impl<'a> Topic<'a> {
    /// Reads a topic name; `None` when it is not one of the platform's.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (account, channel) = name.strip_prefix("im/")?.split_once('/')?;
        let channel = Channel::ALL.into_iter().find(|c| c.as_str() == channel)?;
        (!account.is_empty() && !account.contains(['+', '#'])).then_some(Self { account, channel })
    }

    /// The topic's name.
    pub fn name(&self) -> String {
        format!("im/{}/{}", self.account, self.channel.as_str())
    }
}

/// A topic filter a client may subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// One topic.
    One(Topic<'a>),
    /// `im/{account}/#`: inbox, reply and event.
    Everything {
        /// The account's opaque id.
        account: &'a str,
    },
}

impl<'a> Filter<'a> {
    /// Reads a topic filter; `None` when the platform offers nothing under it.
    pub fn parse(filter: &'a str) -> Option<Self> {
        if let Some(account) = filter.strip_prefix("im/").and_then(|rest| rest.strip_suffix("/#")) {
            let plain = !account.is_empty() && !account.contains(['/', '+', '#']);
            return plain.then_some(Self::Everything { account });
        }
        Topic::parse(filter)
            .filter(|topic| !topic.channel.is_up())
            .map(Self::One)
    }

    /// The account it belongs to.
    pub fn account(&self) -> &'a str {
        match self {
            Self::One(topic) => topic.account,
            Self::Everything { account } => account,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_platforms_topics_are_read() {
        assert_eq!(
            Topic::parse("im/a1/inbox"),
            Some(Topic {
                account: "a1",
                channel: Channel::Inbox
            })
        );
        for bad in [
            "",
            "im",
            "im/a1",
            "im//inbox",
            "im/a1/inbox/x",
            "im/a1/other",
            "x/a1/inbox",
            "/im/a1/inbox",
        ] {
            assert_eq!(Topic::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn filters_open_what_comes_down_and_nothing_else() {
        assert_eq!(Filter::parse("im/a1/#"), Some(Filter::Everything { account: "a1" }));
        assert!(Filter::parse("im/a1/reply").is_some());
        for bad in [
            "#",
            "im/#",
            "im/+/inbox",
            "im/+/#",
            "im/a1/outbox",
            "im/a1/+",
            "$share/g/im/a1/inbox",
            "im/a1/b/#",
        ] {
            assert_eq!(Filter::parse(bad), None, "{bad}");
        }
    }
}
