//! Stands in for Huawei: OAuth, the API for Android (v1) and the one for HarmonyOS (v3), and its receipts.

mod receipts;
mod v1;
mod v3;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::World;
use super::asked::Asked;
use super::devices::Device;
use super::phone::{Keeps, Shown};
use super::script::Script;
use super::server::{self, Said, Server, StartError};
use super::strict::{self, Fault, must};
use super::tokens::{Tokens, Worth};
use crate::settings::{ClassWords, Classes, Connection, Huawei, HuaweiReceipts, HuaweiV1, HuaweiV3, Pace};
use crate::{Class, Secret, VendorName};

pub(crate) const APP_ID: &str = "100000001";
const CLIENT_SECRET: &str = "simulated-huawei-secret";
pub(crate) const PROJECT: &str = "900000001";
pub(crate) const KEY_ID: &str = "simulated-huawei-key";
pub(crate) const SUB_ACCOUNT: &str = "300000001";
const BADGE_CLASS: &str = "example.godwit.MainActivity";
const KEY: &str = include_str!("keys/huawei.pem");
const PUBLIC_KEY: &str = include_str!("keys/huawei.public.pem");
const LIFE_MS: u64 = 3_600_000;
/// Bytes of a request without its tokens.
const PAYLOAD_MAX: usize = 4_096;

/// A simulated Huawei. Stops when it is dropped.
pub struct HuaweiSimulator {
    server: Server,
    rules: Arc<Rules>,
}

struct Rules {
    world: Arc<World>,
    script: Arc<Script>,
    tokens: Tokens,
    key: DecodingKey,
    /// Whom a signed token of v3 must name.
    token_url: String,
    granted: Mutex<Granted>,
}

/// What the app was granted by Huawei.
struct Granted {
    categories: BTreeSet<String>,
    high_priority: bool,
}

/// A request that was understood.
struct Push {
    tokens: Vec<String>,
    shown: Shown,
    dry: bool,
    bi_tag: String,
}

/// Status, code and text.
struct No(u16, &'static str, Fault);

impl No {
    fn wrong(fault: Fault) -> Self {
        Self(200, "80100003", fault)
    }
}

impl HuaweiSimulator {
    pub(crate) async fn start(world: &Arc<World>) -> Result<Self, StartError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let script = Arc::new(Script::default());
        let categories = ["IM", "VOIP"].map(str::to_owned);
        let rules = Arc::new(Rules {
            world: Arc::clone(world),
            script: Arc::clone(&script),
            tokens: Tokens::new(LIFE_MS),
            key: DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).expect("the key beside this file is one"),
            token_url: format!("https://{}/oauth2/v3/token", listener.local_addr()?),
            granted: Mutex::new(Granted {
                categories: BTreeSet::from(categories),
                high_priority: true,
            }),
        });
        let server = Server::serve(listener, &world.authority, script, Arc::clone(&rules) as _)?;
        Ok(Self { server, rules })
    }

    /// Settings that lead here, for both APIs, with credentials that are taken.
    pub fn settings(&self) -> Huawei {
        let category = |category: &str| ClassWords {
            category: Some(category.to_owned()),
            ..ClassWords::default()
        };
        let account = json!({
            "project_id": PROJECT,
            "key_id": KEY_ID,
            "private_key": KEY,
            "sub_account": SUB_ACCOUNT,
            "auth_uri": "https://oauth-login.cloud.huawei.com/oauth2/v3/authorize",
            "token_uri": self.rules.token_url,
        });
        Huawei {
            v1: Some(HuaweiV1 {
                app_id: APP_ID.to_owned(),
                client_id: None,
                client_secret: Secret::new(CLIENT_SECRET),
                connection: self.connection(),
            }),
            v3: Some(HuaweiV3 {
                service_account: Secret::new(account.to_string()),
                connection: self.connection(),
            }),
            class: Classes::from([(Class::Chat, category("IM")), (Class::Call, category("VOIP"))]),
            badge_class: Some(BADGE_CLASS.to_owned()),
            receipt_id: Some(receipts::RECEIPT_ID.to_owned()),
            receipts: Some(HuaweiReceipts {
                user: receipts::USER.to_owned(),
                key: Secret::new(receipts::KEY),
            }),
            pace: Pace::default(),
        }
    }

    fn connection(&self) -> Connection {
        let token_url = Some(self.rules.token_url.clone());
        self.rules.world.connection(self.server.origin(), token_url)
    }

    /// Makes it fail, and says what it got.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// How many OAuth tokens were given.
    pub fn given(&self) -> usize {
        self.rules.tokens.count()
    }

    /// All OAuth tokens that were given have expired.
    pub fn expire(&self) {
        self.rules.tokens.expire();
    }

    /// Whether the app may push with high priority.
    pub fn grant_high_priority(&self, granted: bool) {
        self.rules.granted().high_priority = granted;
    }

    /// Takes back what the app was granted to say of itself.
    pub fn revoke_categories(&self) {
        self.rules.granted().categories.clear();
    }

    /// A receipt as Huawei posts it: the header `X-HUAWEI-CALLBACK-ID` and the body.
    pub fn receipt(&self, statuses: &[(&str, u32)], bi_tag: &str) -> (String, String) {
        receipts::receipt(self.rules.world.clock.now_ms(), statuses, bi_tag)
    }

    /// What signs receipts: the key and the user's name.
    pub fn receipt_key() -> (&'static str, &'static str) {
        (receipts::KEY, receipts::USER)
    }
}

impl Rules {
    fn granted(&self) -> MutexGuard<'_, Granted> {
        self.granted.lock().expect("nothing panics while it holds the grants")
    }

    fn token(&self, asked: &Asked) -> Said {
        match strict::client_credentials(asked, (APP_ID, CLIENT_SECRET)) {
            Ok(()) => self.tokens.bearer(self.world.clock.now_ms()),
            Err(fault) => Said::json(
                400,
                &json!({"error": 1101, "sub_error": 12304, "error_description": fault}),
            ),
        }
    }

    fn oauth(&self, asked: &Asked) -> Result<(), No> {
        match self.tokens.worth(bearer(asked), self.world.clock.now_ms()) {
            Worth::Alive => Ok(()),
            Worth::Expired => Err(No(401, "80200003", "the token has expired".to_owned())),
            Worth::Unknown => Err(No(401, "80200001", "the token is not known".to_owned())),
        }
    }

    fn take(&self, asked: &Asked) -> Result<Value, No> {
        if asked.path == format!("/v1/{APP_ID}/messages:send") {
            self.oauth(asked)?;
            let push = self.v1(asked)?;
            return self.reach(&push, false);
        }
        if asked.path == format!("/v3/{PROJECT}/messages:send") {
            self.signed(asked)?;
            let push = self.v3(asked)?;
            return self.reach(&push, true);
        }
        Err(No(404, "80100003", format!("no such path: {}", asked.path)))
    }

    fn category(&self, category: &str) -> Result<(), No> {
        let granted = category.is_empty() || self.granted().categories.contains(category);
        must(granted, format!("the category {category} was not granted")).map_err(|fault| No(200, "80300002", fault))
    }

    fn reach(&self, push: &Push, by_reason: bool) -> Result<Value, No> {
        let tokens = &push.tokens;
        must(!tokens.is_empty(), "no tokens").map_err(|fault| No(200, "80100001", fault))?;
        must(tokens.len() <= 1_000, "more than 1,000 tokens").map_err(|fault| No(200, "80300010", fault))?;
        let mut refused: Vec<(String, &String)> = Vec::new();
        for token in tokens {
            match self.world.devices.get(VendorName::Huawei, token) {
                Device::Good if push.dry => {}
                Device::Good => {
                    let shown = push.shown.clone();
                    self.world.phones.receive(VendorName::Huawei, token, shown, Keeps::All);
                }
                Device::Refused { reason } => refused.push((reason, token)),
                Device::Gone { .. } => refused.push(("noRight".to_owned(), token)),
                Device::Unknown | Device::OtherApp => refused.push(("tokenFormatError".to_owned(), token)),
            }
        }
        Ok(self.said(tokens.len(), &refused, by_reason, &push.bi_tag))
    }

    fn said(&self, asked: usize, refused: &[(String, &String)], by_reason: bool, bi_tag: &str) -> Value {
        let request = format!("sim{}-{bi_tag}", self.script.seen());
        if refused.is_empty() {
            return json!({"code": "80000000", "msg": "Success", "requestId": request});
        }
        let (failure, success) = (refused.len(), asked - refused.len());
        let illegal: Vec<&String> = refused.iter().map(|(_, token)| *token).collect();
        let all = success == 0;
        let msg = if by_reason {
            let mut reasons = serde_json::Map::new();
            for (reason, token) in refused {
                let list = reasons.entry(reason.clone()).or_insert_with(|| json!([]));
                list.as_array_mut().expect("it was just made as one").push(json!(token));
            }
            json!({"success": success, "failure": failure, "illegalTokens": reasons}).to_string()
        } else if all {
            // v1 does not say which when it is all of them.
            "All the tokens are invalid".to_owned()
        } else {
            json!({"success": success, "failure": failure, "illegal_tokens": illegal}).to_string()
        };
        let code = if all { "80300007" } else { "80100000" };
        json!({"code": code, "msg": msg, "requestId": request})
    }
}

impl server::Rules for Rules {
    fn is_push(&self, asked: &Asked) -> bool {
        asked.path != "/oauth2/v3/token"
    }

    fn answer(&self, asked: &Asked) -> Said {
        if asked.path == "/oauth2/v3/token" {
            return self.token(asked);
        }
        match self.take(asked) {
            Ok(body) => Said::json(200, &body),
            Err(No(status, code, fault)) => {
                if code.starts_with("8010") {
                    self.script.complain(fault.clone());
                }
                Said::json(status, &json!({"code": code, "msg": fault, "requestId": "sim"}))
            }
        }
    }
}

fn bearer(asked: &Asked) -> &str {
    let authorization = asked.header("authorization");
    authorization.strip_prefix("Bearer ").unwrap_or_default()
}
