//! Phones that are not reachable ring through their vendors' simulators: what is owed is brought, once, and nothing else.

#![expect(clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod batches;
mod calls;
mod cases;
mod commands;
mod crowd;
mod elsewhere;
mod house;
mod kill;
mod life;
mod offline;
mod quiet;
mod read;
mod receipts;
mod scale;
mod service;
mod trouble;
mod words;
