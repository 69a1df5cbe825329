//! Whom a message is for, as tags and organisations combined: `and(t:vip,not(o:sales))`.

use std::fmt;
use std::str::FromStr;

use crate::id::UserId;
use crate::limits::{AUDIENCE_DEPTH_MAX, AUDIENCE_TERMS_MAX};

/// Tags and organisations combined.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Who has the tag: `t:ID`.
    Tag(UserId),
    /// Who is in the organisation or below it: `o:ID`.
    Org(UserId),
    /// Who is in all of them: `and(…,…)`.
    All(Vec<Self>),
    /// Who is in any of them: `or(…,…)`.
    Any(Vec<Self>),
    /// Everybody else in the tenant: `not(…)`.
    Not(Box<Self>),
}

/// The text is not an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must combine tags (t:ID) and organisations (o:ID) by and(…,…), or(…,…) and not(…), with at most 32 of them, 8 deep"
)]
pub struct MalformedAudience;

impl FromStr for Audience {
    type Err = MalformedAudience;

    fn from_str(text: &str) -> Result<Self, MalformedAudience> {
        let mut reader = Reader { rest: text, terms: 0 };
        let read = reader.read(0)?;
        if reader.rest.trim_start().is_empty() {
            Ok(read)
        } else {
            Err(MalformedAudience)
        }
    }
}

/// What is left to read, and how many terms were read.
struct Reader<'a> {
    rest: &'a str,
    terms: usize,
}

impl Reader<'_> {
    fn read(&mut self, depth: usize) -> Result<Audience, MalformedAudience> {
        self.terms += 1;
        if self.terms > AUDIENCE_TERMS_MAX || depth >= AUDIENCE_DEPTH_MAX {
            return Err(MalformedAudience);
        }
        self.rest = self.rest.trim_start();
        if self.take("and(") {
            self.list(depth).map(Audience::All)
        } else if self.take("or(") {
            self.list(depth).map(Audience::Any)
        } else if self.take("not(") {
            let mut inner = self.list(depth)?;
            match (inner.pop(), inner.is_empty()) {
                (Some(only), true) => Ok(Audience::Not(Box::new(only))),
                _ => Err(MalformedAudience),
            }
        } else {
            self.name()
        }
    }

    /// What stands between the brackets, the opening one read already.
    fn list(&mut self, depth: usize) -> Result<Vec<Audience>, MalformedAudience> {
        let mut list = vec![self.read(depth + 1)?];
        loop {
            self.rest = self.rest.trim_start();
            if self.take(")") {
                return Ok(list);
            }
            if !self.take(",") {
                return Err(MalformedAudience);
            }
            list.push(self.read(depth + 1)?);
        }
    }

    fn name(&mut self) -> Result<Audience, MalformedAudience> {
        let end = self.rest.find([',', ')', ' ']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let (kind, id) = match (name.split_once(':'), name.split_once('@')) {
            (Some(kind_and_id), _) => kind_and_id,
            (None, Some((id, "org"))) => ("o", id),
            _ => return Err(MalformedAudience),
        };
        let id = id.parse().map_err(|_| MalformedAudience)?;
        match kind {
            "t" => Ok(Audience::Tag(id)),
            "o" => Ok(Audience::Org(id)),
            _ => Err(MalformedAudience),
        }
    }

    fn take(&mut self, expected: &str) -> bool {
        let rest = self.rest.strip_prefix(expected);
        if let Some(rest) = rest {
            self.rest = rest;
        }
        rest.is_some()
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, inner: &[Self]| {
            write!(f, "{word}(")?;
            for (at, one) in inner.iter().enumerate() {
                f.write_str(if at == 0 { "" } else { "," })?;
                one.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::Tag(id) => write!(f, "t:{id}"),
            Self::Org(id) => write!(f, "o:{id}"),
            Self::All(inner) => list(f, "and", inner),
            Self::Any(inner) => list(f, "or", inner),
            Self::Not(inner) => write!(f, "not({inner})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_reads_back_what_it_prints() {
        for (given, canonical) in [
            ("and(t:vip,o:sales)", "and(t:vip,o:sales)"),
            (
                "and( t:vip , not( or(t:a,sales@org) ) )",
                "and(t:vip,not(or(t:a,o:sales)))",
            ),
            ("not(t:vip)", "not(t:vip)"),
        ] {
            let read: Audience = given.parse().unwrap();
            assert_eq!(read.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(read));
        }
        let deep = format!("{}t:a{}", "not(".repeat(8), ")".repeat(8));
        let wide = format!("or({})", vec!["t:a"; 32].join(","));
        for bad in [
            "",
            "and()",
            "and(t:a",
            "and(t:a))",
            "not(t:a,t:b)",
            "and(bob)",
            "and(g:team,t:a)",
            "and(t:a;t:b)",
            "or(t:all)",
            &deep,
            &wide,
        ] {
            assert_eq!(bad.parse::<Audience>(), Err(MalformedAudience), "{bad}");
        }
    }
}
