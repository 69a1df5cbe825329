//! `godwit archive export`: the messages as JSON Lines.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use godwit_archive::Record;
use godwit_archive::inspect::{Exported, Selection};
use godwit_dispatcher::render;
use godwit_model::{AccountNo, Clock, SystemClock};
use godwit_store::Store;
use serde::Serialize;

use super::{Bar, Looked, unreadable};
use crate::args::Export;
use crate::console::{print, print_json};
use crate::failure::{Exit, Failure};
use crate::settings::{Settings, read_duration};

#[derive(Serialize)]
struct Done {
    lines: u64,
    damages: u64,
}

/// Writes the selected messages.
pub(crate) async fn export(asked: &Export, json: bool) -> Result<(), Failure> {
    let looked = Looked::open(&asked.configured)?;
    let selection = selection(asked, &looked.settings).await?;
    let (mut lines, mut out) = (0, open(asked.out.as_deref())?);
    let damages = {
        let bar = Bar::new("exporting");
        let mut watch = |done, total| bar.moved(done, total);
        looked.inspector.export(&selection, &mut watch, &mut |exported| {
            lines += 1;
            out.write_all(line(&exported).as_bytes())
        })
    };
    let damages = damages.and_then(|damages| out.flush().map(|()| damages));
    let damages = match damages {
        // Who read it has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        other => other.map_err(|error| unreadable(&error))?,
    };
    if asked.out.is_some() {
        if json {
            print_json(&Done { lines, damages });
        } else {
            print(&format!("{lines} lines\n"));
        }
    }
    if damages == 0 {
        return Ok(());
    }
    let what = format!("{damages} damaged stretches were passed over");
    Err(Failure::new("GW-A013", what, "`godwit archive verify` names them"))
}

/// The envelope as an app sees it, and the inboxes it is in by their numbers inside.
fn line(exported: &Exported) -> String {
    let mut line = if exported.sealed {
        sealed(&exported.record)
    } else {
        render::in_conversation(&exported.record)
    };
    // An envelope is an object with members.
    line.pop();
    line.push_str(",\"inboxes\":[");
    for (at, (account, seq)) in exported.numbers.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(line, "{comma}{{\"account\":{account},\"seq\":{seq}}}").expect("a String takes every write");
    }
    line.push_str("]}\n");
    line
}

/// What is known of a message without its key.
fn sealed(record: &Record) -> String {
    let (id, time) = (record.server_id, record.server_time_ms);
    let conversation = record.conversation.map_or_else(String::new, |conversation| {
        format!(",\"conv\":\"{conversation}\",\"convSeq\":{}", record.conv_seq)
    });
    format!("{{\"sealed\":true,\"serverId\":\"{id}\",\"serverTime\":{time}{conversation}}}")
}

fn open(path: Option<&Path>) -> Result<Box<dyn Write>, Failure> {
    let Some(path) = path else {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let file = file.map_err(|error| {
        let what = format!("{} cannot be written: {error}", path.display());
        Failure::new("GW-A014", what, "name a file that is not there yet")
    })?;
    Ok(Box::new(BufWriter::new(file)))
}

async fn selection(asked: &Export, settings: &Settings) -> Result<Selection, Failure> {
    let now = SystemClock.now_ms();
    let conversation = asked.conversation.as_deref().map(|text| {
        let wrong = |error| usage(format!("--conversation {text}: {error}"));
        text.parse()
            .map_err(|error: godwit_model::conversation::MalformedConversation| wrong(error))
    });
    let account = match &asked.account {
        Some(account) => Some(account_no(account, settings).await?),
        None => None,
    };
    let time = |text: &Option<String>| text.as_deref().map(|text| read_time(text, now)).transpose();
    Ok(Selection {
        conversation: conversation.transpose()?,
        account,
        since_ms: time(&asked.since)?,
        until_ms: time(&asked.until)?,
        now_ms: now,
        decrypt: asked.decrypt,
    })
}

fn read_time(text: &str, now_ms: u64) -> Result<u64, Failure> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let ago = read_duration(text).and_then(|ago| u64::try_from(ago.as_millis()).ok());
    let ago = ago.ok_or_else(|| {
        usage(format!(
            "{text} is no time: write milliseconds since 1970, or 7d, 12h, 30m ago"
        ))
    })?;
    Ok(now_ms.saturating_sub(ago))
}

/// The number of an account: given as such, or asked of the database by its id.
async fn account_no(text: &str, settings: &Settings) -> Result<AccountNo, Failure> {
    if let Ok(no) = text.parse() {
        return Ok(AccountNo(no));
    }
    let file = settings.server.data.join("store.db");
    let url = match settings.storage.database.reveal() {
        Some(url) => url.to_owned(),
        None if file.exists() => format!("sqlite:{}", file.display()),
        None => return Err(no_account(text)),
    };
    let failed = |error: godwit_store::Error| Failure::new("GW-S001", error.to_string(), "");
    let store = Store::open(&url).await.map_err(failed)?;
    let account = store.account_by_id(text).await.map_err(failed)?;
    account.map(|account| account.no).ok_or_else(|| no_account(text))
}

fn no_account(text: &str) -> Failure {
    Failure::new("GW-R001", format!("no account {text}"), "").with_exit(Exit::NotFound)
}

fn usage(what: String) -> Failure {
    Failure::new("GW-U001", what, "").with_exit(Exit::Usage)
}
