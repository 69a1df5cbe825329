//! What an app puts in its phone: registration, an outbox that survives, a local table that equals the inbox.
#![deny(missing_docs)]
