//! Where an element of an XMPP stream ends: tags are counted, no tree is built.
//!
//! A stream holds no comments, processing instructions or document types (RFC 6120, 11.1), and no server in the
//! comparison writes CDATA; a stream with one of them is taken for broken.

use std::io;

use crate::wire::{PACKET_MAX, broken};

/// A piece of the stream's first level.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The XML declaration, or the beginning or end of the stream itself.
    Edge,
    /// A whole element.
    Element(&'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Declaration,
    Open,
    Close,
    Empty,
}

/// A tag and where it lies.
struct Tag {
    kind: Kind,
    start: usize,
    /// Behind its `>`.
    end: usize,
}

/// The first piece of the bytes and how many bytes it takes; `None` while it is not whole.
pub(super) fn next(bytes: &[u8]) -> io::Result<Option<(Piece<'_>, usize)>> {
    let Some(first) = tag(bytes, 0)? else {
        return Ok(None);
    };
    if bytes[..first.start].iter().any(|byte| !byte.is_ascii_whitespace()) {
        return Err(broken("text between two elements"));
    }
    if first.kind == Kind::Declaration || is_of_stream(&bytes[first.start..first.end]) {
        return Ok(Some((Piece::Edge, first.end)));
    }
    let mut depth = match first.kind {
        Kind::Open => 1,
        Kind::Empty => 0,
        Kind::Close | Kind::Declaration => return Err(broken("an element ends that did not begin")),
    };
    let mut end = first.end;
    while depth > 0 {
        let Some(tag) = tag(bytes, end)? else {
            return Ok(None);
        };
        match tag.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Empty => {}
            Kind::Declaration => return Err(broken("a declaration within an element")),
        }
        end = tag.end;
    }
    Ok(Some((Piece::Element(&bytes[first.start..end]), end)))
}

/// The next whole tag from here on.
fn tag(bytes: &[u8], from: usize) -> io::Result<Option<Tag>> {
    let find = |from: usize, wanted: u8| Some(from + bytes.get(from..)?.iter().position(|byte| *byte == wanted)?);
    if bytes.len() > PACKET_MAX {
        return Err(broken("an element is too long"));
    }
    let Some(start) = find(from, b'<') else {
        return Ok(None);
    };
    let mut at = start + 1;
    // A value in quotes may hold a `>`.
    let end = loop {
        match bytes.get(at) {
            None => return Ok(None),
            Some(b'>') => break at + 1,
            Some(quote @ (b'\'' | b'"')) => match find(at + 1, *quote) {
                None => return Ok(None),
                Some(closing) => at = closing + 1,
            },
            Some(_) => at += 1,
        }
    };
    let kind = match (bytes[start + 1], bytes[end - 2]) {
        (b'?', _) => Kind::Declaration,
        (b'!', _) => return Err(broken("a comment or CDATA in the stream")),
        (b'/', _) => Kind::Close,
        (_, b'/') => Kind::Empty,
        _ => Kind::Open,
    };
    Ok(Some(Tag { kind, start, end }))
}

fn is_of_stream(tag: &[u8]) -> bool {
    let name = tag.strip_prefix(b"</").or_else(|| tag.strip_prefix(b"<"));
    let rest = name.and_then(|name| name.strip_prefix(b"stream:stream"));
    rest.and_then(<[u8]>::first)
        .is_some_and(|next| *next == b'>' || next.is_ascii_whitespace())
}

/// What an element is called.
pub(crate) fn name(element: &[u8]) -> &[u8] {
    let name = element.strip_prefix(b"<").unwrap_or_default();
    let ends = |byte: &u8| matches!(byte, b'>' | b'/') || byte.is_ascii_whitespace();
    name.get(..name.iter().position(ends).unwrap_or(name.len()))
        .unwrap_or_default()
}

/// A value of the element's own tag, as it was written.
pub(crate) fn attribute<'a>(element: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = element.get(1 + name(element).len()..)?;
    loop {
        rest = rest.trim_ascii_start();
        let equals = rest.iter().position(|byte| matches!(byte, b'=' | b'>'))?;
        if rest[equals] == b'>' {
            return None;
        }
        let found = rest[..equals].trim_ascii() == wanted;
        rest = rest[equals + 1..].trim_ascii_start();
        let (quote, value) = rest.split_first()?;
        let end = value.iter().position(|byte| byte == quote)?;
        if found {
            return value.get(..end);
        }
        rest = value.get(end + 1..)?;
    }
}

/// The text of the first element with this name inside.
pub(crate) fn text<'a>(element: &'a [u8], wanted: &str) -> Option<&'a str> {
    let opening = format!("<{wanted}>");
    let start = element
        .windows(opening.len())
        .position(|window| window == opening.as_bytes())?
        + opening.len();
    let rest = element.get(start..)?;
    let end = rest.iter().position(|byte| *byte == b'<')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// Whether these bytes stand somewhere in the element.
pub(crate) fn contains(element: &[u8], wanted: &[u8]) -> bool {
    element.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b"<?xml version='1.0'?><stream:stream id='1' xmlns='jabber:client'>\n\
        <stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>\
        <message from='a@b/>' id=\"it's\"><body>x &lt; y</body><thread/></message><r/></stream:stream>";

    #[test]
    fn a_stream_comes_apart_into_its_elements() {
        let (mut rest, mut names) = (STREAM, Vec::new());
        while let Some((piece, end)) = next(rest).expect("XML") {
            names.push(match piece {
                Piece::Edge => "edge",
                Piece::Element(element) => std::str::from_utf8(name(element)).expect("ASCII"),
            });
            rest = &rest[end..];
        }
        assert_eq!(names, ["edge", "edge", "stream:features", "message", "r", "edge"]);
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_cut_anywhere_waits_for_the_rest() {
        let whole = b"<message from='a@b/>' id=\"it's\"><body>x</body></message>";
        for cut in 0..whole.len() {
            assert_eq!(next(&whole[..cut]).expect("XML so far"), None, "{cut}");
        }
        assert_eq!(next(whole).expect("XML"), Some((Piece::Element(whole), whole.len())));
    }

    #[test]
    fn values_are_found_in_the_first_tag_alone_and_by_their_whole_name() {
        let element = b"<iq from-x='no' id = \"7\" from='a>b' ><query type='inner'/></iq>";
        assert_eq!(attribute(element, b"from"), Some(&b"a>b"[..]));
        assert_eq!(attribute(element, b"id"), Some(&b"7"[..]));
        assert_eq!(attribute(element, b"type"), None);
        assert_eq!(attribute(b"<presence/>", b"from"), None);
        assert_eq!(text(b"<iq><last>17</last></iq>", "last"), Some("17"));
        assert_eq!(text(b"<iq><first index='0'>16</first></iq>", "last"), None);
        assert!(contains(element, b"inner") && !contains(element, b"outer"));
    }

    #[test]
    fn what_no_server_may_send_is_broken() {
        for bytes in [
            &b"hello <a/>"[..],
            b"<!-- -->",
            b"</a>",
            b"<a><![CDATA[x]]></a>",
            b"<a><?x?></a>",
        ] {
            assert!(next(bytes).is_err(), "{bytes:?}");
        }
    }
}
