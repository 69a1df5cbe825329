//! Tells what happens, with the time since the beginning, and keeps count of what came true.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::console::print;

pub(super) struct Narrator {
    began: Instant,
    /// With JSON on standard output, the story goes to standard error.
    aside: bool,
    checks: Vec<String>,
    missing: Vec<String>,
}

impl Narrator {
    pub(super) fn new(aside: bool) -> Self {
        Self {
            began: Instant::now(),
            aside,
            checks: Vec::new(),
            missing: Vec::new(),
        }
    }

    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Something happened.
    pub(super) fn say(&self, text: &str) {
        self.line("   ", text);
    }

    /// A new part of the story begins.
    pub(super) fn chapter(&self, text: &str) {
        self.write(&format!("\n{text}\n"));
    }

    /// Something must be true.
    pub(super) fn check(&mut self, holds: bool, claim: &str) {
        if holds {
            self.line("ok ", claim);
            self.checks.push(claim.to_owned());
        } else {
            self.failed(claim.to_owned());
        }
    }

    pub(super) fn failed(&mut self, what: String) {
        self.line("NO ", &what);
        self.missing.push(what);
    }

    /// What came true, and what did not.
    pub(super) fn end(self) -> (Vec<String>, Vec<String>) {
        let seconds = self.seconds();
        let total = self.checks.len() + self.missing.len();
        let count = self.checks.len();
        self.write(&format!("\n{count} of {total} claims came true, in {seconds:.1} s.\n"));
        (self.checks, self.missing)
    }

    fn line(&self, mark: &str, text: &str) {
        self.write(&format!("{:6.2} s  {mark}{text}\n", self.seconds()));
    }

    fn write(&self, text: &str) {
        if self.aside {
            // A reader that went away does not stop the story.
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        } else {
            print(text);
        }
    }
}

/// A time as people read it.
pub(super) fn took(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
