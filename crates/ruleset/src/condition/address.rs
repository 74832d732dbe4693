//! The `<srcip>` and `<dstip>` conditions: does an address lie in one of a few networks.
//!
//! It knows the spellings that Wazuh's rules use (one address, a prefix length, a netmask, `any`)
//! and both address families. An event's value is only taken for an address when it is spelled
//! the plain way: leading zeros, blanks, ports and short forms never match, as in the engine.
//! A value that is missing or no address never matches, not even under a negation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest text of an address in an event, which is an IPv6 address that ends in IPv4 notation.
/// Longer values are refused before they are looked at, so that a log line can't buy work.
const ADDRESS_BYTES_MAX: usize = 45;

/// The text of an element that is no address; Wazuh refuses the whole load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid ip address: '{text}'.")]
pub struct InvalidAddress {
    text: String,
}

impl InvalidAddress {
    /// The number that Wazuh puts before the message.
    pub const CODE: u16 = 1237;
}

/// Whether an element says `negate="yes"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Negation {
    /// The addresses are wanted.
    Plain,
    /// The addresses are not wanted.
    Negated,
}

/// The networks of all `<srcip>`, or of all `<dstip>`, elements of a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressSet {
    rules: Vec<AddressRule>,
    is_negated: bool,
}

impl AddressSet {
    /// Adds one element. One negated element turns all of the rule's elements into negated ones,
    /// which is what the engine does with a mixture.
    ///
    /// # Errors
    ///
    /// When the text is no address; the set is then as it was.
    pub fn add(&mut self, text: &[u8], negation: Negation) -> Result<(), InvalidAddress> {
        let rule = AddressRule::parse(text)?;
        self.rules.push(rule);
        self.is_negated |= negation == Negation::Negated;
        Ok(())
    }

    /// Says whether the rule has no such element, so there is nothing to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Says whether an event with this value fulfils the condition.
    #[must_use]
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        let Some(address) = value.and_then(parse_address) else { return false };
        self.rules.iter().any(|rule| rule.contains(address)) != self.is_negated
    }
}

/// One network, as one element of a rule names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRule(Network);

/// Addresses are kept with their mask already applied, so a test is one `and` and one comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Any,
    V4 { address: u32, mask: u32 },
    V6 { address: u128, mask: u128 },
}

impl AddressRule {
    /// Reads the text of an element. A leading `!` is dropped and means nothing: the manual calls
    /// it a negation, the engine matches the address all the same.
    ///
    /// # Errors
    ///
    /// When the text is no address, with the engine's own words.
    pub fn parse(text: &[u8]) -> Result<AddressRule, InvalidAddress> {
        let network = parse_network(text.strip_prefix(b"!").unwrap_or(text));
        network
            .map(AddressRule)
            .ok_or_else(|| InvalidAddress { text: String::from_utf8_lossy(text).into_owned() })
    }

    /// Says whether the value is an address inside this network.
    #[must_use]
    pub fn matches(&self, value: Option<&[u8]>) -> bool {
        value.and_then(parse_address).is_some_and(|address| self.contains(address))
    }

    /// Addresses of the other family are never inside, and an IPv4 address inside an IPv6 one
    /// counts as IPv6.
    fn contains(&self, value: IpAddr) -> bool {
        match (self.0, value) {
            (Network::Any, _) => true,
            (Network::V4 { address, mask }, IpAddr::V4(value)) => value.to_bits() & mask == address,
            (Network::V6 { address, mask }, IpAddr::V6(value)) => value.to_bits() & mask == address,
            (Network::V4 { .. }, IpAddr::V6(_)) | (Network::V6 { .. }, IpAddr::V4(_)) => false,
        }
    }
}

fn parse_network(text: &[u8]) -> Option<Network> {
    let text = std::str::from_utf8(text).ok()?;
    if text == "any" {
        return Some(Network::Any);
    }
    let (address, suffix) = match text.split_once('/') {
        Some((address, suffix)) => (address, Some(suffix)),
        None => (text, None),
    };
    match parse_address(address.as_bytes())? {
        IpAddr::V4(address) => {
            let mask = suffix.map_or(Some(u32::MAX), parse_mask_v4)?;
            Some(Network::V4 { address: address.to_bits() & mask, mask })
        }
        IpAddr::V6(address) => {
            let mask = suffix.map_or(Some(u128::MAX), parse_mask_v6)?;
            Some(Network::V6 { address: address.to_bits() & mask, mask })
        }
    }
}

fn parse_mask_v4(suffix: &str) -> Option<u32> {
    if suffix.contains('.') {
        return suffix.parse::<Ipv4Addr>().ok().map(Ipv4Addr::to_bits);
    }
    let host_bits = Ipv4Addr::BITS.checked_sub(parse_length(suffix)?)?;
    Some(u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

fn parse_mask_v6(suffix: &str) -> Option<u128> {
    let host_bits = Ipv6Addr::BITS.checked_sub(parse_length(suffix)?)?;
    Some(u128::MAX.checked_shl(host_bits).unwrap_or(0))
}

/// Reads a prefix length. The standard parser would also take a plus sign.
fn parse_length(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn parse_address(text: &[u8]) -> Option<IpAddr> {
    if text.len() > ADDRESS_BYTES_MAX {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(elements: &[(&str, Negation)]) -> AddressSet {
        let mut set = AddressSet::default();
        for (text, negation) in elements {
            set.add(text.as_bytes(), *negation).unwrap();
        }
        set
    }

    fn is_in(value: &str, elements: &[(&str, Negation)]) -> bool {
        set(elements).matches(Some(value.as_bytes()))
    }

    use Negation::{Negated, Plain};

    #[test]
    fn a_single_address_matches_itself_only() {
        assert!(is_in("10.1.2.3", &[("10.1.2.3", Plain)]));
        assert!(!is_in("10.1.2.4", &[("10.1.2.3", Plain)]));
        assert!(!is_in("10.1.2.33", &[("10.1.2.3", Plain)]));
    }

    #[test]
    fn a_network_is_given_by_a_prefix_length_or_a_netmask() {
        for network in ["10.1.0.0/16", "10.1.9.9/16", "10.1.0.0/255.255.0.0"] {
            assert!(is_in("10.1.255.255", &[(network, Plain)]), "{network}");
            assert!(!is_in("10.2.2.4", &[(network, Plain)]), "{network}");
            assert!(!is_in("not-an-ip", &[(network, Plain)]), "{network}");
        }
        assert!(is_in("203.0.113.1", &[("0.0.0.0/0", Plain)]));
        assert!(!is_in("10.0.0.1", &[("10.0.0.0/32", Plain)]));
    }

    #[test]
    fn ipv6_networks_match_every_spelling_of_an_address() {
        let network = [("2001:db8::/32", Plain)];
        assert!(is_in("2001:db8::1", &network));
        assert!(is_in("2001:DB8:0:0:0:0:0:1", &network));
        assert!(!is_in("2001:db9::1", &network));
        assert!(!is_in("10.0.0.1", &network));
        assert!(is_in("10.0.0.1", &[("any", Plain)]) && is_in("::1", &[("::/0", Plain)]));
    }

    #[test]
    fn odd_spellings_of_an_address_in_an_event_do_not_match() {
        let rules = [("10.1.2.3", Plain), ("10.0.0.0/8", Plain)];
        for value in [
            "010.1.2.3",
            "10.1.2.3 ",
            "10.1.2.3:80",
            "::ffff:10.1.2.3",
            "10.1.2",
            "10.1.2.3.4",
            "0xA.1.2.3",
            "",
        ] {
            assert!(!is_in(value, &rules), "{value}");
        }
        assert!(!set(&rules).matches(Some(b"10.1.2.\xff")));
        assert!(!set(&rules).matches(Some(&[b'1'; 65_536])));
    }

    #[test]
    fn any_needs_an_address_all_the_same() {
        assert!(is_in("10.1.2.3", &[("any", Plain)]));
        assert!(!is_in("x", &[("any", Plain)]));
        assert!(!set(&[("any", Plain)]).matches(None));
    }

    #[test]
    fn an_exclamation_mark_is_dropped_and_negates_nothing() {
        let rules = [("!10.1.2.3", Plain), ("!9.9.9.9", Plain)];
        assert!(is_in("10.1.2.3", &rules));
        assert!(!is_in("8.8.8.8", &rules));
    }

    #[test]
    fn repeated_elements_are_alternatives() {
        let rules = [("10.1.2.3", Plain), ("172.16.0.0/12", Plain)];
        assert!(is_in("10.1.2.3", &rules) && is_in("172.20.1.1", &rules));
        assert!(!is_in("8.8.8.8", &rules));
    }

    #[test]
    fn negated_elements_exclude_all_of_their_addresses() {
        let rules = [("10.1.0.0/16", Negated), ("172.16.0.0/12", Negated)];
        assert!(!is_in("10.1.2.3", &rules) && !is_in("172.16.5.5", &rules));
        assert!(is_in("8.8.8.8", &rules));
    }

    #[test]
    fn one_negated_element_negates_the_plain_ones_too() {
        for rules in [
            [("10.0.0.0/8", Plain), ("10.1.0.0/16", Negated)],
            [("10.1.0.0/16", Negated), ("10.0.0.0/8", Plain)],
        ] {
            assert!(!is_in("10.2.0.1", &rules) && !is_in("10.1.0.1", &rules));
            assert!(is_in("8.8.8.8", &rules));
        }
    }

    #[test]
    fn a_missing_or_unreadable_value_fails_also_when_negated() {
        let rules = set(&[("10.0.0.0/8", Negated)]);
        assert!(!rules.matches(None));
        assert!(!rules.matches(Some(b"-")));
    }

    #[test]
    fn what_is_no_address_is_refused_in_the_engines_words() {
        for text in [
            "hello",
            "10.1.2.3,8.8.8.8",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "10.0.0.0/255.0.0",
            "2001:db8::/129",
            "",
            "!",
        ] {
            let refusal = AddressRule::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.to_string(), format!("Invalid ip address: '{text}'."));
        }
        assert_eq!(InvalidAddress::CODE, 1237);
    }

    #[test]
    fn an_empty_set_says_so() {
        assert!(AddressSet::default().is_empty());
        assert!(!set(&[("any", Plain)]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_asked_about(text: Vec<u8>, value: Vec<u8>) {
            let mut set = AddressSet::default();
            if set.add(&text, Plain).is_ok() {
                let is_address = parse_address(&value).is_some();
                assert!(is_address || !set.matches(Some(&value)));
            }
        }
    }
}
