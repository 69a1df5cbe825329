//! The file of keys: a line a tenant, its number and 64 hexadecimal digits, readable by the owner alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

const KEY_BYTES: usize = 32;
const HEAD: &str =
    "# Keys of a godwit message log: tenant, key. Without a tenant's line nobody can read its messages.\n";

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The disk refused.
    #[error("the key file cannot be read or written: {0}")]
    Disk(#[from] io::Error),
    /// Others may read it.
    #[error("others may read the key file (mode {0:03o}); chmod 600 it, or make new keys if somebody may have read it")]
    Open(u32),
    /// A line is not what was written.
    #[error("line {0} of the key file is damaged: it must be a tenant's number and 64 hexadecimal digits")]
    Damaged(usize),
}

type Keys = BTreeMap<u32, [u8; KEY_BYTES]>;

/// All keys; none if there is no file yet.
pub(super) fn read(path: &Path) -> Result<Keys, KeyError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Keys::new()),
        other => other?,
    };
    let mode = path.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Open(mode));
    }
    let mut keys = Keys::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (tenant, key) = parse(line).ok_or(KeyError::Damaged(at + 1))?;
        if keys.insert(tenant, key).is_some() {
            return Err(KeyError::Damaged(at + 1));
        }
    }
    Ok(keys)
}

fn parse(line: &str) -> Option<(u32, [u8; KEY_BYTES])> {
    let (tenant, digits) = line.split_once(' ')?;
    let digits: Option<Vec<u32>> = digits.trim().chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * KEY_BYTES)?;
    let pairs = digits.chunks_exact(2);
    let bytes: Vec<u8> = pairs
        .filter_map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok())
        .collect();
    Some((tenant.parse().ok()?, bytes.try_into().ok()?))
}

/// Makes a tenant's key and adds its line, durably; every other line stays as it is in the file now.
pub(super) fn add(path: &Path, tenant: u32) -> Result<[u8; KEY_BYTES], KeyError> {
    if let Some(known) = read(path)?.get(&tenant) {
        return Ok(*known);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => HEAD.to_owned(),
        other => other?,
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    write!(text, "{tenant} ").expect("a String takes every write");
    for byte in key {
        write!(text, "{byte:02x}").expect("a String takes every write");
    }
    text.push('\n');
    replace(path, text.as_bytes())?;
    Ok(key)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let unfinished = path.with_extension("unfinished");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    File::open(folder)?.sync_all()
}
