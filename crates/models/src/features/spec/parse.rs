//! Reads a specification string from left to right.

use super::BlockSpec;
use super::error::{SpecError, SpecProblem, nearest};
use super::options::{self, Given, Wrong};
use crate::features::{HistogramParams, default_hog};

/// The blocks of a specification.
pub(super) fn spec(spec: &str) -> Result<Vec<BlockSpec>, SpecError> {
    let mut blocks = Vec::new();
    let mut at = 0;
    for text in spec.split('+') {
        block(text, at, &mut blocks)
            .map_err(|wrong| SpecError::new(spec, wrong.at, wrong.problem))?;
        at += text.len() + 1;
    }
    Ok(blocks)
}

/// One block, `text`, which starts at byte `at`; a bare name may stand for several.
fn block(text: &str, at: usize, blocks: &mut Vec<BlockSpec>) -> Result<(), Wrong> {
    let (name, options) = match text.split_once(':') {
        Some((name, options)) => (name, Some(options)),
        None => (text, None),
    };
    let wrong = |problem| Wrong { at, problem };
    let options_at = at + name.len() + 1;
    match (name, options) {
        ("raw", None) => blocks.push(BlockSpec::Raw),
        ("raw", Some(_)) => {
            return Err(Wrong {
                at: options_at,
                problem: SpecProblem::NoOptions("raw"),
            });
        }
        ("hist", None) => blocks.push(BlockSpec::Histogram(HistogramParams::default())),
        ("hist", Some(text)) => {
            let given = given("hist", options::HISTOGRAM, text, options_at)?;
            blocks.push(BlockSpec::Histogram(options::histogram(&given)?));
        }
        ("hog", None) => blocks.extend(default_hog().into_iter().map(BlockSpec::Hog)),
        ("hog", Some(text)) => {
            let given = given("hog", options::HOG, text, options_at)?;
            blocks.push(BlockSpec::Hog(options::hog(&given)?));
        }
        ("", _) => return Err(wrong(SpecProblem::NoBlock)),
        (name, _) => {
            return Err(wrong(SpecProblem::UnknownBlock {
                name: name.to_owned(),
                meant: nearest(name, &BlockSpec::NAMES),
            }));
        }
    }
    Ok(())
}

/// The options of a block, `text`, which starts at byte `at`.
fn given<'a>(
    block: &'static str,
    options: &'static [&'static str],
    text: &'a str,
    mut at: usize,
) -> Result<Vec<Given<'a>>, Wrong> {
    let mut found: Vec<Given<'a>> = Vec::new();
    for text in text.split(',') {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let Some(&option) = options.iter().find(|known| **known == name) else {
            let problem = if name.is_empty() {
                SpecProblem::NoOption { options }
            } else {
                SpecProblem::UnknownOption {
                    block,
                    name: name.to_owned(),
                    meant: nearest(name, options),
                    options,
                }
            };
            return Err(Wrong { at, problem });
        };
        if found.iter().any(|given| given.option == option) {
            return Err(Wrong {
                at,
                problem: SpecProblem::Twice(option),
            });
        }
        let value_at = at + (name.len() + 1).min(text.len());
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            return Err(Wrong {
                at: value_at,
                problem: SpecProblem::NoValue {
                    option,
                    expected: options::expected(block, option),
                },
            });
        };
        found.push(Given {
            option,
            value,
            at: value_at,
        });
        at += text.len() + 1;
    }
    Ok(found)
}
