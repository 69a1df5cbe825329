//! A text that must not be shown: written in the settings, or in a file that they name.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// Bytes of the largest file a secret is read from.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// A secret: a text, or `{ file = "path" }`. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Secret {
    /// The text itself.
    Text(String),
    /// A file that holds it; space around it is not part of it.
    File(SecretFile),
}

/// Names the file of a secret.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFile {
    /// Where it is.
    pub file: PathBuf,
}

/// A secret that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("{path} cannot be read: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Nothing is there.
    #[error("is empty")]
    Empty,
}

impl Secret {
    /// The secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The text.
    pub fn read(&self) -> Result<String, SecretError> {
        let text = match self {
            Self::Text(text) => text.trim().to_owned(),
            Self::File(SecretFile { file }) => read_file(file)?,
        };
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        Ok(text)
    }
}

fn read_file(path: &PathBuf) -> Result<String, SecretError> {
    let failed = |error| SecretError::File {
        path: path.display().to_string(),
        error,
    };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(failed(std::io::Error::other("it is too large for a secret")));
    }
    Ok(std::fs::read_to_string(path).map_err(failed)?.trim().to_owned())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_a_text_or_names_a_file_and_never_shows() {
        let text: Secret = serde_json::from_str(r#""abc""#).expect("a text");
        assert_eq!(text.read().expect("it is there"), "abc");
        assert_eq!(format!("{text:?}"), "(secret)");
        let file: Secret = serde_json::from_str(r#"{"file": "/nowhere/at/all"}"#).expect("a file");
        assert!(file.read().is_err());
        assert!(serde_json::from_str::<Secret>(r#"{"path": "/x"}"#).is_err());
        assert!(matches!(Secret::new(" ").read(), Err(SecretError::Empty)));
    }
}
