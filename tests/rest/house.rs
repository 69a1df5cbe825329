//! A platform in memory behind a real HTTP port.

use std::net::SocketAddr;
use std::sync::Arc;

use godwit_archive::Archive;
use godwit_archive::disk::SimulatedDisk;
use godwit_dispatcher::{Dispatcher, EventSettings, Events, HookSettings, Hooks};
use godwit_gateway::{Gateway, MqttAddresses, Settings, SocketAddresses};
use godwit_hub::{Hub, Switchboard};
use godwit_model::Clock;
use godwit_model::clock::ManualClock;
use godwit_registry::{NewApp, Registry, Scope, SecretCost};
use godwit_store::Store;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// When every story begins.
pub(crate) const NOW_MS: u64 = 1_800_000_000_000;

/// A running door.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: NewApp,
    /// The first app's access token, with every scope.
    pub(crate) token: String,
    http: reqwest::Client,
    archive: Archive,
    serving: JoinHandle<()>,
    running: Vec<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` when the body is no JSON.
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Answer {
    /// A header's text; empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("header values are ASCII"))
            .unwrap_or_default()
    }

    /// The status with the code of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        (self.status, self.json["code"].as_str().unwrap_or_default())
    }

    /// A field that must be a string.
    pub(crate) fn field(&self, name: &str) -> String {
        let text = self.json[name].as_str();
        text.unwrap_or_else(|| panic!("{name} in {}", self.json)).to_owned()
    }

    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

/// A registered device.
pub(crate) struct Phone {
    pub(crate) account: String,
    pub(crate) device_id: String,
    pub(crate) token: String,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with other settings or probes.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Gateway)) -> Self {
        let clock = Arc::new(ManualClock::new(NOW_MS));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let store = Store::open("sqlite::memory:").await.expect("a database in memory");
        let settings = godwit_registry::Settings {
            secret_cost: SecretCost {
                memory_kib: 8,
                passes: 1,
            },
            ..godwit_registry::Settings::default()
        };
        let registry = Registry::open(store, Arc::clone(&shared), &[7; 32], settings)
            .await
            .expect("the registry opens");
        let app = registry.first_app().await.expect("the store works").expect("it is new");
        let switchboard = Arc::new(Switchboard::default());
        let (archive, _) = Archive::open(
            Arc::new(SimulatedDisk::new(1)),
            Arc::clone(&shared),
            godwit_archive::Settings {
                segment_bytes: 1 << 20,
                ..godwit_archive::Settings::default()
            },
            Arc::clone(&switchboard) as _,
        )
        .expect("the archive opens");
        let hub = Hub::new(switchboard, archive.clone());
        // The cryptography of clients that call webhooks is chosen with the first client.
        let http = kit::http_client();
        let events = Events::new(EventSettings::default(), &shared).expect("a client");
        let hooks = Hooks::new(HookSettings::default(), &shared).expect("a client");
        let dispatcher = Dispatcher::new(registry.clone(), archive.clone(), hub, shared)
            .with_events(events)
            .with_hooks(hooks);
        let mut telling = dispatcher.run_events().await.expect("the store works");
        telling.push(dispatcher.run_schedules().await.expect("the store works"));
        telling.push(dispatcher.run_broadcasts());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let mqtt = MqttAddresses::of_sockets(&SocketAddresses {
            tcp: Some(SocketAddr::from(([0, 0, 0, 0], 1883))),
            http: Some(address),
            ..SocketAddresses::default()
        });
        let mut gateway = Gateway::new(dispatcher, registry.clone(), mqtt);
        gateway.settings = generous();
        change(&mut gateway);
        let service = godwit_gateway::router(gateway).into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move { axum::serve(listener, service).await.expect("serving ends with us") });
        let mut house = Self {
            address,
            registry,
            clock,
            token: String::new(),
            http,
            archive,
            serving,
            running: telling,
            app,
        };
        house.token = house.token_for(&house.app, None).await;
        house
    }

    /// An app of this tenant with some scopes only, and its token.
    pub(crate) async fn app_with(&self, scopes: &[Scope]) -> String {
        let app = self.registry.create_app(self.app.app.tenant, "other", scopes).await;
        self.token_for(&app.expect("an app"), None).await
    }

    /// The token of an app with every scope in another tenant.
    pub(crate) async fn stranger(&self) -> String {
        let tenant = self.registry.create_tenant("another").await.expect("a tenant");
        let app = self.registry.create_app(tenant, "stranger", &Scope::ALL).await;
        self.token_for(&app.expect("an app"), None).await
    }

    pub(crate) async fn token_of(&self, app: &NewApp) -> String {
        self.token_for(app, None).await
    }

    async fn token_for(&self, app: &NewApp, scope: Option<&str>) -> String {
        let request = self
            .request(Method::POST, "/oauth/token")
            .basic_auth(&app.app.client_id, Some(&app.client_secret))
            .form(&[("grant_type", "client_credentials"), ("scope", scope.unwrap_or(""))]);
        send(request).await.expect(200).field("access_token")
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::GET, path).bearer_auth(token)).await
    }

    pub(crate) async fn delete(&self, token: &str, path: &str) -> Answer {
        send(self.request(Method::DELETE, path).bearer_auth(token)).await
    }

    pub(crate) async fn put(&self, token: &str, path: &str, body: &Value) -> Answer {
        send(self.request(Method::PUT, path).bearer_auth(token).json(body)).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).bearer_auth(token).json(body)).await
    }

    /// A call without credentials.
    pub(crate) async fn post_as_guest(&self, path: &str, body: &Value) -> Answer {
        send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn ticket(&self, user: &str) -> String {
        let answer = self.post(&self.token, "/v1/tickets", &json!({"userId": user})).await;
        answer.expect(201).field("ticket")
    }

    pub(crate) async fn phone(&self, user: &str) -> Phone {
        self.phone_of(&self.token, user).await
    }

    /// A phone of a user of the tenant whose app this is.
    pub(crate) async fn phone_of(&self, token: &str, user: &str) -> Phone {
        let ticket = self.post(token, "/v1/tickets", &json!({"userId": user})).await;
        let body = json!({"ticket": ticket.expect(201).field("ticket"), "uniqueCode": format!("code-{user}"), "os": "android"});
        let answer = self.post_as_guest("/v1/devices", &body).await.expect(201);
        Phone {
            account: answer.field("account"),
            device_id: answer.field("deviceId"),
            token: answer.field("deviceToken"),
        }
    }

    pub(crate) fn clock_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    pub(crate) async fn message(&self, body: &Value) -> Answer {
        self.post(&self.token, "/v1/messages", body).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
        self.running.iter().for_each(JoinHandle::abort);
        self.archive.close();
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the door answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.expect("a whole body");
    Answer {
        status,
        headers,
        json: serde_json::from_str(&text).unwrap_or(Value::Null),
        text,
    }
}

/// Limits no story meets by chance.
fn generous() -> Settings {
    let plenty = godwit_gateway::Rate::new(100_000, 100_000);
    Settings {
        device_rate: plenty,
        address_rate: plenty,
        ..Settings::default()
    }
}
