//! Why a command could not do what it was asked: what, what next, a stable code, and the exit status.

use std::fmt;
use std::process::ExitCode;

/// How a command ended, as scripts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// It was refused, or it failed.
    Refused = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// What it needs cannot be reached.
    Unreachable = 3,
    /// What it was asked about does not exist.
    NotFound = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command's failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit status.
    pub exit: Exit,
    /// The stable code, such as `GW-D001`.
    pub code: &'static str,
    /// What happened and why.
    pub what: String,
    /// What to do about it; empty if that is plain.
    pub next: String,
}

impl Failure {
    /// A failure with exit status 1.
    pub(crate) fn new(code: &'static str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            exit: Exit::Refused,
            code,
            what: what.into(),
            next: next.into(),
        }
    }

    /// The same failure with another exit status.
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        // Settings carry a code for each of their problems.
        if !self.code.is_empty() {
            write!(f, "  {}", self.code)?;
        }
        if !self.next.is_empty() {
            write!(f, "\n  {}", self.next)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

impl From<crate::settings::Problems> for Failure {
    fn from(problems: crate::settings::Problems) -> Self {
        Self::new("", problems.to_string(), "")
    }
}
