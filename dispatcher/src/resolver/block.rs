//! Who blocks whom, as the business system says.

use godwit_model::{Mute, Refused, TenantNo, UserId};
use godwit_registry::{Account, MuteSubject, Muted};
use serde::Deserialize;
use serde_json::json;

use super::{ABSENT, Answered, Question};
use crate::Dispatcher;
use crate::failure::of_registry;

/// Most rules of one user.
const RULES_MAX: usize = 5_000;

/// What becomes of a message of somebody who is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Blocked {
    /// It does not get through.
    Discard,
    /// It gets through, and nothing rings.
    Silence,
}

#[derive(Deserialize)]
struct Rule {
    from: String,
    action: Blocked,
}

#[derive(Deserialize)]
struct Said {
    rules: Vec<Rule>,
}

fn read(bytes: &[u8]) -> Result<Vec<Rule>, String> {
    let said: Said = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if said.rules.len() > RULES_MAX {
        return Err(format!("more than {RULES_MAX} rules"));
    }
    Ok(said.rules)
}

fn rules(answer: &str) -> Vec<Rule> {
    if answer == ABSENT {
        return Vec::new();
    }
    // It was read before it was kept.
    read(answer.as_bytes()).unwrap_or_default()
}

fn subject(user: &UserId) -> String {
    format!("u:{user}")
}

impl Dispatcher {
    /// What becomes of what a sender says to a user, where the tenant's business system knows of blocks.
    pub(crate) async fn block_between(
        &self,
        tenant: TenantNo,
        sender: &str,
        receiver: &UserId,
    ) -> Result<Option<Blocked>, Refused> {
        let Some((desk, known)) = self.resolver_of(tenant) else {
            return Ok(None);
        };
        let subject = subject(receiver);
        let question = Question {
            tenant,
            subject: &subject,
            kind: "resolver.queryBlockRules",
            data: json!({"userId": receiver.as_str()}).to_string(),
            read: |bytes| read(bytes).map(|_| ()),
        };
        let answer = match self.resolve((desk, &known), &question).await? {
            Answered::Before(before) => before.answer.clone(),
            Answered::Asked { answer, turn, .. } => {
                let kept = self.registry.keep_resolved(tenant, &subject, &answer).await;
                drop(turn);
                kept.map_err(of_registry)?.answer
            }
        };
        let found = rules(&answer).into_iter().find(|rule| rule.from == sender);
        Ok(found.map(|rule| rule.action))
    }

    /// Those whom an account hears in silence, as far as that was said; nobody is asked.
    pub(crate) async fn silenced_for(&self, account: &Account) -> Result<Vec<Muted>, Refused> {
        if self.resolver_of(account.tenant).is_none() {
            return Ok(Vec::new());
        }
        let found = self.registry.resolved(account.tenant, &subject(&account.user)).await;
        let Some(found) = found.map_err(of_registry)? else {
            return Ok(Vec::new());
        };
        let mut silenced = Vec::new();
        for rule in rules(&found.answer)
            .into_iter()
            .filter(|rule| rule.action == Blocked::Silence)
        {
            let Ok(user) = rule.from.parse::<UserId>() else {
                continue;
            };
            let sender = self
                .registry
                .account_of_user(account.tenant, &user)
                .await
                .map_err(of_registry)?;
            silenced.extend(sender.map(|sender| Muted {
                subject: MuteSubject::Sender(sender.no),
                mute: Mute {
                    until_ms: None,
                    mentions: false,
                },
            }));
        }
        Ok(silenced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_nothing_else_is() {
        let said = rules(r#"{"rules":[{"from":"ann","action":"discard"},{"from":"a:app","action":"silence"}]}"#);
        assert_eq!(said[0].action, Blocked::Discard);
        assert_eq!((said[1].from.as_str(), said[1].action), ("a:app", Blocked::Silence));
        assert!(rules(ABSENT).is_empty());
        for bad in ["", "{}", r#"{"rules":[{"from":"ann","action":"kill"}]}"#] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
