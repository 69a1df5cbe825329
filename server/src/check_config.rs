//! `godwit check-config`: the same reading of the settings as at a start, and nothing else.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::console::{print, print_json};
use crate::failure::Failure;
use crate::settings::{self, Loaded, ProblemLine, Sources};

#[derive(Serialize)]
struct Verdict<'a> {
    valid: bool,
    problems: Vec<ProblemLine<'a>>,
    written: BTreeMap<&'a str, Written>,
}

/// A setting that somebody wrote.
#[derive(Serialize)]
struct Written {
    value: String,
    from: String,
}

/// Checks the settings and says which of them somebody wrote, and where.
pub(crate) fn check_config(sources: Sources, json: bool) -> Result<(), Failure> {
    let loaded = match settings::load(sources) {
        Ok(loaded) => loaded,
        Err(problems) => {
            if json {
                print_json(&Verdict {
                    valid: false,
                    problems: problems.0.iter().map(ProblemLine::from).collect(),
                    written: BTreeMap::new(),
                });
            }
            return Err(problems.into());
        }
    };
    let written = written(&loaded);
    if json {
        print_json(&Verdict {
            valid: true,
            problems: loaded.warnings.iter().map(ProblemLine::from).collect(),
            written,
        });
    } else {
        print(&sentence(&loaded, &written));
    }
    Ok(())
}

fn written(loaded: &Loaded) -> BTreeMap<&str, Written> {
    let shown = |(key, place): (_, &settings::Place)| {
        let value = loaded.settings.show(key).unwrap_or_default();
        let from = place.to_string();
        (key, Written { value, from })
    };
    loaded
        .origins
        .iter()
        .map(|(key, place)| shown((key.as_str(), place)))
        .collect()
}

fn sentence(loaded: &Loaded, written: &BTreeMap<&str, Written>) -> String {
    let mut text = match &loaded.file {
        Some(file) => format!("{} is valid\n", file.display()),
        None => "valid; no settings file was named\n".to_owned(),
    };
    for (key, Written { value, from }) in written {
        writeln!(text, "  {key} = {value}   ({from})").expect("a String takes every write");
    }
    for warning in &loaded.warnings {
        writeln!(text, "warning: {warning}").expect("a String takes every write");
    }
    text
}
