//! What a command records, each field spelt once: a table of names and of where their values come from
//! makes both the JSON object and the row of `--results`.

use serde_json::{Map, Value};

/// A field of the records of a command whose outcome is a `T`.
pub(crate) struct Field<T> {
    name: &'static str,
    in_json: bool,
    in_csv: bool,
    value: fn(&T) -> Value,
}

impl<T> Field<T> {
    /// In both.
    pub(crate) const fn new(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
        Field {
            name,
            in_json: true,
            in_csv: true,
            value,
        }
    }

    /// In the JSON object only, as lists and objects are.
    pub(crate) const fn json(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
        Field {
            in_csv: false,
            ..Field::new(name, value)
        }
    }

    /// In rows only.
    pub(crate) const fn csv(name: &'static str, value: fn(&T) -> Value) -> Field<T> {
        Field {
            in_json: false,
            ..Field::new(name, value)
        }
    }
}

/// How many columns a row has.
pub(crate) const fn n_columns<T>(fields: &[Field<T>]) -> usize {
    let (mut at, mut n) = (0, 0);
    while at < fields.len() {
        n += fields[at].in_csv as usize;
        at += 1;
    }
    n
}

/// The names of the columns, of which there are [`n_columns`].
pub(crate) const fn columns<T, const N: usize>(fields: &[Field<T>]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut at, mut n) = (0, 0);
    while at < fields.len() {
        if fields[at].in_csv {
            names[n] = fields[at].name;
            n += 1;
        }
        at += 1;
    }
    names
}

/// The JSON object.
pub(crate) fn object<T>(fields: &[Field<T>], of: &T) -> Map<String, Value> {
    let fields = fields.iter().filter(|field| field.in_json);
    fields
        .map(|field| (field.name.to_owned(), (field.value)(of)))
        .collect()
}

/// The row; null is an empty cell.
pub(crate) fn row<T>(fields: &[Field<T>], of: &T) -> Vec<String> {
    let fields = fields.iter().filter(|field| field.in_csv);
    fields
        .map(|field| match (field.value)(of) {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: [Field<u32>; 4] = [
        Field::new("n", |n| json!(n)),
        Field::json("list", |n| json!([n, n])),
        Field::csv("text", |n| json!(format!("{n}, \"quoted\""))),
        Field::new("nothing", |_| Value::Null),
    ];
    const COLUMNS: [&str; n_columns(&FIELDS)] = columns(&FIELDS);

    #[test]
    fn one_table_makes_both_forms() {
        assert_eq!(COLUMNS, ["n", "text", "nothing"]);
        assert_eq!(row(&FIELDS, &7), ["7", "7, \"quoted\"", ""]);
        let object = Value::Object(object(&FIELDS, &7));
        assert_eq!(
            object.to_string(),
            "{\"n\":7,\"list\":[7,7],\"nothing\":null}"
        );
    }
}
