//! The kinds of values a setting may have: how each is written, read and shown.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::units::{ByteSize, read_duration, show_duration};

/// A value as somebody wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Raw {
    /// Its text, without quotes.
    pub(crate) text: String,
    /// What it is in the file.
    pub(crate) form: Form,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In quotes.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Truth,
    /// A list of texts, here with commas between.
    List,
    /// From the environment or the command line, where everything is text.
    Free,
}

/// Why a value was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Another kind of value belongs here.
    Kind,
    /// Not understood or out of bounds; says what would be right.
    Value(String),
}

/// A kind of value.
pub(crate) trait Value: Sized {
    /// What belongs here, with an example.
    const EXPECTS: &'static str;
    /// Whether its value must never be shown.
    const SECRET: bool = false;
    /// Takes what was written.
    fn read(raw: &Raw) -> Result<Self, Wrong>;
    /// As it is written in a TOML file.
    fn show(&self) -> String;
}

impl Raw {
    pub(crate) fn text(&self) -> Result<&str, Wrong> {
        match self.form {
            Form::Text | Form::Free => Ok(self.text.trim()),
            Form::Number | Form::Truth | Form::List => Err(Wrong::Kind),
        }
    }
}

/// A text as TOML quotes it.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// `$least` is 0 only where nothing is a sensible amount.
macro_rules! whole_number {
    ($($number:ty, from $least:literal);+) => {$(
        impl Value for $number {
            const EXPECTS: &'static str = "a whole number, such as 100";

            fn read(raw: &Raw) -> Result<Self, Wrong> {
                if !matches!(raw.form, Form::Number | Form::Free) {
                    return Err(Wrong::Kind);
                }
                let digits = raw.text.trim().replace('_', "");
                let number: Self = digits
                    .parse()
                    .map_err(|_| Wrong::Value(format!("a whole number from {} to {}", $least, Self::MAX)))?;
                if number == 0 && $least == 1 {
                    return Err(Wrong::Value("at least 1".to_owned()));
                }
                Ok(number)
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

whole_number!(u8, from 0; u16, from 1; u32, from 1; u64, from 1; usize, from 1);

impl Value for bool {
    const EXPECTS: &'static str = "true or false";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match (raw.form, raw.text.trim()) {
            (Form::Truth | Form::Free, "true") => Ok(true),
            (Form::Truth | Form::Free, "false") => Ok(false),
            (Form::Free, _) => Err(Wrong::Value(Self::EXPECTS.to_owned())),
            _ => Err(Wrong::Kind),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    const EXPECTS: &'static str = "a time with its unit in quotes, such as \"30s\" (us, ms, s, m, h, d)";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        read_duration(raw.text()?).ok_or_else(|| Wrong::Value(Self::EXPECTS.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&show_duration(*self))
    }
}

impl Value for ByteSize {
    const EXPECTS: &'static str = "a size with its unit in quotes, such as \"64MiB\" (B, KiB, MiB, GiB)";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        raw.text()?.parse().map_err(|()| Wrong::Value(Self::EXPECTS.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for SocketAddr {
    const EXPECTS: &'static str = "an address and a port in quotes, such as \"127.0.0.1:1883\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text()?;
        if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
            return Ok((Ipv4Addr::LOCALHOST, port).into());
        }
        // A port alone means "every network" to some programs and "this machine" to others: the operator says which.
        if let Ok(port) = text
            .trim_start_matches([':', '*'])
            .trim_start_matches(':')
            .parse::<u16>()
        {
            let which = format!("127.0.0.1:{port} for this machine only, or 0.0.0.0:{port} for every network");
            return Err(Wrong::Value(which));
        }
        text.parse().map_err(|_| Wrong::Value(Self::EXPECTS.to_owned()))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for Vec<String> {
    const EXPECTS: &'static str = "a list of texts, such as [\"one\", \"two\"]; in the environment one,two";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        if !matches!(raw.form, Form::List | Form::Free) {
            return Err(Wrong::Kind);
        }
        let texts = raw.text.split(',').map(str::trim);
        Ok(texts.filter(|text| !text.is_empty()).map(str::to_owned).collect())
    }

    fn show(&self) -> String {
        let texts: Vec<String> = self.iter().map(|text| quoted(text)).collect();
        format!("[{}]", texts.join(", "))
    }
}

/// A text that may be left out: empty means not set.
impl Value for Option<String> {
    const EXPECTS: &'static str = "a text in quotes, or \"\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text()?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    fn show(&self) -> String {
        quoted(self.as_deref().unwrap_or_default())
    }
}

/// Nothing is written as `""`.
impl Value for Option<Duration> {
    const EXPECTS: &'static str = "a time with its unit in quotes, such as \"365d\" (us, ms, s, m, h, d), or \"\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let given = Some(raw.text()?).filter(|text| !text.is_empty());
        let read = given.map(|text| read_duration(text).filter(|time| !time.is_zero()));
        read.map_or(Ok(None), |time| {
            time.map(Some).ok_or_else(|| Wrong::Value(Self::EXPECTS.to_owned()))
        })
    }

    fn show(&self) -> String {
        quoted(&self.map(show_duration).unwrap_or_default())
    }
}

/// Nothing is written as `""`.
impl Value for Option<ByteSize> {
    const EXPECTS: &'static str = "a size with its unit in quotes, such as \"500GiB\" (B, KiB, MiB, GiB), or \"\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let given = Some(raw.text()?).filter(|text| !text.is_empty());
        let read = given.map(|text| text.parse().ok().filter(|size: &ByteSize| size.0 > 0));
        read.map_or(Ok(None), |size| {
            size.map(Some).ok_or_else(|| Wrong::Value(Self::EXPECTS.to_owned()))
        })
    }

    fn show(&self) -> String {
        quoted(&self.map(|size| size.to_string()).unwrap_or_default())
    }
}

impl Value for PathBuf {
    const EXPECTS: &'static str = "a path in quotes";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw.text()? {
            "" => Err(Wrong::Value(Self::EXPECTS.to_owned())),
            path => Ok(path.into()),
        }
    }

    fn show(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// Which log events are kept, as `tracing` directives: `info`, or `info,godwit_broker=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(pub String);

impl Value for LogFilter {
    const EXPECTS: &'static str = "error, warn, info, debug or trace, alone or per room: \"info,godwit_broker=debug\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text()?;
        match EnvFilter::try_new(text) {
            Ok(_) if !text.is_empty() => Ok(Self(text.to_owned())),
            _ => Err(Wrong::Value(Self::EXPECTS.to_owned())),
        }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}
