//! Who is told what became durable.

use std::sync::Arc;

use godwit_model::AccountNo;

use crate::record::Record;

/// Told on the writer's thread, so it must be quick and must not wait for the archive.
pub trait Listener: Send + Sync + 'static {
    /// These entries are durable and readable; their appenders are answered right after this returns.
    /// In ascending `seq` for each account.
    fn committed(&self, deliveries: &[Delivery]);

    /// The appenders of the commit that was just told of have their answers.
    fn answered(&self);

    /// A write or sync failed for good: nothing will be acknowledged any more.
    fn stopped(&self);
}

/// One numbered entry of one inbox.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Whose inbox.
    pub account: AccountNo,
    /// Its number there.
    pub seq: u64,
    /// What stands there.
    pub record: Arc<Record>,
}

/// A listener that does nothing, for tools and tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Listener for Silent {
    fn committed(&self, _: &[Delivery]) {}

    fn answered(&self) {}

    fn stopped(&self) {}
}
