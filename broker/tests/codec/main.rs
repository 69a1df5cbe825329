//! The codec against another implementation, and against bytes nobody should send.
#![expect(clippy::panic, reason = "a helper of tests asserts too")]

mod from_client;
mod hostile;
mod malformed;
mod to_client;
