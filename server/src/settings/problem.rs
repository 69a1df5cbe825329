//! What is wrong with the settings: all of it at once, each with its place, a way out and a stable code.

use std::fmt;

use serde::Serialize;

/// What kind of problem it is. The code is stable and may be searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The settings file cannot be read.
    Unreadable,
    /// The settings file is not TOML.
    Syntax,
    /// There is no such setting.
    UnknownKey,
    /// The value is of another kind, such as a number where a text belongs.
    WrongKind,
    /// The value cannot be understood, or is out of its bounds.
    BadValue,
    /// The file that should hold a secret cannot be read.
    SecretFile,
    /// Two settings contradict each other.
    Conflict,
    /// The setting asks for what this version cannot do.
    Unsupported,
    /// A file of TLS is missing or cannot be used.
    TlsFile,
    /// A private key belongs to another certificate.
    TlsMismatch,
    /// The certificate is not valid at this time; a warning.
    TlsNotValidNow,
    /// Others may read the private key; a warning.
    TlsOpenKey,
}

impl ProblemKind {
    /// All of them, for published tables.
    pub const ALL: [Self; 12] = [
        Self::Unreadable,
        Self::Syntax,
        Self::UnknownKey,
        Self::WrongKind,
        Self::BadValue,
        Self::SecretFile,
        Self::Conflict,
        Self::Unsupported,
        Self::TlsFile,
        Self::TlsMismatch,
        Self::TlsNotValidNow,
        Self::TlsOpenKey,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "GW-C001",
            Self::Syntax => "GW-C002",
            Self::UnknownKey => "GW-C003",
            Self::WrongKind => "GW-C004",
            Self::BadValue => "GW-C005",
            Self::SecretFile => "GW-C006",
            Self::Conflict => "GW-C007",
            Self::Unsupported => "GW-C008",
            Self::TlsFile => "GW-C009",
            Self::TlsMismatch => "GW-C010",
            Self::TlsNotValidNow => "GW-C011",
            Self::TlsOpenKey => "GW-C012",
        }
    }

    /// Whether the settings can be used in spite of it.
    pub fn is_warning(self) -> bool {
        matches!(self, Self::TlsNotValidNow | Self::TlsOpenKey)
    }
}

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of the settings file; 0 for the file as a whole.
    File {
        /// The file, as it was named.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
    /// Nowhere: the value that holds when nothing is written.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: 0 } => f.write_str(file),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One thing that keeps the settings from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is.
    pub kind: ProblemKind,
    /// Where it stands.
    pub place: Place,
    /// What is wrong, in one sentence without a full stop.
    pub what: String,
    /// What to do about it; empty if that is plain.
    pub next: String,
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, place: Place, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            kind,
            place,
            what: what.into(),
            next: next.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "config: {} ({})  {}", self.what, self.place, self.kind.code())?;
        if !self.next.is_empty() {
            write!(f, "\n  {}", self.next)?;
        }
        Ok(())
    }
}

/// A problem as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct ProblemLine<'a> {
    code: &'static str,
    place: String,
    what: &'a str,
    next: &'a str,
}

impl<'a> From<&'a Problem> for ProblemLine<'a> {
    fn from(problem: &'a Problem) -> Self {
        Self {
            code: problem.kind.code(),
            place: problem.place.to_string(),
            what: &problem.what,
            next: &problem.next,
        }
    }
}

/// Every problem that was found, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", listed(.0))]
pub struct Problems(pub Vec<Problem>);

fn listed(problems: &[Problem]) -> String {
    let mut text: Vec<String> = problems.iter().map(Problem::to_string).collect();
    text.push(
        match problems.iter().filter(|problem| !problem.kind.is_warning()).count() {
            1 => "1 problem; nothing was started.".to_owned(),
            count => format!("{count} problems; nothing was started."),
        },
    );
    text.join("\n")
}
