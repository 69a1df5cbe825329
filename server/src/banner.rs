//! What a start prints: where to try it, how to send the first message, and when it is ready.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use crate::data_folder::Addresses;
use crate::settings::Loaded;
use crate::tls::Facts;

/// A user that is there from the first start, so that the first message has somebody to wait for.
pub(crate) const FIRST_RECIPIENT: &str = "try-bob";

/// What the block says.
pub(crate) struct Banner<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) addresses: &'a Addresses,
    /// What the certificate of the doors with TLS says.
    pub(crate) certificate: Option<Facts>,
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
        let Addresses {
            http,
            https,
            mqtt,
            mqtts,
        } = self.addresses;
        let data = self.loaded.settings.server.data.display();
        let milliseconds = took.as_millis();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), http, https, mqtt, mqtts, %data, is_new = self.is_new, milliseconds, "ready");
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
        let rest = self.addresses.rest();
        if self.loaded.settings.has_try_page() {
            push_row(
                text,
                ("Try it", &format!("{rest}/try"), "two phones side by side, no sign-in"),
            );
        }
        let Addresses { http, https, .. } = self.addresses;
        if http.is_some() {
            push_row(text, ("REST", &format!("{rest}/v1"), "described at /docs"));
        }
        if let Some(https) = https {
            let name = if http.is_some() { "" } else { "REST" };
            push_row(text, (name, &format!("https://{https}/v1"), "the same with TLS"));
        }
        self.push_mqtt(text);
        let credentials = match self.first_app {
            Some(path) => format!("{:<34}client id and secret of the first app", path.display()),
            None => "none here -> godwit app create --name NAME".to_owned(),
        };
        writeln!(text, "  {:<12}{credentials}\n", "Credentials").expect("a String takes every write");
    }

    fn push_mqtt(&self, text: &mut String) {
        let Addresses { https, mqtt, mqtts, .. } = self.addresses;
        let tls = if mqtts.is_some() || https.is_some() {
            ""
        } else {
            "; TLS off"
        };
        let remark = format!("over WebSocket at /mqtt{tls}");
        push_row(text, ("MQTT", mqtt.as_deref().unwrap_or("TCP off"), &remark));
        if let Some(mqtts) = mqtts {
            push_row(text, ("", mqtts, "with TLS"));
        }
        if let Some(facts) = &self.certificate {
            let remark = format!("until {}; read again when its file changes", facts.until());
            push_row(text, ("Certificate", &facts.stands_for(), &remark));
        }
    }

    fn push_first_message(&self, text: &mut String) {
        if let Some(path) = self.first_app {
            let lines = self.first_message(path);
            writeln!(
                text,
                "  Send one (paste both lines; it waits for Bob's phone on the first page):\n\n{lines}\n"
            )
            .expect("a String takes every write");
        }
    }

    fn push_openness(&self, text: &mut String) {
        let settings = &self.loaded.settings;
        let sentence = if settings.is_local() {
            "Only this machine can connect. To open it: --http 0.0.0.0:8080 --mqtt 0.0.0.0:1883"
        } else if !settings.is_open_in_clear() {
            "Other machines can connect, over TLS alone."
        } else if self.certificate.is_some() {
            "Other machines can connect, also without TLS. To close what is not encrypted: --http off --mqtt off"
        } else {
            "Other machines can connect, and nothing is encrypted: see [tls], or `godwit tls self-signed` to try it."
        };
        writeln!(text, "  {sentence}").expect("a String takes every write");
    }

    /// Two lines for any shell that has curl. They read the secret from its file, so that it is never on a screen.
    fn first_message(&self, first_app: &Path) -> String {
        let rest = self.addresses.rest();
        // Whom a certificate of our own names, nobody else vouches for.
        let curl = match self
            .loaded
            .settings
            .tls_files()
            .filter(|_| self.addresses.http.is_none())
        {
            Some(files) => format!("curl --cacert {}", quoted(&files.certificate.display().to_string())),
            None => "curl".to_owned(),
        };
        let file = quoted(&first_app.display().to_string());
        let field = |number| format!("$(cut -d\\\" -f{number} {file})");
        let (id, secret) = (field(8), field(12));
        format!(
            "TOKEN=$({curl} -s -u \"{id}:{secret}\" -d grant_type=client_credentials {rest}/oauth/token | cut -d\\\" -f4)\n\
             {curl} {rest}/v1/messages -H \"Authorization: Bearer $TOKEN\" -H \"Content-Type: application/json\" \
             -d '{{\"to\":\"{FIRST_RECIPIENT}\",\"type\":0,\"content\":{{\"text\":\"Hello, Bob\"}}}}'"
        )
    }
}

fn push_row(text: &mut String, (name, place, remark): (&str, &str, &str)) {
    writeln!(text, "  {name:<12}{place:<34}{remark}").expect("a String takes every write");
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
