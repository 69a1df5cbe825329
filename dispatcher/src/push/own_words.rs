//! The words that an app sets for types of messages, by language, for all its phones or for one package.

use godwit_model::{Refusal, Refused, TenantNo};
use godwit_registry::TemplateRecord;

use super::{KeptTemplate, Template};
use crate::Dispatcher;
use crate::failure::of_registry;

/// Templates of one tenant; all of them are read when one is looked for.
const TEMPLATES_MAX: usize = 2_000;

impl Dispatcher {
    /// Every template of a tenant.
    pub async fn push_templates(&self, tenant: TenantNo) -> Result<Vec<KeptTemplate>, Refused> {
        let kept = self.registry.push_templates(tenant).await.map_err(of_registry)?;
        let show = |record: &TemplateRecord| {
            Some(KeptTemplate {
                package: record.package.clone(),
                message_type: record.message_type.clone(),
                language: record.language.clone(),
                words: serde_json::from_str(&record.words).ok()?,
            })
        };
        Ok(kept.iter().filter_map(show).collect())
    }

    /// Keeps words for a type of message in a language, in the place of what was there.
    ///
    /// # Errors
    /// [`Refusal::InvalidField`] for words that cannot be used, [`Refusal::TooLarge`] when the tenant has 2,000 already.
    pub async fn set_push_template(&self, tenant: TenantNo, template: &KeptTemplate) -> Result<(), Refused> {
        let invalid = |error: String| Refused::new(Refusal::InvalidField, error);
        template.words.check().map_err(|error| invalid(error.to_string()))?;
        let kept = self.registry.push_templates(tenant).await.map_err(of_registry)?;
        let is_new = !kept.iter().any(|kept| {
            (&kept.package, &kept.message_type, &kept.language)
                == (&template.package, &template.message_type, &template.language)
        });
        if is_new && kept.len() >= TEMPLATES_MAX {
            let detail = format!("a tenant has at most {TEMPLATES_MAX} templates");
            return Err(Refused::new(Refusal::TooLarge, detail));
        }
        let words: &Template = &template.words;
        let record = TemplateRecord {
            package: template.package.clone(),
            message_type: template.message_type.clone(),
            language: template.language.clone(),
            words: serde_json::to_string(words).map_err(|error| invalid(error.to_string()))?,
        };
        self.registry
            .put_push_template(tenant, &record)
            .await
            .map_err(of_registry)
    }

    /// Forgets words by their package, type and language.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where there are none.
    pub async fn remove_push_template(&self, tenant: TenantNo, key: (&str, &str, &str)) -> Result<(), Refused> {
        let removed = self.registry.remove_push_template(tenant, key).await;
        let none = || Refused::new(Refusal::NotFound, "no such template");
        removed.map_err(of_registry)?.then_some(()).ok_or_else(none)
    }
}
