//! What a run found: settings, figures and faults, as a line of JSON or for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One run of one load against one server.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Record {
    pub(crate) load: String,
    pub(crate) server: String,
    pub(crate) settings: BTreeMap<String, Value>,
    /// Each with its unit in the name.
    pub(crate) figures: BTreeMap<String, f64>,
    /// What must not have happened; a run with faults has failed.
    pub(crate) faults: Vec<String>,
}

impl Record {
    pub(crate) fn new(load: &str, server: &str) -> Self {
        Self {
            load: load.to_owned(),
            server: server.to_owned(),
            settings: BTreeMap::new(),
            figures: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    pub(crate) fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), value);
    }

    pub(crate) fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    /// Notes a fault unless the claim holds.
    pub(crate) fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.faults.push(otherwise());
        }
    }

    /// One line of JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A small table in markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "### {} on {}\n\n| figure | value |\n|---|---|\n",
            self.load, self.server
        );
        for (name, value) in &self.settings {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        for (name, value) in &self.figures {
            let _ = writeln!(text, "| {name} | {} |", shown(*value));
        }
        for fault in &self.faults {
            let _ = writeln!(text, "\n**FAILED**: {fault}");
        }
        text
    }
}

/// A figure with three digits or all digits before the point, and commas between thousands.
pub(crate) fn shown(value: f64) -> String {
    let size = value.abs();
    let digits = match size {
        _ if size >= 99.5 || size == 0.0 => 0,
        _ if size >= 9.95 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if left.is_multiple_of(3) && grouped.ends_with(|last: char| last.is_ascii_digit()) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if fraction.is_empty() {
        grouped
    } else {
        format!("{grouped}.{fraction}")
    }
}

/// Prints text; a reader that went away is no failure.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Tells the one who waits what happens, on standard error.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_with_the_digits_they_deserve() {
        let all = [0.0, 0.113, 9.96, 16.64, 99.6, 1000.4, 57_756.0, 1_234_567.0];
        let texts = all.map(shown);
        assert_eq!(
            texts,
            ["0", "0.11", "10.0", "16.6", "100", "1,000", "57,756", "1,234,567"]
        );
        assert_eq!(shown(-1234.0), "-1,234");
    }

    #[test]
    fn a_record_survives_its_line_of_json() {
        let mut record = Record::new("chat", "x");
        record.set("users", 10);
        record.figure("delivered_per_s", 5.5);
        record.must(1 > 2, || "one message is lost".to_owned());
        let back: Record = serde_json::from_str(&record.json()).expect("JSON");
        assert_eq!(back.figures, record.figures);
        assert_eq!(back.faults, ["one message is lost"]);
        assert!(record.markdown().contains("FAILED"));
    }
}
