//! Hands each room its part of the settings, in that room's own words.

use std::time::Duration;

use godwit_gateway::Rate;

use crate::settings::{ByteSize, Settings};

pub(crate) fn archive(settings: &Settings) -> godwit_archive::Settings {
    let storage = &settings.storage;
    godwit_archive::Settings {
        segment_bytes: storage.segment_size.0,
        commit_pace: storage.commit_pace,
        cursor_delay: storage.cursor_delay,
        queue_entries_max: storage.queue_messages,
        queue_bytes_max: bytes(storage.queue_size),
    }
}

pub(crate) fn registry(settings: &Settings) -> godwit_registry::Settings {
    let Settings { credentials, limits, .. } = settings;
    godwit_registry::Settings {
        ticket_ttl_default_s: credentials.ticket_lifetime.as_secs(),
        ticket_ttl_max_s: credentials.ticket_lifetime_max.as_secs(),
        access_token_ttl_s: credentials.access_token_lifetime.as_secs(),
        devices_per_account_max: limits.devices_per_account,
        group_members_max: limits.group_members,
        secret_checks_max: credentials.secret_checks,
        secret_checks_waiting_max: credentials.secret_checks_waiting,
        cached_devices_max: limits.cached_devices,
        cached_accounts_max: limits.cached_accounts,
        cached_members_max: limits.cached_members,
        ..godwit_registry::Settings::default()
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
    }
}

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}
