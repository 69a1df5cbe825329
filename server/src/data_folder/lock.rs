//! One server per folder: a lock the kernel drops with the process, and the number of who has it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::unusable;
use crate::failure::Failure;

/// The folder is ours while this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(|error| unusable(&path, &error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(folder, &mut file)),
            Err(error) => return Err(unusable(&path, &error.into())),
        }
        let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| unusable(&path, &error))?;
        Ok(Self { _file: file })
    }
}

fn taken(folder: &Path, file: &mut File) -> Failure {
    let mut holder = String::new();
    let who = match file.read_to_string(&mut holder) {
        Ok(_) if !holder.trim().is_empty() => format!(" (pid {})", holder.trim()),
        _ => String::new(),
    };
    let what = format!("the data folder {} is in use by another godwit{who}", folder.display());
    Failure::new(
        super::DataFolder::IN_USE,
        what,
        "stop that one first, or name another folder with --data",
    )
}
