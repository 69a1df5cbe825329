//! The words of notifications, by tenant, app, message type and language.

mod row;

use godwit_model::TenantNo;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{Error, Store};

/// A template, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRecord {
    /// The package of the app on the device; empty for every app of the tenant.
    pub package: String,
    /// The name of the message type.
    pub message_type: String,
    /// The language (BCP 47), in lower case.
    pub language: String,
    /// The template itself; a text the store only keeps.
    pub words: String,
}

fn key(tenant: TenantNo) -> i32 {
    i32::try_from(tenant.0).unwrap_or(i32::MAX)
}

impl Store {
    /// Every template of a tenant, by app, type and language.
    pub async fn push_templates(&self, tenant: TenantNo) -> Result<Vec<TemplateRecord>, Error> {
        let find = row::Entity::find()
            .filter(row::Column::TenantNo.eq(key(tenant)))
            .order_by_asc(row::Column::Package)
            .order_by_asc(row::Column::MessageType)
            .order_by_asc(row::Column::Language);
        let rows = find.all(&self.reader).await?;
        let read = |row: row::Model| TemplateRecord {
            package: row.package,
            message_type: row.message_type,
            language: row.language,
            words: row.words,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Keeps a template in the place of the one for its app, type and language.
    pub async fn put_push_template(&self, tenant: TenantNo, template: &TemplateRecord) -> Result<(), Error> {
        self.write(|held| async move {
            let row = row::ActiveModel {
                tenant_no: Set(key(tenant)),
                package: Set(template.package.clone()),
                message_type: Set(template.message_type.clone()),
                language: Set(template.language.clone()),
                words: Set(template.words.clone()),
            };
            let replace = OnConflict::columns([
                row::Column::TenantNo,
                row::Column::Package,
                row::Column::MessageType,
                row::Column::Language,
            ])
            .update_column(row::Column::Words)
            .to_owned();
            let insert = row::Entity::insert(row).on_conflict(replace);
            insert.exec_without_returning(&*held).await?;
            Ok(())
        })
        .await
    }

    /// Forgets a template; `false` when there is none.
    pub async fn remove_push_template(
        &self,
        tenant: TenantNo,
        (package, message_type, language): (&str, &str, &str),
    ) -> Result<bool, Error> {
        self.write(|held| async move {
            let id = (
                key(tenant),
                package.to_owned(),
                message_type.to_owned(),
                language.to_owned(),
            );
            let gone = row::Entity::delete_by_id(id).exec(&*held).await?;
            Ok(gone.rows_affected == 1)
        })
        .await
    }
}
