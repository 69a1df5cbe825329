//! What vendors report later.

use godwit_push::receipt::{self, Fate, ReceiptError};
use godwit_push::simulator::{CALLBACK_SECRET, Device, HuaweiSimulator};
use godwit_push::{Outcome, VendorName};

use crate::kit::{NOW_MS, Stage, message};

#[tokio::test]
async fn xiaomi_says_by_its_callback_which_registrations_are_dead() {
    let stage = Stage::new().await;
    let vendor = VendorName::Xiaomi;
    let (good, dead) = (stage.device(vendor), stage.simulators.new_device(vendor, "dead"));
    stage.simulators.set_device(vendor, &dead, Device::Unknown);
    let outcomes = stage
        .lane(vendor)
        .deliver_many(&[good.clone(), dead.clone()], &message(1))
        .await;
    let Outcome::Accepted { vendor_id } = &outcomes[1] else {
        panic!("{outcomes:?}");
    };
    let mut fates = Vec::new();
    for report in stage.simulators.xiaomi.take_reports() {
        let forged = receipt::xiaomi(report.as_bytes(), "another secret");
        assert_eq!(forged, Err(ReceiptError::Forged));
        for receipt in receipt::xiaomi(report.as_bytes(), CALLBACK_SECRET).expect("a report") {
            assert_eq!(&receipt.vendor_id, vendor_id, "it names the push as the answer did");
            fates.push((receipt.token, receipt.fate));
        }
    }
    assert_eq!(fates, [(good.token, Fate::Delivered), (dead.token, Fate::TokenInvalid)]);
}

#[tokio::test]
async fn huawei_signs_its_receipts_and_names_our_push() {
    let stage = Stage::new().await;
    let device = stage.device(VendorName::Huawei);
    let push = message(1);
    assert!(stage.push(VendorName::Huawei, &push).await.is_accepted());
    let (header, body) = stage
        .simulators
        .huawei
        .receipt(&[(&device.token, 0)], &push.id.simple());
    let (key, user) = HuaweiSimulator::receipt_key();
    let mut nonces = receipt::huawei::Nonces::default();
    receipt::huawei::verify(&header, key, user, NOW_MS, &mut nonces).expect("it is Huawei's");
    let again = receipt::huawei::verify(&header, key, user, NOW_MS, &mut nonces);
    assert_eq!(again, Err(ReceiptError::Repeated));
    let receipts = receipt::huawei::read(body.as_bytes()).expect("a report");
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0].push, Some(push.id.simple()));
    assert_eq!(
        (receipts[0].token.as_str(), receipts[0].fate),
        (device.token.as_str(), Fate::Delivered)
    );
}
