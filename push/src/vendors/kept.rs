//! The vendors in use, made anew when the files of their keys change.

use std::sync::{Arc, PoisonError, RwLock};

use godwit_model::Clock;

use super::Vendors;
use crate::settings::{Settings, SettingsError};

/// The vendors in use.
pub struct KeptVendors {
    settings: Settings,
    clock: Arc<dyn Clock>,
    now: RwLock<Arc<Vendors>>,
}

impl KeptVendors {
    /// Makes all clients, as [`Vendors::from_settings`].
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SettingsError> {
        let vendors = Vendors::from_settings(&settings, &clock)?;
        Ok(Self {
            now: RwLock::new(Arc::new(vendors)),
            settings,
            clock,
        })
    }

    /// Those in use now.
    pub fn now(&self) -> Arc<Vendors> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks whether a secret's file changed, and makes its vendor anew; says whether one did. Pushes under way end as
    /// they began.
    ///
    /// # Errors
    /// What is in a file cannot be used: the vendors stay as they were.
    pub fn renew(&self) -> Result<bool, SettingsError> {
        let Some(renewed) = self.now().renewed(&self.settings, &self.clock)? else {
            return Ok(false);
        };
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
        Ok(true)
    }
}
