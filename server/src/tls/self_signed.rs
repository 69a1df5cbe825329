//! `godwit tls self-signed`: a certificate for a machine that has none, so that TLS can be tried at once.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use godwit_model::{Clock, SystemClock};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use serde::Serialize;

use super::certificate::day;
use super::der::date;
use crate::console::{print, print_json};
use crate::data_folder::{make_private, unusable, write_private};
use crate::failure::Failure;
use crate::settings::{self, Sources, own_files};

/// Names that every machine has for itself.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How long it is valid. Short enough for every client (Apple's refuse more than 825 days).
const VALID_DAYS: u64 = 397;
const DAY_MS: u64 = 24 * 3_600_000;

#[derive(Serialize)]
struct Made<'a> {
    certificate: &'a Path,
    key: &'a Path,
    names: &'a [String],
    until: String,
}

/// Writes a certificate for these names, besides those of every machine, and its key. `replace` allows it to take the
/// place of one that is there.
pub(crate) fn self_signed(names: Vec<String>, replace: bool, sources: Sources, json: bool) -> Result<(), Failure> {
    // Settings of TLS may be wrong for want of the very certificate that is asked for.
    let data = settings::data_folder(sources)?;
    let (certificate, key) = own_files(&data);
    if !replace && (certificate.exists() || key.exists()) {
        let what = format!("there is a certificate at {}", certificate.display());
        let next = "keep it, or make another in its place with --replace";
        return Err(Failure::new("GW-T003", what, next));
    }
    let names = all_names(names)?;
    let now_ms = SystemClock.now_ms();
    let until_ms = now_ms + VALID_DAYS * DAY_MS;
    let (chain, secret) = make(&names, now_ms, until_ms)?;
    write(&data, [(&key, &secret), (&certificate, &chain)])?;
    let until = day(until_ms);
    let made = Made {
        certificate: &certificate,
        key: &key,
        names: &names,
        until,
    };
    if json {
        print_json(&made);
    } else {
        print(&sentence(&made));
    }
    Ok(())
}

fn all_names(asked: Vec<String>) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = LOCAL_NAMES.map(str::to_owned).to_vec();
    for name in asked {
        if !is_name(&name) {
            let what = format!("{name:?} is neither a host name nor an address");
            let next = "write it without a scheme and without a port: --name im.example.org";
            return Err(Failure::new("GW-T004", what, next).with_exit(crate::failure::Exit::Usage));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn is_name(name: &str) -> bool {
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let host = name.strip_prefix("*.").unwrap_or(name);
    name.parse::<IpAddr>().is_ok() || (name.len() <= 253 && host.split('.').all(plain))
}

fn make(names: &[String], now_ms: u64, until_ms: u64) -> Result<(String, String), Failure> {
    let failed = |error: rcgen::Error| Failure::new("GW-T005", format!("the certificate cannot be made: {error}"), "");
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "Godwit, self-signed");
    let midnight = |time_ms: u64| {
        let (year, month, day) = date(time_ms);
        let small = |number: i64| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(i32::try_from(year).unwrap_or(9999), small(month), small(day))
    };
    // From yesterday, for clients whose clock is late.
    params.not_before = midnight(now_ms.saturating_sub(DAY_MS));
    params.not_after = midnight(until_ms);
    // It vouches for itself alone. As an authority it would be refused: those do not serve (rustls, for one).
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

fn write(data: &Path, files: [(&PathBuf, &String); 2]) -> Result<(), Failure> {
    make_private(data)?;
    make_private(&data.join("tls"))?;
    for (path, content) in files {
        write_private(path, content.as_bytes()).map_err(|error| unusable(path, &error))?;
    }
    Ok(())
}

fn sentence(made: &Made<'_>) -> String {
    let certificate = made.certificate.display();
    format!(
        "certificate  {certificate}\nkey          {}\nnames        {}\nvalid until  {}\n\n\
         The next `godwit serve` on this folder speaks TLS with it. Nobody vouches for it: clients must be told to trust\n\
         it, for example with --cafile {certificate} (mosquitto) or --cacert {certificate} (curl).\n",
        made.key.display(),
        made.names.join(", "),
        made.until,
    )
}
