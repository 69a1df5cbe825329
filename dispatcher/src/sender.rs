//! Who sends: a device as its user, or an app as itself or as a user of its tenant.

use std::sync::Arc;

use godwit_model::TenantNo;
use godwit_registry::{App, Device};

/// An authenticated sender.
#[derive(Clone, Debug)]
pub enum Sender {
    /// A device; speaks as its user.
    Device(Arc<Device>),
    /// An app; speaks as itself, or as a user it names.
    App(Arc<App>),
}

impl Sender {
    /// The tenant everything it names belongs to.
    pub fn tenant(&self) -> TenantNo {
        match self {
            Self::Device(device) => device.account.tenant,
            Self::App(app) => app.tenant,
        }
    }
}
