//! A Rust file taken apart into code and comments, line by line, so that rules do not trip over strings, comments
//! and tests.

/// A Rust file.
pub(crate) struct Source {
    pub(super) path: String,
    pub(super) lines: Vec<Line>,
}

/// One line of a Rust file.
#[derive(Default)]
pub(crate) struct Line {
    pub(super) raw: String,
    /// The line without comments and without the contents of strings.
    pub(super) code: String,
    /// What stands in comments, with their slashes.
    pub(super) comment: String,
    /// Whether it belongs to a test, an example or a bench.
    pub(crate) in_test: bool,
}

impl Source {
    /// Takes the text apart.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, comments) = split(text);
        let mut lines: Vec<Line> = text
            .lines()
            .zip(code.lines().zip(comments.lines()))
            .map(|(raw, (code, comment))| Line {
                raw: raw.to_owned(),
                code: code.to_owned(),
                comment: comment.trim().to_owned(),
                in_test: false,
            })
            .collect();
        let is_test_file = ["tests", "examples", "benches"]
            .iter()
            .any(|folder| path.split('/').any(|part| part == *folder))
            || path.ends_with("/tests.rs");
        if is_test_file {
            lines.iter_mut().for_each(|line| line.in_test = true);
        } else {
            mark_tests(&mut lines);
        }
        Source {
            path: path.to_owned(),
            lines,
        }
    }

    /// Lines with their numbers, counted from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        (1..).zip(&self.lines)
    }
}

/// Whether `word` stands in `code`, not as a part of a longer identifier.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    word_positions(code, word).next().is_some()
}

/// Where `word` stands in `code`, not as a part of a longer identifier.
pub(super) fn word_positions<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |at| {
            !code[..*at].chars().next_back().is_some_and(part)
                && !code[at + word.len()..].chars().next().is_some_and(part)
        })
}

/// The text twice, each with the same lines: code with blanks for comments and strings, and only the comments.
fn split(text: &str) -> (String, String) {
    let mut splitter = Splitter {
        rest: text,
        code: String::new(),
        comments: String::new(),
    };
    while let Some(next) = splitter.rest.chars().next() {
        let rest = splitter.rest;
        if rest.starts_with("//") {
            splitter.comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            splitter.comment(block_comment_length(rest));
        } else if next == '"' {
            splitter.string(string_length(rest));
        } else if let Some(length) = raw_string_length(rest).filter(|_| !splitter.is_inside_word())
        {
            splitter.string(length);
        } else if let Some(length) = char_length(rest).filter(|_| next == '\'') {
            splitter.string(length);
        } else {
            splitter.plain(next.len_utf8());
        }
    }
    (splitter.code, splitter.comments)
}

struct Splitter<'a> {
    rest: &'a str,
    code: String,
    comments: String,
}

impl<'a> Splitter<'a> {
    fn plain(&mut self, length: usize) {
        let taken = self.take(length);
        self.code.push_str(taken);
        self.comments.extend(taken.chars().map(blank));
    }

    fn comment(&mut self, length: usize) {
        let taken = self.take(length);
        self.comments.push_str(taken);
        self.code.extend(taken.chars().map(blank));
    }

    /// The first and the last character of a string stay, so that code around it still reads as code.
    fn string(&mut self, length: usize) {
        let taken = self.take(length);
        self.code.push('"');
        self.code.extend(taken.chars().filter(|c| *c == '\n'));
        self.code.push('"');
        self.comments.extend(taken.chars().map(blank));
    }

    fn is_inside_word(&self) -> bool {
        self.code
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

fn blank(c: char) -> char {
    if c == '\n' { '\n' } else { ' ' }
}

/// Block comments nest.
fn block_comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string at the start of `text`, its `r`, `br` or `cr` included.
fn raw_string_length(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.starts_with(prefix))?;
    let after = &text[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    if !after[hashes..].starts_with('"') {
        return None;
    }
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(
        text[start..]
            .find(&end)
            .map_or(text.len(), |at| start + at + end.len()),
    )
}

/// The length of a character literal at the start of `text`; `None` for a lifetime.
fn char_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    let (at, second) = chars.next()?;
    if first == '\\' {
        let escaped = at + second.len_utf8();
        return text[escaped..].find('\'').map(|end| escaped + end + 1);
    }
    (second == '\'').then_some(at + 1)
}

/// Marks the items behind `#[cfg(test)]` and `#[test]`.
fn mark_tests(lines: &mut [Line]) {
    let mut at = 0;
    while at < lines.len() {
        let code = &lines[at].code;
        let is_test = ["#[cfg(test)]", "#[cfg(all(test", "#[test]"]
            .iter()
            .any(|attribute| code.contains(attribute));
        if is_test {
            let end = item_end(lines, at);
            lines[at..=end]
                .iter_mut()
                .for_each(|line| line.in_test = true);
            at = end;
        }
        at += 1;
    }
}

/// The last line of the item whose attribute stands in line `start`.
fn item_end(lines: &[Line], start: usize) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, line) in lines.iter().enumerate().skip(start) {
        for c in line.code.chars() {
            match c {
                '{' => braces += 1,
                '}' => braces = braces.saturating_sub(1),
                '(' | '[' => others += 1,
                ')' | ']' => others = others.saturating_sub(1),
                _ => {}
            }
            if braces == 0 && (c == '}' || (c == ';' && others == 0)) {
                return at;
            }
        }
    }
    lines.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, code: &[&str], comments: &[&str]) {
        let source = Source::new("src/lib.rs", text);
        let found: Vec<&str> = source
            .lines
            .iter()
            .map(|line| line.code.trim_end())
            .collect();
        assert_eq!(found, code);
        let found: Vec<&str> = source
            .lines
            .iter()
            .map(|line| line.comment.as_str())
            .collect();
        assert_eq!(found, comments);
    }

    #[test]
    fn tells_code_from_comments_and_strings() {
        check(
            "let a = 1; // one\n/// two\nfn f() {}",
            &["let a = 1;", "", "fn f() {}"],
            &["// one", "/// two", ""],
        );
        check(
            "a /* b /* c */ d\ne */ f",
            &["a", "     f"],
            &["/* b /* c */ d", "e */"],
        );
        check(
            "f(\"// no \\\" comment\") // yes",
            &["f(\"\")"],
            &["// yes"],
        );
        check("f(\"two\nlines\"); g()", &["f(\"", "\"); g()"], &["", ""]);
        check(
            "f(r#\"a \" // b\"#, br\"c\\\"); // d",
            &["f(\"\", \"\");"],
            &["// d"],
        );
        check("for\"x\" expr\"y\"", &["for\"\" expr\"\""], &[""]);
    }

    #[test]
    fn tells_characters_from_lifetimes() {
        check(
            "f::<'a>('\"', '\\'', '\\u{1f}', 'b') // c",
            &["f::<'a>(\"\", \"\", \"\", \"\")"],
            &["// c"],
        );
        check("&'static str; '{'", &["&'static str; \"\""], &[""]);
    }

    #[test]
    fn unfinished_text_ends() {
        for text in ["\"open", "/* open", "r#\"open", "'", "'\\", "b'", "é'"] {
            assert!(Source::new("a.rs", text).lines.len() <= 1, "{text}");
        }
    }

    #[test]
    fn marks_tests() {
        let text = "fn a() {}\n#[cfg(test)]\nfn b(x: [u8; 3]) {\n    let y = '}';\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}\n\
            #[test]\nfn f() { g(|| {}) }\nfn h() {}\n";
        let marked = |path| {
            Source::new(path, text)
                .numbered()
                .filter(|(_, line)| line.in_test)
                .map(|(n, _)| n)
                .collect::<Vec<_>>()
        };
        assert_eq!(marked("src/lib.rs"), [2, 3, 4, 5, 7, 8, 10, 11]);
        assert_eq!(marked("crates/x/tests/a.rs").len(), 12);
        assert_eq!(marked("crates/x/src/a/tests.rs").len(), 12);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("x(unsafe { y })", "unsafe"));
        assert!(!has_word("unsafe_code, not_unsafe, unsafely", "unsafe"));
        assert_eq!(word_positions("a b a", "a").collect::<Vec<_>>(), [0, 4]);
    }
}
