//! Where an operator wants old segments: an S3 bucket, or a folder such as a mounted disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, RetryConfig};

use super::{ColdSettings, ColdStore};

/// How often a request is tried again within its time.
const RETRIES: usize = 3;

/// A place for old segments.
#[derive(Clone)]
pub struct ColdPlace {
    /// `s3://bucket/prefix` or `file:///folder`.
    pub url: String,
    /// Where S3 is, such as `http://127.0.0.1:9000`; `None` is Amazon's.
    pub endpoint: Option<String>,
    /// Which region; `None` is the one that S3 takes for none.
    pub region: Option<String>,
    /// Access key and secret key; `None` asks the machine for its role.
    pub keys: Option<(String, String)>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ColdSetupError {
    /// The URL names no place that is understood.
    #[error("{0} is no place: write s3://bucket/prefix or file:///folder")]
    Url(String),
    /// The threads that ask it cannot be started.
    #[error("its threads cannot be started: {0}")]
    Threads(#[from] io::Error),
    /// Something about it does not hold together.
    #[error("{0}")]
    Store(#[from] object_store::Error),
}

/// A URL taken apart.
enum Place {
    Bucket { name: String, prefix: Path },
    Folder(PathBuf),
}

impl ColdPlace {
    /// Whether a URL names a place, without going there.
    pub fn is_url(url: &str) -> bool {
        place(url).is_some()
    }

    /// Opens it. Neither S3 nor a folder needs to be there yet; what is not there later is a store that does not answer.
    pub fn open(&self, settings: ColdSettings) -> Result<ColdStore, ColdSetupError> {
        let malformed = || ColdSetupError::Url(self.url.clone());
        match place(&self.url).ok_or_else(malformed)? {
            Place::Folder(folder) => {
                let prefix = Path::from_absolute_path(&folder).map_err(|_| malformed())?;
                let store = PrefixStore::new(LocalFileSystem::new().with_fsync(true), prefix);
                Ok(ColdStore::assemble(Arc::new(store), Some(folder), settings)?)
            }
            Place::Bucket { name, prefix } => {
                let store = self.bucket(&name, &settings)?;
                let store: Arc<dyn ObjectStore> = Arc::new(PrefixStore::new(store, prefix));
                Ok(ColdStore::assemble(store, None, settings)?)
            }
        }
    }

    fn bucket(&self, name: &str, settings: &ColdSettings) -> Result<impl ObjectStore, ColdSetupError> {
        let limit = settings.time_limit;
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: limit,
            ..RetryConfig::default()
        };
        // The whole of a request has its own limit around it; this one ends what hangs before it is answered at all.
        let options = ClientOptions::new().with_connect_timeout(limit).with_timeout_disabled();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_client_options(options)
            .with_retry(retry)
            // Not every S3 of others knows it.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = &self.endpoint {
            let is_plain = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some((access, secret)) = &self.keys {
            builder = builder.with_access_key_id(access).with_secret_access_key(secret);
        }
        Ok(builder.build()?)
    }
}

fn place(url: &str) -> Option<Place> {
    if let Some(folder) = url.strip_prefix("file://") {
        let is_absolute = folder.starts_with('/') && folder.len() > 1;
        return is_absolute.then(|| Place::Folder(folder.into()));
    }
    let (name, prefix) = {
        let rest = url.strip_prefix("s3://")?;
        rest.split_once('/').unwrap_or((rest, ""))
    };
    let prefix = Path::parse(prefix.trim_end_matches('/')).ok()?;
    (!name.is_empty()).then(|| Place::Bucket {
        name: name.to_owned(),
        prefix,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_or_an_absolute_folder_is_a_place_and_nothing_else() {
        for url in ["s3://bucket", "s3://bucket/", "s3://bucket/a/b", "file:///mnt/cold"] {
            assert!(ColdPlace::is_url(url), "{url}");
        }
        for url in [
            "",
            "bucket",
            "s3://",
            "s3:///prefix",
            "file://",
            "file:///",
            "file://cold",
            "gs://bucket",
        ] {
            assert!(!ColdPlace::is_url(url), "{url}");
        }
    }
}
