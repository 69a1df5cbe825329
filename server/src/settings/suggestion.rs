//! Did you mean …? The nearest existing name to a wrong one.

/// The candidate that is a slip of the finger away from `wrong`, if there is one.
pub(crate) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let bound = (wrong.chars().count() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (distance(wrong, candidate), candidate))
        .filter(|(steps, _)| *steps <= bound)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out, replaced, or swapped with their neighbour (each letter moved once).
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().chars().collect();
    let to: Vec<char> = to.to_lowercase().chars().collect();
    // Three rows of the table of all prefixes: two before, one before, this one.
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1; to.len() + 1];
        for (j, b) in to.iter().enumerate() {
            let mut steps = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && from[i - 1] == *b && to[j - 1] == *a;
            if swapped {
                steps = steps.min(before_last[j - 1] + 1);
            }
            row[j + 1] = steps;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_a_few_letters_away() {
        let names = ["mqtt.bind", "http.bind", "storage.segment_size"];
        for (wrong, right) in [
            ("mqtt.bnid", Some("mqtt.bind")),
            ("htpt.bind", Some("http.bind")),
            ("storage.segmentsize", Some("storage.segment_size")),
            ("push.apns", None),
        ] {
            assert_eq!(nearest(wrong, names.into_iter()), right, "{wrong}");
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_step() {
        assert_eq!(distance("bind", "bnid"), 1);
        assert_eq!(distance("bind", "bind"), 0);
        assert_eq!(distance("", "abc"), 3);
    }
}
