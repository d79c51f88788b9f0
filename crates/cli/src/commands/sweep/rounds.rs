//! Which models are fitted, in which rounds: all at once, or, halving, the best of a round on more rows.

use anyhow::Result;
use nearplane_models::selection::{Candidate, LinearPath, Rung, halving};

use super::engine::Job;
use super::report::{Tried, better};
use super::{Fold, Run};
use crate::plan::{Search, SweepPlan};

/// Rows a class that the first round of halving has at least.
const LEAST_ROWS: usize = 20;

/// A search, and the rounds of it.
pub(super) struct Rounds<'a> {
    plan: &'a SweepPlan,
    /// Where there is more than one.
    rungs: Vec<Rung>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(plan: &'a SweepPlan, folds: &[Fold], n_classes: usize) -> Result<Self> {
        let rungs = match &plan.search {
            Search::Halving { candidates, eta } => {
                let n_rows = folds.iter().map(|fold| fold.train.len()).min();
                let least = LEAST_ROWS * n_classes;
                halving(candidates.len(), *eta, n_rows.unwrap_or_default(), least)?
            }
            _ => Vec::new(),
        };
        Ok(Rounds { plan, rungs })
    }

    /// Rows that are fitted, once for each model and fold.
    pub(super) fn cost(&self, folds: &[Fold]) -> u64 {
        let all: u64 = folds.iter().map(|fold| fold.train.len() as u64).sum();
        let n_folds = folds.len() as u64;
        match &self.plan.search {
            Search::Grid(candidates) | Search::Random(candidates) => all * candidates.len() as u64,
            Search::Halving { .. } => {
                let rows = self
                    .rungs
                    .iter()
                    .map(|rung| rung.n_candidates * rung.n_rows);
                rows.sum::<usize>() as u64 * n_folds
            }
        }
    }

    /// Of each model what came out of the last round that it was in; those of the last round first.
    pub(super) fn run(&self, run: &mut Run<'_, '_>) -> Result<Vec<Tried>> {
        let (candidates, eta_rounds) = match &self.plan.search {
            Search::Grid(candidates) => {
                let same = |a: &Candidate, b: &Candidate| {
                    (a.features, a.loss, a.penalty) == (b.features, b.loss, b.penalty)
                };
                let paths = candidates.chunk_by(same);
                let jobs = paths.map(|path| self.job(run, path, None));
                return run.all(&jobs.collect::<Result<Vec<_>>>()?);
            }
            Search::Random(candidates) => (candidates, None),
            Search::Halving { candidates, .. } => (candidates, Some(&self.rungs)),
        };
        let mut going = distinct(candidates);
        let Some(rungs) = eta_rounds else {
            let jobs = going.iter().map(|one| self.job(run, &[*one], None));
            return run.all(&jobs.collect::<Result<Vec<_>>>()?);
        };
        let mut out: Vec<Tried> = Vec::new();
        for (number, rung) in rungs.iter().enumerate() {
            let is_last = number + 1 == rungs.len();
            let round = format!("fitting, round {} of {}", number + 1, rungs.len());
            run.engine.progress.head(round);
            let n_rows = (!is_last).then_some(rung.n_rows);
            let jobs = going.iter().map(|one| self.job(run, &[*one], n_rows));
            let mut tried = run.all(&jobs.collect::<Result<Vec<_>>>()?)?;
            let keep = rungs
                .get(number + 1)
                .map_or(tried.len(), |next| next.n_candidates);
            // Stable: of equal ones those that were drawn first.
            tried.sort_by(better);
            let kept: Vec<&Tried> = tried.iter().take(keep).collect();
            if !is_last {
                going.retain(|one| kept.iter().any(|kept| kept.is_of(one)));
                tried.drain(..keep.min(tried.len()));
            }
            tried.append(&mut out);
            out = tried;
        }
        Ok(out)
    }

    fn job(&self, run: &Run<'_, '_>, path: &[Candidate], n_rows: Option<usize>) -> Result<Job> {
        let plan = self.plan;
        let lambdas: Vec<f64> = path.iter().map(|one| one.lambda).collect();
        Ok(Job {
            features: path[0].features,
            path: LinearPath::new(
                path[0].loss,
                path[0].penalty,
                &lambdas,
                run.settings.level,
                plan.exact,
                plan.class_weight.clone(),
            )?,
            n_rows,
        })
    }
}

/// Each once, those with the same features together.
fn distinct(candidates: &[Candidate]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if !found.contains(candidate) {
            found.push(*candidate);
        }
    }
    found.sort_by_key(|candidate| candidate.features);
    found
}
