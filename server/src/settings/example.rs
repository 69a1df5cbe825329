//! The example file: every setting with its default and what it is for.

use std::fmt::Write;

use super::Settings;
use super::sections::{KEYS, SECTIONS};

const HEAD: &str = "\
# Every setting of Godwit with its default. The file is optional, and so is each line of it.
# A flag comes before an environment variable, which comes before this file; mqtt.bind is GODWIT_MQTT__BIND there.
# Check it with: godwit check-config --config FILE
";

/// The text of `godwit.example.toml`.
pub fn example() -> String {
    let defaults = Settings::default();
    let mut text = HEAD.to_owned();
    for (section, about) in SECTIONS {
        text.push('\n');
        push_comment(&mut text, about);
        writeln!(text, "[{section}]").expect("a String takes every write");
        for key in KEYS.iter().filter(|key| key.section == *section) {
            push_comment(&mut text, key.about);
            writeln!(text, "{} = {}", key.name, (key.show)(&defaults)).expect("a String takes every write");
        }
    }
    text
}

fn push_comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        writeln!(text, "# {}", line.trim()).expect("a String takes every write");
    }
}
