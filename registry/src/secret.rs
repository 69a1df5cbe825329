//! App secrets: argon2id, off the runtime, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use godwit_model::Refusal;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::random;
use crate::settings::Settings;

pub(crate) struct Secrets {
    argon: Argon2<'static>,
    /// Checked when there is no such app, so that both answers cost the same.
    decoy: String,
    working: Arc<Semaphore>,
    /// Those that work and those that wait to.
    admitted: Arc<Semaphore>,
}

impl Secrets {
    pub(crate) async fn new(settings: &Settings) -> Result<Self, Error> {
        let cost = settings.secret_cost;
        let params = Params::new(cost.memory_kib, cost.passes, 1, None);
        let params =
            params.map_err(|cause| Error::Internal(format!("the cost of app secrets is set wrong: {cause}")))?;
        let working = settings.secret_checks_max.max(1);
        let mut secrets = Self {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            decoy: String::new(),
            working: Arc::new(Semaphore::new(working)),
            admitted: Arc::new(Semaphore::new(working + settings.secret_checks_waiting_max)),
        };
        secrets.decoy = secrets.hash("nobody has this secret").await?;
        Ok(secrets)
    }

    /// The hash to keep of a secret, as a PHC string.
    pub(crate) async fn hash(&self, secret: &str) -> Result<String, Error> {
        let salt: [u8; 16] = random::bytes()?;
        let (argon, secret) = (self.argon.clone(), secret.to_owned());
        let work = move || {
            argon
                .hash_password_with_salt(secret.as_bytes(), &salt)
                .map(|hash| hash.to_string())
        };
        self.run(work)
            .await?
            .map_err(|cause| Error::Internal(format!("an app secret could not be hashed: {cause}")))
    }

    /// Whether `secret` is the one that was hashed. With no hash, the same work is done and the answer is no.
    pub(crate) async fn check(&self, secret: &str, hash: Option<&str>) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        let (argon, secret) = (self.argon.clone(), secret.to_owned());
        let work = move || {
            let hash = PasswordHash::new(&hash);
            hash.map(|hash| argon.verify_password(secret.as_bytes(), &hash).is_ok())
        };
        let fits = self.run(work).await?;
        let fits = fits.map_err(|cause| Error::Internal(format!("the hash of an app secret is damaged: {cause}")))?;
        Ok(fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let gone = |_| Error::Internal("the checks of app secrets have ended".to_owned());
        let admitted = Arc::clone(&self.admitted).try_acquire_owned();
        let admitted = admitted
            .map_err(|_| Error::refused(Refusal::Overloaded, "too many app secrets to check now; try again"))?;
        let working = Arc::clone(&self.working).acquire_owned().await.map_err(gone)?;
        // The permits go with the work: who stops waiting for it does not make room for more.
        let task = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((working, admitted));
            done
        });
        task.await
            .map_err(|cause| Error::Internal(format!("a check of an app secret broke off: {cause}")))
    }
}
