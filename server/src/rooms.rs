//! Hands each room its part of the settings, in that room's own words.

use std::sync::Arc;
use std::time::Duration;

use godwit_archive::{ColdPlace, ColdSettings, ColdSetupError, ColdStore, KeyError, KeyRing, Sealing};
use godwit_gateway::Rate;

use crate::settings::{ByteSize, Settings};

/// How long a client has at most to take the last bytes of its session.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

pub(crate) fn archive(settings: &Settings) -> godwit_archive::Settings {
    let storage = &settings.storage;
    godwit_archive::Settings {
        segment_bytes: storage.segment_size.0,
        commit_pace: storage.commit_pace,
        cursor_delay: storage.cursor_delay,
        rewrite_delay: storage.rewrite_delay,
        retention_age: settings.retention.age,
        retention_bytes: settings.retention.size.map(|size| size.0),
        retention_delay: settings.retention.check_delay,
        queue_entries_max: storage.queue_messages,
        queue_bytes_max: bytes(storage.queue_size),
        open_files_max: storage.open_files,
        conversations_remembered: storage.conversations_in_memory,
        duplicate_filter_bytes_max: bytes(storage.duplicate_filters),
        index_fan_in: storage.index_fan_in,
        accept_lost_numbers: storage.accept_lost_numbers,
    }
}

/// The keys that messages are encrypted with, if a file of them is named.
pub(crate) fn sealing(settings: &Settings) -> Result<Sealing, KeyError> {
    let storage = &settings.storage;
    let keys = storage.key_file.as_deref().map(KeyRing::open).transpose()?;
    Ok(Sealing {
        keys: keys.map(Arc::new),
        new_ones: storage.encrypt,
    })
}

/// The store of old messages, if one is named.
pub(crate) fn cold(settings: &Settings) -> Result<Option<ColdStore>, ColdSetupError> {
    let cold = &settings.cold;
    let Some(url) = cold.url.clone() else { return Ok(None) };
    let place = ColdPlace {
        url,
        endpoint: cold.endpoint.clone(),
        region: cold.region.clone(),
        keys: cold
            .access_key
            .reveal()
            .zip(cold.secret_key.reveal())
            .map(|(access, secret)| (access.to_owned(), secret.to_owned())),
    };
    place.open(cold_settings(settings)).map(Some)
}

fn cold_settings(settings: &Settings) -> ColdSettings {
    let cold = &settings.cold;
    ColdSettings {
        after: cold.after,
        cache_bytes: bytes(cold.cache_size),
        time_limit: cold.time_limit,
        upload_rate: cold.upload_rate.map(|size| size.0),
        check_delay: cold.check_delay,
    }
}

pub(crate) fn registry(settings: &Settings) -> godwit_registry::Settings {
    let Settings {
        credentials, limits, ..
    } = settings;
    godwit_registry::Settings {
        ticket_ttl_default_s: credentials.ticket_lifetime.as_secs(),
        ticket_ttl_max_s: credentials.ticket_lifetime_max.as_secs(),
        access_token_ttl_s: credentials.access_token_lifetime.as_secs(),
        devices_per_account_max: limits.devices_per_account,
        kept_back_per_sender_max: limits.kept_back_per_sender,
        group_members_max: limits.group_members,
        secret_checks_max: credentials.secret_checks,
        secret_checks_waiting_max: credentials.secret_checks_waiting,
        cached_devices_max: limits.cached_devices,
        cached_accounts_max: limits.cached_accounts,
        cached_members_max: limits.cached_members,
        ..godwit_registry::Settings::default()
    }
}

pub(crate) fn events(settings: &Settings) -> godwit_dispatcher::EventSettings {
    let webhooks = &settings.webhooks;
    godwit_dispatcher::EventSettings {
        private_addresses: webhooks.private_addresses,
        time_limit: webhooks.time_limit,
        retry_ms: milliseconds(webhooks.retry),
        retry_max_ms: milliseconds(webhooks.retry_max),
        give_up_ms: milliseconds(webhooks.give_up),
        log_ms: milliseconds(webhooks.log_time),
        dead_ms: milliseconds(webhooks.dead_time),
        kept_ms: milliseconds(webhooks.event_time),
        webhooks_max: webhooks.per_tenant,
        in_flight: webhooks.in_flight,
        pulls_max: webhooks.waiting,
    }
}

pub(crate) fn hooks(settings: &Settings) -> godwit_dispatcher::HookSettings {
    let webhooks = &settings.webhooks;
    godwit_dispatcher::HookSettings {
        private_addresses: webhooks.private_addresses,
        time_limit_max_ms: milliseconds(webhooks.hook_time_limit_max),
        in_flight: webhooks.hook_questions,
    }
}

pub(crate) fn gateway(settings: &Settings) -> godwit_gateway::Settings {
    let http = &settings.http;
    godwit_gateway::Settings {
        body_bytes_max: bytes(http.body_size_max),
        body_timeout: http.body_timeout,
        request_timeout: http.request_timeout,
        app_rate: Rate::new(http.app_requests, http.app_requests_burst),
        device_rate: Rate::new(http.device_requests, http.device_requests_burst),
        address_rate: Rate::new(http.address_requests, http.address_requests_burst),
        trusted_proxies: usize::from(http.trusted_proxies),
        public_url: http.public_url.clone(),
        cors_origins: http.cors_origins.clone(),
        try_page: settings.has_try_page(),
    }
}

pub(crate) fn broker(settings: &Settings) -> godwit_broker::Settings {
    let Settings { server, mqtt, .. } = settings;
    let farewell_timeout = (server.stop_timeout / 2).min(FAREWELL_MAX);
    godwit_broker::Settings {
        session: godwit_broker::session::Limits {
            connect_timeout_ms: milliseconds(mqtt.connect_timeout),
            publications_max: mqtt.publications_in_flight,
            deliveries_max: mqtt.deliveries_in_flight,
            keep_alive_max_s: u16::try_from(mqtt.keep_alive_max.as_secs()).unwrap_or(u16::MAX),
            session_expiry_max_s: mqtt
                .session_expiry_max
                .map_or(u32::MAX, |time| u32::try_from(time.as_secs()).unwrap_or(u32::MAX)),
            server_reference: mqtt.server_reference.as_deref().map(Into::into),
            ..godwit_broker::session::Limits::default()
        },
        connections_max: mqtt.connections,
        connections_per_address_max: mqtt.connections_per_address,
        connections_per_account_max: mqtt.connections_per_account,
        threads: mqtt.threads.into(),
        page_reads_max: mqtt.page_reads,
        drain_timeout: server.stop_timeout.saturating_sub(farewell_timeout),
        farewell_timeout,
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_settings_are_the_defaults_of_every_room() {
        let settings = Settings::default();
        assert_eq!(archive(&settings), godwit_archive::Settings::default());
        assert_eq!(cold_settings(&settings), ColdSettings::default());
        let (given, theirs) = (registry(&settings), godwit_registry::Settings::default());
        assert_eq!(format!("{given:?}"), format!("{theirs:?}"));
        assert_eq!(hooks(&settings), godwit_dispatcher::HookSettings::default());
        assert_eq!(events(&settings), godwit_dispatcher::EventSettings::default());
        // The page is for a machine of one's own, which the defaults are for and a library cannot know.
        let theirs = godwit_gateway::Settings {
            try_page: true,
            ..godwit_gateway::Settings::default()
        };
        let given = gateway(&settings);
        assert_eq!(format!("{given:?}"), format!("{theirs:?}"));
        let (given, theirs) = (broker(&settings), godwit_broker::Settings::default());
        assert_eq!(format!("{given:?}"), format!("{theirs:?}"));
    }
}
