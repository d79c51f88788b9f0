//! Small JSON, read and written: cargo and `nearplane --json` speak it, and xtask has no dependencies.

use std::fmt;

/// A JSON value. Numbers are kept as `f64`: counts and times of a run are far below 2^53.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value and nothing after it.
    pub(crate) fn parse(text: &str) -> Result<Json, String> {
        let mut parser = Parser { text, at: 0 };
        let value = parser.value(0)?;
        parser.skip_space();
        if parser.at < text.len() {
            return Err(parser.error("the end"));
        }
        Ok(value)
    }

    /// The member of that name of an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Json::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The text of that name; an error that names it if there is none.
    pub(crate) fn text_of(&self, name: &str) -> Result<&str, String> {
        self.get(name)
            .and_then(Json::text)
            .ok_or_else(|| format!("the JSON record has no text `{name}`"))
    }

    /// The number of that name; an error that names it if there is none.
    pub(crate) fn number_of(&self, name: &str) -> Result<f64, String> {
        self.get(name)
            .and_then(Json::number)
            .ok_or_else(|| format!("the JSON record has no number `{name}`"))
    }

    pub(crate) fn array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(items) => Some(items),
            _ => None,
        }
    }
}

/// On one line. JSON has no infinities and no NaN: they become `null`.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(number) if number.is_finite() => write!(f, "{number}"),
            Json::Number(_) => f.write_str("null"),
            Json::Text(text) => write_text(f, text),
            Json::Array(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Json::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write_text(f, name)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// Values nest no deeper than this, so that damaged input cannot exhaust the stack.
const MAX_DEPTH: usize = 100;

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(self.error("fewer nested values"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [
                    ("null", Json::Null),
                    ("true", Json::Bool(true)),
                    ("false", Json::Bool(false)),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                Err(self.error("a value"))
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, String> {
        let mut members = Vec::new();
        self.expect(b'{')?;
        if !self.accept(b'}') {
            loop {
                self.skip_space();
                let name = self.string()?;
                self.expect(b':')?;
                members.push((name, self.value(depth + 1)?));
                if !self.accept(b',') {
                    break;
                }
            }
            self.expect(b'}')?;
        }
        Ok(Json::Object(members))
    }

    fn array(&mut self, depth: usize) -> Result<Json, String> {
        let mut items = Vec::new();
        self.expect(b'[')?;
        if !self.accept(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if !self.accept(b',') {
                    break;
                }
            }
            self.expect(b']')?;
        }
        Ok(Json::Array(items))
    }

    fn number(&mut self) -> Result<Json, String> {
        let rest = &self.text[self.at..];
        let length = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
            .unwrap_or(rest.len());
        let number = rest[..length].parse().map_err(|_| self.error("a number"))?;
        self.at += length;
        Ok(Json::Number(number))
    }

    fn string(&mut self) -> Result<String, String> {
        if self.peek() != Some(b'"') {
            return Err(self.error("`\"`"));
        }
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find(['"', '\\']) else {
                return Err(self.error("a closing `\"`"));
            };
            out.push_str(&rest[..length]);
            self.at += length + 1;
            if rest.as_bytes()[length] == b'"' {
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, String> {
        let escaped = self
            .peek()
            .ok_or_else(|| self.error("an escaped character"))?;
        let plain = match escaped {
            b'"' | b'\\' | b'/' => char::from(escaped),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => return self.unicode_escape(),
            _ => return Err(self.error("an escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    /// `u` and four digits, and a second one where the first is half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, String> {
        let high = self.four_hex_digits()?;
        let code = if (0xd800..0xdc00).contains(&high) && self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            let low = self.four_hex_digits()?;
            0x10000 + ((high - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff)
        } else {
            high
        };
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_hex_digits(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.at + 1..self.at + 5).unwrap_or("");
        let code =
            u32::from_str_radix(digits, 16).map_err(|_| self.error("four hexadecimal digits"))?;
        self.at += 5;
        Ok(code)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(self.error(&format!("`{}`", char::from(byte))))
        }
    }

    fn error(&self, expected: &str) -> String {
        let rest: String = self.text[self.at..].chars().take(20).collect();
        format!(
            "JSON, byte {}: expected {expected}, found `{rest}`",
            self.at
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_result_record() {
        let record = Json::parse(
            "{\"metric\": \"l1\", \"n_eval\": 10000, \"gap\": null, \"mapped\": true, \"data\": {},\n\
             \"results\": [{\"k\": 1, \"accuracy\": 0.3845, \"ci95\": [0.375, 3.94e-1]}, {\"k\": 3}], \"notes\": [ ]}\n",
        )
        .unwrap();
        assert_eq!(record.get("metric").and_then(Json::text), Some("l1"));
        assert_eq!(record.get("n_eval").and_then(Json::number), Some(10_000.0));
        assert_eq!(record.get("gap"), Some(&Json::Null));
        assert_eq!(record.get("mapped"), Some(&Json::Bool(true)));
        assert_eq!(record.get("notes").and_then(Json::array), Some(&[][..]));
        let results = record.get("results").and_then(Json::array).unwrap();
        assert_eq!(
            results[0].get("ci95"),
            Some(&Json::Array(vec![Json::Number(0.375), Json::Number(0.394)]))
        );
        assert_eq!(results[1].get("k").and_then(Json::number), Some(3.0));
        assert_eq!(record.get("absent"), None);
    }

    #[test]
    fn reads_escapes() {
        let text = r#""a\"b\\c\/d\n\t\u00e9\ud83d\ude00ü""#;
        assert_eq!(
            Json::parse(text),
            Ok(Json::Text("a\"b\\c/d\n\té😀ü".to_owned()))
        );
        assert_eq!(
            Json::parse(r#""\ud800x""#),
            Ok(Json::Text("\u{fffd}x".to_owned()))
        );
    }

    #[test]
    fn what_is_written_is_read_again() {
        let value = Json::Object(vec![
            (
                "a \"name\"".to_owned(),
                Json::Text("\\ é\n\u{1}".to_owned()),
            ),
            ("empty".to_owned(), Json::Object(Vec::new())),
            (
                "list".to_owned(),
                Json::Array(vec![Json::Number(-0.25), Json::Bool(true), Json::Null]),
            ),
        ]);
        let text = value.to_string();
        assert_eq!(
            text,
            r#"{"a \"name\"": "\\ é\u000a\u0001", "empty": {}, "list": [-0.25, true, null]}"#
        );
        assert_eq!(Json::parse(&text), Ok(value));
        assert_eq!(Json::Number(f64::NAN).to_string(), "null");
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "{",
            "[1,",
            "[1 2]",
            "{\"a\" 1}",
            "{a: 1}",
            "\"open",
            "\"\\q\"",
            "\"\\u12",
            "nul",
            "1 2",
            "1x",
            "-",
        ] {
            let error = Json::parse(text).unwrap_err();
            assert!(error.starts_with("JSON, byte "), "{text}: {error}");
        }
        assert!(
            Json::parse(&"[".repeat(1000))
                .unwrap_err()
                .contains("fewer nested values")
        );
    }
}
