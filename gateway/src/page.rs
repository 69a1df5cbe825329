//! Pages of numbered entries: which part is asked for, and where the next one is.

use godwit_dispatcher::history::Window;
use godwit_model::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use serde_json::value::RawValue;

/// An entry with its number.
pub(crate) type Numbered = (u64, Box<RawValue>);

/// How many entries a window holds at most.
pub(crate) fn limit(window: &Window) -> usize {
    window.limit.unwrap_or(PAGE_ENTRIES_DEFAULT).min(PAGE_ENTRIES_MAX)
}

/// Where a page goes on: the entries after the last one, or, when it was read from the end, before the first one.
/// `is_more` says whether there are any, given the number at that end and whether it is the upper one.
pub(crate) fn next(
    path: &str,
    window: &Window,
    items: &[Numbered],
    is_more: impl Fn(u64, bool) -> bool,
) -> Option<String> {
    let forward = window.after.is_some() || window.since_ms.is_some();
    let (edge, _) = if forward { items.last() } else { items.first() }?;
    if !is_more(*edge, forward) {
        return None;
    }
    let limit = limit(window);
    Some(match (forward, window.before) {
        (true, Some(before)) => format!("{path}?after={edge}&before={before}&limit={limit}"),
        (true, None) => format!("{path}?after={edge}&limit={limit}"),
        (false, _) => format!("{path}?before={edge}&limit={limit}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(numbers: std::ops::RangeInclusive<u64>) -> Vec<Numbered> {
        numbers
            .map(|number| (number, RawValue::from_string("{}".to_owned()).unwrap()))
            .collect()
    }

    #[test]
    fn a_page_goes_on_the_way_it_was_read() {
        let newest = Window {
            limit: Some(2),
            ..Window::default()
        };
        let after = Window {
            after: Some(3),
            ..newest
        };
        let since = Window {
            since_ms: Some(7),
            before: Some(9),
            ..newest
        };
        let more = |_, _| true;
        assert_eq!(next("/x", &newest, &items(4..=5), more).unwrap(), "/x?before=4&limit=2");
        assert_eq!(next("/x", &after, &items(4..=5), more).unwrap(), "/x?after=5&limit=2");
        let between = next("/x", &since, &items(4..=5), more).unwrap();
        assert_eq!(between, "/x?after=5&before=9&limit=2");
        assert_eq!(next("/x", &after, &[], more), None);
        assert_eq!(next("/x", &after, &items(4..=5), |edge, up| !(edge == 5 && up)), None);
    }
}
