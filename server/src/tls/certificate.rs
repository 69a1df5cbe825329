//! What a certificate says in plain words: whose it is, for which names, and how long it is valid (RFC 5280).

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;

use super::der::{BOOLEAN, GENERALIZED_TIME, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTC_TIME, Values, date, time_ms};

/// Parts of a subject that are shown, by their object ids (2.5.4.x) and short names.
const PARTS: [(&[u8], &str); 4] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 6], "C"),
];

/// The object id of the alternative names of a subject (2.5.29.17), and of those the tags that we show.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 29, 17];
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The tag of the version, and of the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// Longest subject in characters; what comes after is cut.
const SUBJECT_CHARACTERS_MAX: usize = 200;

/// The plain facts of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Its subject, such as `CN=phone 7,O=Example`; empty if it has none that we can show.
    pub(crate) subject: String,
    /// The names and addresses it stands for.
    pub(crate) names: Vec<String>,
    /// From when it is valid, in milliseconds since 1970.
    pub(crate) from_ms: u64,
    /// Until when.
    pub(crate) until_ms: u64,
}

impl Facts {
    /// Reads a certificate; `None` if it is none.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let mut signed = Values(certificate).enter(SEQUENCE)?.enter(SEQUENCE)?;
        signed.take_if(VERSION);
        signed.next()?; // its serial number
        signed.take(SEQUENCE)?; // the signature's algorithm
        signed.take(SEQUENCE)?; // its issuer
        let mut validity = signed.enter(SEQUENCE)?;
        let subject = signed.enter(SEQUENCE)?;
        signed.take(SEQUENCE)?; // its key
        Some(Self {
            subject: subject_text(subject),
            names: alternative_names(signed),
            from_ms: time(&mut validity)?,
            until_ms: time(&mut validity)?,
        })
    }

    /// The last day of its validity, as `2027-11-24`.
    pub(crate) fn until(&self) -> String {
        day(self.until_ms)
    }

    /// The first day of its validity.
    pub(crate) fn from(&self) -> String {
        day(self.from_ms)
    }

    /// The names it stands for, or its subject if it has none.
    pub(crate) fn stands_for(&self) -> String {
        match self.names.as_slice() {
            [] => self.subject.clone(),
            [first, second, third, _, ..] => format!("{first}, {second}, {third}, …"),
            few => few.join(", "),
        }
    }
}

/// Whose a certificate is, for the log.
pub(super) fn describe(certificate: &CertificateDer<'_>) -> String {
    let subject = Facts::of(certificate).map(|facts| facts.subject);
    subject
        .filter(|subject| !subject.is_empty())
        .unwrap_or_else(|| "(no subject)".to_owned())
}

/// The day of a time, as `2027-11-24`.
pub(super) fn day(time_ms: u64) -> String {
    let (year, month, day) = date(time_ms);
    format!("{year:04}-{month:02}-{day:02}")
}

fn time(validity: &mut Values<'_>) -> Option<u64> {
    let (tag, text) = validity.next()?;
    matches!(tag, UTC_TIME | GENERALIZED_TIME).then(|| time_ms(tag, text))?
}

fn subject_text(mut subject: Values<'_>) -> String {
    let mut parts = Vec::new();
    while let Some(mut set) = subject.enter(SET) {
        while let Some(mut pair) = set.enter(SEQUENCE) {
            let (Some(id), Some((_, value))) = (pair.take(OBJECT_ID), pair.next()) else {
                continue;
            };
            if let Some((_, name)) = PARTS.iter().find(|(known, _)| *known == id) {
                parts.push(format!("{name}={}", harmless(value)));
            }
        }
    }
    parts.join(",").chars().take(SUBJECT_CHARACTERS_MAX).collect()
}

/// A text of strangers as a log may hold it.
fn harmless(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn alternative_names(mut rest: Values<'_>) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((tag, value)) = rest.next() {
        if tag != EXTENSIONS {
            continue;
        }
        let Some(mut extensions) = Values(value).enter(SEQUENCE) else {
            break;
        };
        while let Some(mut extension) = extensions.enter(SEQUENCE) {
            let id = extension.take(OBJECT_ID);
            extension.take_if(BOOLEAN);
            if id == Some(ALTERNATIVE_NAMES)
                && let Some(mut list) = extension
                    .enter(OCTET_STRING)
                    .and_then(|mut inner| inner.enter(SEQUENCE))
            {
                while let Some((tag, value)) = list.next() {
                    names.extend(name(tag, value));
                }
            }
        }
    }
    names
}

fn name(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(harmless(value)),
        IP_ADDRESS => {
            let four = <[u8; 4]>::try_from(value).map(IpAddr::from);
            let address = four.or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> CertificateDer<'static> {
        let mut params =
            rcgen::CertificateParams::new(vec!["im.example.org".to_owned(), "127.0.0.1".to_owned()]).expect("names");
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, "Example\n");
        params.distinguished_name.push(rcgen::DnType::CommonName, "Gödwit");
        params.not_before = rcgen::date_time_ymd(2024, 2, 29);
        params.not_after = rcgen::date_time_ymd(2051, 1, 2);
        let key = rcgen::KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().clone()
    }

    #[test]
    fn a_certificate_says_whose_it_is_for_what_and_how_long() {
        let facts = Facts::of(&certificate()).expect("a certificate");
        assert_eq!(facts.subject, "O=Example?,CN=Gödwit");
        assert_eq!(facts.stands_for(), "im.example.org, 127.0.0.1");
        assert_eq!(
            (facts.from(), facts.until()),
            ("2024-02-29".to_owned(), "2051-01-02".to_owned())
        );
    }

    #[test]
    fn a_cut_or_changed_certificate_never_panics() {
        let whole = certificate();
        for end in 0..whole.len() {
            let _ = Facts::of(&CertificateDer::from(&whole[..end]));
            let mut changed = whole.to_vec();
            changed[end] ^= 0x81;
            let _ = Facts::of(&CertificateDer::from(changed));
        }
        assert_eq!(describe(&CertificateDer::from(&[1, 2][..])), "(no subject)");
    }
}
