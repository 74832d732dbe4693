//! The `<list>` condition: is a field's value a key of a list that the operator keeps in a file.
//!
//! Wazuh compiles such a file to a database on disk; here the text becomes a hash table. A line
//! is `key:value`, where either may stand in double quotes to hold a colon. Blanks and `#` belong
//! to the key, a line without a colon is no entry, and of two lines with one key the first counts.
//!
//! A lookup costs one hash, or for addresses one per dotted prefix that the list could hold, so
//! the length of a hostile value doesn't matter.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// What a `<list>` element asks of its list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lookup {
    /// The value is a key.
    #[default]
    MatchKey,
    /// The value is not a key.
    NotMatchKey,
    /// The value is a key, and what the list holds for it matches `check_value`.
    MatchKeyValue,
    /// The address, or a dotted prefix of it, is a key.
    AddressMatchKey,
    /// Neither the address nor a dotted prefix of it is a key.
    NotAddressMatchKey,
    /// Fulfilled where `address_match_key_value` should fail: when what the list holds does *not*
    /// match, and when there is no entry. This is a recorded defect of Wazuh 4.14, kept so
    /// that its rules mean here what they mean there.
    AddressMatchKeyValue,
}

impl Lookup {
    /// Reads the attribute `lookup`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Lookup> {
        match text {
            b"match_key" => Some(Lookup::MatchKey),
            b"not_match_key" => Some(Lookup::NotMatchKey),
            b"match_key_value" => Some(Lookup::MatchKeyValue),
            b"address_match_key" => Some(Lookup::AddressMatchKey),
            b"not_address_match_key" => Some(Lookup::NotAddressMatchKey),
            b"address_match_key_value" => Some(Lookup::AddressMatchKeyValue),
            _ => None,
        }
    }

    /// Says whether the lookup looks at the value too, so that it needs `check_value`.
    #[must_use]
    pub fn checks_value(self) -> bool {
        matches!(self, Lookup::MatchKeyValue | Lookup::AddressMatchKeyValue)
    }
}

/// A list, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct CdbList {
    entries: HashMap<Box<[u8]>, Box<[u8]>>,
    /// Bytes of the longest key that ends in a dot. No longer prefix of a value can be a key.
    dotted_key_bytes_max: usize,
}

impl CdbList {
    /// Reads the text of a list file. Lines that are no entries are skipped, as Wazuh does.
    #[must_use]
    pub fn parse(source: &[u8]) -> CdbList {
        let mut list = CdbList::default();
        for line in source.split(|byte| *byte == b'\n') {
            if let Some((key, value)) = parse_line(line.strip_suffix(b"\r").unwrap_or(line)) {
                list.add(key, value);
            }
        }
        list
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        if let Entry::Vacant(entry) = self.entries.entry(key.into()) {
            entry.insert(value.into());
            if key.ends_with(b".") {
                self.dotted_key_bytes_max = self.dotted_key_bytes_max.max(key.len());
            }
        }
    }

    /// Counts the entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether no line of the file was an entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Finds what the list holds for a key, which is empty for `key:`. Case counts.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(AsRef::as_ref)
    }

    /// Finds what the list holds for an address: first the whole text, then `10.1.2.`, `10.1.` and
    /// `10.`. It goes by dots alone, so there are no prefix lengths and IPv6 is only found whole.
    #[must_use]
    pub fn get_address(&self, address: &[u8]) -> Option<&[u8]> {
        self.get(address).or_else(|| {
            let reach = address.len().min(self.dotted_key_bytes_max);
            let candidates = address.get(..reach)?;
            memchr::memrchr_iter(b'.', candidates)
                .find_map(|dot| candidates.get(..=dot).and_then(|prefix| self.get(prefix)))
        })
    }

    /// Says whether a value of an event fulfils a `<list>` element; `is_wanted` is its
    /// `check_value`, and only asked when the lookup has one. An event without the field is the
    /// caller's to refuse: it fulfils none of the six.
    pub fn matches(
        &self,
        lookup: Lookup,
        value: &[u8],
        is_wanted: impl FnOnce(&[u8]) -> bool,
    ) -> bool {
        match lookup {
            Lookup::MatchKey => self.get(value).is_some(),
            Lookup::NotMatchKey => self.get(value).is_none(),
            Lookup::MatchKeyValue => self.get(value).is_some_and(is_wanted),
            Lookup::AddressMatchKey => self.get_address(value).is_some(),
            Lookup::NotAddressMatchKey => self.get_address(value).is_none(),
            Lookup::AddressMatchKeyValue => !self.get_address(value).is_some_and(is_wanted),
        }
    }
}

/// Splits a line into key and value, or says that it has none.
fn parse_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, rest) = match parse_quoted(line) {
        Some((key, rest)) => (key, rest.strip_prefix(b":")?),
        None => {
            let (key, rest) = line.split_at_checked(memchr::memchr(b':', line)?)?;
            (key, rest.strip_prefix(b":")?)
        }
    };
    let value = match parse_quoted(rest) {
        Some((value, [])) => value,
        _ => rest,
    };
    (!key.is_empty()).then_some((key, value))
}

/// Takes a text in double quotes off the front.
fn parse_quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let (quoted, rest) = text.split_at_checked(memchr::memchr(b'"', text)?)?;
    Some((quoted, rest.strip_prefix(b"\"")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[u8] = b"alice:admin\nbob:user\ncarol\n";
    const NETS: &[u8] = b"10.1.2.3:host\n10.1.:site\n192.168.:lan\n8.8.8.8:dns\n";

    fn fulfilled<'a>(
        lookup: Lookup,
        source: &[u8],
        wanted: &str,
        values: &[&'a str],
    ) -> Vec<&'a str> {
        let list = CdbList::parse(source);
        let wanted: Vec<&[u8]> = wanted.split('|').map(str::as_bytes).collect();
        let fulfils =
            |value: &&str| list.matches(lookup, value.as_bytes(), |v| wanted.contains(&v));
        values.iter().copied().filter(fulfils).collect()
    }

    #[test]
    fn a_key_is_found_whole_and_in_its_own_case() {
        let users = ["alice", "bob", "carol", "dave", "ALICE", "ali"];
        assert_eq!(fulfilled(Lookup::MatchKey, NAMES, "", &users), ["alice", "bob"]);
        let others = fulfilled(Lookup::NotMatchKey, NAMES, "", &users);
        assert_eq!(others, ["carol", "dave", "ALICE", "ali"]);
    }

    #[test]
    fn what_the_list_holds_can_be_asked_for() {
        let users = ["alice", "bob", "carol"];
        assert_eq!(fulfilled(Lookup::MatchKeyValue, NAMES, "admin", &users), ["alice"]);
        assert_eq!(fulfilled(Lookup::MatchKeyValue, NAMES, "admin|user", &users), ["alice", "bob"]);
    }

    const ADDRESSES: [&str; 8] = [
        "10.1.2.3",
        "10.1.9.9",
        "10.2.0.1",
        "192.168.77.1",
        "8.8.8.8",
        "8.8.8.9",
        "1.10.1.2",
        "2001:db8::1",
    ];

    #[test]
    fn an_address_is_found_by_its_dotted_prefixes() {
        let known = fulfilled(Lookup::AddressMatchKey, NETS, "", &ADDRESSES);
        assert_eq!(known, ["10.1.2.3", "10.1.9.9", "192.168.77.1", "8.8.8.8"]);
        let unknown = fulfilled(Lookup::NotAddressMatchKey, NETS, "", &ADDRESSES);
        assert_eq!(unknown, ["10.2.0.1", "8.8.8.9", "1.10.1.2", "2001:db8::1"]);
    }

    #[test]
    fn the_longest_prefix_wins_and_needs_its_dot() {
        let list = CdbList::parse(b"10.:a\n10.5.1.:b\n10.5.1.7:c\n10.6:d\n");
        assert_eq!(list.get_address(b"10.5.1.7"), Some(&b"c"[..]));
        assert_eq!(list.get_address(b"10.5.1.8"), Some(&b"b"[..]));
        assert_eq!(list.get_address(b"10.5.11.7"), Some(&b"a"[..]));
        assert_eq!(list.get_address(b"10.6.0.1"), Some(&b"a"[..]));
        let list = CdbList::parse(b"10.5.1.:x\n");
        assert_eq!(list.get_address(b"10.5.1"), None);
    }

    #[test]
    fn a_prefix_length_in_a_list_is_only_text() {
        let list = CdbList::parse(b"10.5.0.0/16:x\n");
        assert_eq!(list.get_address(b"10.5.1.1"), None);
        assert_eq!(list.get_address(b"10.5.0.0/16"), Some(&b"x"[..]));
    }

    #[test]
    fn the_value_of_an_address_is_asked_the_wrong_way_round() {
        let said = fulfilled(Lookup::AddressMatchKeyValue, NETS, "lan|dns", &ADDRESSES);
        assert_eq!(
            said,
            ["10.1.2.3", "10.1.9.9", "10.2.0.1", "8.8.8.9", "1.10.1.2", "2001:db8::1"]
        );
    }

    #[test]
    fn blanks_and_hashes_belong_to_the_key() {
        let list = CdbList::parse(b"k1:a\n\n  k2 : b\n#k3:c\n");
        assert_eq!(list.len(), 3);
        assert_eq!(list.get(b"k1"), Some(&b"a"[..]));
        assert_eq!(list.get(b"k2"), None);
        assert_eq!(list.get(b"#k3"), Some(&b"c"[..]));
    }

    #[test]
    fn quotes_let_keys_and_values_hold_colons() {
        let list = CdbList::parse(b"\"http://x/y\":bad\nhttp:proto\nq:\"a:b\"\n\"e\":\"\"\n");
        assert_eq!(list.get(b"http://x/y"), Some(&b"bad"[..]));
        assert_eq!(list.get(b"http"), Some(&b"proto"[..]));
        assert_eq!(list.get(b"q"), Some(&b"a:b"[..]));
        assert_eq!(list.get(b"e"), Some(&b""[..]));
    }

    #[test]
    fn the_first_of_two_equal_keys_counts() {
        assert_eq!(CdbList::parse(b"k:one\nk:two\n").get(b"k"), Some(&b"one"[..]));
    }

    #[test]
    fn keys_may_be_long_and_values_may_be_missing() {
        let key = vec![b'a'; 100_000];
        let list = CdbList::parse(&[&key[..], b":"].concat());
        assert_eq!(list.get(&key), Some(&b""[..]));
    }

    #[test]
    fn files_from_windows_read_the_same() {
        let list = CdbList::parse(b"a:1\r\n\"b\":\"2\"\r\n");
        assert_eq!((list.get(b"a"), list.get(b"b")), (Some(&b"1"[..]), Some(&b"2"[..])));
    }

    #[test]
    fn odd_lines_are_no_entries() {
        for line in [&b":x"[..], b"\"\":x", b"\"a\"b:x", b"\"a\"", b"\xff", b""] {
            assert!(CdbList::parse(line).is_empty(), "{line:?}");
        }
        assert_eq!(CdbList::parse(b"\"a:b").get(b"\"a"), Some(&b"b"[..]));
    }

    #[test]
    fn a_hostile_value_of_dots_costs_no_more_than_the_longest_key() {
        let list = CdbList::parse(NETS);
        assert_eq!(list.get_address(&vec![b'.'; 65_536]), None);
    }

    #[test]
    fn the_six_lookups_have_names() {
        assert_eq!(Lookup::parse(b"match_key"), Some(Lookup::default()));
        assert_eq!(Lookup::parse(b"address_match_key_value"), Some(Lookup::AddressMatchKeyValue));
        assert_eq!(Lookup::parse(b"Match_Key"), None);
        assert!(Lookup::MatchKeyValue.checks_value() && !Lookup::NotMatchKey.checks_value());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_make_a_list_that_can_be_asked(
            source in proptest::collection::vec(proptest::sample::select(&b"a.:\"\n\r\xff"[..]), 0..40),
            value in proptest::collection::vec(proptest::sample::select(&b"a.:\"\xff"[..]), 0..8),
        ) {
            let list = CdbList::parse(&source);
            // The plain way to say it: the whole text, or a prefix that ends in a dot.
            let is_key = |end: &usize| list.get(&value[..*end]).is_some();
            let dots = (0..value.len()).filter(|index| value[*index] == b'.').map(|index| index + 1);
            let expected = dots.chain([value.len()]).any(|end| is_key(&end));
            assert_eq!(list.get_address(&value).is_some(), expected);
        }
    }
}
