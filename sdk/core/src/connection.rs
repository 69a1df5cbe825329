//! The connection: kept as long as the app wants it, over however many attempts it takes.

mod address;
mod driver;
mod link;
mod session;

pub(crate) use driver::{Command, Running, start};
