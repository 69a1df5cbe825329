//! What was typed and not sent, on the disk with every key.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The texts by address, and which conversation is open.
pub(crate) struct Unsent {
    file: PathBuf,
    kept: Kept,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    open: Option<String>,
    texts: BTreeMap<String, String>,
}

impl Unsent {
    /// Reads the file. One that does not make sense is set aside, never overwritten.
    pub(crate) fn open(file: PathBuf) -> Result<Self, Error> {
        let kept = read(&file).map_err(|error| Error::Unsent {
            file: file.clone(),
            error,
        })?;
        Ok(Self { file, kept })
    }

    /// Who was open last.
    pub(crate) fn open_address(&self) -> Option<&str> {
        self.kept.open.as_deref().filter(|address| !address.is_empty())
    }

    pub(crate) fn text(&self, address: &str) -> String {
        self.kept.texts.get(address).cloned().unwrap_or_default()
    }

    /// Whether something waits to be sent to this address.
    pub(crate) fn has(&self, address: &str) -> bool {
        self.kept.texts.contains_key(address)
    }

    /// Keeps who is open and what stands in its line; durable when this returns.
    pub(crate) fn keep(&mut self, address: &str, text: String) -> Result<(), Error> {
        self.kept.open = Some(address.to_owned());
        if text.is_empty() {
            self.kept.texts.remove(address);
        } else {
            self.kept.texts.insert(address.to_owned(), text);
        }
        write(&self.file, &self.kept).map_err(|error| Error::Unsent {
            file: self.file.clone(),
            error,
        })
    }
}

fn read(file: &Path) -> io::Result<Kept> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        other => other?,
    };
    if let Ok(kept) = serde_json::from_str(&text) {
        return Ok(kept);
    }
    fs::rename(file, file.with_extension("unreadable"))?;
    Ok(Kept::default())
}

/// A reader finds the former file or this one, never a part.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut out = File::create(&new)?;
    out.write_all(serde_json::to_string(kept)?.as_bytes())?;
    out.sync_data()?;
    fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_there_after_another_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("unsent.json");
        let mut unsent = Unsent::open(file.clone()).expect("opens");
        unsent.keep("bob", "half a sen".to_owned()).expect("kept");
        unsent.keep("g:team", "hello".to_owned()).expect("kept");
        unsent.keep("g:team", String::new()).expect("kept");
        let again = Unsent::open(file).expect("opens");
        assert_eq!(again.open_address(), Some("g:team"));
        assert_eq!(again.text("bob"), "half a sen");
        assert!(again.has("bob") && !again.has("g:team"));
    }

    #[test]
    fn a_file_that_makes_no_sense_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("unsent.json");
        fs::write(&file, "{").expect("written");
        let unsent = Unsent::open(file).expect("opens");
        assert_eq!(unsent.open_address(), None);
        let aside = fs::read_to_string(folder.path().join("unsent.unreadable"));
        assert_eq!(aside.expect("kept"), "{");
    }
}
