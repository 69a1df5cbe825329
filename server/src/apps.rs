//! `godwit app …`: makes apps and secrets in a data folder that no server is using.

use std::sync::Arc;

use godwit_model::{Refusal, SystemClock, TenantNo};
use godwit_registry::{Error, NewApp, Registry, Scope};
use serde::Serialize;

use crate::args::{AppCommand, Configured};
use crate::console::{print, print_json};
use crate::data_folder::{DataFolder, FirstApp};
use crate::failure::{Exit, Failure};
use crate::{opening, platform, settings};

/// An app whose secret was just made, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    tenant_no: String,
    client_id: &'a str,
    client_secret: &'a str,
    name: &'a str,
    scopes: String,
}

/// Does what was asked with apps.
pub(crate) async fn run(command: AppCommand, json: bool) -> Result<(), Failure> {
    match command {
        AppCommand::Create {
            name,
            scopes,
            tenant,
            configured,
        } => {
            let scopes = read_scopes(&scopes)?;
            let (_folder, registry) = open(&configured).await?;
            let new = registry.create_app(TenantNo(tenant), &name, &scopes).await;
            show(&new.map_err(|error| refused(&error))?, json);
        }
        AppCommand::ResetSecret { client_id, configured } => {
            let (folder, registry) = open(&configured).await?;
            let new = registry
                .reset_app_secret(&client_id)
                .await
                .map_err(|error| refused(&error))?;
            renew_first_app(&folder, &new)?;
            show(&new, json);
        }
    }
    Ok(())
}

async fn open(configured: &Configured) -> Result<(DataFolder, Registry), Failure> {
    let settings = settings::load(configured.sources())?.settings;
    let folder = DataFolder::open(&settings.server.data)?;
    let store = opening::open_store(&settings, &folder).await?;
    let key = platform::master_key(&folder, &store).await?;
    let registry = opening::open_registry(&settings, store, Arc::new(SystemClock), &key).await?;
    Ok((folder, registry))
}

fn read_scopes(names: &[String]) -> Result<Vec<Scope>, Failure> {
    if names.is_empty() {
        return Ok(Scope::ALL.to_vec());
    }
    let scopes: Result<Vec<Scope>, _> = names.iter().map(|name| name.trim().parse()).collect();
    scopes.map_err(|unknown| {
        let all = Scope::ALL.map(Scope::as_str).join(", ");
        Failure::new("GW-R002", unknown.to_string(), format!("there are {all}")).with_exit(Exit::Usage)
    })
}

/// The file keeps what works: it may be the secret of the app in it that was reset.
fn renew_first_app(folder: &DataFolder, new: &NewApp) -> Result<(), Failure> {
    match folder.first_app() {
        Some(first) if *first.client_id == *new.app.client_id => folder.write_first_app(&FirstApp::from(new)),
        _ => Ok(()),
    }
}

fn refused(error: &Error) -> Failure {
    let exit = match error.refusal() {
        Some(Refusal::NotFound) => Exit::NotFound,
        _ => Exit::Refused,
    };
    let code = if error.refusal().is_some() {
        "GW-R001"
    } else {
        "GW-S001"
    };
    Failure::new(code, error.to_string(), "").with_exit(exit)
}

fn show(new: &NewApp, json: bool) {
    let shown = Shown {
        tenant_no: new.app.tenant.to_string(),
        client_id: &new.app.client_id,
        client_secret: &new.client_secret,
        name: &new.app.name,
        scopes: new.app.scopes.to_string(),
    };
    if json {
        print_json(&shown);
        return;
    }
    print(&format!(
        "tenant         {}\nname           {}\nscopes         {}\nclient id      {}\nclient secret  {}   (shown once)\n",
        shown.tenant_no, shown.name, shown.scopes, shown.client_id, shown.client_secret
    ));
}
