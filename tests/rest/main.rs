//! The REST door over a real socket, before a real registry and a real archive in memory.

mod description;
mod devices;
mod groups;
mod house;
mod limits;
mod messages;
mod problems;
mod reading;
mod token;
