//! Settings that are one of a few words.

use super::value::{Raw, Value, Wrong, quoted};

/// Declares an enum whose variants are words, and the sentence that lists them.
macro_rules! choice {
    ($(#[doc = $about:literal])+ $name:ident, $expects:literal { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal;)+ }) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Value for $name {
            const EXPECTS: &'static str = $expects;

            fn read(raw: &Raw) -> Result<Self, Wrong> {
                match raw.text()? {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Wrong::Value($expects.to_owned())),
                }
            }

            fn show(&self) -> String {
                quoted(match self {
                    $(Self::$variant => $word,)+
                })
            }
        }
    };
}

choice! {
    /// How log events are written.
    LogFormat, "\"text\" or \"json\"" {
        /// One line for people.
        Text = "text";
        /// One JSON object a line.
        Json = "json";
    }
}

choice! {
    /// Whether the page to try the platform is there.
    TryPage, "\"auto\", \"on\" or \"off\"" {
        /// Where only this machine can connect.
        Auto = "auto";
        /// Always.
        On = "on";
        /// Never.
        Off = "off";
    }
}

choice! {
    /// Whether clients show certificates in the TLS handshake.
    ClientCertificates, "\"off\", \"optional\" or \"required\"" {
        /// They are not asked for one.
        Off = "off";
        /// They are asked, and may have none. A wrong one is refused.
        Optional = "optional";
        /// Who has none, or a wrong one, is refused.
        Required = "required";
    }
}
