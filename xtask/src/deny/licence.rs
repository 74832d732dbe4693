//! Reads a licence expression and says whether its terms can be met.
//!
//! The grammar is that of SPDX, `OR` weaker than `AND`, with `WITH` for exceptions and parentheses;
//! and the older `MIT/Apache-2.0` of crates from before it, which means `OR`. `OR` is ours to
//! choose, so the best side counts; with `AND` both bind, so the worst side does.

/// Licences that ask for no more than a notice.
pub(super) const ALLOWED: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
];

/// Licences that also ask for something when the crate's own files are changed. We change none,
/// but whoever vendors such a crate must know.
pub(super) const FLAGGED: [&str; 1] = ["MPL-2.0"];

/// Deepest nesting of parentheses; real expressions have two, and reading recurses.
const DEPTH_MAX: usize = 16;

/// How a licence stands, best first, so that the order can be used to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Allowed,
    Flagged,
    Refused,
}

/// Judges a whole expression; an error says what in it can't be read.
pub(super) fn standing(expression: &str) -> Result<Standing, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, depth: 0 };
    let standing = reader.either()?;
    match reader.words {
        [] => Ok(standing),
        [word, ..] => Err(format!("`{word}` is in the way")),
    }
}

/// The words that are still to be read.
struct Reader<'w> {
    words: &'w [&'w str],
    depth: usize,
}

impl Reader<'_> {
    fn either(&mut self) -> Result<Standing, String> {
        let mut best = self.both()?;
        while self.take("OR") {
            best = best.min(self.both()?);
        }
        Ok(best)
    }

    fn both(&mut self) -> Result<Standing, String> {
        let mut worst = self.single()?;
        while self.take("AND") {
            worst = worst.max(self.single()?);
        }
        Ok(worst)
    }

    fn single(&mut self) -> Result<Standing, String> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(format!("it is nested deeper than {DEPTH_MAX}"));
            }
            let inner = self.either()?;
            self.depth -= 1;
            return if self.take(")") { Ok(inner) } else { Err("a `)` is missing".to_owned()) };
        }
        let name = self.name()?;
        let whole = if self.take("WITH") { format!("{name} WITH {}", self.name()?) } else { name };
        Ok(match whole.as_str() {
            known if ALLOWED.contains(&known) => Standing::Allowed,
            known if FLAGGED.contains(&known) => Standing::Flagged,
            _ => Standing::Refused,
        })
    }

    fn name(&mut self) -> Result<String, String> {
        match self.words {
            [word, rest @ ..] if !["(", ")", "AND", "OR", "WITH"].contains(word) => {
                self.words = rest;
                Ok((*word).to_owned())
            }
            [word, ..] => Err(format!("`{word}` stands where a licence should")),
            [] => Err("it ends where a licence should stand".to_owned()),
        }
    }

    fn take(&mut self, wanted: &str) -> bool {
        match self.words {
            [word, rest @ ..] if *word == wanted => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: Standing, expressions: &[&str]) {
        for expression in expressions {
            assert_eq!(standing(expression), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn one_good_choice_is_enough() {
        let good = ["MIT", "MIT OR GPL-3.0-only", "GPL-2.0/MIT", "Unlicense/MIT"];
        check(Standing::Allowed, &good);
        check(Standing::Allowed, &["Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"]);
    }

    #[test]
    fn all_that_bind_must_be_good() {
        check(Standing::Allowed, &["MIT AND ISC", "(MIT OR Apache-2.0) AND Unicode-3.0"]);
        check(Standing::Refused, &["MIT AND GPL-3.0-only", "(MIT OR ISC) AND (OpenSSL)"]);
    }

    #[test]
    fn and_binds_closer_than_or() {
        check(Standing::Allowed, &["MIT OR Apache-2.0 AND GPL-3.0-only"]);
        check(Standing::Refused, &["(MIT OR Apache-2.0) AND GPL-3.0-only"]);
    }

    #[test]
    fn an_unknown_exception_is_not_the_licence_without_it() {
        check(Standing::Refused, &["Apache-2.0 WITH Some-exception", "GPL-2.0 WITH X"]);
    }

    #[test]
    fn weak_copyleft_is_flagged_unless_there_is_a_choice() {
        check(Standing::Flagged, &["MPL-2.0", "MPL-2.0 AND MIT", "MPL-2.0 OR GPL-3.0-only"]);
        check(Standing::Allowed, &["MPL-2.0 OR MIT"]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_not_a_yes() {
        let deep = format!("{}MIT{}", "(".repeat(40), ")".repeat(40));
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT MIT", "AND MIT", "MIT WITH", &deep] {
            assert!(standing(expression).is_err(), "{expression}");
        }
    }
}
