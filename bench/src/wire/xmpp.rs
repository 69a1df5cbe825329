//! The client's side of XMPP on the wire: what it writes, and what it makes of the elements that come (RFC 6120, RFC 6121).

mod element;

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Packet;
use element::Piece;
pub(crate) use element::{attribute, contains, name, text};

/// The end of the stream.
pub(super) const GOODBYE: &[u8] = b"</stream:stream>";

/// Where rooms live; also what tells the address of a room from that of a user.
pub(crate) const ROOMS: &str = "conference.localhost";

/// The first piece of the bytes.
pub(super) fn decode(bytes: &[u8]) -> io::Result<Option<(Packet<'_>, usize)>> {
    let Some((piece, end)) = element::next(bytes)? else {
        return Ok(None);
    };
    let packet = match piece {
        Piece::Edge => Packet::Other,
        Piece::Element(element) if name(element) != b"message" => Packet::Element(element),
        Piece::Element(element) if attribute(element, b"type") == Some(b"error") => Packet::Refused,
        Piece::Element(payload) => Packet::Publish { id: 0, payload },
    };
    Ok(Some((packet, end)))
}

/// Opens a stream to the server of `localhost`.
pub(crate) fn opening() -> &'static str {
    "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xml:lang='en' xmlns='jabber:client' \
     xmlns:stream='http://etherx.jabber.org/streams'>"
}

/// Logs in with SASL PLAIN (RFC 4616).
pub(crate) fn auth(user: &str, password: &str) -> String {
    let secret = STANDARD.encode(format!("\0{user}\0{password}"));
    format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
}

/// Asks for a resource; the answer has the id `bind`.
pub(crate) fn bind(resource: &str) -> String {
    format!(
        "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind></iq>"
    )
}

/// Makes an account in the stream of somebody who has not logged in (XEP-0077); the answer has the id `register`.
pub(crate) fn register(user: &str, password: &str) -> String {
    format!(
        "<iq type='set' id='register'><query xmlns='jabber:iq:register'><username>{user}</username>\
         <password>{password}</password></query></iq>"
    )
}

/// Enters a room without its history (XEP-0045).
pub(crate) fn join(room: &str, nick: &str) -> String {
    format!(
        "<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x></presence>"
    )
}

/// A message to somebody or to a room, with a plain text.
pub(crate) fn message(to: &str, id: &str, text: &str) -> String {
    let kind = if is_room(to) { "groupchat" } else { "chat" };
    format!("<message to='{to}' type='{kind}' id='{id}'><body>{text}</body></message>")
}

/// Which part of an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// The last entry alone.
    Newest,
    /// From the beginning.
    First,
    /// What follows this entry.
    After(&'a str),
}

/// Asks for a page of one's own archive with at most `size` entries (XEP-0313, XEP-0059).
pub(crate) fn page(id: &str, part: Part<'_>, size: usize) -> String {
    let set = match part {
        Part::Newest => "<max>1</max><before/>".to_owned(),
        Part::First => format!("<max>{size}</max>"),
        Part::After(entry) => format!("<max>{size}</max><after>{entry}</after>"),
    };
    format!(
        "<iq type='set' id='{id}'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>{set}</set></query></iq>"
    )
}

/// Whether this is a room's address.
pub(crate) fn is_room(address: &str) -> bool {
    address.split_once('@').is_some_and(|(_, host)| host == ROOMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(bytes: &[u8]) -> Packet<'_> {
        let (packet, end) = decode(bytes).expect("XMPP").expect("whole");
        assert_eq!(end, bytes.len());
        packet
    }

    #[test]
    fn messages_errors_and_everything_else_are_told_apart() {
        let text = message("bench-1@localhost", "x-1", "hello");
        assert_eq!(
            only(text.as_bytes()),
            Packet::Publish {
                id: 0,
                payload: text.as_bytes()
            }
        );
        assert_eq!(
            only(b"<message id='1' type='error'><error/></message>"),
            Packet::Refused
        );
        assert_eq!(only(b"<presence from='a'/>"), Packet::Element(b"<presence from='a'/>"));
        assert_eq!(only(GOODBYE), Packet::Other);
    }

    #[test]
    fn the_address_says_whether_a_message_is_for_a_room() {
        assert!(message("bench-100-0@conference.localhost", "1", "x").contains("type='groupchat'"));
        assert!(message("conference@localhost", "1", "x").contains("type='chat'"));
    }

    #[test]
    fn everything_that_is_written_reads_back_as_one_element() {
        for text in [
            auth("bench-000001", "secret"),
            bind("phone"),
            register("a", "b"),
            join("r@conference.localhost", "n"),
            page("1", Part::Newest, 1),
            page("1", Part::First, 250),
            page("1", Part::After("17"), 250),
        ] {
            assert_eq!(only(text.as_bytes()), Packet::Element(text.as_bytes()));
        }
        assert!(auth("user", "pencil").contains(">AHVzZXIAcGVuY2ls<"));
    }
}
