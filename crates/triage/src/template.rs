//! The shape of a log message or a request: what is left when everything that varies is masked.
//!
//! Near-duplicates share a shape, so 14,000 different paths of one kind are one thing. The masks are fixed (numbers, addresses, hex, quoted
//! text, paths), not learned as in Drain (He et al., 2017): a learned template depends on the order of arrival, and two runs over the same
//! alerts must fold alike. What fixed masks leave apart (free user names, say) is bounded by the fold.

/// Longest message that is looked at, in bytes. Two messages that differ only beyond it are one shape.
const MESSAGE_BYTES_MAX: usize = 2048;

/// Most words of a shape.
const WORDS_MAX: usize = 48;

/// Most segments of a path that count for its shape.
const SEGMENTS_MAX: usize = 6;

/// Most query parameters that count for a request's shape.
const PARAMETERS_MAX: usize = 8;

/// Masks what varies in a log message.
pub fn message(text: &str) -> String {
    let head = head(text, MESSAGE_BYTES_MAX);
    let mut shape = String::with_capacity(head.len().min(256));
    let mut words = 0;
    let mut rest = head;
    while let Some(first) = rest.chars().next() {
        if words >= WORDS_MAX {
            break;
        }
        if first == '"' || first == '\'' {
            // A quoted text is one varying thing, if its end is in sight.
            let inner = rest.get(1..).unwrap_or_default();
            if let Some(end) = quote_end(inner, first) {
                shape.push_str("\"*\"");
                rest = inner.get(end + 1..).unwrap_or_default();
                words += 1;
                continue;
            }
        }
        let is_word = |c: char| {
            c.is_alphanumeric()
                || matches!(c, '_' | '-' | '.' | '/' | '\\' | '@' | ':' | '%' | '$' | '~')
        };
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if end == 0 {
            if !(first.is_whitespace() && shape.ends_with(' ')) {
                shape.push(if first.is_whitespace() { ' ' } else { first });
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        shape.push_str(masked_word(word));
        words += 1;
        rest = after;
    }
    shape
}

/// Masks nothing in a log message but numbers: two that differ in a name are two.
pub fn exactly(text: &str) -> String {
    let mut shape = String::with_capacity(256);
    let mut is_number = false;
    for character in head(text, MESSAGE_BYTES_MAX).chars() {
        let was_number = std::mem::replace(&mut is_number, character.is_ascii_digit());
        match (is_number, was_number) {
            (true, true) => {}
            (true, false) => shape.push('#'),
            (false, _) => shape.push(character),
        }
    }
    shape
}

/// Finds where a quoted text ends. A quote behind a backslash is part of it: who writes the text must not choose the shape of what follows.
fn quote_end(inner: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    let unescaped = inner.char_indices().find(|(_, character)| {
        let ends = *character == quote && !is_escaped;
        is_escaped = *character == '\\' && !is_escaped;
        ends
    });
    // A path on Windows may end in a backslash, and its quote is the only one.
    unescaped.map(|(end, _)| end).or_else(|| inner.find(quote))
}

fn masked_word(word: &str) -> &str {
    if word.contains(['/', '\\']) && word.len() > 1 {
        return "</>";
    }
    if word.bytes().any(|byte| byte.is_ascii_digit()) {
        return "<#>";
    }
    if word.contains('@') { "<@>" } else { word }
}

/// Gives the shape of a request: method, depth and kind of path, names of parameters, class of answer.
pub fn request(method: &str, target: &str, status: Option<u16>) -> String {
    let head = head(target, MESSAGE_BYTES_MAX);
    let (path, query) = head.split_once('?').unwrap_or((head, ""));
    let mut shape = format!("{} ", alert::sanitize::shown(method, 12));
    for (at, segment) in path.split('/').skip(1).enumerate() {
        if at >= SEGMENTS_MAX {
            shape.push_str("/…");
            break;
        }
        shape.push('/');
        // A guessed name is any name: what differs between guesses is the name, what is alike is the extension.
        match segment.rsplit_once('.') {
            Some((_, extension))
                if (1..=5).contains(&extension.len())
                    && extension.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                shape.push_str("*.");
                shape.push_str(&extension.to_ascii_lowercase());
            }
            _ if segment.is_empty() => {}
            _ => shape.push('*'),
        }
    }
    let mut names: Vec<&str> = query
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .filter(|n| !n.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names.iter().take(PARAMETERS_MAX) {
        shape.push_str(" ?");
        shape.push_str(head_of_name(name));
    }
    if let Some(status) = status {
        shape.push_str(&format!(" {}xx", status / 100));
    }
    shape
}

/// A parameter's name varies too if it is long or holds digits: fuzzers invent names.
fn head_of_name(name: &str) -> &str {
    let plain = name.len() <= 24
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-');
    if plain { name } else { "*" }
}

/// Cuts a text at a character boundary.
pub fn head(text: &str, bytes_max: usize) -> &str {
    if text.len() <= bytes_max {
        return text;
    }
    let end = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_in_a_message_is_masked() {
        assert_eq!(
            message("Failed password for root from 203.0.113.50 port 50001 ssh2"),
            "Failed password for root from <#> port <#> <#>"
        );
        assert_eq!(
            message("File '/etc/passwd' modified\nMode: realtime"),
            "File \"*\" modified Mode: realtime"
        );
        assert_eq!(message("opened /var/www/a.php by bob@example"), "opened </> by <@>");
    }

    #[test]
    fn a_quote_within_a_quoted_text_does_not_end_it() {
        let shape = "agent \"*\" was seen";
        for text in [
            r#"agent "curl" was seen"#,
            r#"agent "a\" b \" c" was seen"#,
            r#"agent "C:\\" was seen"#,
        ] {
            assert_eq!(message(text), shape, "{text}");
        }
        assert_eq!(message(r"opened 'C:\temp\' today"), "opened \"*\" today");
    }

    #[test]
    fn guessed_paths_share_a_shape_and_parameters_do_not() {
        assert_eq!(
            request("GET", "/randomfile1", Some(404)),
            request("GET", "/.cvs_old", Some(404))
        );
        assert_eq!(request("GET", "/a/b.php?id=1&x=2", Some(200)), "GET /*/*.php ?id ?x 2xx");
        assert_ne!(request("GET", "/a?id=1", Some(200)), request("GET", "/a?id=1", Some(500)));
    }

    #[test]
    fn long_and_odd_texts_end_in_a_bounded_shape() {
        assert!(message(&"x1 ".repeat(10_000)).len() < 300);
        assert!(request("GET", &format!("/{}", "a/".repeat(4000)), None).len() < 64);
        assert!(message("é\u{0}\u{7}\"unclosed 'quote").len() < 64);
    }
}
