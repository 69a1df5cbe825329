//! Where a door listens, or that it is closed.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::value::{Raw, Value, Wrong, quoted};

const OFF: &str = "off";
const AUTO: &str = "auto";

/// Where a plain door listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// Nowhere.
    Off,
    /// Here; port 0 takes any free one.
    At(SocketAddr),
}

/// Where a door with TLS listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsBind {
    /// On this machine if there is a certificate, else nowhere.
    Auto,
    /// Nowhere.
    Off,
    /// Here; port 0 takes any free one.
    At(SocketAddr),
}

impl Bind {
    /// The address, if the door is open.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl FromStr for Bind {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            OFF => Ok(Self::Off),
            text => text.parse().map(Self::At),
        }
    }
}

impl FromStr for TlsBind {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            AUTO => Ok(Self::Auto),
            OFF => Ok(Self::Off),
            text => text.parse().map(Self::At),
        }
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str(OFF),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl fmt::Display for TlsBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Off => f.write_str(OFF),
            Self::At(address) => address.fmt(f),
        }
    }
}

impl Value for Bind {
    const EXPECTS: &'static str = "an address and a port in quotes, such as \"127.0.0.1:1883\", or \"off\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw.text()? {
            OFF => Ok(Self::Off),
            text => socket_address(text, Self::EXPECTS).map(Self::At),
        }
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl Value for TlsBind {
    const EXPECTS: &'static str = "an address and a port in quotes, such as \"127.0.0.1:8883\", or \"auto\" or \"off\"";

    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw.text()? {
            AUTO => Ok(Self::Auto),
            OFF => Ok(Self::Off),
            text => socket_address(text, Self::EXPECTS).map(Self::At),
        }
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

fn socket_address(text: &str, expects: &str) -> Result<SocketAddr, Wrong> {
    if let Some(port) = text.strip_prefix("localhost:").and_then(|port| port.parse().ok()) {
        return Ok((std::net::Ipv4Addr::LOCALHOST, port).into());
    }
    // A port alone means "every network" to some programs and "this machine" to others: the operator says which.
    if let Ok(port) = text
        .trim_start_matches([':', '*'])
        .trim_start_matches(':')
        .parse::<u16>()
    {
        let which = format!("127.0.0.1:{port} for this machine only, or 0.0.0.0:{port} for every network");
        return Err(Wrong::Value(which));
    }
    text.parse().map_err(|_| Wrong::Value(expects.to_owned()))
}
