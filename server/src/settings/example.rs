//! The example file: every setting with its default and what it is for.

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
        text.push_str(&format!("[{section}]\n"));
        for key in KEYS.iter().filter(|key| key.section == *section) {
            push_comment(&mut text, key.about);
            text.push_str(&format!("{} = {}\n", key.name, (key.show)(&defaults)));
        }
    }
    text
}

fn push_comment(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(&format!("# {}\n", line.trim()));
    }
}
