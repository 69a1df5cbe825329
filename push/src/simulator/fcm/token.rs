//! What Google's token endpoint takes (RFC 7523, and Google's "Using OAuth 2.0 for server to server applications").

use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::json;

use super::{CLIENT_EMAIL, KEY_ID};
use crate::simulator::World;
use crate::simulator::asked::Asked;
use crate::simulator::script::Script;
use crate::simulator::server::{self, Said};
use crate::simulator::strict::{self, Fault, must, number, text};
use crate::simulator::tokens::Tokens;

const PUBLIC_KEY: &str = include_str!("../keys/google.public.pem");
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

pub(super) struct Rules {
    world: Arc<World>,
    tokens: Arc<Tokens>,
    script: Arc<Script>,
    address: String,
    key: DecodingKey,
}

impl Rules {
    pub(super) fn new(world: &Arc<World>, tokens: &Arc<Tokens>, script: &Arc<Script>, address: String) -> Self {
        Self {
            world: Arc::clone(world),
            tokens: Arc::clone(tokens),
            script: Arc::clone(script),
            address,
            key: DecodingKey::from_rsa_pem(PUBLIC_KEY.as_bytes()).expect("the key beside this file is one"),
        }
    }

    fn check(&self, asked: &Asked) -> Result<(), Fault> {
        must(
            asked.method == "POST" && asked.path == "/token",
            "POST /token is all there is",
        )?;
        let form = strict::form(asked)?;
        strict::known_names(&form, &["grant_type", "assertion"])?;
        must(
            strict::value(&form, "grant_type")? == GRANT,
            "the grant type is another",
        )?;
        let (header, claims) = strict::signed(strict::value(&form, "assertion")?, Algorithm::RS256, &self.key)?;
        must(text(&header, "kid") == KEY_ID, "kid is not a key of the account")?;
        must(text(&claims, "iss") == CLIENT_EMAIL, "iss is not the account")?;
        must(text(&claims, "scope") == SCOPE, "the scope is another")?;
        must(text(&claims, "aud") == self.address, "aud is not this address")?;
        let now = self.world.clock.now_ms() / 1000;
        let (from, until) = (number(&claims, "iat")?, number(&claims, "exp")?);
        must(
            from <= now && now < until && until <= from + 3_600,
            "iat and exp are not an hour around now",
        )
    }
}

impl server::Rules for Rules {
    fn answer(&self, asked: &Asked) -> Said {
        if let Err(fault) = self.check(asked) {
            self.script.complain(fault.clone());
            return Said::json(400, &json!({"error": "invalid_grant", "error_description": fault}));
        }
        self.tokens.bearer(self.world.clock.now_ms())
    }
}
