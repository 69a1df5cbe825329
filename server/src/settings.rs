//! Everything an operator may set: a TOML file, over it the environment, over it the command line.
//!
//! `settings/sections.rs` is the list. All problems are found before anything starts, each with its place.

mod bind;
mod check;
mod choice;
mod declare;
mod environment;
mod example;
mod file;
mod problem;
mod secret;
mod sections;
mod suggestion;
mod take;
mod tls;
mod units;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use bind::{Bind, TlsBind};
pub use choice::{ClientCertificates, LogFormat, TryPage};
pub use environment::CONFIG_VARIABLE;
pub use example::example;
pub(crate) use problem::ProblemLine;
pub use problem::{Place, Problem, ProblemKind, Problems};
pub use secret::Secret;
pub use sections::{Cold, Credentials, Http, Https, Limits, Log, Mqtt, Mqtts, Push, Server, Settings, Storage, Tls};
pub(crate) use tls::{TlsFiles, own_files};
pub use units::ByteSize;
pub(crate) use units::read_duration;
pub use value::LogFilter;

use declare::Key;
use sections::KEYS;

/// What was asked for, before it is read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The settings file, if one was named by a flag.
    pub file: Option<PathBuf>,
    /// The process's environment, as names and values.
    pub environment: Vec<(String, String)>,
    /// Flags that set something.
    pub flags: Vec<Flag>,
}

/// A flag of the command line that sets something.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag, with its hyphens.
    pub name: &'static str,
    /// The setting, as `section.key`.
    pub key: &'static str,
    /// What was given.
    pub value: String,
}

/// Settings that hold, and where they came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The settings file that was read.
    pub file: Option<PathBuf>,
    /// Where each setting that was written comes from, by `section.key`.
    pub origins: BTreeMap<String, Place>,
    /// What is wrong and does not keep the settings from being used.
    pub warnings: Vec<Problem>,
}

/// Settings on the way: what was read so far, and what was wrong with it.
#[derive(Default)]
pub(crate) struct Reading {
    settings: Settings,
    origins: BTreeMap<String, Place>,
    problems: Vec<Problem>,
}

impl Reading {
    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn note(&mut self, key: &Key, place: Place) {
        self.origins.insert(key.path(), place);
    }

    /// The settings with what is only worth a warning, or every problem in the order of their places.
    fn finish(&mut self) -> Result<(Settings, Vec<Problem>), Problems> {
        check::check(self);
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        if problems.iter().all(|problem| problem.kind.is_warning()) {
            return Ok((self.settings.clone(), problems));
        }
        Err(Problems(problems))
    }
}

/// Reads all sources: defaults, then the file, then the environment, then the flags.
pub fn load(sources: Sources) -> Result<Loaded, Problems> {
    let (mut reading, file) = read(sources);
    let (settings, warnings) = reading.finish()?;
    Ok(Loaded {
        settings,
        file,
        origins: reading.origins,
        warnings,
    })
}

/// The data folder of these sources, for a command that needs nothing else of the settings. What is written must be
/// understood; what holds between settings is not asked.
pub(crate) fn data_folder(sources: Sources) -> Result<PathBuf, Problems> {
    let (reading, _) = read(sources);
    if reading.problems.is_empty() {
        Ok(reading.settings.server.data)
    } else {
        Err(Problems(reading.problems))
    }
}

fn read(sources: Sources) -> (Reading, Option<PathBuf>) {
    let mut reading = Reading::default();
    let named = sources
        .environment
        .iter()
        .find(|(name, value)| name == CONFIG_VARIABLE && !value.is_empty());
    let file = sources.file.or_else(|| named.map(|(_, value)| value.into()));
    if let Some(path) = &file {
        file::read_file(&mut reading, path);
    }
    environment::read_environment(&mut reading, &sources.environment);
    for flag in &sources.flags {
        read_flag(&mut reading, flag);
    }
    (reading, file)
}

fn read_flag(reading: &mut Reading, flag: &Flag) {
    let place = Place::Flag(flag.name);
    if let Some(key) = KEYS.iter().find(|key| key.path() == flag.key) {
        take::take(reading, key, &environment::free(&flag.value), place);
    } else {
        let what = format!("{} is not available in this version", flag.name);
        reading.problem(Problem::new(ProblemKind::Unsupported, place, what, "leave it out"));
    }
}

impl Settings {
    /// The value of `section.key` as TOML, or nothing if there is no such setting. Secrets are not shown.
    pub fn show(&self, path: &str) -> Option<String> {
        let key = KEYS.iter().find(|key| key.path() == path)?;
        Some((key.show)(self))
    }
}

/// The environment of this process, as [`Sources`] take it. Names or values that are not text are passed over.
pub fn environment() -> Vec<(String, String)> {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
