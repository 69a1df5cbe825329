//! The section of the document that the comparison writes, and the markers it stands between.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use super::Results;
use super::machine::Machine;
use super::plots;
use super::tables::TABLES;
use crate::servers::Program;

const BEGIN: &str = "<!-- bench-compare begins: written by `just bench-compare`, do not edit -->";
const END: &str = "<!-- bench-compare ends -->";

/// Everything between the markers.
pub(super) fn section(results: &[Results], programs: &[Program], machine: &Machine, command: &str) -> String {
    let mut text = format!("```sh\n{command}\n```\n\n");
    text.push_str(
        "Client and servers share the machine over loopback. Each run is on a freshly started server; the servers take \
         turns, and who begins changes every round. Cells are medians, in brackets the lowest and the highest. CPU is user and \
         system time of the server's whole process from the kernel's accounting. Texts are 200 bytes inside a chat envelope, the same \
         bytes for every MQTT server.\n\n",
    );
    let _ = writeln!(text, "- Machine: {machine}");
    for program in programs {
        let (kind, version) = (program.kind, &program.version);
        let _ = writeln!(text, "- {} ({version}): {}.", kind.name(), kind.settings());
    }
    text.push('\n');
    text.push_str(&plots::markdown(results));
    for table in &TABLES {
        text.push_str(&table.markdown(results));
    }
    if programs.iter().any(|program| !program.tls) {
        text.push_str("Where a server is missing in a row with TLS, it has none that this comparison starts.\n");
    }
    text
}

/// Replaces what stands between the markers, or adds both at the end.
pub(super) fn write(document: &Path, section: &str) -> anyhow::Result<()> {
    let old = fs::read_to_string(document).with_context(|| format!("reading {}", document.display()))?;
    fs::write(document, replaced(&old, section)?)?;
    Ok(())
}

fn replaced(old: &str, section: &str) -> anyhow::Result<String> {
    let section = section.trim_end();
    let Some((before, rest)) = old.split_once(BEGIN) else {
        ensure!(!old.contains(END), "the document has an end marker without a beginning");
        let old = old.trim_end();
        return Ok(format!("{old}\n\n{BEGIN}\n\n{section}\n\n{END}\n"));
    };
    let (_, after) = rest
        .split_once(END)
        .context("the document has a beginning marker without an end")?;
    Ok(format!("{before}{BEGIN}\n\n{section}\n\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_replaced_and_the_rest_stays() {
        let first = replaced("# Title\n\ntext\n", "one\n").expect("no markers yet");
        let with_tail = format!("{first}\n## More\n");
        let second = replaced(&with_tail, "two").expect("both markers");
        assert!(second.starts_with("# Title\n\ntext\n\n"));
        assert!(second.ends_with("\n## More\n"));
        assert!(second.contains("\ntwo\n") && !second.contains("\none\n"));
        assert!(replaced(&format!("{BEGIN}\n"), "x").is_err());
        assert!(replaced(&format!("{END}\n"), "x").is_err());
    }
}
