//! Tests.
#[test]
fn show() {
    for p in std::fs::read_to_string("/tmp/c7/pats.txt").unwrap().lines() {
        eprintln!("{}\n   => {:?}\n", p, super::narrow(p.as_bytes()));
    }
}
