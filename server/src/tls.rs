//! TLS of the doors: reads and judges the files, makes the configurations, renews them, and writes a certificate of
//! its own for a machine that has none.

mod certificate;
mod configuration;
mod der;
mod doors;
mod fault;
mod material;
mod renewal;
mod self_signed;

pub(crate) use certificate::Facts;
pub(crate) use doors::TlsDoors;
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use material::judge;
pub(crate) use renewal::keep_renewed;
pub(crate) use self_signed::self_signed;
