//! The codec against another implementation, and against bytes nobody should send.

mod from_client;
mod hostile;
mod malformed;
mod to_client;
