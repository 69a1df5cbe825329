//! Results go to standard output, everything else to standard error.

use std::io::{self, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a result. A reader that went away is no failure: it has what it wanted.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints a result as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) {
    let mut text = serde_json::to_string(value).expect("results are plain structs with texts as keys");
    text.push('\n');
    print(&text);
}

/// Says why a command failed.
pub fn report(failure: &Failure) {
    let mut out = io::stderr().lock();
    let _ = writeln!(out, "{failure}");
}
