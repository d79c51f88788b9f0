//! What can be wrong with a specification string, and where.

use super::BlockSpec;
use std::fmt;

/// Why a string specifies no features: what is wrong, at which character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("feature specification '{spec}', character {position}: {problem}")]
pub struct SpecError {
    spec: String,
    position: usize,
    problem: SpecProblem,
}

impl SpecError {
    /// `at` in bytes of `spec`.
    pub(super) fn new(spec: &str, at: usize, problem: SpecProblem) -> Self {
        let before = spec.char_indices().take_while(|(start, _)| *start < at);
        Self {
            position: before.count() + 1,
            spec: spec.to_owned(),
            problem,
        }
    }

    /// The character that it is about, counted from 1; one after the last where something is missing.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is wrong there.
    #[must_use]
    pub fn problem(&self) -> &SpecProblem {
        &self.problem
    }
}

/// What is wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecProblem {
    /// Nothing where a block should be.
    #[error("a block is missing, expected one of {}", BlockSpec::NAMES.join(", "))]
    NoBlock,
    /// No block has this name.
    #[error(
        "unknown block '{name}', {}expected one of {}",
        Meant(.meant),
        BlockSpec::NAMES.join(", ")
    )]
    UnknownBlock {
        /// The name given.
        name: String,
        /// The nearest name, if one is near.
        meant: Option<&'static str>,
    },
    /// Nothing where an option should be.
    #[error("an option is missing, expected name=value with one of {}", .options.join(", "))]
    NoOption {
        /// The options of the block.
        options: &'static [&'static str],
    },
    /// A block that has no options was given some.
    #[error("block '{0}' has no options")]
    NoOptions(&'static str),
    /// The block has no option of this name.
    #[error(
        "unknown option '{name}' of {block}, {}expected one of {}",
        Meant(.meant),
        .options.join(", ")
    )]
    UnknownOption {
        /// The block.
        block: &'static str,
        /// The name given.
        name: String,
        /// The nearest name, if one is near.
        meant: Option<&'static str>,
        /// The options of the block.
        options: &'static [&'static str],
    },
    /// An option without `=value`.
    #[error("option '{option}' has no value, expected {option}={expected}")]
    NoValue {
        /// The option.
        option: &'static str,
        /// What is allowed.
        expected: String,
    },
    /// An option that was given before.
    #[error("option '{0}' is given twice")]
    Twice(&'static str),
    /// A value that the option cannot have.
    #[error("{option} = '{value}' is not possible, expected {expected}")]
    Value {
        /// The option.
        option: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// Values that do not go together.
    #[error("{0}")]
    Together(String),
}

/// `did you mean 'x'? `, if anything is near.
struct Meant<'a>(&'a Option<&'static str>);

impl fmt::Display for Meant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "did you mean '{name}'? "),
            None => Ok(()),
        }
    }
}

/// The candidate that most likely was meant: an edit away, or two if it has more than four letters.
pub(super) fn nearest(name: &str, candidates: &'static [&'static str]) -> Option<&'static str> {
    let distance = |candidate: &str| edits(name, candidate);
    candidates
        .iter()
        .copied()
        .filter(|candidate| distance(candidate) <= if candidate.len() > 4 { 2 } else { 1 })
        .min_by_key(|candidate| distance(candidate))
}

/// Insertions, deletions, substitutions and swaps of neighbours that make one of the other.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i];
        for j in 1..=b.len() {
            let substituted = row[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = substituted.min(row[j] + 1).min(next[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        assert_eq!(edits("", "cell"), 4);
        assert_eq!(edits("cel", "cell"), 1);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("hgo", "hog"), 1);
        assert_eq!(nearest("cel", &["mode", "cell", "clip"]), Some("cell"));
        assert_eq!(nearest("quality", &["mode", "cell"]), None);
    }
}
