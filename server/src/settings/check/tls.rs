//! What must hold between the settings of TLS, and what their files must hold.

use godwit_model::{Clock, SystemClock};

use super::super::problem::{Problem, ProblemKind};
use super::super::{Bind, ClientCertificates, Reading, Settings, TlsBind};
use crate::tls::{Fault, FaultKind, judge};

/// A contradiction: the setting where it is told, what it is, and the way out.
type Conflict = (&'static str, &'static str, &'static str);

pub(super) fn check(reading: &mut Reading) {
    let settings = reading.settings.clone();
    for (key, what, next) in conflicts(&settings) {
        let place = reading.place(key);
        reading.problem(Problem::new(ProblemKind::Conflict, place, what, next));
    }
    let files = settings.tls_files();
    for fault in files.map_or_else(Vec::new, |files| judge(&files, SystemClock.now_ms()).faults) {
        let Fault {
            setting, what, next, ..
        } = fault;
        let place = reading.place(setting);
        reading.problem(Problem::new(kind(fault.kind), place, what, next));
    }
}

fn kind(kind: FaultKind) -> ProblemKind {
    match kind {
        FaultKind::File => ProblemKind::TlsFile,
        FaultKind::Mismatch => ProblemKind::TlsMismatch,
        FaultKind::NotValidNow => ProblemKind::TlsNotValidNow,
        FaultKind::OpenKey => ProblemKind::TlsOpenKey,
    }
}

fn conflicts(settings: &Settings) -> Vec<Conflict> {
    let tls = &settings.tls;
    let mut found = Vec::new();
    match (&tls.certificate, &tls.key) {
        (Some(_), None) => found.push((
            "tls.certificate",
            "`tls.certificate` is set and `tls.key` is not",
            "name the file of its private key; it may be the same one",
        )),
        (None, Some(_)) => found.push((
            "tls.key",
            "`tls.key` is set and `tls.certificate` is not",
            "name the file of its certificate; it may be the same one",
        )),
        _ => found.extend(without_certificate(settings)),
    }
    if tls.client_certificates != ClientCertificates::Off && tls.client_ca.is_none() {
        found.push((
            "tls.client_certificates",
            "`tls.client_certificates` asks for certificates, and nobody signs them",
            "name in `tls.client_ca` the file with the certificates of those who do",
        ));
    }
    if settings.http.bind == Bind::Off && settings.https_address().is_none() {
        found.push((
            "http.bind",
            "`http.bind` is off and HTTPS is not open: nobody could register a device",
            "open one of them",
        ));
    }
    found
}

fn without_certificate(settings: &Settings) -> Vec<Conflict> {
    let next = "make one with `godwit tls self-signed`, or name yours in `tls.certificate` and `tls.key`";
    let doors = [
        (
            "mqtts.bind",
            settings.mqtts.bind,
            "`mqtts.bind` opens a door with TLS, and there is no certificate",
        ),
        (
            "https.bind",
            settings.https.bind,
            "`https.bind` opens a door with TLS, and there is no certificate",
        ),
    ];
    if settings.tls_files().is_some() {
        return Vec::new();
    }
    let open = doors.into_iter().filter(|(_, bind, _)| matches!(bind, TlsBind::At(_)));
    open.map(|(key, _, what)| (key, what, next)).collect()
}
