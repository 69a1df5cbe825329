//! A stage with all simulators, all clients, and a clock that moves when told to.

use std::sync::Arc;

use godwit_model::clock::ManualClock;
use godwit_push::simulator::{Phone, Simulators, chat_message};
use godwit_push::{Class, Kind, Lane, Notification, Outcome, PushId, Settings, Target, VendorName, Vendors};

/// 2026-11-24 10:00 UTC: six in the evening in China.
pub(crate) const NOW_MS: u64 = 1_795_514_400_000;
pub(crate) const SECOND_MS: u64 = 1_000;
pub(crate) const MINUTE_MS: u64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: u64 = 60 * MINUTE_MS;

pub(crate) struct Stage {
    pub(crate) simulators: Simulators,
    pub(crate) vendors: Vendors,
    pub(crate) clock: Arc<ManualClock>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A stage whose clients have other settings than those that are right.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let simulators = Simulators::start_all(Arc::clone(&clock) as _)
            .await
            .expect("simulators start");
        let mut settings = simulators.settings();
        change(&mut settings);
        let vendors = Vendors::from_settings(&settings, &(Arc::clone(&clock) as _)).expect("the settings hold");
        Self {
            simulators,
            vendors,
            clock,
        }
    }

    pub(crate) fn lane(&self, vendor: VendorName) -> Arc<Lane> {
        Arc::clone(self.vendors.lane("app", vendor).expect("every vendor is set"))
    }

    pub(crate) fn device(&self, vendor: VendorName) -> Target {
        self.simulators.new_device(vendor, "phone")
    }

    pub(crate) fn phone(&self, vendor: VendorName) -> Phone {
        self.simulators.phone(vendor, &self.device(vendor))
    }

    pub(crate) async fn push(&self, vendor: VendorName, notification: &Notification) -> Outcome {
        let device = self.device(vendor);
        self.lane(vendor).deliver(&device, notification).await
    }

    pub(crate) fn forward(&self, ms: u64) {
        use godwit_model::Clock as _;
        self.clock.set(self.clock.now_ms() + ms);
    }

    pub(crate) fn assert_no_complaints(&self) {
        let complaints = self.simulators.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// A chat message; every number gives another id.
pub(crate) fn message(number: u8) -> Notification {
    chat_message(PushId([number; 16]), NOW_MS + 24 * HOUR_MS)
}

/// The same as another kind.
pub(crate) fn as_kind(number: u8, kind: Kind) -> Notification {
    let class = if kind == Kind::Call { Class::Call } else { Class::Chat };
    Notification {
        kind,
        class,
        ..message(number)
    }
}

/// Vendors that reach an app without showing anything.
pub(crate) const SILENT: [VendorName; 6] = [
    VendorName::Apns,
    VendorName::Fcm,
    VendorName::WebPush,
    VendorName::Xiaomi,
    VendorName::Huawei,
    VendorName::Honor,
];

/// Vendors whose pushes need a token that lives.
pub(crate) const WITH_TOKENS: [VendorName; 5] = [
    VendorName::Fcm,
    VendorName::Huawei,
    VendorName::Honor,
    VendorName::Oppo,
    VendorName::Vivo,
];
