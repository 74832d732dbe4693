//! Tests.
#[test]
fn show() {
    for p in std::fs::read_to_string("/tmp/c7/pats.txt").unwrap().lines() {
        let Some(super::Narrow::Shorter(t)) = super::narrow(p.as_bytes()) else { panic!() };
        eprintln!("{t}");
        for s in crate::pattern::literals::of_pcre2(t.as_bytes()) { eprintln!("   => {} {:?}", s.len(), s.iter().take(12).map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>()); }
    }
}
