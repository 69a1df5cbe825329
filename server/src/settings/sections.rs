//! The list of settings, in the words of those who run the platform. The example file is made of it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::bind::{Bind, TlsBind};
use super::choice::{ClientCertificates, LogFormat, TryPage};
use super::declare::sections;
use super::secret::Secret;
use super::units::ByteSize;
use super::value::LogFilter;

fn loopback(port: u16) -> Bind {
    Bind::At(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn mebibytes(count: u64) -> ByteSize {
    ByteSize(count << 20)
}

sections! {
    /// The process and its folder.
    server: Server {
        /// The folder that holds everything: messages, database, master key. Made if it is missing (mode 0700).
        data: PathBuf = PathBuf::from("godwit-data");
        /// Longest time a stop waits for what is under way: pending acknowledgements, open requests.
        stop_timeout: Duration = seconds(10);
    }

    /// The REST door, the pages, and MQTT over WebSocket (`/mqtt`).
    http: Http {
        /// Where it listens. Loopback is this machine only; `0.0.0.0:8080` opens it to every network; `off` closes it.
        bind: Bind = loopback(8080);
        /// The page /try, which gives demo phones to whoever opens it: `on`, `off`, or `auto`: on while this door and
        /// HTTPS are bound to loopback and neither `public_url` nor `trusted_proxies` is set.
        try_page: TryPage = TryPage::Auto;
        /// Where clients find this door, such as `https://im.example.org`; empty: where they found it.
        public_url: Option<String> = None;
        /// How many proxies of your own stand before this door and append to X-Forwarded-For; 0: it is not read.
        trusted_proxies: u8 = 0;
        /// Origins whose pages may call this door, such as `https://admin.example.org`.
        cors_origins: Vec<String> = Vec::new();
        /// Connections at once; more are closed. MQTT over WebSocket counts as MQTT.
        connections: usize = 10_000;
        /// How long the head of a request may take to arrive, and how long an idle connection is kept.
        head_timeout: Duration = seconds(15);
        /// Largest body of a request.
        body_size_max: ByteSize = mebibytes(1);
        /// How long a body may take to arrive.
        body_timeout: Duration = seconds(15);
        /// How long a request may take to be answered.
        request_timeout: Duration = seconds(30);
        /// Requests a second of one app, in the long run.
        app_requests: u32 = 1_000;
        /// Requests of one app that may come at once.
        app_requests_burst: u32 = 2_000;
        /// Requests a second of one device, in the long run.
        device_requests: u32 = 50;
        /// Requests of one device that may come at once.
        device_requests_burst: u32 = 200;
        /// Requests a second of one address without credentials or with wrong ones, in the long run.
        address_requests: u32 = 50;
        /// Requests of one such address that may come at once.
        address_requests_burst: u32 = 200;
    }

    /// The MQTT door over TCP.
    mqtt: Mqtt {
        /// Where it listens. Loopback is this machine only; `0.0.0.0:1883` opens it to every network; `off` closes it.
        bind: Bind = loopback(1883);
        /// Longest time from an accepted connection to its answered CONNECT, the TLS handshake included.
        connect_timeout: Duration = seconds(10);
        /// Longest keep-alive an MQTT 5 client gets; 3.1.1 clients cannot be told.
        keep_alive_max: Duration = seconds(1_200);
        /// Longest session expiry an MQTT 5 client gets, in whole seconds, such as `30d`; empty: what it asks for, without
        /// end if it asks so. Sessions of 3.1.1 have no expiry.
        session_expiry_max: Option<Duration> = None;
        /// Publications taken from a client before the first of them is answered (MQTT 5: receive maximum).
        publications_in_flight: u16 = 64;
        /// Deliveries in flight to a client that names no receive maximum, or a larger one.
        deliveries_in_flight: u16 = 100;
        /// Connections at once, over TCP, TLS and WebSocket; the operating system's file limit is usually lower.
        connections: usize = 200_000;
        /// Connections at once from one IPv4 address or one IPv6 /64; many phones share one address.
        connections_per_address: usize = 20_000;
        /// Connections at once of one account.
        connections_per_account: usize = 100;
        /// Threads that carry the bytes of connections; 0: one for each core but one, which the message log keeps busy.
        threads: u8 = 0;
        /// Pages of inboxes read from the disk at the same time; clients that come back at once wait for their turn.
        page_reads: usize = 32;
        /// Another node (`host:port`) to which MQTT 5 clients are sent when this one stops; empty: they are told that it stops.
        server_reference: Option<String> = None;
    }

    /// The REST door, the pages, and MQTT over WebSocket (`wss`), with TLS. Its bounds are those of `[http]`.
    https: Https {
        /// Where it listens; `off` closes it; `auto` is `127.0.0.1:8443` if there is a certificate, else `off`.
        bind: TlsBind = TlsBind::Auto;
    }

    /// The MQTT door over TLS. Its bounds are those of `[mqtt]`.
    mqtts: Mqtts {
        /// Where it listens; `off` closes it; `auto` is `127.0.0.1:8883` if there is a certificate, else `off`.
        bind: TlsBind = TlsBind::Auto;
    }

    /// TLS 1.2 and 1.3, for HTTPS and MQTT. The files are read again when they change, and on SIGHUP.
    tls: Tls {
        /// A PEM file with the certificate and what links it to its authority, in this order.
        /// Empty: `tls/certificate.pem` and `tls/key.pem` in the data folder, where `godwit tls self-signed` puts them.
        certificate: Option<String> = None;
        /// A PEM file with the certificate's private key, readable by its owner alone.
        key: Option<String> = None;
        /// Whether clients show certificates in the handshake: `off`, `optional` (who has none is let in) or `required`.
        /// They log in all the same.
        client_certificates: ClientCertificates = ClientCertificates::Off;
        /// A PEM file with the certificates of those who sign clients' certificates.
        client_ca: Option<String> = None;
        /// Handshakes under way at once, over both doors; more wait, each for its own time limit at most.
        handshakes: usize = 1_000;
    }

    /// Where messages and everything relational live.
    storage: Storage {
        /// A PostgreSQL URL (`postgres://user:password@host/name`); empty for SQLite in the data folder.
        /// In the environment, `GODWIT_STORAGE__DATABASE_FILE` may name a file that holds it.
        database: Secret = Secret::default();
        /// Size of one segment file of the message log, 64KiB to 1GiB.
        segment_size: ByteSize = mebibytes(64);
        /// Least time between the starts of two commits while messages keep coming.
        commit_pace: Duration = Duration::from_micros(500);
        /// Longest time an acknowledged delivery is remembered in memory only; after a crash it may come again.
        cursor_delay: Duration = Duration::from_millis(50);
        /// How often messages that were taken back are looked for, to take their bytes off the disk.
        rewrite_delay: Duration = seconds(10);
        /// Whether the content of new messages is encrypted on the disk, with a key for each tenant.
        encrypt: bool = false;
        /// The file of these keys, outside the data folder; made if it is missing (mode 0600). It is needed for as long
        /// as there are encrypted messages. Who takes a tenant's line out has erased that tenant's messages.
        key_file: Option<String> = None;
        /// Most messages that wait for the disk; more are told to come later.
        queue_messages: usize = 8_192;
        /// Most bytes that wait for the disk; more are told to come later.
        queue_size: ByteSize = mebibytes(64);
        /// Most files of the message log that stay open for reading.
        open_files: usize = 128;
        /// Conversations whose last number is kept in memory, at 24 bytes each; others are looked up.
        conversations_in_memory: usize = 1_048_576;
        /// Most memory for the filters that spare new messages a look at the disk, 2 bytes for each of the last 72 hours.
        /// With less than that the older ones are looked up.
        duplicate_filters: ByteSize = mebibytes(256);
        /// How many neighbouring indexes of the message log are merged into one; 0 merges none.
        index_fan_in: usize = 8;
        /// Whether a start goes on though damage may make it give numbers again that devices have seen.
        accept_lost_numbers: bool = false;
    }

    /// An object store for old messages: whole segments of the log go there, and are read from there. Indexes stay here.
    cold: Cold {
        /// `s3://bucket/prefix`, or `file:///folder` such as a mounted disk; empty: everything stays in the data folder.
        /// Once anything is in it, it is needed for as long as that is kept. Nobody else may write there.
        url: Option<String> = None;
        /// Where S3 is if it is not Amazon's, such as `https://s3.example.org` or `http://127.0.0.1:9000`.
        endpoint: Option<String> = None;
        /// The region of the bucket, such as `eu-central-1`; empty is what S3 takes for none.
        region: Option<String> = None;
        /// The access key; empty, with `secret_key`: the role of the machine is asked for.
        /// In the environment, `GODWIT_COLD__ACCESS_KEY_FILE` may name a file that holds it.
        access_key: Secret = Secret::default();
        /// The secret key. In the environment, `GODWIT_COLD__SECRET_KEY_FILE` may name a file that holds it.
        secret_key: Secret = Secret::default();
        /// Segments whose messages are all older than this go there; at least `4d`.
        after: Duration = seconds(30 * 24 * 3_600);
        /// Memory for what was fetched and may be wanted again.
        cache_size: ByteSize = mebibytes(64);
        /// Longest time a page of old messages waits for the store; then it fails, and may be asked for again.
        time_limit: Duration = seconds(10);
        /// Most bytes uploaded in a second, in the long run; empty: as fast as the store takes them.
        upload_rate: Option<ByteSize> = None;
        /// How often it is looked what is old enough, and what is to be deleted there.
        check_delay: Duration = seconds(60);
    }

    /// Which messages go by themselves: whole segments of the log, the oldest first. With both empty everything is kept.
    retention: Retention {
        /// Messages older than this go, such as `365d`; empty: none for their age.
        age: Option<Duration> = None;
        /// The oldest messages go while the log takes more than this, such as `500GiB`; empty: none for their size.
        size: Option<ByteSize> = None;
        /// How often it is looked what may go. Nothing goes while the clock is in doubt, nor more than half at once:
        /// /readyz warns then, and an operator decides with `godwit archive retain`.
        check_delay: Duration = seconds(60);
    }

    /// Vendor push. The vendors themselves are tables of their own, such as `[push.apns]`: see docs/push.md. With none
    /// of them, nothing is pushed.
    push: Push {
        /// How long a device may take to acknowledge a message before it is pushed; at once where no device of the
        /// account is connected.
        grace: Duration = seconds(4);
        /// How long the push of a message is of use.
        message_time: Duration = seconds(86_400);
        /// How long a ringing is of use.
        call_time: Duration = seconds(60);
        /// The first pause between pushes of one conversation to one device; each next one is twice as long.
        window: Duration = seconds(3);
        /// The longest such pause.
        window_max: Duration = seconds(30);
        /// Pushes under way at once to one vendor that takes one device at a time.
        in_flight: usize = 256;
        /// Pushes under way at once to one vendor that takes several devices in one request.
        batched: usize = 2_000;
        /// How long equal pushes to such a vendor are gathered; again while more come, 20 times at most.
        linger: Duration = Duration::from_millis(50);
        /// Devices of one page, when the stored numbers of all are looked through for what is owed.
        page: usize = 500;
        /// Accounts in memory whose grace runs, at 8 bytes each. Beyond, the stored numbers are looked through.
        accounts_waiting: usize = 500_000;
        /// Whether an account's other phones are told the unread count in silence when something was read.
        badge_updates: bool = true;
        /// How long it is kept what became of each push.
        ledger_time: Duration = seconds(30 * 86_400);
        /// Whether it is also kept why a message was not pushed.
        ledger_not_due: bool = true;
    }

    /// Broadcasts: messages that go to any number of accounts, page by page.
    broadcasts: Broadcasts {
        /// Accounts a second that all broadcasts together reach. Each of them may be asked to go slower.
        rate: u32 = 5_000;
    }

    /// Who is told of events, and who is asked before a message is taken: see docs/webhooks.md.
    webhooks: Webhooks {
        /// Whether webhooks and hooks may be at private addresses and speak plain HTTP: for one's own network. Otherwise
        /// only `https://` at public addresses is called.
        private_addresses: bool = false;
        /// How long a webhook may take to answer.
        time_limit: Duration = seconds(15);
        /// The first pause before an event is told again; each next one is twice as long, with jitter.
        retry: Duration = seconds(5);
        /// The longest such pause.
        retry_max: Duration = seconds(900);
        /// For how long an event is told again before it is dead: kept, and told again by request only.
        give_up: Duration = seconds(3 * 86_400);
        /// How long it is kept what was tried.
        log_time: Duration = seconds(7 * 86_400);
        /// How long dead events are kept.
        dead_time: Duration = seconds(30 * 86_400);
        /// How long events are kept that are not messages or changes of groups, for webhooks that are behind.
        event_time: Duration = seconds(7 * 86_400);
        /// Most webhooks of a tenant.
        per_tenant: u64 = 20;
        /// Calls under way at once to one webhook.
        in_flight: usize = 8;
        /// Apps that may wait for events at once, over all tenants.
        waiting: usize = 1_000;
        /// Longest time that a tenant may give a hook to answer before a message is taken.
        hook_time_limit_max: Duration = seconds(5);
        /// Questions under way at once to one hook; more wait, within its time limit.
        hook_questions: usize = 64;
    }

    /// Who changed what.
    audit: Audit {
        /// Lines older than this are forgotten, such as `365d`; empty: none.
        age: Option<Duration> = None;
    }

    /// How long credentials live, and what checking them costs.
    credentials: Credentials {
        /// How long a ticket lives when the app names no time.
        ticket_lifetime: Duration = seconds(300);
        /// The longest life an app may give a ticket.
        ticket_lifetime_max: Duration = seconds(3_600);
        /// How long an access token lives.
        access_token_lifetime: Duration = seconds(3_600);
        /// Most app secrets checked at the same time; each takes about 19MiB of memory for some 20ms.
        secret_checks: usize = 2;
        /// Most requests that wait for a check of an app's secret; more are told to come later.
        secret_checks_waiting: usize = 64;
    }

    /// How much of each.
    limits: Limits {
        /// How long a sender may take a message back.
        recall_time: Duration = seconds(120);
        /// Most live devices of one account.
        devices_per_account: usize = 100;
        /// Most members of one group, at most 100000.
        group_members: usize = 100_000;
        /// Most messages of one sender, a user or an app, that are kept back at once.
        kept_back_per_sender: usize = 10_000;
        /// Most devices kept in memory between two questions to the database.
        cached_devices: u64 = 200_000;
        /// Most accounts kept in memory between two questions to the database.
        cached_accounts: u64 = 400_000;
        /// Most group members kept in memory, over all groups.
        cached_members: u64 = 1_000_000;
    }

    /// What the server says about itself, on standard error. Never secrets, never content.
    log: Log {
        /// What is kept: error, warn, info, debug or trace; per room as `info,godwit_broker=debug`.
        filter: LogFilter = LogFilter("info".to_owned());
        /// `text` for people, `json` for machines.
        format: LogFormat = LogFormat::Text;
    }
}

impl Settings {
    /// Whether `/try` is there: as it was said, or else if only this machine can connect as far as the settings tell.
    pub fn has_try_page(&self) -> bool {
        let http = &self.http;
        match http.try_page {
            TryPage::On => true,
            TryPage::Off => false,
            TryPage::Auto => self.is_http_local() && http.public_url.is_none() && http.trusted_proxies == 0,
        }
    }
}
