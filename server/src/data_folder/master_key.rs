//! The key all others are derived from: 32 random bytes, in hexadecimal, readable by the owner alone.

use std::fmt::Write;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{private_file, unusable};
use crate::failure::Failure;

pub(super) fn read_or_make(path: &Path) -> Result<[u8; 32], Failure> {
    match path.metadata() {
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                let what = format!("others may read the master key {} (mode {mode:03o})", path.display());
                let next = format!(
                    "chmod 600 {}; if somebody may have read it, make a new data folder",
                    path.display()
                );
                return Err(Failure::new("GW-D003", what, next));
            }
            read(path)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        Err(error) => Err(unusable(path, &error)),
    }
}

fn read(path: &Path) -> Result<[u8; 32], Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| unusable(path, &error))?;
    from_hexadecimal(text.trim()).ok_or_else(|| {
        let what = format!(
            "the master key {} is damaged: it must be 64 hexadecimal digits",
            path.display()
        );
        Failure::new("GW-D006", what, "put the file back from a backup of the data folder")
    })
}

fn make(path: &Path) -> Result<[u8; 32], Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| unusable(path, &io::Error::other(error.to_string())))?;
    let mut text = String::with_capacity(2 * key.len() + 1);
    for byte in key {
        write!(text, "{byte:02x}").expect("a String takes every write");
    }
    text.push('\n');
    private_file::replace(path, text.as_bytes()).map_err(|error| unusable(path, &error))?;
    Ok(key)
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (text.len() == 64).then(|| bytes.try_into().ok())?
}
