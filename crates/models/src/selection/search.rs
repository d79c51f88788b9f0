//! Search: which linear models to try. A space of losses, penalties, lambdas and features; all of it (grid), some of
//! it drawn from a seed (random), or many candidates on few rows and ever fewer on more (successive halving).

use super::SplitError;
use crate::linear::{LinearError, LinearParams, Loss, Penalty};
use crate::random;
use thiserror::Error;

/// What random candidates are drawn for.
const DRAW: u64 = 0x6361_6e64;

/// What rows are sampled for.
const SAMPLE: u64 = 0x726f_7773;

/// Numbers to choose from.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "numbers are listed or lie between two ends"
)]
pub enum Numbers {
    /// These.
    List(Vec<f64>),
    /// Any from `low` to `high`, their logarithms equally likely: `0 < low < high`.
    Between {
        /// The smallest.
        low: f64,
        /// The largest.
        high: f64,
    },
}

/// One linear model to try.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// Which of the sets of features, counted from 0.
    pub features: usize,
    /// What a wrong score costs.
    pub loss: Loss,
    /// What large weights cost.
    pub penalty: Penalty,
    /// How much the penalty counts; 0 where there is none.
    pub lambda: f64,
}

/// The models among which to search.
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `n_features` | 1 | sets of features to choose from | 1 or above |
/// | `losses` | softmax | what a wrong score costs | one or more |
/// | `penalties` | `l2` | what large weights cost, by name; [`Loss::Ridge`] goes with `l2` only | one or more |
/// | `betas` | 1 | the share of the squares, of `elastic` | finite, 0 or above |
/// | `lambdas` | 1 to 1e-5 | how much the penalty counts | finite, 0 or above |
///
/// ```
/// use nearplane_models::linear::{Loss, Penalty};
/// use nearplane_models::selection::{LinearSpace, Numbers};
/// let space = LinearSpace {
///     losses: vec![Loss::Softmax, Loss::Ridge],
///     penalties: vec![Penalty::L2, Penalty::L1],
///     lambdas: Numbers::List(vec![0.01, 0.1]),
///     ..Default::default()
/// };
/// assert_eq!(space.grid()?.len(), 6); // ridge has no fit with l1
/// # Ok::<(), nearplane_models::selection::SearchError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct LinearSpace {
    /// Sets of features to choose from.
    pub n_features: usize,
    /// What a wrong score costs.
    pub losses: Vec<Loss>,
    /// What large weights cost; the beta of `elastic` is one of `betas`.
    pub penalties: Vec<Penalty>,
    /// The share of the squares, of `elastic`.
    pub betas: Numbers,
    /// How much the penalty counts.
    pub lambdas: Numbers,
}

impl Default for LinearSpace {
    fn default() -> Self {
        Self {
            n_features: 1,
            losses: vec![Loss::Softmax],
            penalties: vec![Penalty::L2],
            betas: Numbers::List(vec![1.0]),
            lambdas: Numbers::Between {
                low: 1e-5,
                high: 1.0,
            },
        }
    }
}

/// Why there is nothing to search.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A list without entries.
    #[error("no {0} to choose from, expected one or more")]
    Empty(&'static str),
    /// Ends that are not in order.
    #[error(
        "{what} from {low} to {high}, expected two finite numbers above 0, the smaller one first"
    )]
    Ends {
        /// `lambda` or `beta`.
        what: &'static str,
        /// The smaller end.
        low: f64,
        /// The larger end.
        high: f64,
    },
    /// A grid of what has no steps.
    #[error("a grid needs {0} as a list of numbers, not from one to another")]
    NoGrid(&'static str),
    /// Nothing is left.
    #[error("loss ridge goes with penalty l2 only, which is not in the space")]
    NoPair,
    /// A number out of its range.
    #[error(transparent)]
    Params(#[from] LinearError),
    /// Halving that does not halve.
    #[error("{what} is {value}, expected {expected}")]
    Halving {
        /// `candidates`, `eta` or `rows`.
        what: &'static str,
        /// Its value.
        value: usize,
        /// What it may be.
        expected: &'static str,
    },
}

impl LinearSpace {
    /// Every combination: features by features, loss by loss, penalty by penalty, beta by beta, from the largest
    /// lambda to the smallest. A number given twice counts once.
    ///
    /// # Errors
    /// [`SearchError`]: a list is empty, numbers are not listed, or one is out of its range.
    pub fn grid(&self) -> Result<Vec<Candidate>, SearchError> {
        self.check()?;
        let list = |numbers: &Numbers, what| match numbers {
            Numbers::List(list) => {
                let mut list = list.clone();
                list.sort_by(|a, b| b.total_cmp(a));
                list.dedup();
                Ok(list)
            }
            Numbers::Between { .. } => Err(SearchError::NoGrid(what)),
        };
        let has_elastic = self.pairs().iter().any(|pair| is_elastic(pair.2));
        let has_lambda = self.pairs().iter().any(|pair| pair.2 != Penalty::None);
        let betas = if has_elastic {
            list(&self.betas, "beta")?
        } else {
            vec![1.0]
        };
        let lambdas = if has_lambda {
            list(&self.lambdas, "lambda")?
        } else {
            vec![0.0]
        };
        let mut candidates = Vec::new();
        for (features, loss, penalty) in self.pairs() {
            let betas = if is_elastic(penalty) {
                &betas[..]
            } else {
                &[1.0]
            };
            let lambdas = match penalty {
                Penalty::None => &[0.0],
                _ => &lambdas[..],
            };
            for &beta in betas {
                for &lambda in lambdas {
                    candidates.push(candidate(features, loss, penalty, beta, lambda)?);
                }
            }
        }
        Ok(candidates)
    }

    /// Candidate number `number` of a random search: features, loss and penalty equally likely among all that go
    /// together, lambda and beta from their lists or between their ends, there with three digits. A function of
    /// space, seed and number alone: more candidates leave the first ones as they are.
    ///
    /// # Errors
    /// [`SearchError`]: a list is empty, ends are not in order, or a number is out of its range.
    pub fn draw(&self, seed: u64, number: u64) -> Result<Candidate, SearchError> {
        self.check()?;
        let mut generator = random::generator_of(seed, DRAW, number);
        let pairs = self.pairs();
        let chosen = random::below(&mut generator, pairs.len() as u64) as usize;
        let (features, loss, penalty) = pairs[chosen];
        let mut number = |numbers: &Numbers| match numbers {
            Numbers::List(list) => list[random::below(&mut generator, list.len() as u64) as usize],
            Numbers::Between { low, high } => {
                let at = random::fraction(&mut generator);
                let drawn = (low.ln() + at * (high.ln() - low.ln())).exp();
                three_digits(drawn).clamp(*low, *high)
            }
        };
        // In every case as many draws, so that one does not move the other.
        let (lambda, beta) = (number(&self.lambdas), number(&self.betas));
        let lambda = if penalty == Penalty::None {
            0.0
        } else {
            lambda
        };
        candidate(features, loss, penalty, beta, lambda)
    }

    fn check(&self) -> Result<(), SearchError> {
        for (what, is_empty) in [
            ("features", self.n_features == 0),
            ("loss", self.losses.is_empty()),
            ("penalty", self.penalties.is_empty()),
        ] {
            if is_empty {
                return Err(SearchError::Empty(what));
            }
        }
        for (what, numbers) in [("lambda", &self.lambdas), ("beta", &self.betas)] {
            match numbers {
                Numbers::List(list) if list.is_empty() => return Err(SearchError::Empty(what)),
                Numbers::List(list) => {
                    for &number in list {
                        // Both have the range of a lambda.
                        LinearParams::new(Loss::Softmax, Penalty::Elastic { beta: number }, 0.0)
                            .check()
                            .map_err(|error| named(error, what))?;
                    }
                }
                &Numbers::Between { low, high } => {
                    if !(low > 0.0 && low < high && high.is_finite()) {
                        return Err(SearchError::Ends { what, low, high });
                    }
                }
            }
        }
        if self.pairs().is_empty() {
            return Err(SearchError::NoPair);
        }
        Ok(())
    }

    /// All that go together, each once, in the order of the space.
    fn pairs(&self) -> Vec<(usize, Loss, Penalty)> {
        let mut pairs: Vec<(usize, Loss, Penalty)> = Vec::new();
        for features in 0..self.n_features {
            for &loss in &self.losses {
                for &penalty in &self.penalties {
                    let goes = loss != Loss::Ridge || penalty == Penalty::L2;
                    let is_new = !pairs
                        .iter()
                        .any(|&(f, l, p)| f == features && l == loss && p.name() == penalty.name());
                    if goes && is_new {
                        pairs.push((features, loss, penalty));
                    }
                }
            }
        }
        pairs
    }
}

fn is_elastic(penalty: Penalty) -> bool {
    matches!(penalty, Penalty::Elastic { .. })
}

fn named(error: LinearError, what: &'static str) -> LinearError {
    match error {
        LinearError::Range {
            value, expected, ..
        } => LinearError::Range {
            what,
            value,
            expected,
        },
        other => other,
    }
}

fn candidate(
    features: usize,
    loss: Loss,
    penalty: Penalty,
    beta: f64,
    lambda: f64,
) -> Result<Candidate, SearchError> {
    let penalty = match penalty {
        Penalty::Elastic { .. } => Penalty::Elastic { beta },
        other => other,
    };
    LinearParams::new(loss, penalty, lambda).check()?;
    Ok(Candidate {
        features,
        loss,
        penalty,
        lambda,
    })
}

/// Short to write and to read again; nobody needs to know a lambda better.
fn three_digits(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

/// A round of successive halving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// Candidates that take part: the best of the round before.
    pub n_candidates: usize,
    /// Rows that fit each of them.
    pub n_rows: usize,
}

/// The rounds of successive halving (Jamieson and Talwalkar 2016, <https://arxiv.org/abs/1502.07943>): all candidates
/// on few rows, the best `1/eta` of them (rounded up) on `eta` times as many, and so on; the last round has all rows.
///
/// There are as many rounds as candidates allow: until one is left, or as the rows of the first round would be fewer
/// than `least_rows`.
///
/// # Errors
/// [`SearchError::Halving`]: no candidates, eta below 2, no rows.
///
/// ```
/// use nearplane_models::selection::halving;
/// let rungs = halving(20, 3, 45_000, 1000)?;
/// let rungs: Vec<_> = rungs.iter().map(|rung| (rung.n_candidates, rung.n_rows)).collect();
/// assert_eq!(rungs, [(20, 1667), (7, 5000), (3, 15_000), (1, 45_000)]);
/// # Ok::<(), nearplane_models::selection::SearchError>(())
/// ```
pub fn halving(
    n_candidates: usize,
    eta: usize,
    n_rows: usize,
    least_rows: usize,
) -> Result<Vec<Rung>, SearchError> {
    for (what, value, least, expected) in [
        ("the number of candidates", n_candidates, 1, "1 or above"),
        ("eta", eta, 2, "2 or above"),
        ("the number of rows", n_rows, 1, "1 or above"),
    ] {
        if value < least {
            return Err(SearchError::Halving {
                what,
                value,
                expected,
            });
        }
    }
    let mut counts = vec![n_candidates];
    let mut first_rows = n_rows;
    while let Some(&last) = counts.last()
        && last > 1
        && first_rows.div_ceil(eta) >= least_rows.max(1)
    {
        first_rows = first_rows.div_ceil(eta);
        counts.push(last.div_ceil(eta));
    }
    let mut rungs = Vec::new();
    let mut n_rows = n_rows;
    for &n_candidates in counts.iter().rev() {
        rungs.push(Rung {
            n_candidates,
            n_rows,
        });
        n_rows = n_rows.div_ceil(eta);
    }
    rungs.reverse();
    Ok(rungs)
}

/// Positions of `n` of the rows, ascending, every class with its share: the first row of each class, then rows in an
/// order in which after any number of them each class has about its share. A smaller sample of the same labels and
/// seed is part of a larger one.
///
/// # Errors
/// [`SplitError::TooManyRows`].
///
/// ```
/// use nearplane_models::selection::stratified_sample;
/// let labels = [0, 0, 0, 0, 1, 1, 1, 1];
/// let rows = stratified_sample(&labels, 4, 0)?;
/// assert_eq!(rows.iter().filter(|&&row| labels[row as usize] == 0).count(), 2);
/// # Ok::<(), nearplane_models::selection::SplitError>(())
/// ```
pub fn stratified_sample(labels: &[u32], n: usize, seed: u64) -> Result<Vec<u32>, SplitError> {
    let n_rows = u32::try_from(labels.len()).map_err(|_| SplitError::TooManyRows(labels.len()))?;
    let mut rows: Vec<u32> = (0..n_rows).collect();
    // Stable: within a class the rows start ascending, whatever the shuffle makes of them.
    rows.sort_by_key(|&row| labels[row as usize]);
    let mut generator = random::generator_of(seed, SAMPLE, 0);
    let mut ranked: Vec<(f64, u32, u32)> = Vec::with_capacity(rows.len());
    for class in rows.chunk_by_mut(|&a, &b| labels[a as usize] == labels[b as usize]) {
        random::shuffle(class, &mut generator);
        let size = class.len() as f64;
        ranked.extend((0..).zip(&*class).map(|(place, &row)| {
            // The middle of its share of the class.
            let at = if place == 0 {
                0.0
            } else {
                (f64::from(place) + 0.5) / size
            };
            (at, labels[row as usize], row)
        }));
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<u32> = ranked.iter().take(n).map(|&(_, _, row)| row).collect();
    chosen.sort_unstable();
    Ok(chosen)
}
