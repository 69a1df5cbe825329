//! Every vendor's client against its simulator, through the crate's public door.

mod answers;
mod apns;
mod batches;
mod credentials;
mod delivery;
mod kit;
mod lanes;
mod network;
mod receipts;
mod strictness;
mod texts;
mod tokens;
mod webpush;
