//! What a start prints: where to try it, how to send the first message, and when it is ready.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::data_folder::Addresses;
use crate::settings::Loaded;

/// A user that is there from the first start, so that the first message has somebody to wait for.
pub(crate) const FIRST_RECIPIENT: &str = "try-bob";

/// What the block says.
pub(crate) struct Banner<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) addresses: &'a Addresses,
    /// Whether the data folder was made by this start.
    pub(crate) is_new: bool,
    /// Where the first app's credentials are, if the file is there.
    pub(crate) first_app: Option<&'a Path>,
}

impl Banner<'_> {
    /// The block, and the line that says that the server is ready.
    pub(crate) fn text(&self, took: Duration) -> String {
        let mut text = self.head();
        self.push_doors(&mut text);
        self.push_first_message(&mut text);
        self.push_openness(&mut text);
        writeln!(text, "ready in {:.1} s", took.as_secs_f64()).expect("a String takes every write");
        text
    }

    /// The same facts as one log event, for machines.
    pub(crate) fn log(&self, took: Duration) {
        let Addresses { http, mqtt, .. } = self.addresses;
        let data = self.loaded.settings.server.data.display();
        let milliseconds = took.as_millis();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), http, mqtt, %data, is_new = self.is_new, milliseconds, "ready");
    }

    fn head(&self) -> String {
        let data = self.loaded.settings.server.data.display();
        let age = if self.is_new { " (new)" } else { "" };
        let config = self
            .loaded
            .file
            .as_ref()
            .map_or_else(|| "none (defaults)".to_owned(), |file| file.display().to_string());
        format!(
            "godwit {}   data {data}{age}   config {config}\n\n",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn push_doors(&self, text: &mut String) {
        let Addresses { http, mqtt, .. } = self.addresses;
        if self.loaded.settings.http.has_try_page() {
            let page = format!("http://{http}/try");
            writeln!(text, "  {:<12}{page:<34}two phones side by side, no sign-in", "Try it")
                .expect("a String takes every write");
        }
        let rows = [
            ("REST", format!("http://{http}/v1"), "described at /docs"),
            ("MQTT", mqtt.clone(), "over WebSocket at /mqtt; TLS off"),
        ];
        for (name, place, remark) in rows {
            writeln!(text, "  {name:<12}{place:<34}{remark}").expect("a String takes every write");
        }
        let credentials = match self.first_app {
            Some(path) => format!("{:<34}client id and secret of the first app", path.display()),
            None => "none here -> godwit app create --name NAME".to_owned(),
        };
        writeln!(text, "  {:<12}{credentials}\n", "Credentials").expect("a String takes every write");
    }

    fn push_first_message(&self, text: &mut String) {
        if let Some(path) = self.first_app {
            let lines = first_message(&self.addresses.http, path);
            writeln!(
                text,
                "  Send one (paste both lines; it waits for Bob's phone on the first page):\n\n{lines}\n"
            )
            .expect("a String takes every write");
        }
    }

    fn push_openness(&self, text: &mut String) {
        let settings = &self.loaded.settings;
        let binds = [settings.http.bind, settings.mqtt.bind];
        let sentence = if binds.iter().all(|bind| bind.ip().is_loopback()) {
            "Only this machine can connect. To open it: --http 0.0.0.0:8080 --mqtt 0.0.0.0:1883"
        } else {
            "Other machines can connect, and nothing is encrypted: put a proxy with TLS in front of it."
        };
        writeln!(text, "  {sentence}").expect("a String takes every write");
    }
}

/// Two lines for any shell that has curl. They read the secret from its file, so that it is never on a screen.
fn first_message(http: &str, first_app: &Path) -> String {
    let file = quoted(&first_app.display().to_string());
    let field = |number| format!("$(cut -d\\\" -f{number} {file})");
    let (id, secret) = (field(8), field(12));
    format!(
        "TOKEN=$(curl -s -u \"{id}:{secret}\" -d grant_type=client_credentials http://{http}/oauth/token | cut -d\\\" -f4)\n\
         curl http://{http}/v1/messages -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" \
         -d '{{\"to\":\"{FIRST_RECIPIENT}\",\"type\":0,\"content\":{{\"text\":\"Hello, Bob\"}}}}'"
    )
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    if plain {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}
