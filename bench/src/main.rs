//! Drives any MQTT server with the loads of a messenger, and reports what it cost.

fn main() {}
