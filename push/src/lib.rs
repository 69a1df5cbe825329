//! Wakes phones through their vendors: one file per vendor behind one trait, and strict simulators of them.
#![deny(missing_docs)]
