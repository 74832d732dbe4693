//! The labelled requests: what each row is, and how four kinds of servers wrote it down.
//!
//! A folder holds, for `attacks` and for `benign`: the rows as JSON lines, a map from line numbers to rows, and one log for each
//! server form with the same rows on the same lines. Files may be packed. Rows that no log shows (a body) are in no map and don't
//! count. The folder is read where it lies; nothing of it is kept.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::encoding::{self, Encoding};

/// A corpus of 20,000 rows has logs of 6 MB. What is much larger is something else.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Which server wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Apache,
    Nginx,
    Gunicorn,
    Django,
}

/// All of them, in the order of the table.
pub(crate) const FORMS: [Form; 4] = [Form::Apache, Form::Nginx, Form::Gunicorn, Form::Django];

impl Form {
    pub(crate) fn parse(name: &str) -> Option<Form> {
        FORMS.into_iter().find(|form| form.to_string() == name)
    }

    /// What stands in the log's file name behind `access_attacks`.
    fn ending(self) -> &'static str {
        match self {
            Form::Apache => ".log",
            Form::Nginx => ".nginx.log",
            Form::Gunicorn => ".gunicorn.log",
            Form::Django => ".django.log",
        }
    }

    /// Says whether this server writes down what makes the row what it is. Django's development server logs no agent and no
    /// referer.
    pub(crate) fn shows(self, row: &Row) -> bool {
        self != Form::Django || !matches!(row.place.as_str(), "user_agent" | "referer")
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Form::Apache => "apache",
            Form::Nginx => "nginx",
            Form::Gunicorn => "gunicorn",
            Form::Django => "django",
        })
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    /// The class of the attack, or the kind of benign request.
    pub(crate) label: String,
    pub(crate) source: String,
    /// Where in the request the label comes from: `path`, `query`, `user_agent`, `referer`.
    pub(crate) place: String,
    /// Whether the row is one of those that the targets are about.
    pub(crate) is_core: bool,
    pub(crate) encodings: Vec<Encoding>,
}

/// All attacks, or all benign requests.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) rows: Vec<Row>,
    /// For each form, the lines in the order of the rows.
    logs: Vec<(Form, Vec<Vec<u8>>)>,
}

/// The whole corpus.
#[derive(Debug, Default)]
pub(crate) struct Corpus {
    pub(crate) attacks: Part,
    pub(crate) benign: Part,
}

impl Corpus {
    pub(crate) fn read(folder: &Path, forms: &[Form]) -> anyhow::Result<Corpus> {
        Ok(Corpus {
            attacks: Part::read(folder, "attacks", forms)?,
            benign: Part::read(folder, "benign", forms)?,
        })
    }

    /// Says whether the folder looks like a corpus at all.
    pub(crate) fn is_there(folder: &Path) -> bool {
        folder.join("access_attacks.map").is_file()
    }
}

impl Part {
    fn read(folder: &Path, name: &str, forms: &[Form]) -> anyhow::Result<Part> {
        let requests = String::from_utf8(read(&folder.join(format!("{name}.jsonl")))?);
        let requests = requests.with_context(|| format!("`{name}.jsonl` is no UTF-8"))?;
        let map = String::from_utf8(read(&folder.join(format!("access_{name}.map")))?)?;
        let rows = rows(&map, &requests).with_context(|| format!("in `access_{name}.map`"))?;
        let mut logs = Vec::new();
        for form in forms {
            let file = format!("access_{name}{}", form.ending());
            let lines = lines(&read(&folder.join(&file))?);
            ensure!(
                lines.len() == rows.len(),
                "`{file}` has {} lines and its map {}",
                lines.len(),
                rows.len()
            );
            logs.push((*form, lines));
        }
        Ok(Part { rows, logs })
    }

    /// The lines of one form, in the order of the rows. Empty for a form that wasn't read.
    pub(crate) fn log(&self, form: Form) -> &[Vec<u8>] {
        let log = self.logs.iter().find(|(known, _)| *known == form);
        log.map_or(&[], |(_, lines)| lines.as_slice())
    }

    #[cfg(test)]
    pub(crate) fn for_tests(rows: Vec<Row>, form: Form, lines: &[&str]) -> Part {
        let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
        Part { rows, logs: vec![(form, lines)] }
    }
}

/// Reads the map, and tells each row's disguises from its request.
fn rows(map: &str, requests: &str) -> anyhow::Result<Vec<Row>> {
    let mut by_id: HashMap<String, Value> = HashMap::new();
    for line in requests.lines() {
        let request: Value = serde_json::from_str(line).context("a request is no JSON")?;
        by_id.insert(text(&request, "id").to_owned(), request);
    }
    let mut rows = Vec::new();
    for (index, line) in map.lines().enumerate() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [number, id, label, source, place, strength] = columns.as_slice() else {
            anyhow::bail!("line {} has not six columns", index + 1);
        };
        let is_next = number.parse() == Ok(index + 1);
        ensure!(is_next, "line {} speaks of line {number:?}", index + 1);
        let request = by_id.get(*id).with_context(|| format!("there is no request {id:?}"))?;
        let raw = match *place {
            "user_agent" | "referer" => text(request, place),
            _ => text(request, "target"),
        };
        rows.push(Row {
            id: (*id).to_owned(),
            label: (*label).to_owned(),
            source: (*source).to_owned(),
            place: (*place).to_owned(),
            is_core: *strength == "core",
            encodings: encoding::of(raw),
        });
    }
    Ok(rows)
}

fn text<'a>(request: &'a Value, key: &str) -> &'a str {
    request.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Reads a file, or the packed file of that name.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    let mut bytes = Vec::new();
    if path.is_file() {
        let file = fs::File::open(path);
        let file = file.with_context(|| format!("could not open `{}`", path.display()))?;
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    } else {
        let file = fs::File::open(&packed);
        let file = file.with_context(|| format!("could not open `{}[.gz]`", path.display()))?;
        GzDecoder::new(file).take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

#[cfg(test)]
impl Row {
    pub(crate) fn for_tests(label: &str, source: &str) -> Row {
        Row {
            id: format!("{source}-{label}"),
            label: label.to_owned(),
            source: source.to_owned(),
            place: "query".to_owned(),
            is_core: true,
            encodings: vec![Encoding::Plain],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUESTS: &str = r#"{"id": "a1", "target": "/?q=%27", "user_agent": "x"}
{"id": "a2", "target": "/", "user_agent": "\\x27"}
"#;

    #[test]
    fn a_row_has_the_disguises_of_the_place_that_its_label_is_about() {
        let map = "1\ta1\tsqli\town\tquery\tcore\n2\ta2\trce\town\tuser_agent\tweak\n";
        let rows = rows(map, REQUESTS).unwrap();
        assert_eq!(rows[0].encodings, [Encoding::Percent]);
        assert_eq!(rows[1].encodings, [Encoding::Escape]);
        assert!(rows[0].is_core && !rows[1].is_core);
        assert!(Form::Django.shows(&rows[0]) && !Form::Django.shows(&rows[1]));
        assert!(Form::Nginx.shows(&rows[1]));
    }

    #[test]
    fn a_map_that_does_not_fit_is_refused() {
        for map in ["1\ta1\tsqli", "2\ta1\tsqli\to\tquery\tcore", "1\ta9\tsqli\to\tquery\tcore"] {
            assert!(rows(map, REQUESTS).is_err(), "{map}");
        }
    }

    #[test]
    fn a_line_may_be_empty_and_the_last_one_ends_the_file() {
        assert_eq!(lines(b"a\n\nb\n").len(), 3);
    }
}
