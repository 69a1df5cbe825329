//! Reads `GODWIT_SECTION__KEY` variables, and `…_FILE` for secrets.

use super::Reading;
use super::declare::Key;
use super::problem::{Place, Problem, ProblemKind};
use super::sections::KEYS;
use super::suggestion::nearest;
use super::take::take;
use super::value::{Form, Raw};

/// The variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "GODWIT_CONFIG";
const PREFIX: &str = "GODWIT_";
const FILE_SUFFIX: &str = "_FILE";

/// Reads the variables, given as name and value, into the settings.
pub(crate) fn read_environment(reading: &mut Reading, variables: &[(String, String)]) {
    let ours = variables
        .iter()
        .filter(|(name, _)| name.starts_with(PREFIX) && name != CONFIG_VARIABLE);
    for (name, value) in ours {
        if let Some(key) = KEYS.iter().find(|key| key.variable() == *name) {
            take(reading, key, &free(value), Place::Environment(name.clone()));
        } else if let Some(key) = secret_in_file(name) {
            read_secret_file(reading, key, (name, value), variables);
        } else if let Some(problem) = unknown(name) {
            reading.problem(problem);
        }
    }
}

pub(crate) fn free(value: &str) -> Raw {
    Raw {
        text: value.to_owned(),
        form: Form::Free,
    }
}

fn secret_in_file(name: &str) -> Option<&'static Key> {
    let variable = name.strip_suffix(FILE_SUFFIX)?;
    KEYS.iter().find(|key| key.secret && key.variable() == variable)
}

fn read_secret_file(reading: &mut Reading, key: &Key, (name, path): (&str, &str), variables: &[(String, String)]) {
    let place = Place::Environment(name.to_owned());
    if variables.iter().any(|(other, _)| *other == key.variable()) {
        let what = format!("{} and {name} are both set", key.variable());
        reading.problem(Problem::new(ProblemKind::Conflict, place, what, "set one of them"));
        return;
    }
    match std::fs::read_to_string(path) {
        Ok(text) => take(reading, key, &free(text.trim_end()), place),
        Err(error) => {
            let what = format!("the secret cannot be read from {path}: {error}");
            reading.problem(Problem::new(ProblemKind::SecretFile, place, what, ""));
        }
    }
}

/// A variable with our prefix that sets nothing. Without `__` it may be somebody else's, such as the ones that
/// Kubernetes makes for a service of our name, so it counts only if it is a slip away from one of ours.
fn unknown(name: &str) -> Option<Problem> {
    let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
    let near = nearest(name, known.iter().map(String::as_str));
    let next = match near {
        Some(right) => format!("did you mean {right}?"),
        None if name.contains("__") => "`godwit config default` prints every setting there is".to_owned(),
        None => return None,
    };
    let place = Place::Environment(name.to_owned());
    Some(Problem::new(
        ProblemKind::UnknownKey,
        place,
        format!("{name} sets nothing"),
        next,
    ))
}
