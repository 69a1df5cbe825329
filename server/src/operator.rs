//! What the operator asks of a server that runs, through two files of its data folder: who may write there may ask.
//!
//! The asker puts the request there whole; the server takes it away, does it, and puts the answer there under the
//! request's id. What was asked of an earlier server is forgotten at the start.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use godwit_archive::Archive;
use godwit_model::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

use crate::archive::{Outcome, failed};
use crate::data_folder::{DataFolder, unusable, write_private};
use crate::failure::{Exit, Failure};

/// How often the server looks for a request, and the asker for its answer.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long a server may take to notice a request.
const NOTICE: Duration = Duration::from_secs(10);
/// How long it may take to do it.
const PATIENCE: Duration = Duration::from_mins(10);

/// What is asked: a pass of retention, or what it would do.
#[derive(Serialize, Deserialize)]
struct Request {
    id: String,
    approved: bool,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    id: String,
    outcome: Result<Outcome, String>,
}

fn request_path(data: &Path) -> PathBuf {
    data.join("operator-request.json")
}

fn answer_path(data: &Path) -> PathBuf {
    data.join("operator-answer.json")
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_private(path, &serde_json::to_vec(value)?)
}

/// Forgets what was asked of a server that is gone.
pub(crate) fn forget(folder: &DataFolder) -> Result<(), Failure> {
    for path in [request_path(folder.path()), answer_path(folder.path())] {
        remove(&path).map_err(|error| unusable(&path, &error))?;
    }
    Ok(())
}

/// Does what is asked, one request after the other, until it is dropped.
pub(crate) async fn obey(folder: &DataFolder, archive: Archive) -> Infallible {
    let (request, answer) = (request_path(folder.path()), answer_path(folder.path()));
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        let Some(Request { id, approved }) = read(&request) else {
            continue;
        };
        // Taken away first: it is done once, whatever happens.
        if let Err(error) = remove(&request) {
            tracing::warn!(%error, "a request of the operator cannot be taken away, and is not done");
            continue;
        }
        tracing::info!(approved, "the operator asks what retention lets go of");
        let archive = archive.clone();
        let done = tokio::task::spawn_blocking(move || Outcome::of(&archive, approved)).await;
        let outcome = done.unwrap_or_else(|error| Err(error.to_string()));
        if let Err(error) = write(&answer, &Answer { id, outcome }) {
            tracing::warn!(%error, "the operator's answer cannot be written");
        }
    }
}

/// Asks the server that runs on this folder.
pub(crate) async fn ask(data: &Path, approved: bool) -> Result<Outcome, Failure> {
    let request = request_path(data);
    let id = godwit_dispatcher::new_message_id(SystemClock.now_ms()).map_err(|error| failed(error.to_string()))?;
    let asked = write(
        &request,
        &Request {
            id: id.clone(),
            approved,
        },
    );
    asked.map_err(|error| unusable(&request, &error))?;
    let began = tokio::time::Instant::now();
    loop {
        tokio::time::sleep(LOOK_AGAIN).await;
        if let Some(answer) = read::<Answer>(&answer_path(data)).filter(|answer| answer.id == id) {
            let _ = remove(&answer_path(data));
            return answer.outcome.map_err(failed);
        }
        let unnoticed = read::<Request>(&request).is_some_and(|waiting| waiting.id == id);
        let waited = began.elapsed();
        if waited > PATIENCE || (unnoticed && waited > NOTICE) {
            // Nobody is to obey it later, when nobody waits for it any more.
            let _ = remove(&request);
            return Err(silent(data));
        }
    }
}

fn silent(data: &Path) -> Failure {
    let what = format!("whoever has the data folder {} does not answer", data.display());
    let next = "is it a server, and are you the user it runs as? its log may tell more";
    Failure::new("GW-A013", what, next).with_exit(Exit::Unreachable)
}
