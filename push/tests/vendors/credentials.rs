//! Wrong credentials, and the check that finds them before a push does.

use godwit_push::settings::Settings;
use godwit_push::{CheckError, KeptVendors, Outcome, Secret, VendorName, Vendors};

use crate::kit::{Stage, message};

/// The settings with one thing wrong for each vendor.
fn spoil(settings: &mut Settings) {
    let wrong = || Secret::new("wrong");
    settings.apns.as_mut().expect("set").key_id = Some("SOMEOTHER1".to_owned());
    let fcm = settings.fcm.as_mut().expect("set");
    let account = fcm.service_account.read().expect("it is there");
    fcm.service_account = Secret::new(account.replace("push@", "other@"));
    settings.webpush.as_mut().expect("set").private_key = Secret::new("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE");
    settings.xiaomi.as_mut().expect("set").app_secret = wrong();
    let huawei = settings.huawei.as_mut().expect("set");
    huawei.v1.as_mut().expect("set").client_secret = wrong();
    let v3 = huawei.v3.as_mut().expect("set");
    let account = v3.service_account.read().expect("it is there");
    v3.service_account = Secret::new(account.replace("300000001", "300000002"));
    settings.honor.as_mut().expect("set").client_secret = wrong();
    settings.oppo.as_mut().expect("set").master_secret = wrong();
    settings.vivo.as_mut().expect("set").app_secret = wrong();
    settings.meizu.as_mut().expect("set").app_secret = wrong();
}

#[tokio::test]
async fn wrong_credentials_are_the_operators_and_retire_no_token() {
    let stage = Stage::with(spoil).await;
    for vendor in VendorName::ALL {
        let outcome = stage.push(vendor, &message(1)).await;
        assert!(
            matches!(outcome, Outcome::Misconfigured { .. }),
            "{vendor}: {outcome:?}"
        );
        assert!(stage.phone(vendor).history.is_empty(), "{vendor}");
    }
}

#[tokio::test]
async fn the_check_finds_wrong_credentials() {
    let stage = Stage::with(spoil).await;
    for vendor in VendorName::ALL {
        let found = stage.lane(vendor).check().await;
        match vendor {
            // There is nobody to ask.
            VendorName::WebPush => assert!(found.is_ok()),
            _ => assert!(
                matches!(found, Err(CheckError::Credentials { .. })),
                "{vendor}: {found:?}"
            ),
        }
    }
}

#[tokio::test]
async fn the_check_is_content_with_right_credentials_and_reaches_no_phone() {
    let stage = Stage::new().await;
    for vendor in VendorName::ALL {
        let found = stage.lane(vendor).check().await;
        assert!(found.is_ok(), "{vendor}: {found:?}");
    }
    assert_eq!(stage.simulators.phones().received(), 0);
    stage.assert_no_complaints();
}

#[tokio::test]
async fn three_wrong_answers_in_a_row_stop_the_lane_and_a_probe_each_minute_finds_the_repair() {
    let stage = Stage::with(spoil).await;
    let vendor = VendorName::Xiaomi;
    for number in 0..50 {
        stage.push(vendor, &message(number)).await;
    }
    assert_eq!(stage.simulators.script(vendor).seen(), 3, "the vendor is left in peace");
    let report = stage.lane(vendor).report();
    let stopped = report.stopped.expect("it says why");
    assert!(stopped.starts_with("21301"), "{stopped}");
    stage.forward(60_000);
    stage.push(vendor, &message(51)).await;
    stage.push(vendor, &message(52)).await;
    assert_eq!(stage.simulators.script(vendor).seen(), 4, "one probe a minute");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_starts() {
    let stage = Stage::new().await;
    let clock = std::sync::Arc::clone(&stage.clock) as _;
    let refused = |change: &dyn Fn(&mut Settings)| {
        let mut settings = stage.simulators.settings();
        change(&mut settings);
        let error = Vendors::from_settings(&settings, &clock).err().expect("refused");
        let text = error.to_string();
        assert!(!text.contains("simulated-"), "no secret in {text}");
        (error.vendor, error.key)
    };
    let text = || Secret::new("not a key");
    assert_eq!(
        refused(&|set| set.apns.as_mut().expect("set").key = Some(text())),
        (VendorName::Apns, "key")
    );
    assert_eq!(
        refused(&|set| set.fcm.as_mut().expect("set").service_account = text()),
        (VendorName::Fcm, "service_account")
    );
    assert_eq!(
        refused(&|set| set.webpush.as_mut().expect("set").private_key = text()),
        (VendorName::WebPush, "private_key")
    );
    assert_eq!(
        refused(&|set| set.webpush.as_mut().expect("set").subject = "me".to_owned()),
        (VendorName::WebPush, "subject")
    );
    assert_eq!(
        refused(&|set| {
            let huawei = set.huawei.as_mut().expect("set");
            (huawei.v1, huawei.v3) = (None, None);
        }),
        (VendorName::Huawei, "v1")
    );
    assert_eq!(
        refused(&|set| set.meizu.as_mut().expect("set").app_secret = Secret::new("")),
        (VendorName::Meizu, "app_secret")
    );
    assert_eq!(
        refused(
            &|set| set.oppo.as_mut().expect("set").connection.extra_roots = Some(Secret::new(
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
            ))
        ),
        (VendorName::Oppo, "connection")
    );
}

#[tokio::test]
async fn a_changed_key_is_taken_into_use_and_a_broken_one_leaves_the_former() {
    let stage = Stage::new().await;
    let folder = std::env::temp_dir().join(format!("godwit-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("meizu");
    let mut settings = stage.simulators.settings();
    let right = settings
        .meizu
        .as_ref()
        .expect("set")
        .app_secret
        .read()
        .expect("a secret");
    std::fs::write(&file, "the former secret").expect("written");
    settings.meizu.as_mut().expect("set").app_secret =
        serde_json::from_value(serde_json::json!({"file": file})).expect("a secret");
    let kept = KeptVendors::new(settings, std::sync::Arc::clone(&stage.clock) as _).expect("the settings hold");
    let device = stage.device(VendorName::Meizu);
    let lane = |vendor| std::sync::Arc::clone(kept.now().lane("app", vendor).expect("it is set"));
    let (meizu, fcm) = (lane(VendorName::Meizu), lane(VendorName::Fcm));
    assert_eq!(meizu.deliver(&device, &message(1)).await.word(), "misconfigured");
    assert_eq!(kept.renew(), Ok(false), "nothing changed");
    std::fs::write(&file, " ").expect("written");
    assert_eq!(kept.renew().expect_err("it is empty").vendor, VendorName::Meizu);
    assert!(
        std::sync::Arc::ptr_eq(&meizu, &lane(VendorName::Meizu)),
        "the former stays"
    );
    std::fs::write(&file, right).expect("written");
    assert_eq!(kept.renew(), Ok(true));
    assert!(
        lane(VendorName::Meizu)
            .deliver(&device, &message(1))
            .await
            .is_accepted()
    );
    assert!(
        std::sync::Arc::ptr_eq(&fcm, &lane(VendorName::Fcm)),
        "what did not change is the same lane"
    );
    assert_eq!(kept.renew(), Ok(false));
    std::fs::remove_dir_all(&folder).expect("removed");
}
