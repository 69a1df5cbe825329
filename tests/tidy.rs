//! Holds the repository to its own rules: headers, sizes, documents in step with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use godwit_model::id::NAME_CHARACTERS_MAX;
use godwit_model::refusal::Remedy;
use godwit_model::{CallStatus, MessageType, Refusal, limits};
use godwit_protocol::content::{self, Field};
use godwit_protocol::envelope::decode_draft;

const LINES_MAX: usize = 500;

/// Folders that hold no source of ours.
const SKIPPED: [&str; 5] = ["target", ".git", "node_modules", "assets/vendor", "godwit-data"];

/// What MQTT 5 lets a PUBACK or PUBREC say no with (OASIS MQTT 5.0, 3.4.2.1 and 3.5.2.1).
const PUBACK_REASONS: [u8; 7] = [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests have a folder of their own")
}

/// All files of ours with this extension, sorted. Minified ones were written elsewhere and only travel with us.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("the folder was just listed");
        for entry in entries.map(|entry| entry.expect("a readable entry")) {
            let path = entry.path();
            if path.is_dir() {
                let skipped = SKIPPED.iter().any(|skipped| path.ends_with(skipped));
                if !skipped {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|ours| ours == extension) && !shown(&path).contains(".min.") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    let text = fs::read_to_string(path);
    assert!(text.is_ok(), "{}: {text:?}", path.display());
    text.unwrap_or_default()
}

fn read_at_root(name: &str) -> String {
    read(&root().join(name))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Fails with all faults at once.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_rules_below_see_the_whole_house() {
    let seen = files("rs");
    for room in "model protocol archive store registry hub dispatcher broker gateway server".split(' ') {
        let lib = root().join(room).join("src/lib.rs");
        assert!(seen.contains(&lib), "{room} was not seen");
    }
}

#[test]
fn every_rust_file_says_first_what_it_is_for() {
    let faults: Vec<_> = files("rs")
        .iter()
        .filter(|path| !read(path).starts_with("//! "))
        .map(|path| format!("{}: the first line must be `//! ` and one sentence", shown(path)))
        .collect();
    assert_none(&faults);
}

#[test]
fn no_rust_file_is_long_before_its_tests() {
    let faults: Vec<_> = files("rs")
        .iter()
        .filter_map(|path| {
            let text = read(path);
            let lines = text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count();
            (lines > LINES_MAX).then(|| format!("{}: {lines} lines; it has a second subject", shown(path)))
        })
        .collect();
    assert_none(&faults);
}

#[test]
fn modules_are_named_files_not_mod_rs() {
    let faults: Vec<_> = files("rs")
        .iter()
        .filter(|path| path.ends_with("mod.rs"))
        .map(|path| format!("{}: name it after its subject", shown(path)))
        .collect();
    assert_none(&faults);
}

#[test]
fn files_are_named_by_their_subject() {
    let vague = "util utils common helper helpers manager misc types".split(' ');
    let vague: BTreeSet<_> = vague.collect();
    let faults: Vec<_> = files("rs")
        .iter()
        .filter(|path| {
            path.file_stem()
                .is_some_and(|stem| vague.contains(&*stem.to_string_lossy()))
        })
        .map(|path| format!("{}: a name that says nothing", shown(path)))
        .collect();
    assert_none(&faults);
}

#[test]
fn what_is_left_to_do_says_why() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];
    let mut faults = Vec::new();
    for path in ["rs", "toml", "md", "js", "html"].map(files).concat() {
        for (at, line) in read(&path).lines().enumerate() {
            let Some((mark, rest)) = marks.iter().find_map(|mark| Some((mark, line.split_once(mark)?.1))) else {
                continue;
            };
            let reason = rest.trim_start_matches([':', ' ']);
            if reason.split_whitespace().count() < 3 {
                faults.push(format!("{}:{}: {mark} without a reason", shown(&path), at + 1));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_model_depends_on_no_runtime_and_no_format() {
    let manifest: toml::Table = read_at_root("model/Cargo.toml").parse().expect("a manifest");
    let names: Vec<_> = manifest["dependencies"].as_table().expect("a table").keys().collect();
    assert_eq!(names, ["thiserror"]);
}

#[test]
fn the_protocol_depends_on_no_runtime() {
    let manifest: toml::Table = read_at_root("protocol/Cargo.toml").parse().expect("a manifest");
    let dependencies = manifest["dependencies"].as_table().expect("a table");
    for runtime in ["tokio", "futures-util", "axum", "reqwest", "rumqttc"] {
        assert!(!dependencies.contains_key(runtime), "protocol depends on {runtime}");
    }
}

/// Rows of the table under a heading of a document, split into trimmed cells, without its head.
fn table(document: &str, heading: &str) -> Vec<Vec<String>> {
    document
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

#[test]
fn the_published_refusals_are_the_codes() {
    let again = |remedy| match remedy {
        Remedy::Never => "never",
        Remedy::Later => "later",
    };
    let expected: Vec<Vec<String>> = Refusal::ALL
        .iter()
        .map(|refusal| {
            vec![
                format!("`{}`", refusal.code()),
                refusal.http_status().to_string(),
                format!("0x{:02X}", refusal.mqtt_reason()),
                refusal.text().to_owned(),
                again(refusal.remedy()).to_owned(),
            ]
        })
        .collect();
    assert_eq!(table(&read_at_root("docs/protocol.md"), "## 13. Refusals"), expected);
}

#[test]
fn a_refusal_carries_a_reason_that_a_puback_may_have() {
    for refusal in Refusal::ALL {
        let reason = refusal.mqtt_reason();
        assert!(PUBACK_REASONS.contains(&reason), "{}: 0x{reason:02X}", refusal.code());
    }
}

#[test]
fn the_published_methods_are_the_methods() {
    let published: BTreeSet<_> = table(&read_at_root("docs/protocol.md"), "## 15. Requests")
        .into_iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    let requests = root().join("dispatcher/src/requests");
    let answered: BTreeSet<_> = files("rs")
        .iter()
        .filter(|path| path.starts_with(&requests))
        .flat_map(|path| {
            let text = read(path);
            let names = text
                .lines()
                .filter_map(|line| line.split_once("const METHOD: &str = \"")?.1.strip_suffix("\";"));
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(published, answered);
}

#[test]
fn the_published_limits_are_the_limits() {
    let hours = usize::try_from(limits::DUPLICATE_WINDOW_MS / 3_600_000).expect("a few days");
    let expected = [
        ("bytes of a draft", limits::DRAFT_BYTES_MAX),
        ("bytes of a message id", limits::MESSAGE_ID_BYTES_MAX),
        ("user properties of a draft", limits::PROPERTIES_MAX),
        ("bytes of all user properties of a draft", limits::PROPERTY_BYTES_MAX),
        ("levels of nesting in a draft", limits::JSON_NESTING_MAX),
        ("hours a message id is remembered", hours),
        ("characters of a userId or groupId", NAME_CHARACTERS_MAX),
        ("names in `to` or `target`", limits::TARGETS_MAX),
        ("members of a group", limits::GROUP_MEMBERS_MAX),
        ("users who ask to join a group", limits::JOIN_REQUESTS_MAX),
        (
            "seconds a message is kept back",
            usize::try_from(limits::DELIVER_AFTER_S_MAX).expect("days"),
        ),
        ("recipients of a message", limits::RECIPIENTS_MAX),
        (
            "terms of an address that combines tags and organisations",
            limits::AUDIENCE_TERMS_MAX,
        ),
        ("levels of such an address", limits::AUDIENCE_DEPTH_MAX),
        ("departments above one another", limits::ORG_DEPTH_MAX),
        ("recipients numbered with their message", limits::INLINE_RECIPIENTS_MAX),
        ("entries of a page", limits::PAGE_ENTRIES_MAX),
        (
            "entries of a page, when no number is named",
            limits::PAGE_ENTRIES_DEFAULT,
        ),
    ];
    let published: Vec<_> = table(&read_at_root("docs/protocol.md"), "## 17. Limits")
        .into_iter()
        .map(|row| {
            (
                row[0].clone(),
                row[1].replace(',', "").parse::<usize>().expect("a number"),
            )
        })
        .collect();
    assert_eq!(published, expected.map(|(name, value)| (name.to_owned(), value)));
}

/// How the published table spells the fields of a content.
fn spelled(fields: &[Field]) -> String {
    let cell = |field: &Field| {
        let absent = if field.must { "" } else { "?" };
        format!("`{}{absent}: {}`", field.name, field.rule.word())
    };
    fields.iter().map(cell).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_published_types_are_the_types() {
    let mut shown: Vec<(String, String)> = Vec::new();
    let expected: Vec<Vec<String>> = MessageType::ALL
        .into_iter()
        .map(|published| {
            let number = published.number().map(|number| number.to_string().replace('-', "−"));
            let content = match content::schema(published) {
                None => "anything".to_owned(),
                Some([]) => "an object".to_owned(),
                Some(fields) => spelled(fields),
            };
            let number = number.unwrap_or_else(|| "–".to_owned());
            let earlier = shown.iter().find(|(_, other)| *other == content);
            let cell = earlier.map_or_else(|| content.clone(), |(number, _)| format!("as {number}"));
            shown.push((number.clone(), content));
            let name = format!("`{}`", published.name());
            vec![number, name, published.push_class().as_str().to_owned(), cell]
        })
        .collect();
    let text = read_at_root("docs/protocol.md");
    let published: Vec<_> = table(&text, "## 18. Types").into_iter().take(expected.len()).collect();
    assert_eq!(published, expected);
    assert!(text.contains(&spelled(content::CALL_FIELDS)));
    let calls = table(&text, "### Calls");
    assert_eq!(calls.len(), CallStatus::ALL.len());
    for (row, status) in calls.iter().zip(CallStatus::ALL) {
        assert_eq!(row[0], format!("`{}`", status.as_str()));
        assert_eq!(row[1] == "platform", status.is_platforms(), "{row:?}");
        assert_eq!(row[2], status.push_class().as_str());
    }
}

#[test]
fn the_published_examples_of_every_type_are_taken() {
    let text = read_at_root("docs/protocol.md");
    let examples = text.lines().skip_while(|line| *line != "### Examples");
    let mut met = BTreeSet::new();
    for example in examples.filter(|line| line.starts_with('{')) {
        let draft = decode_draft(example.as_bytes()).expect("a draft");
        let checked = content::check(&draft.kind, &draft.content);
        assert!(checked.is_ok(), "{example}: {checked:?}");
        met.extend(draft.kind.published().map(MessageType::name));
    }
    let sent = MessageType::ALL
        .into_iter()
        .filter(|published| !published.is_platforms());
    assert_eq!(met, sent.map(MessageType::name).collect());
}

/// The pieces of a text between single backticks, one line at a time, outside fenced blocks.
fn inline_code(text: &str) -> Vec<&str> {
    outside_fences(text)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

fn outside_fences(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// A path of this repository: it begins with one of its folders, or is a file at the root.
fn is_our_path(code: &str) -> bool {
    let plain = !code.is_empty()
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'));
    let first = code.split('/').next().unwrap_or_default();
    let inside = code.contains('/') && root().join(first).is_dir() && !first.is_empty() && first != ".";
    let at_root = [".md", ".toml"].iter().any(|end| code.ends_with(end)) && !code.contains('/');
    plain && (inside || at_root)
}

#[test]
fn documents_name_only_files_that_exist() {
    let mut faults = Vec::new();
    let mut named = BTreeSet::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = read_at_root(document);
        for code in inline_code(&text).into_iter().filter(|code| is_our_path(code)) {
            named.insert(code.to_owned());
            if !root().join(code).exists() {
                faults.push(format!("{document}: `{code}` does not exist"));
            }
        }
    }
    assert_none(&faults);
    assert!(named.len() > 30, "only {} paths were recognised", named.len());
}

#[test]
fn the_walk_names_a_file_of_every_room_on_the_way() {
    let text = read_at_root("ARCHITECTURE.md");
    let walk: Vec<_> = text
        .lines()
        .skip_while(|line| *line != "## The way of a message")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .collect();
    for room in [
        "broker",
        "protocol",
        "dispatcher",
        "registry",
        "archive",
        "hub",
        "model",
    ] {
        let prefix = format!("`{room}/src/");
        assert!(walk.iter().any(|line| line.contains(&prefix)), "the walk misses {room}");
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    let mut followed = 0;
    for path in files("md") {
        let text = read(&path);
        for target in outside_fences(&text).flat_map(links) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            followed += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let folder = path.parent().expect("a file is in a folder");
            let file = if file.is_empty() {
                path.clone()
            } else {
                folder.join(file)
            };
            if !file.exists() {
                faults.push(format!("{}: {target} leads nowhere", shown(&path)));
            } else if !anchor.is_empty() && !anchors(&read(&file)).contains(anchor) {
                faults.push(format!("{}: {target} names no heading", shown(&path)));
            }
        }
    }
    assert_none(&faults);
    assert!(followed > 20, "only {followed} links were recognised");
}

fn links(line: &str) -> Vec<&str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect()
}

/// The anchors a reader's page gives to headings: lower case, spaces as hyphens, other signs dropped.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = outside_fences(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn the_book_holds_every_page() {
    let summary = read_at_root("docs/SUMMARY.md");
    let listed: BTreeSet<_> = summary.lines().flat_map(links).collect();
    let docs = root().join("docs");
    let faults: Vec<_> = files("md")
        .iter()
        .filter_map(|path| path.strip_prefix(&docs).ok()?.to_str())
        .filter(|page| *page != "SUMMARY.md" && !listed.contains(page))
        .map(|page| format!("docs/SUMMARY.md does not list {page}"))
        .collect();
    assert_none(&faults);
}

#[test]
fn the_changelog_speaks_of_this_version() {
    let newest = read_at_root("CHANGELOG.md");
    let newest = newest
        .lines()
        .find_map(|line| line.strip_prefix("## "))
        .expect("a version");
    assert!(
        newest.starts_with(env!("CARGO_PKG_VERSION")),
        "the newest entry is {newest}"
    );
}

#[test]
fn the_architecture_fits_on_few_screens() {
    let lines = read_at_root("ARCHITECTURE.md").lines().count();
    assert!(lines <= 250, "{lines} lines");
}
