//! Clients that never heard of this platform, each over every transport it has and in both versions of MQTT.
#![expect(clippy::panic, reason = "a helper of tests asserts too")]

mod mosquitto;
mod platform;
mod programs;
mod rumqttc;
