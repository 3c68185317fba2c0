// SPDX-License-Identifier: Apache-2.0
//! Which addresses endpoints of HTTP and HTTPS may have: the wall between who may subscribe and what this machine reaches. Pure.

use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// `10.0.0.0/8`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is of one machine or of one link, and where clouds keep credentials: nobody's endpoint.
const NEVER: [&str; 9] = [
    "0.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::/32",
    "fec0::/10",
];
/// What is not of the Internet.
const PRIVATE: [&str; 17] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "fc00::/7",
    "3fff::/20",
];

#[derive(Debug, Clone)]
pub(crate) enum Reach {
    /// What the operator named, and nothing else.
    Named(Vec<Network>),
    /// The Internet; and where only this machine can call the server, what its owner reaches.
    Usual { is_private_let: bool },
}

impl Reach {
    pub(crate) fn new(named: Option<&[Network]>, is_server_on_loopback: bool) -> Self {
        match named {
            Some(networks) => Self::Named(networks.to_vec()),
            None => Self::Usual { is_private_let: is_server_on_loopback },
        }
    }

    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let is_in = |networks: &[&str]| {
            let mut networks =
                networks.iter().filter_map(|network| network.parse::<Network>().ok());
            networks.any(|network| network.holds(address))
        };
        match self {
            Self::Named(networks) => networks.iter().any(|network| network.holds(address)),
            Self::Usual { is_private_let } => {
                !is_in(&NEVER) && (*is_private_let || !is_in(&PRIVATE))
            }
        }
    }
}

/// The address that is meant: one of IPv4 may be written as one of IPv6, in several ways.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, high, low] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, c, d, e, f) {
        // Mapped, and translated by a gateway.
        (0, 0, 0, 0, 0, 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => v4(high, low),
        // Compatible, as it was once; `::` and `::1` are themselves.
        (0, 0, 0, 0, 0, 0) if high != 0 => v4(high, low),
        // 6to4
        (0x2002, high, low, ..) => v4(high, low),
        _ => address,
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let beyond = 32_u32.saturating_sub(self.bits.into());
                let same = network.to_bits() ^ address.to_bits();
                same.checked_shr(beyond).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let beyond = 128_u32.saturating_sub(self.bits.into());
                let same = network.to_bits() ^ address.to_bits();
                same.checked_shr(beyond).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("`{text}` is no network: write it as 10.0.0.0/8 or fd00::/8");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(bits_max), str::parse).map_err(|_| bad())?;
        if bits > bits_max { Err(bad()) } else { Ok(Self { address, bits }) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reach: &Reach, allowed: &[&str], refused: &[&str]) {
        for address in allowed {
            assert!(reach.allows(address.parse().unwrap()), "{address}");
        }
        for address in refused {
            assert!(!reach.allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn a_server_that_others_reach_posts_to_the_internet_alone() {
        let public =
            ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"];
        let private = [
            "127.0.0.1",
            "127.9.9.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "ff02::1",
        ];
        check(&Reach::new(None, false), &public, &private);
    }

    #[test]
    fn a_server_on_loopback_posts_to_its_neighbours_and_never_to_where_credentials_are() {
        let refused = [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
        ];
        check(&Reach::new(None, true), &["127.0.0.1", "::1", "10.1.2.3", "8.8.8.8"], &refused);
    }

    #[test]
    fn what_an_operator_names_is_all_that_is_let() {
        let named: Vec<Network> =
            ["10.1.0.0/16", "::1", "192.168.0.7"].map(|text| text.parse().unwrap()).into();
        let refused = ["10.2.0.1", "8.8.8.8", "192.168.0.8", "::2", "127.0.0.1"];
        check(&Reach::new(Some(&named), true), &["10.1.2.3", "::1", "192.168.0.7"], &refused);
        check(&Reach::new(Some(&[]), true), &[], &["127.0.0.1", "8.8.8.8"]);
        let all: Vec<Network> = ["0.0.0.0/0", "::/0"].map(|text| text.parse().unwrap()).into();
        check(&Reach::new(Some(&all), false), &["169.254.169.254", "::1"], &[]);
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a", "10.0.0.0/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        assert!(NEVER.iter().chain(&PRIVATE).all(|network| network.parse::<Network>().is_ok()));
    }
}
