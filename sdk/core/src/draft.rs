//! What an app asks to be sent.

use serde_json::{Map, Value, json};

use crate::content::Content;
use crate::error::Error;

/// Most bytes of a draft as it travels.
const DRAFT_BYTES_MAX: usize = 65_536;
/// Fields of the envelope a draft must not bring along under another name.
const OWN_FIELDS: [&str; 15] = [
    "id",
    "to",
    "from",
    "target",
    "type",
    "content",
    "timestamp",
    "isBackground",
    "tenantNo",
    "seq",
    "serverId",
    "serverTime",
    "conv",
    "convSeq",
    "ext",
];

/// What an app asks to be sent.
///
/// ```
/// use godwit_sdk::{Content, Draft, Media};
///
/// let to_a_user = Draft::text("bob", "hi");
/// let to_a_group = Draft::new("g:team", Content::Image(Media::stored("7f3a"))).for_members(["bob", "carol"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// The address: a user's id, or `g:` and a group's.
    pub to: String,
    /// What it says.
    pub content: Content,
    /// In a group: whom it is for. Empty: everyone.
    pub target: Vec<String>,
    /// For the app rather than for eyes.
    pub is_background: bool,
    /// More fields of the envelope; readers find them in `ext`.
    pub ext: Map<String, Value>,
}

impl Draft {
    /// A draft to an address. What is for the background by its type is so here.
    pub fn new(to: impl Into<String>, content: Content) -> Self {
        Self {
            to: to.into(),
            is_background: content.is_for_background(),
            content,
            target: Vec::new(),
            ext: Map::new(),
        }
    }

    /// A text to an address.
    pub fn text(to: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(to, Content::text(text))
    }

    /// In a group: for these members only.
    #[must_use]
    pub fn for_members<N: Into<String>>(mut self, members: impl IntoIterator<Item = N>) -> Self {
        self.target = members.into_iter().map(Into::into).collect();
        self
    }

    /// For the app rather than for eyes.
    #[must_use]
    pub fn in_background(mut self) -> Self {
        self.is_background = true;
        self
    }

    /// With one more field of the envelope.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, value: Value) -> Self {
        self.ext.insert(name.into(), value);
        self
    }

    /// The bytes that travel: always the same for the same draft, so that a repeat is recognised.
    pub(crate) fn to_json(&self, id: &str, timestamp_ms: u64) -> Result<String, Error> {
        if self.to.is_empty() {
            return Err(Error::invalid("to", "must name somebody"));
        }
        if let Some(field) = OWN_FIELDS.iter().find(|field| self.ext.contains_key(**field)) {
            return Err(Error::invalid("ext", format!("`{field}` is a field of the envelope")));
        }
        let mut envelope = self.ext.clone();
        let mut put = |name: &str, value: Value| envelope.insert(name.to_owned(), value);
        put("id", json!(id));
        put("to", json!(self.to));
        put("type", json!(self.content.kind()));
        put("content", self.content.to_json());
        put("timestamp", json!(timestamp_ms));
        if !self.target.is_empty() {
            put("target", json!(self.target));
        }
        if self.is_background {
            put("isBackground", json!(true));
        }
        let json = Value::Object(envelope).to_string();
        if json.len() > DRAFT_BYTES_MAX {
            let detail = format!("{} bytes; a draft has at most {DRAFT_BYTES_MAX}", json.len());
            return Err(Error::invalid("content", detail));
        }
        Ok(json)
    }

    /// The address in its canonical spelling: drafts to one address keep their order however it is spelt.
    pub(crate) fn destination(&self) -> String {
        canonical(&self.to)
    }
}

/// The canonical spelling of an address of a user or a group; others stand as they are.
pub(crate) fn canonical(address: &str) -> String {
    if let Some(user) = address.strip_prefix("u:").or_else(|| address.strip_suffix("@user")) {
        user.to_owned()
    } else if let Some(group) = address.strip_suffix("@qun") {
        format!("g:{group}")
    } else {
        address.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (spelt, canonical_one) in [
            ("bob", "bob"),
            ("u:bob", "bob"),
            ("bob@user", "bob"),
            ("team@qun", "g:team"),
            ("g:team", "g:team"),
        ] {
            assert_eq!(canonical(spelt), canonical_one);
        }
    }

    #[test]
    fn a_draft_travels_with_its_own_fields_beside_the_envelope() {
        let draft = Draft::text("g:team", "hi")
            .for_members(["bob"])
            .with_field("color", json!("red"));
        let json: Value = serde_json::from_str(&draft.to_json("r1", 5).expect("a draft")).expect("JSON");
        assert_eq!(
            json,
            json!({"id": "r1", "to": "g:team", "target": ["bob"], "type": 0, "content": {"text": "hi"},
                "timestamp": 5, "color": "red"})
        );
    }

    #[test]
    fn what_the_platform_would_never_take_is_refused_here() {
        assert!(matches!(
            Draft::text("", "x").to_json("r", 0),
            Err(Error::Invalid { field: "to", .. })
        ));
        let large = Draft::text("bob", "x".repeat(70_000)).to_json("r", 0);
        assert!(matches!(large, Err(Error::Invalid { field: "content", .. })));
        let forged = Draft::text("bob", "x").with_field("seq", json!(1)).to_json("r", 0);
        assert!(matches!(forged, Err(Error::Invalid { field: "ext", .. })));
    }
}
