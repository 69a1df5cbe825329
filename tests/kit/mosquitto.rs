//! Debian's mosquitto clients: what somebody uses who never heard of this platform.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program;
use crate::rest::Device;

/// Whether they are installed.
pub fn is_here() -> bool {
    program::is_here("mosquitto_sub", "GODWIT_REQUIRE_MOSQUITTO")
}

fn command(name: &str, address: &str, device: &Device) -> Command {
    let (host, port) = address.rsplit_once(':').expect("host:port");
    let mut command = Command::new(name);
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
            "-P",
            &device.token,
        ])
        .args(["-q", "1"])
        .stdin(Stdio::null());
    command
}

/// `mosquitto_sub` on the device's inbox, as a persistent session; ends after `count` messages. It leaves in a hurry:
/// where it has not read its SUBACK by then, its last acknowledgements are lost, and their entries come again.
pub fn subscribe(address: &str, device: &Device, count: usize) -> Child {
    command("mosquitto_sub", address, device)
        .args(["-c", "-t", &device.topic("inbox"), "-C", &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mosquitto_sub starts")
}

/// The same without an end: its lines until one of them `is_last`; then it is killed.
pub fn subscribe_until(address: &str, device: &Device, is_last: impl Fn(&str) -> bool) -> Vec<String> {
    let mut child = command("mosquitto_sub", address, device)
        .args(["-c", "-t", &device.topic("inbox")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mosquitto_sub starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut lines = Vec::new();
    for line in output.lines().map_while(Result::ok) {
        lines.push(line);
        if lines.last().is_some_and(|line| is_last(line)) {
            break;
        }
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    lines
}

/// `mosquitto_pub` of one draft; whether it ended well.
pub fn publish(address: &str, device: &Device, draft: &str) -> bool {
    command("mosquitto_pub", address, device)
        .args(["-t", &device.topic("outbox"), "-m", draft])
        .status()
        .is_ok_and(|status| status.success())
}
