//! A finished notification: the words of a template, as much of them as the reader's privacy lets through.

use godwit_model::{Privacy, PushClass, Refused};
use godwit_push::{Class, Kind, Notification, Tap};
use godwit_registry::{Device, DuePush, TemplateRecord};
use serde_json::Value;

use super::Desk;
use super::template::{Template, Values, fill, is_chinese, primary};
use super::wanted::{Wanted, collapse_key};
use crate::Dispatcher;
use crate::failure::of_registry;
use crate::message_facts::MessageFacts;

/// How long what takes a notification back is of use.
const WITHDRAWAL_MS: u64 = 60_000;

impl Dispatcher {
    /// Says in the device's language what is wanted. `facts` are missing where the message's content is gone.
    pub(super) async fn notification(
        &self,
        desk: &Desk,
        (due, wanted): (&DuePush, &Wanted),
        (device, facts): (&Device, Option<&MessageFacts>),
    ) -> Result<Notification, Refused> {
        let language = Self::language(device);
        let withdraws = wanted.kind() == Kind::Withdraw;
        let facts = facts.filter(|_| !wanted.recalled);
        let words = match facts {
            Some(facts) if !wanted.neutral => self.words(device, (due, wanted), facts).await?,
            _ if wanted.recalled => recalled(language),
            _ => neutral(language, due.messages),
        };
        let not_after_ms = if withdraws {
            self.clock.now_ms().saturating_add(WITHDRAWAL_MS)
        } else {
            wanted.not_after_ms
        };
        let rings = wanted.kind() == Kind::Call;
        Ok(Notification {
            id: wanted.id(desk.platform_id(), due.device, &due.lane),
            kind: wanted.kind(),
            class: wanted.class(),
            title: words.title,
            body: words.body,
            badge: if rings {
                None
            } else {
                Some(self.badge(due.account).await?)
            },
            collapse: collapse_key(&due.lane),
            sound: words.sound,
            icon: words.icon,
            image: None,
            tap: words.tap,
            thread: due.lane.clone(),
            data: data(due, wanted, facts),
            expires_at_ms: not_after_ms,
        })
    }

    async fn words(
        &self,
        device: &Device,
        (due, wanted): (&DuePush, &Wanted),
        facts: &MessageFacts,
    ) -> Result<Words, Refused> {
        let language = Self::language(device);
        let group = self.group_name(device, facts).await?;
        let sender = if facts.author.starts_with("a:") {
            ""
        } else {
            &facts.author
        };
        if wanted.privacy() == Privacy::Neutral {
            return Ok(neutral(language, due.messages));
        }
        let type_name = if facts.class == PushClass::Ring {
            "call"
        } else {
            &facts.type_name
        };
        let kept = self
            .registry
            .push_templates(device.account.tenant)
            .await
            .map_err(of_registry)?;
        let package = self.package(device, &kept).await?;
        let own = choose(&kept, &package, (type_name, language));
        let is_own = own.is_some();
        let template = own.unwrap_or_else(|| Template::built_in(type_name, language));
        let values = Values {
            sender,
            group: &group,
            count: due.messages.max(1),
            content: &facts.content,
        };
        let mut words = Words {
            title: fill(&template.title, &values),
            body: fill(&template.body, &values).trim().to_owned(),
            tap: template.tap(&values),
            sound: facts.options.sound.clone().or(template.sound),
            icon: template.icon,
        };
        if facts.is_from_app {
            words.override_with(facts);
        }
        if !is_own && !group.is_empty() {
            words.title.clone_from(&group);
            words.body = format!("{sender}: {}", words.body);
        }
        if wanted.class() == Class::Mention {
            words.body = format!(
                "{} {}",
                if is_chinese(language) { "[有人@我]" } else { "[@you]" },
                words.body
            );
        }
        if due.messages > 1 {
            words.body = format!("[{}] {}", due.messages, words.body);
        }
        if wanted.privacy() == Privacy::Sender && facts.class != PushClass::Ring {
            words.body = neutral(language, due.messages).body;
        }
        if words.title.trim().is_empty() {
            words.title = neutral(language, 1).title;
        }
        Ok(words)
    }

    /// The app on a device, where templates differ by app.
    async fn package(&self, device: &Device, kept: &[TemplateRecord]) -> Result<String, Refused> {
        if kept.iter().all(|template| template.package.is_empty()) {
            return Ok(String::new());
        }
        let tokens = self.registry.push_tokens(device.no).await.map_err(of_registry)?;
        let package = tokens.into_iter().find_map(|token| token.push.details.package);
        Ok(package.unwrap_or_default())
    }

    async fn group_name(&self, device: &Device, facts: &MessageFacts) -> Result<String, Refused> {
        let id = facts.group.as_deref().and_then(|group| group.strip_prefix("g:"));
        let Some(id) = id.and_then(|id| id.parse().ok()) else {
            return Ok(String::new());
        };
        let group = self
            .registry
            .group(device.account.tenant, &id)
            .await
            .map_err(of_registry)?;
        Ok(group.map_or_else(|| id.to_string(), |group| group.name.clone()))
    }
}

struct Words {
    title: String,
    body: String,
    tap: Tap,
    sound: Option<String>,
    icon: Option<String>,
}

impl Words {
    fn override_with(&mut self, facts: &MessageFacts) {
        if let Some(title) = &facts.options.title {
            self.title.clone_from(title);
        }
        if let Some(body) = &facts.options.body {
            self.body.clone_from(body);
        }
    }
}

/// Words that tell nothing.
fn neutral(language: &str, messages: u32) -> Words {
    let (title, one) = if is_chinese(language) {
        ("新消息", "您有一条新消息".to_owned())
    } else {
        ("New message", "You have a new message".to_owned())
    };
    let many = if is_chinese(language) {
        format!("您有{messages}条新消息")
    } else {
        format!("You have {messages} new messages")
    };
    Words {
        title: title.to_owned(),
        body: if messages > 1 { many } else { one },
        tap: Tap::OpenConversation,
        sound: None,
        icon: None,
    }
}

/// Words for what was taken back, where it cannot be taken off the phone.
fn recalled(language: &str) -> Words {
    let (title, body) = if is_chinese(language) {
        ("消息已撤回", "一条消息已被撤回")
    } else {
        ("Message recalled", "A message was taken back")
    };
    Words {
        title: title.to_owned(),
        body: body.to_owned(),
        tap: Tap::OpenConversation,
        sound: None,
        icon: None,
    }
}

/// The template of the app on the device, or else of every app of the tenant, that is nearest to a language: this very
/// one, its language without the region, any language.
fn choose(kept: &[TemplateRecord], package: &str, (type_name, language): (&str, &str)) -> Option<Template> {
    let exact = language.to_ascii_lowercase();
    let languages = [exact, primary(language), "*".to_owned()];
    let packages = [package, ""];
    let of = |package: &str, language: &str| {
        kept.iter()
            .find(|kept| kept.message_type == type_name && kept.package == package && kept.language == language)
    };
    let found = packages
        .iter()
        .find_map(|package| languages.iter().find_map(|language| of(package, language)))?;
    serde_json::from_str(&found.words).ok()
}

/// What the app reads.
fn data(due: &DuePush, wanted: &Wanted, facts: Option<&MessageFacts>) -> Vec<(String, String)> {
    if wanted.kind() == Kind::Background {
        return vec![("type".to_owned(), "badge".to_owned())];
    }
    let mut data = vec![("conv".to_owned(), due.lane.clone())];
    let mut add = |name: &str, value: String| data.push((name.to_owned(), value));
    add("convSeq", wanted.conv_seq.to_string());
    if wanted.seq > 0 {
        add("seq", wanted.seq.to_string());
        add("serverId", wanted.server_id.clone());
    }

    let Some(facts) = facts else { return data };
    add("type", facts.type_name.clone());
    // What a phone needs to ring before it has fetched the message.
    if let (PushClass::Ring, Some(signal)) = (facts.class, facts.content.get("content")) {
        add("caller", facts.author.clone());
        for name in ["roomId", "avType"] {
            match signal.get(name) {
                Some(Value::String(text)) => add(name, text.clone()),
                Some(Value::Number(number)) => add(name, number.to_string()),
                _ => {}
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_chosen() {
        let record = |language: &str| TemplateRecord {
            package: String::new(),
            message_type: "text".to_owned(),
            language: language.to_owned(),
            words: format!(r#"{{"title":"{language}","body":"b"}}"#),
        };
        let work = TemplateRecord {
            package: "work".to_owned(),
            ..record("en")
        };
        let kept = [record("*"), record("zh"), record("zh-tw"), work];
        let of = |package: &str, language: &str| choose(&kept, package, ("text", language)).map(|found| found.title);
        let title = |language: &str| of("", language);
        assert_eq!(of("work", "en-GB").as_deref(), Some("en"), "the app's own goes before");
        assert_eq!(of("work", "zh").as_deref(), Some("zh"), "and every app's stands in");
        assert_eq!(title("en").as_deref(), Some("*"));
        assert_eq!(title("zh-TW").as_deref(), Some("zh-tw"));
        assert_eq!(title("zh-CN").as_deref(), Some("zh"));
        assert_eq!(title("fr").as_deref(), Some("*"));
        assert_eq!(choose(&kept, "", ("image", "fr")), None);
    }
}
