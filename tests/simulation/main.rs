//! The whole server on a simulated disk: power cuts at random writes, and no acknowledgement before its sync.

#![expect(clippy::unwrap_used, reason = "a helper of tests asserts too")]

mod checker;
mod power_cut;
mod random;
mod traced_disk;
mod tracing_order;
mod workload;
mod world;
