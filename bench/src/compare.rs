//! The comparison: every load against every server in turns, medians over rounds, tables into a document.

mod document;
mod machine;
mod plots;
mod steps;
mod tables;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

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
    /// Only these loads, with commas between: chat, group, idle, logins, storm, replay, churn, isolation.
    #[arg(long, value_name = "LOADS", value_delimiter = ',')]
    only: Vec<String>,
    /// The document whose section between the markers is written anew; without it, the section is printed.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// The `godwit` program; without it, the one beside this program.
    #[arg(long, value_name = "FILE")]
    godwit: Option<PathBuf>,
    /// The `mosquitto` program.
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/mosquitto")]
    mosquitto: PathBuf,
    /// The `rumqttd` program; without it, the one in `tools/bin` beside the build, if it is there.
    #[arg(long, value_name = "FILE")]
    rumqttd: Option<PathBuf>,
}

/// All runs of one step.
pub(crate) struct Results {
    pub(crate) step: Step,
    /// In the order in which they ran.
    pub(crate) records: Vec<Record>,
}

impl Compare {
    /// Whether Godwit and mosquitto lost nothing; rumqttd's losses are only reported.
    pub(crate) async fn run(&self) -> anyhow::Result<bool> {
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
        let programs = self.programs()?;
        let certificate = make_certificate(&folder)?;
        let steps: Vec<_> = steps::all(self.quick)
            .into_iter()
            .filter(|step| self.wants(step))
            .collect();
        ensure!(!steps.is_empty(), "no load is called so");
        prepare(&programs[0], &folder, &certificate, &steps).await?;
        let mut results = Vec::new();
        let count = steps.len();
        for (at, step) in steps.into_iter().enumerate() {
            tell(&format!("{}/{count} {}: {}", at + 1, step.load.name(), step.label));
            results.push(self.turns(step, &programs, (&folder, &certificate)).await?);
        }
        let section = document::section(&results, &programs, &machine, &self.command());
        match &self.write {
            Some(document) => {
                plots::write(document, &results)?;
                document::write(document, &section)?;
            }
            None => crate::report::print(&section),
        }
        let failed = results.iter().flat_map(|result| &result.records);
        let failed = failed.filter(|record| record.server != Kind::Rumqttd.name() && !record.faults.is_empty());
        Ok(failed.count() == 0)
    }

    fn wants(&self, step: &Step) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == step.load.name())
    }

    /// Godwit first, then whom it is compared with.
    fn programs(&self) -> anyhow::Result<Vec<Program>> {
        let own = std::env::current_exe()?;
        let build = own.parent().context("a program is in a folder")?;
        let godwit = self.godwit.clone().unwrap_or_else(|| build.join("godwit"));
        let mut programs = vec![
            Program::find(Kind::Godwit, &godwit).context("build it with cargo build -p godwit-server")?,
            Program::find(Kind::Mosquitto, &self.mosquitto).context("install Debian's package mosquitto")?,
            Program::find(Kind::Archived, &self.mosquitto)?,
        ];
        let tool = build.join("../tools/bin/rumqttd");
        match &self.rumqttd {
            Some(path) => programs.push(Program::find(Kind::Rumqttd, path)?),
            None if tool.exists() => programs.push(Program::find(Kind::Rumqttd, &tool)?),
            None => tell("rumqttd is not there; `just bench-rumqttd` installs it"),
        }
        Ok(programs)
    }

    /// The command of a reader who wants the same.
    fn command(&self) -> String {
        let only = if self.only.is_empty() {
            String::new()
        } else {
            format!(" --only {}", self.only.join(","))
        };
        let quick = if self.quick { " --quick" } else { "" };
        format!("just bench-compare FOLDER --rounds {}{quick}{only}", self.rounds)
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
        Ok(Results { step, records })
    }
}

async fn run_once(program: &Program, step: &Step, folder: &Path, certificate: &Certificate) -> anyhow::Result<Record> {
    let running = program.start(folder, certificate).await?;
    let outcome = tokio::time::timeout(RUN_MAX, step.load.run(&running.target)).await;
    let mut record = Record::new(step.load.name(), program.kind.name());
    match outcome {
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

/// Registers everybody before anything is measured.
async fn prepare(godwit: &Program, folder: &Path, certificate: &Certificate, steps: &[Step]) -> anyhow::Result<()> {
    let users = steps.iter().map(|step| step.load.users()).max().unwrap_or_default();
    tell(&format!("registering {users} users with godwit"));
    let running = godwit.start(folder, certificate).await?;
    running.target.users(users).await?;
    running.stop().await
}

fn keep(file: &Path, record: &Record) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    Ok(writeln!(file, "{}", record.json())?)
}
