//! Reads the settings file: every key it knows, and a problem with its line for everything else.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declare::Key;
use super::problem::{Place, Problem, ProblemKind};
use super::sections::{KEYS, SECTIONS};
use super::suggestion::nearest;
use super::take::take;
use super::value::{Form, Raw};
use super::{Reading, Settings};

/// Reads `path` into the settings.
pub(crate) fn read_file(reading: &mut Reading, path: &Path) {
    let file = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read_text(reading, &file, &text),
        Err(error) => {
            let what = format!("the settings file cannot be read: {error}");
            let next = "name an existing, readable file with --config, or start without one";
            let place = Place::File { file, line: 0 };
            reading.problem(Problem::new(ProblemKind::Unreadable, place, what, next));
        }
    }
}

/// Reads the text of a settings file that is called `file`.
pub(crate) fn read_text(reading: &mut Reading, file: &str, text: &str) {
    let source = Source { file, text };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = source.place(&error.span().unwrap_or_default());
        let what = error.message().lines().collect::<Vec<_>>().join(", ");
        reading.problem(Problem::new(ProblemKind::Syntax, place, what, ""));
    }
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(entries) if SECTIONS.iter().any(|(section, _)| section == name.get_ref()) => {
                read_section(reading, &source, name.get_ref(), entries);
                if name.get_ref() == PUSH {
                    read_vendors(reading, &source.place(&name.span()), text);
                }
            }
            DeValue::Table(entries) => {
                let sections = SECTIONS.iter().map(|(section, _)| *section);
                // A wrong section is one problem, not one for each of its keys.
                let next = nearest(name.get_ref(), sections).map_or_else(
                    || section_of(entries).unwrap_or_else(known_sections),
                    |section| format!("did you mean [{section}]?"),
                );
                let what = format!("unknown section [{}]", name.get_ref());
                reading.problem(Problem::new(
                    ProblemKind::UnknownKey,
                    source.place(&name.span()),
                    what,
                    next,
                ));
            }
            _ => reading.problem(unknown_key(&source.place(&name.span()), name.get_ref(), name.get_ref())),
        }
    }
}

fn read_section(reading: &mut Reading, source: &Source<'_>, section: &str, entries: &DeTable<'_>) {
    for (name, value) in entries {
        let place = source.place(&name.span());
        let known = KEYS
            .iter()
            .find(|key| key.section == section && key.name == name.get_ref());
        if section == PUSH && known.is_none() && matches!(value.get_ref(), DeValue::Table(_)) {
            // The vendors' tables are read as one, by those who know them.
            continue;
        }
        let Some(key) = known else {
            let path = format!("{section}.{}", name.get_ref());
            reading.problem(unknown_key(&place, &path, name.get_ref()));
            continue;
        };
        if let Some(raw) = raw(value) {
            take(reading, key, &raw, place);
        } else {
            reading.problem(no_value(key, place));
        }
    }
}

/// The section that also holds a table for each vendor.
const PUSH: &str = "push";

/// Reads the vendors' tables of `[push]`.
fn read_vendors(reading: &mut Reading, place: &Place, text: &str) {
    let Ok(toml::Value::Table(mut whole)) = toml::from_str(text) else {
        return;
    };
    let Some(toml::Value::Table(mut push)) = whole.remove(PUSH) else {
        return;
    };
    push.retain(|name, value| value.is_table() && !KEYS.iter().any(|key| key.section == PUSH && key.name == name));
    match push.try_into() {
        Ok(vendors) => reading.settings.vendors = vendors,
        Err(error) => {
            let error: toml::de::Error = error;
            let what = format!(
                "the vendors of [push]: {}",
                error.message().lines().collect::<Vec<_>>().join(", ")
            );
            reading.problem(Problem::new(
                ProblemKind::BadValue,
                place.clone(),
                what,
                "docs/push.md lists what each vendor has",
            ));
        }
    }
}

fn no_value(key: &Key, place: Place) -> Problem {
    let what = format!(
        "`{}` cannot be a table, a date, a fraction, or a list of other things than texts",
        key.path()
    );
    Problem::new(ProblemKind::WrongKind, place, what, format!("write {}", key.expects))
}

fn raw(value: &Spanned<DeValue<'_>>) -> Option<Raw> {
    let (text, form) = match value.get_ref() {
        DeValue::String(text) => (text.to_string(), Form::Text),
        DeValue::Integer(number) => (number.to_string(), Form::Number),
        DeValue::Boolean(truth) => (truth.to_string(), Form::Truth),
        DeValue::Array(entries) => {
            let texts: Option<Vec<_>> = entries.iter().map(|entry| entry.get_ref().as_str()).collect();
            (texts?.join(","), Form::List)
        }
        _ => return None,
    };
    Some(Raw { text, form })
}

fn unknown_key(place: &Place, path: &str, name: &str) -> Problem {
    let paths: Vec<String> = KEYS.iter().map(Key::path).collect();
    let namesake = KEYS.iter().find(|key| key.name == name).map(Key::path);
    let next = nearest(path, paths.iter().map(String::as_str))
        .map(str::to_owned)
        .or(namesake)
        .map_or_else(
            || "`godwit config default` prints every setting there is".to_owned(),
            |right| format!("did you mean `{right}`?"),
        );
    Problem::new(
        ProblemKind::UnknownKey,
        place.clone(),
        format!("unknown key `{path}`"),
        next,
    )
}

/// The section that has the first key of this table, if any has.
fn section_of(entries: &DeTable<'_>) -> Option<String> {
    let (name, _) = entries.iter().next()?;
    let key = KEYS.iter().find(|key| key.name == name.get_ref())?;
    Some(format!("did you mean [{}]? it has `{}`", key.section, key.name))
}

fn known_sections() -> String {
    let names: Vec<_> = SECTIONS.iter().map(|(section, _)| format!("[{section}]")).collect();
    format!("there are {}", names.join(" "))
}

/// A text and what it is called.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.as_bytes().iter().take(span.start);
        Place::File {
            file: self.file.to_owned(),
            line: 1 + before.filter(|byte| **byte == b'\n').count(),
        }
    }
}

impl Settings {
    /// Reads the text of a settings file over the defaults; `file` is what problems call it.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, super::Problems> {
        let mut reading = Reading::default();
        read_text(&mut reading, file, text);
        reading.finish().map(|(settings, _)| settings)
    }
}
