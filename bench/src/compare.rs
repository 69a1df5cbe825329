//! The comparison: every load against every server in turns, medians over rounds, tables into a document.

mod document;
mod growth;
mod machine;
mod plots;
mod steps;
mod tables;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::ValueEnum as _;

use crate::report::{Record, tell};
use crate::servers::{Certificate, Kind, Program, make_certificate};
use steps::Step;

/// Longest run of one load against one server; a server that hangs is killed then.
const RUN_MAX: Duration = Duration::from_mins(4);

/// Start servers in turns, run every load against each, and write the tables.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Compare {
    /// Where data, settings and logs of the servers go: a new or empty folder on a real disk.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// How often each load runs against each server.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A look at whether everything runs: small loads, one round. The figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Only these loads, with commas between: chat, group, idle, logins, storm, replay, churn, isolation, growth.
    #[arg(long, value_name = "LOADS", value_delimiter = ',')]
    only: Vec<String>,
    /// Only these servers, with commas between; without it, all that are there.
    #[arg(long, value_name = "SERVERS", value_delimiter = ',')]
    peers: Vec<Kind>,
    /// How many messages Godwit has stored before it is looked at what a message costs; without it, 0, 1 and 20 million.
    #[arg(long, value_name = "MESSAGES", value_delimiter = ',')]
    stored: Vec<u64>,
    /// The document whose section between the markers is written anew; without it, the section is printed.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// The `godwit` program; without it, the one beside this program.
    #[arg(long, value_name = "FILE")]
    godwit: Option<PathBuf>,
    /// The `mosquitto` program.
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/mosquitto")]
    mosquitto: PathBuf,
    /// The `ejabberdctl` of Debian's package ejabberd.
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/ejabberdctl")]
    ejabberd: PathBuf,
    /// The `rumqttd` program; without it, the one in `tools/bin` beside the build, if it is there.
    #[arg(long, value_name = "FILE")]
    rumqttd: Option<PathBuf>,
}

/// All runs of one row.
pub(crate) struct Results {
    pub(crate) label: String,
    /// The name of the load.
    pub(crate) load: &'static str,
    /// The fixed rate of one-to-one messages.
    pub(crate) rate: Option<f64>,
    /// How many messages were stored before.
    pub(crate) stored: Option<u64>,
    /// In the order in which they ran.
    pub(crate) records: Vec<Record>,
}

impl Compare {
    /// Whether Godwit and mosquitto lost nothing; what others lose is only reported.
    pub(crate) async fn run(&self) -> anyhow::Result<bool> {
        let (folder, machine) = self.place()?;
        let programs = self.programs()?;
        let certificate = make_certificate(&folder)?;
        let steps: Vec<_> = steps::all(self.quick)
            .into_iter()
            .filter(|step| self.wants(step) && programs.iter().any(|program| step.suits(program)))
            .collect();
        let grows = self.only.is_empty() || self.only.iter().any(|name| name == growth::NAME);
        ensure!(grows || !steps.is_empty(), "no load is called so");
        for program in &programs {
            prepare(program, &folder, &certificate, &steps).await?;
        }
        let mut results = Vec::new();
        let count = steps.len();
        for (at, step) in steps.into_iter().enumerate() {
            tell(&format!("{}/{count} {}: {}", at + 1, step.load.name(), step.label));
            results.push(self.turns(step, &programs, (&folder, &certificate)).await?);
        }
        let godwit = programs.iter().find(|program| program.kind == Kind::Godwit);
        if let Some(godwit) = godwit.filter(|_| grows) {
            results.extend(growth::run(&self.growth(), godwit, (&folder, &certificate)).await?);
        }
        self.publish(&results, programs, &machine)?;
        let failed = results.iter().flat_map(|result| &result.records);
        let counts = |record: &Record| {
            [Kind::Godwit, Kind::Mosquitto]
                .iter()
                .any(|kind| kind.name() == record.server)
        };
        let failed = failed.filter(|record| counts(record) && !record.faults.is_empty());
        Ok(failed.count() == 0)
    }

    /// The empty folder, and the machine with the disk under it.
    fn place(&self) -> anyhow::Result<(PathBuf, machine::Machine)> {
        fs::create_dir_all(&self.folder)?;
        let folder = self.folder.canonicalize()?;
        ensure!(
            fs::read_dir(&folder)?.next().is_none(),
            "{} is not empty",
            folder.display()
        );
        let machine = machine::Machine::look(&folder)?;
        ensure!(
            self.quick || !machine.in_memory,
            "{} lies on {}, which is memory: give a folder on a real disk",
            folder.display(),
            machine.file_system
        );
        Ok((folder, machine))
    }

    /// Into the document, or onto the screen.
    fn publish(&self, results: &[Results], programs: Vec<Program>, machine: &machine::Machine) -> anyhow::Result<()> {
        ensure!(!results.is_empty(), "no server takes part");
        // Who did not run is not described.
        let ran = |program: &Program| {
            let mut records = results.iter().flat_map(|result| &result.records);
            records.any(|record| record.server == program.kind.name())
        };
        let programs: Vec<_> = programs.into_iter().filter(ran).collect();
        let section = document::section(results, &programs, machine, &self.command());
        match &self.write {
            Some(document) => {
                plots::write(document, results)?;
                document::write(document, &section)?;
            }
            None => crate::report::print(&section),
        }
        Ok(())
    }

    fn growth(&self) -> growth::Growth {
        let mut growth = growth::Growth::sized(self.quick, self.rounds);
        if !self.stored.is_empty() {
            growth.stored.clone_from(&self.stored);
        }
        growth
    }

    fn wants(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.load.name())
    }

    /// Whoever is asked for and there, Godwit first.
    fn programs(&self) -> anyhow::Result<Vec<Program>> {
        let own = std::env::current_exe()?;
        let build = own.parent().context("a program is in a folder")?;
        let mut programs = Vec::new();
        for kind in Kind::ALL {
            let is_named = self.peers.contains(&kind);
            if !is_named && !self.peers.is_empty() {
                continue;
            }
            let (path, remedy) = match kind {
                Kind::Godwit => (
                    self.godwit.clone().unwrap_or_else(|| build.join("godwit")),
                    "build it with cargo build -p godwit-server",
                ),
                Kind::Mosquitto | Kind::Archived => (self.mosquitto.clone(), "install Debian's package mosquitto"),
                Kind::Ejabberd => (
                    self.ejabberd.clone(),
                    "install Debian's packages ejabberd and erlang-p1-sqlite3",
                ),
                Kind::Rumqttd => (
                    self.rumqttd
                        .clone()
                        .unwrap_or_else(|| build.join("../tools/bin/rumqttd")),
                    "`just bench-rumqttd` installs it",
                ),
            };
            match Program::find(kind, &path) {
                Ok(program) => programs.push(program),
                Err(error) if is_named || kind == Kind::Godwit => return Err(error.context(remedy)),
                Err(error) => tell(&format!("{} takes no part ({error:#}): {remedy}", kind.name())),
            }
        }
        Ok(programs)
    }

    /// The command of a reader who wants the same.
    fn command(&self) -> String {
        let quick = if self.quick { " --quick" } else { "" };
        let listed = |name: &str, values: Vec<String>| {
            if values.is_empty() {
                return String::new();
            }
            format!(" --{name} {}", values.join(","))
        };
        let peers = self.peers.iter().filter_map(Kind::to_possible_value);
        let peers = listed("peers", peers.map(|value| value.get_name().to_owned()).collect());
        let only = listed("only", self.only.clone());
        let stored = listed("stored", self.stored.iter().map(u64::to_string).collect());
        format!(
            "just bench-compare FOLDER --rounds {}{quick}{only}{peers}{stored}",
            self.rounds
        )
    }

    /// A B A B …, each on a freshly started server; who begins changes every round.
    async fn turns(
        &self,
        step: Step,
        programs: &[Program],
        (folder, certificate): (&Path, &Certificate),
    ) -> anyhow::Result<Results> {
        let rounds = if self.quick || step.once { 1 } else { self.rounds };
        let mut records = Vec::new();
        for round in 0..rounds {
            let mut turn: Vec<_> = programs.iter().filter(|program| step.suits(program)).collect();
            if round % 2 == 1 {
                turn.reverse();
            }
            for program in turn {
                let record = run_once(program, &step, folder, certificate).await?;
                keep(&folder.join("runs.jsonl"), &record)?;
                for fault in &record.faults {
                    tell(&format!("    FAILED on {}: {fault}", record.server));
                }
                records.push(record);
            }
        }
        Ok(Results {
            rate: step.load.rate(),
            load: step.load.name(),
            label: step.label,
            stored: None,
            records,
        })
    }
}

async fn run_once(program: &Program, step: &Step, folder: &Path, certificate: &Certificate) -> anyhow::Result<Record> {
    let mut record = Record::new(step.load.name(), program.kind.name());
    record.set("step", step.label.clone());
    let running = match program.start(folder, certificate).await {
        Ok(running) => running,
        // Without Godwit there is nothing to compare.
        Err(error) if program.kind == Kind::Godwit => return Err(error),
        Err(error) => {
            record.fault(format!("{error:#}"));
            return Ok(record);
        }
    };
    match tokio::time::timeout(RUN_MAX, step.load.run(&running.target)).await {
        Ok(Ok(done)) => record = done,
        Ok(Err(error)) => record.fault(format!("{error:#}")),
        Err(_) => record.fault(format!("not finished within {} s", RUN_MAX.as_secs())),
    }
    if let Err(error) = running.stop().await {
        record.fault(format!("{error:#}"));
    }
    record.set("step", step.label.clone());
    Ok(record)
}

/// Registers everybody before anything is measured, where there are accounts.
async fn prepare(program: &Program, folder: &Path, certificate: &Certificate, steps: &[Step]) -> anyhow::Result<()> {
    if !matches!(program.kind, Kind::Godwit | Kind::Ejabberd) {
        return Ok(());
    }
    let own = steps.iter().filter(|step| step.suits(program));
    let users = own.map(|step| step.load.users()).max().unwrap_or_default();
    if users == 0 {
        return Ok(());
    }
    tell(&format!("registering {users} users with {}", program.kind.name()));
    let running = program.start(folder, certificate).await?;
    running.target.users(users).await?;
    running.stop().await
}

fn keep(file: &Path, record: &Record) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{}", record.json())?)
}
