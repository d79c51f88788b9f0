//! Which linear models a sweep tries, from flags or from a TOML file.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nearplane_models::linear::{Loss, Penalty};
use nearplane_models::selection::{LinearSpace, Numbers};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error as TomlError};

use super::train::LAMBDAS;
use super::{FeatureChoice, features, usage};
use crate::args::{NumbersArg, PenaltyArg, SpaceArgs};

/// The space, and its sets of features: `None` is the bytes.
pub(super) struct Space {
    pub(super) space: LinearSpace,
    pub(super) features: Vec<Option<FeatureChoice>>,
}

/// Whether numbers from one to another are points or anything in between.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    Decades,
    Anything,
}

/// From flags; what was not given is as in `train`.
pub(super) fn of_flags(args: &SpaceArgs, cache: Option<&Path>, between: Between) -> Result<Space> {
    let penalties: Vec<Penalty> = args.penalty.iter().map(|&arg| penalty(arg)).collect();
    let elastic = Penalty::Elastic { beta: 1.0 };
    if !args.beta.is_empty() && !penalties.contains(&elastic) {
        return Err(usage("--beta needs --penalty elastic"));
    }
    if !args.lambda.is_empty()
        && !penalties.is_empty()
        && penalties.iter().all(|p| *p == Penalty::None)
    {
        return Err(usage(
            "--lambda has no meaning with --penalty none; leave it out",
        ));
    }
    let default = LinearSpace::default();
    let space = LinearSpace {
        n_features: args.features.len().max(1),
        losses: or(args.loss.clone(), default.losses),
        penalties: or(penalties, default.penalties),
        betas: match &args.beta[..] {
            [] => default.betas,
            list => numbers("--beta", list, between)?,
        },
        lambdas: match &args.lambda[..] {
            [] => default_lambdas(between),
            list => numbers("--lambda", list, between)?,
        },
    };
    let features = choices(&args.features, cache)?;
    Ok(Space { space, features })
}

fn or<T>(given: Vec<T>, default: Vec<T>) -> Vec<T> {
    if given.is_empty() { default } else { given }
}

fn default_lambdas(between: Between) -> Numbers {
    match between {
        Between::Decades => Numbers::List(LAMBDAS.to_vec()),
        Between::Anything => LinearSpace::default().lambdas,
    }
}

fn penalty(arg: PenaltyArg) -> Penalty {
    match arg {
        PenaltyArg::None => Penalty::None,
        PenaltyArg::L2 => Penalty::L2,
        PenaltyArg::L1 => Penalty::L1,
        PenaltyArg::Elastic => Penalty::Elastic { beta: 1.0 },
    }
}

/// The sets of features, each once; the bytes themselves need no copy as features.
fn choices(specs: &[String], cache: Option<&Path>) -> Result<Vec<Option<FeatureChoice>>> {
    let mut found: Vec<Option<FeatureChoice>> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for spec in specs {
        let choice = features::choice(spec, cache.map(Path::to_owned))?;
        let name = choice.extractor.spec().to_string();
        if names.contains(&name) {
            return Err(usage(format!("--features {spec} is given twice")));
        }
        found.push((name != "raw").then_some(choice));
        names.push(name);
    }
    if found.is_empty() {
        found.push(None);
    }
    Ok(found)
}

fn numbers(option: &str, list: &[NumbersArg], between: Between) -> Result<Numbers> {
    if let ([NumbersArg::Between(low, high)], Between::Anything) = (list, between) {
        return Ok(Numbers::Between {
            low: *low,
            high: *high,
        });
    }
    let mut found = Vec::new();
    for part in list {
        match *part {
            NumbersArg::One(number) => found.push(number),
            NumbersArg::Between(low, high) => found.extend(decades(option, low, high)?),
        }
    }
    Ok(Numbers::List(found))
}

/// `low`, ten times as much, and so on up to `high`.
fn decades(option: &str, low: f64, high: f64) -> Result<Vec<f64>> {
    let steps = (high / low).log10().round();
    let whole = 10f64.powf(steps) * low / high;
    if (whole - 1.0).abs() > 1e-9 {
        return Err(usage(format!(
            "{option} from {low} to {high} is not a whole number of decades; give a list of numbers"
        )));
    }
    // Through text, so that 1e-3 is that and not a neighbour of it.
    let text = format!("{low:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse()?;
    let numbers = (0..=steps as i32).map(|step| format!("{digits}e{}", exponent + step).parse());
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// From a file.
pub(super) fn of_file(path: &Path, cache: Option<&Path>, between: Between) -> Result<Space> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let table = DeTable::parse(&text).map_err(|error| syntax(path, &text, &error))?;
    let file = File { path, text: &text };
    let default = LinearSpace::default();
    let mut specs = Vec::new();
    let mut space = LinearSpace {
        lambdas: default_lambdas(between),
        ..default
    };
    for (key, value) in table.get_ref() {
        let name: &str = key.get_ref();
        match name {
            "features" => {
                for item in file.list(name, value)? {
                    let spec = file.text(name, item, "a specification such as \"hog+hist\"")?;
                    // Here, while its line is known.
                    if let Err(error) = features::choice(&spec, None) {
                        return Err(file.bad(item, &format!("{error}")));
                    }
                    specs.push(spec);
                }
            }
            "loss" => {
                space.losses.clear();
                for item in file.list(name, value)? {
                    let loss = file.text(name, item, "a name such as \"softmax\"")?;
                    let loss = loss.parse::<Loss>();
                    space
                        .losses
                        .push(loss.map_err(|error| file.bad(item, &error.to_string()))?);
                }
            }
            "penalty" => {
                space.penalties.clear();
                for item in file.list(name, value)? {
                    let penalty = file.text(name, item, "a name such as \"l2\"")?;
                    let penalty = Penalty::by_name(&penalty, 1.0);
                    let penalty = penalty.map_err(|error| file.bad(item, &error.to_string()))?;
                    space.penalties.push(penalty);
                }
            }
            "beta" => space.betas = file.numbers(name, value, between)?,
            "lambda" => space.lambdas = file.numbers(name, value, between)?,
            _ => {
                let line = file.line(key.span().start);
                bail!(
                    "{shown}, line {line}: unknown key '{name}', expected features, loss, penalty, beta or lambda"
                );
            }
        }
    }
    space.n_features = specs.len().max(1);
    let features = choices(&specs, cache)?;
    Ok(Space { space, features })
}

/// What is no TOML.
fn syntax(path: &Path, text: &str, error: &TomlError) -> anyhow::Error {
    let start = error.span().map_or(0, |span| span.start);
    let line = File { path, text }.line(start);
    // The message of the parser may have several lines.
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    anyhow::anyhow!("{}, line {line}: {message}", path.display())
}

/// A file that is read, for messages.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|&&byte| byte == b'\n').count() + 1
    }

    fn bad(&self, value: &Value<'_>, what: &str) -> anyhow::Error {
        let line = self.line(value.span().start);
        anyhow::anyhow!("{}, line {line}: {what}", self.path.display())
    }

    /// The entries of a list; a value by itself is a list of one.
    fn list<'v, 'a>(&self, key: &str, value: &'v Value<'a>) -> Result<Vec<&'v Value<'a>>> {
        match value.get_ref() {
            DeValue::Array(list) if list.is_empty() => Err(self.bad(
                value,
                &format!("{key} is an empty list, expected one or more"),
            )),
            DeValue::Array(list) => Ok(list.iter().collect()),
            _ => Ok(vec![value]),
        }
    }

    fn text(&self, key: &str, value: &Value<'_>, expected: &str) -> Result<String> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            other => {
                let found = other.type_str();
                Err(self.bad(
                    value,
                    &format!("{key} is of type {found}, expected {expected}"),
                ))
            }
        }
    }

    fn number(&self, key: &str, value: &Value<'_>) -> Result<f64> {
        let found = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => {
                number.as_str().replace('_', "").parse::<f64>().ok()
            }
            DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
            other => {
                let found = other.type_str();
                return Err(self.bad(
                    value,
                    &format!("{key} is of type {found}, expected a number such as 1e-3"),
                ));
            }
        };
        match found {
            Some(number) if number.is_finite() && number >= 0.0 => Ok(number),
            _ => {
                let text = &self.text[value.span()];
                Err(self.bad(
                    value,
                    &format!("{key} is {text}, expected a finite number, 0 or above"),
                ))
            }
        }
    }

    /// A list, or `{ low = 1e-5, high = 1 }`.
    fn numbers(&self, key: &str, value: &Value<'_>, between: Between) -> Result<Numbers> {
        let DeValue::Table(ends) = value.get_ref() else {
            let list = self.list(key, value)?;
            let list: Result<Vec<f64>> = list
                .into_iter()
                .map(|item| self.number(key, item))
                .collect();
            return Ok(Numbers::List(list?));
        };
        let (mut low, mut high) = (None, None);
        for (end, value) in ends {
            let name: &str = end.get_ref();
            let number = self.number(&format!("{key}.{name}"), value);
            match name {
                "low" => low = Some(number?),
                "high" => high = Some(number?),
                _ => {
                    let line = self.line(end.span().start);
                    bail!(
                        "{}, line {line}: unknown key '{key}.{name}', expected low and high",
                        self.path.display()
                    );
                }
            }
        }
        let (Some(low), Some(high)) = (low, high) else {
            return Err(self.bad(
                value,
                &format!("{key} needs both ends, as in {{ low = 1e-5, high = 1 }}"),
            ));
        };
        if !(low > 0.0 && low < high) {
            return Err(self.bad(
                value,
                &format!("{key} goes from {low} to {high}, expected two numbers above 0, the smaller one as low"),
            ));
        }
        match between {
            Between::Anything => Ok(Numbers::Between { low, high }),
            Between::Decades => match decades(key, low, high) {
                Ok(list) => Ok(Numbers::List(list)),
                Err(error) => Err(self.bad(value, &error.to_string())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_the_numbers_that_one_writes() {
        assert_eq!(
            decades("--lambda", 1e-4, 1.0).unwrap(),
            [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
        );
        assert_eq!(decades("--lambda", 0.03, 3.0).unwrap(), [0.03, 0.3, 3.0]);
        assert!(decades("--lambda", 0.03, 1.0).is_err());
    }
}
