//! Loads a directory with `decoders`, `rules` and prints what is wrong.
fn main() {
    let dir = std::env::args().nth(1).unwrap();
    let mut source = ruleset::Source::default();
    for (kind, sub) in [(0, "decoders"), (1, "rules")] {
        let mut files: Vec<_> = std::fs::read_dir(format!("{dir}/{sub}")).unwrap().map(|f| f.unwrap().path()).collect();
        files.sort();
        for f in files {
            let name = f.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("0215") { if kind == 1 { continue } }
            let text = std::fs::read(&f).unwrap();
            if kind == 0 { source.add_decoders(name, text) } else { source.add_rules(name, text) }
        }
    }
    let at = std::time::Instant::now();
    let l = ruleset::load(&source, &ruleset::Options::default());
    println!("{:?} {}", at.elapsed(), l.rules_in_tree);
    for d in l.diagnostics.iter().filter(|d| d.code != Some(7616)).take(30) { println!("{d}"); }
}
