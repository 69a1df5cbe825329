//! Takes one value for one key, or says what is wrong with it.

use super::Reading;
use super::declare::Key;
use super::problem::{Place, Problem, ProblemKind};
use super::value::{Raw, Wrong};

pub(crate) fn take(reading: &mut Reading, key: &Key, raw: &Raw, place: Place) {
    let path = key.path();
    let shown = if key.secret {
        "(secret)".to_owned()
    } else {
        format!("\"{}\"", raw.text.trim())
    };
    match (key.set)(&mut reading.settings, raw) {
        Ok(()) => reading.note(key, place),
        Err(Wrong::Kind) => {
            let what = format!("`{path}` is of the wrong kind: {shown}");
            reading.problem(Problem::new(
                ProblemKind::WrongKind,
                place,
                what,
                format!("write {}", key.expects),
            ));
        }
        Err(Wrong::Value(right)) => {
            let what = format!("`{path}` is not understood: {shown}");
            reading.problem(Problem::new(
                ProblemKind::BadValue,
                place,
                what,
                format!("write {right}"),
            ));
        }
    }
}
