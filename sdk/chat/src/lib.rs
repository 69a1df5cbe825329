//! A messenger for the terminal, on the SDK.
#![deny(missing_docs)]
