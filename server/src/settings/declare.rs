//! The macro that turns the list of settings into structs, defaults, and the table of keys.

use super::Settings;
use super::value::{Raw, Wrong};

/// One setting, as the readers and the example file need it.
pub(crate) struct Key {
    /// Its section.
    pub(crate) section: &'static str,
    /// Its name in the section.
    pub(crate) name: &'static str,
    /// What it is for: its documentation, line by line.
    pub(crate) about: &'static [&'static str],
    /// What belongs there, with an example.
    pub(crate) expects: &'static str,
    /// Whether its value must never be shown.
    pub(crate) secret: bool,
    /// Takes a value.
    pub(crate) set: fn(&mut Settings, &Raw) -> Result<(), Wrong>,
    /// Its value as TOML.
    pub(crate) show: fn(&Settings) -> String,
}

impl Key {
    /// `section.name`.
    pub(crate) fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        format!("GODWIT_{}__{}", self.section, self.name).to_uppercase()
    }
}

/// Declares the sections: documentation, name, and `key: kind = default` for each setting.
macro_rules! sections {
    ($($(#[doc = $about:literal])+ $section:ident: $Section:ident {
        $($(#[doc = $doc:literal])+ $key:ident: $kind:ty = $default:expr;)+
    })+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, PartialEq)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $kind,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }
        )+

        /// Everything an operator may set.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Settings {
            $($(#[doc = $about])+ pub $section: $Section,)+
            /// The vendors' own tables inside `[push]`, such as `[push.apns]`.
            pub vendors: godwit_push::Settings,
        }

        /// Every setting, in the order of the example file.
        pub(crate) const KEYS: &[$crate::settings::declare::Key] = &[
            $($($crate::settings::declare::Key {
                section: stringify!($section),
                name: stringify!($key),
                about: &[$($doc),+],
                expects: <$kind as $crate::settings::value::Value>::EXPECTS,
                secret: <$kind as $crate::settings::value::Value>::SECRET,
                set: |settings, raw| {
                    settings.$section.$key = $crate::settings::value::Value::read(raw)?;
                    Ok(())
                },
                show: |settings| $crate::settings::value::Value::show(&settings.$section.$key),
            },)+)+
        ];

        /// Every section and what it is about.
        pub(crate) const SECTIONS: &[(&str, &[&str])] = &[$((stringify!($section), &[$($about),+]),)+];
    };
}

pub(crate) use sections;
