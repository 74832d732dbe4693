//! Texts as attackers and log writers encode them, and what was meant.

use super::*;
use proptest::prelude::*;

#[test]
fn each_encoding_is_undone_and_named() {
    use Layer::*;
    let cases: &[(&str, &str, &[Layer])] = &[
        ("/a%20b", "/a b", &[Percent]),
        ("/a+b?c+d", "/a+b?c d", &[PlusAsBlank]),
        ("/?q=%253Cb%253E", "/?q=<b>", &[Percent, DoublePercent]),
        ("&lt;b&gt; &#60; &#x3C; &#x3c", "<b> < < <", &[HtmlEntity]),
        ("\\u003cb %u003c \\u{3c}", "<b < <", &[UnicodeEscape]),
        ("\\x22\\xc3\\xa9", "\"\u{e9}", &[HexEscape]),
        ("/%c0%ae%c0%ae%c0%af", "/../", &[Percent, OverlongUtf8]),
        ("/%e0%80%af%f0%80%80%af", "///", &[Percent, OverlongUtf8]),
        ("/%c1%9c%c0%2f", "/\\/", &[Percent, OverlongUtf8]),
        (
            "/?q=U0VMRUNUIHBhc3N3b3Jk",
            "/?q=U0VMRUNUIHBhc3N3b3Jk \u{27e8}base64\u{27e9} SELECT password",
            &[Base64],
        ),
    ];
    for (input, text, layers) in cases {
        let decoded = decode(input);
        assert_eq!((decoded.text.as_str(), decoded.layers.as_slice()), (*text, *layers), "{input}");
    }
}

#[test]
fn what_is_not_an_escape_stays() {
    for text in [
        "100% wool",
        "/?a=1&lt=5&copy=2",
        "c:\\users\\xampp",
        "%zz %u12 \\x4 &#; &unknown;",
        "/blog/logstash-puppetconf-2012/images/office-space-printer.jpg",
        "/commit/78b0a76c8826d62ad71a2b323e27dbb3b322ed09",
        "a=b&c=d",
    ] {
        assert_eq!(decode(text), Decoded { text: text.to_owned(), layers: vec![] });
    }
}

#[test]
fn text_beyond_the_limit_is_kept_as_it_is() {
    let long = "%41".repeat(INPUT_BYTES_MAX);
    let decoded = decode(&long);
    assert!(decoded.text.starts_with("AAAA"));
    assert!(decoded.text.ends_with("%41%41"));
}

#[test]
fn nesting_beyond_the_passes_stays() {
    assert_eq!(decode("%2525252541").text, "%41");
}

#[test]
fn base64_runs_can_be_told_from_the_text() {
    let decoded = decode("/?q=U0VMRUNUIHBhc3N3b3Jk");
    let (text, runs) = decoded.split_base64();
    assert_eq!(text, "/?q=U0VMRUNUIHBhc3N3b3Jk");
    assert_eq!(runs.collect::<Vec<_>>(), ["SELECT password"]);
    let forged = decode(&format!("/a{BASE64_MARK}b"));
    assert_eq!(forged.split_base64().1.count(), 0);
}

proptest! {
    #[test]
    fn any_text_is_decoded_within_the_bound(text in ".{0,400}") {
        for plus in [Plus::InQuery, Plus::Everywhere, Plus::Nowhere] {
            let decoded = decode_with(&text, plus);
            prop_assert!(decoded.text.len() <= text.len() + APPENDED_BYTES_MAX);
        }
    }

    #[test]
    fn escapes_of_all_kinds_never_grow(
        pieces in proptest::collection::vec("(%|%u|\\\\x|\\\\u|&#|&#x|&lt|%25|%c0|\\\\u\\{)[0-9a-fA-F]{0,6}[;} ]?", 0..60)
    ) {
        let text = pieces.concat();
        prop_assert!(decode(&text).text.len() <= text.len() + APPENDED_BYTES_MAX);
    }

    #[test]
    fn plain_ascii_comes_back_unchanged(text in "([a-z0-9.,:;/?=()<>'\"-]{0,12} ){0,20}") {
        let decoded = decode(&text);
        prop_assert_eq!(&decoded.text, &text);
        prop_assert!(decoded.layers.is_empty());
    }

    #[test]
    fn the_decoded_view_is_stable_when_few_layers_were_used(text in "[a-z<>'() ]{0,40}") {
        let once: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
        let decoded = decode(&once);
        prop_assert_eq!(&decoded.text, &text);
        prop_assert_eq!(&decode(&decoded.text).text, &text);
    }
}
