//! Typed identifiers. Numbers (`…No`) are dense and internal; the others are what clients see.

use std::fmt;
use std::str::FromStr;

use crate::hexadecimal;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A tenant; printed in decimal as the wire's `tenantNo`.
    TenantNo,
    u32
);
impl TenantNo {
    /// The operator's own tenant, which the first start makes: its apps may manage other tenants.
    pub const OPERATOR: Self = Self(1);
}

number!(
    /// An account's dense number: the owner of one inbox. 0 means "nobody" (an app or the platform).
    AccountNo,
    u64
);
number!(
    /// A device's dense number: the owner of one cursor.
    DeviceNo,
    u64
);
number!(
    /// A group's dense number.
    GroupNo,
    u64
);
number!(
    /// An app's dense number.
    AppNo,
    u64
);

/// The server's name of a message: the 128 bits of a UUIDv7, printed with hyphens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u128);

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hexadecimal::uuid(self.0, &mut [0; 36]))
    }
}

impl FromStr for ServerId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        let mut value = 0_u128;
        let mut digits = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte == b'-' && matches!(at, 8 | 13 | 18 | 23) {
                continue;
            }
            let digit = char::from(byte).to_digit(16).ok_or(MalformedId)?;
            digits += 1;
            if digits > 32 {
                return Err(MalformedId);
            }
            value = value << 4 | u128::from(digit);
        }
        if digits == 32 {
            Ok(Self(value))
        } else {
            Err(MalformedId)
        }
    }
}

/// The text is not an identifier of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 characters of A-Z a-z 0-9 . _ - and not the word `all`")]
pub struct MalformedId;

/// Most characters a userId or groupId may have.
pub const NAME_CHARACTERS_MAX: usize = 64;

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_CHARACTERS_MAX
        && text != "all"
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The text as the client spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                if is_name(text) { Ok(Self(text.into())) } else { Err(MalformedId) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A user inside its tenant: 1 to 64 of `A–Z a–z 0–9 . _ -`, not `all`.
    UserId
);
name!(
    /// A group inside its tenant; the same characters as a [`UserId`].
    GroupId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_id_reads_back_what_it_prints() {
        let id = ServerId(0x0192_f3a4_5b6c_7d8e_9fa0_b1c2_d3e4_f506);
        assert_eq!(id.to_string(), "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("0192f3a4".parse::<ServerId>(), Err(MalformedId));
        assert_eq!(
            "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f5067".parse::<ServerId>(),
            Err(MalformedId)
        );
    }

    #[test]
    fn names_refuse_what_would_be_ambiguous() {
        assert!("bob.smith_2-x".parse::<UserId>().is_ok());
        for bad in ["", "all", "a:b", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert_eq!(bad.parse::<UserId>(), Err(MalformedId), "{bad}");
        }
    }
}
