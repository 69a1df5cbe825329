//! mosquitto's programs. They speak no WebSocket (2.0), so they come over TCP and TLS.

use std::process::{Command, Output, Stdio};

use kit::{Device, mosquitto};

use crate::platform::{OWN, Platform, text_of};

/// What every call of the programs begins with.
fn command(program: &str, url: &str, (version, certificate): (u8, &str), device: &Device) -> Command {
    let (scheme, address) = url.split_once("://").expect("a URL");
    let (host, port) = address.rsplit_once(':').expect("host:port");
    let mut command = Command::new(program);
    command
        .args([
            "-h",
            host,
            "-p",
            port,
            "-i",
            &device.id,
            "-u",
            &device.account,
            "-q",
            "1",
            "-c",
        ])
        .stdin(Stdio::null());
    if version == 5 {
        command.args(["-V", "mqttv5", "-x", "3600"]);
    } else {
        command.args(["-V", "mqttv311"]);
    }
    if scheme == "mqtts" {
        command.args(["--cafile", certificate]);
    }
    command
}

/// Listens to the inbox until so many entries came; their texts.
fn listen(mut command: Command, device: &Device, count: usize) -> Vec<String> {
    let Output { status, stdout, stderr } = command
        .args([
            "-P",
            &device.token,
            "-t",
            &device.topic("inbox"),
            "-C",
            &count.to_string(),
            "-W",
            "20",
        ])
        .output()
        .expect("mosquitto_sub runs");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let lines = stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(text_of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_works_over_tcp_and_tls_in_both_versions() {
    if !mosquitto::is_here() {
        return;
    }
    let platform = Platform::start().await;
    let certificate = platform.certificate.display().to_string();
    for transport in ["mqtt", "mqtts"] {
        for version in [3, 5] {
            let pair = platform.pair("mosquitto", transport, version).await;
            let (device, url) = (&pair.own, platform.url(transport));
            let program = |name: &str| command(name, &url, (version, &certificate), device);

            let wrong = program("mosquitto_pub")
                .args(["-P", "gwd_wrong", "-t", &device.topic("outbox"), "-m", "{}"])
                .output()
                .expect("mosquitto_pub runs");
            let told = String::from_utf8_lossy(&wrong.stderr).to_lowercase();
            assert!(
                !wrong.status.success() && told.contains("not authori"),
                "{transport} {version}: {told}"
            );

            // It has no session before it subscribed once; the first run brings it one entry.
            pair.partner_says(&platform, &["first"]).await;
            assert_eq!(
                listen(program("mosquitto_sub"), device, 1),
                ["first"],
                "{transport} {version}"
            );
            platform.server.only(0).await;
            // From another phone: mosquitto_pub would take what waits for the first one, and show it to nobody.
            let other = platform
                .app
                .register(&device.user, &format!("{transport}-{version}"))
                .await;
            let sent = command("mosquitto_pub", &url, (version, &certificate), &other)
                .args(["-P", &other.token, "-t", &other.topic("outbox"), "-m", &pair.draft()])
                .status();
            assert!(sent.is_ok_and(|status| status.success()), "{transport} {version}");
            pair.partner_hears(&platform).await;
            pair.partner_says(&platform, &["missed 1", "missed 2", "missed 3"])
                .await;
            let missed = listen(program("mosquitto_sub"), device, 4);
            assert_eq!(
                missed,
                [OWN, "missed 1", "missed 2", "missed 3"],
                "{transport} {version}"
            );
        }
    }
}
