//! Keeps requests to addresses that clients chose out of our own networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// A name leads only to addresses that must not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
pub(crate) struct NoPublicAddress;

/// Resolves names as the host does, and leaves out every address that is not public. It decides about the very address
/// that is connected to, so a name that changes its mind gains nothing.
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<_> = found.into_iter().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NoPublicAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address may be asked as far as its text tells: HTTPS, no name or password, and a number only if public.
pub(crate) fn may_be_asked(url: &Url, private: bool) -> bool {
    let host_is_fine = match url.host() {
        Some(Host::Domain(name)) => !name.is_empty(),
        Some(Host::Ipv4(address)) => private || is_public(address.into()),
        Some(Host::Ipv6(address)) => private || is_public(address.into()),
        None => false,
    };
    url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && host_is_fine
}

/// Whether an address is in nobody's private network (IANA's special-purpose registries, as of 2026).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => embedded_v4(address).map_or_else(|| is_public_v6(address), is_public_v4),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Global unicast is 2000::/3; in it 2001::/23 and 2001:db8::/32 are special, and 3fff::/20 is for documents.
    let global = a & 0xE000 == 0x2000;
    let special = a == 0x2001 && (b < 0x0200 || b == 0x0DB8) || a == 0x3FFF && b < 0x1000;
    global && !special
}

/// The IPv4 address inside: mapped, NAT64 or 6to4.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, ..] = address.segments();
    let octets = address.octets();
    let at = |index: usize| {
        let part: [u8; 4] = octets[index..index + 4].try_into().expect("four bytes of sixteen");
        Some(Ipv4Addr::from(part))
    };
    match (a, b) {
        (0x0064, 0xFF9B) => at(12),
        (0x2002, _) => at(2),
        (0, 0) if c == 0 => address.to_ipv4_mapped(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_not_public_in_any_disguise() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        for text in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "192.0.1.1",
        ] {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn addresses_that_must_not_be_asked() {
        for text in [
            "http://push.example.org/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://user@push.example.org/x",
            "https://0x7f000001/x",
            "https://2130706433/x",
            "ftp://push.example.org/",
        ] {
            assert!(!may_be_asked(&Url::parse(text).expect("a URL"), false), "{text}");
        }
        assert!(may_be_asked(
            &Url::parse("https://push.example.org/x").expect("a URL"),
            false
        ));
        assert!(may_be_asked(&Url::parse("https://127.0.0.1:1/x").expect("a URL"), true));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let name = "localhost".parse().expect("a name");
        assert!(PublicOnly.resolve(name).await.is_err());
    }
}
