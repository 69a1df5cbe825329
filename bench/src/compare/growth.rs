//! Growth: what a message, a page and a start of Godwit cost when much is stored already.

mod fill;
mod measure;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Results, keep};
use crate::report::{Record, tell};
use crate::servers::{Certificate, Program};

/// As `--only` names it.
pub(super) const NAME: &str = "growth";

/// Up to so many messages a folder is filled anew for each round: what the loads add would soon be more than was there.
const ANEW_MAX: u64 = 2_000_000;

/// Entries of a page.
const PAGE: u64 = 50;

/// How large everything is.
pub(super) struct Growth {
    /// Messages that are there before anything is measured, a row each.
    pub(super) stored: Vec<u64>,
    rounds: usize,
    /// Users of the one-to-one loads.
    users: usize,
    /// Users besides whose inboxes are read.
    readers: usize,
    /// Messages a second of the paced load.
    rate: f64,
    seconds: Duration,
    warm_up: Duration,
}

/// A data folder with its messages.
struct Site<'a> {
    godwit: &'a Program,
    certificate: &'a Certificate,
    /// Where the server has its own folder.
    folder: PathBuf,
    stored: u64,
    filled_per_s: Option<f64>,
}

impl Growth {
    /// Small if it is only to be seen whether it runs.
    pub(super) fn sized(quick: bool, rounds: usize) -> Self {
        if quick {
            return Self {
                stored: vec![0, 5_000],
                rounds: 1,
                users: 100,
                readers: 20,
                rate: 500.0,
                seconds: Duration::from_millis(500),
                warm_up: Duration::from_millis(200),
            };
        }
        Self {
            stored: vec![0, 1_000_000, 20_000_000],
            rounds,
            users: 1000,
            readers: 100,
            rate: 5000.0,
            seconds: Duration::from_secs(5),
            warm_up: Duration::from_millis(1500),
        }
    }
}

/// Fills a folder for each row, then measures them in turns, and removes them again.
pub(super) async fn run(
    growth: &Growth,
    godwit: &Program,
    (folder, certificate): (&Path, &Certificate),
) -> anyhow::Result<Vec<Results>> {
    let mut sites = Vec::new();
    for (at, stored) in growth.stored.iter().enumerate() {
        tell(&format!("growth: storing {stored} messages"));
        let mut site = Site {
            godwit,
            certificate,
            folder: folder.join(format!("{NAME}-{at}")),
            stored: *stored,
            filled_per_s: None,
        };
        site.fill(growth).await?;
        sites.push(site);
    }
    let mut records = vec![Vec::new(); sites.len()];
    for round in 0..growth.rounds {
        tell(&format!("growth: round {} of {}", round + 1, growth.rounds));
        let mut turn: Vec<_> = sites.iter_mut().zip(&mut records).collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for (site, records) in turn {
            let is_anew = round > 0 && site.stored <= ANEW_MAX;
            if is_anew {
                fs::remove_dir_all(&site.folder)?;
                site.fill(growth).await?;
            }
            let mut record = site.measure(growth).await?;
            if let Some(rate) = site.filled_per_s.filter(|_| round == 0 || is_anew) {
                record.figure("filled_per_s", rate);
            }
            keep(&folder.join("runs.jsonl"), &record)?;
            records.push(record);
        }
    }
    for site in &sites {
        // Many gigabytes that nobody needs any more.
        fs::remove_dir_all(&site.folder)?;
    }
    Ok(sites
        .iter()
        .zip(records)
        .map(|(site, records)| site.results(records))
        .collect())
}

impl Site<'_> {
    fn data(&self) -> PathBuf {
        self.folder.join(self.godwit.kind.name()).join("data")
    }

    fn results(&self, records: Vec<Record>) -> Results {
        Results {
            label: format!("{} stored", crate::report::shown(crate::numbers::real(self.stored))),
            load: NAME,
            rate: None,
            stored: Some(self.stored),
            records,
        }
    }
}
