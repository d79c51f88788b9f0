//! Penalties without kinks (`none`, `l2`): preconditioned L-BFGS on what is left when the bias is
//! minimised away, with an exact search along each direction and, for hinges, ever less smoothing.
//!
//! `f(W) = min_b P(W, b)` is convex, and its gradient is that of P at the best bias. A step costs one
//! reading of the rows for the scores along the direction and one for the gradient; the search between
//! them happens on the scores alone ([`super::bias`]).

use super::lbfgs::{Memory, dot};
use super::preconditioner::Sample;
use super::run::{Move, Run, Smoothing, Verdict};
use super::state::State;
use super::{ExactFit, MEMORY};
use crate::linear::LinearError;
use crate::neighbors::Element;

/// What Newton's method on bias and step may leave, relative to the objective, before its last step.
pub(super) const SEARCH_TOLERANCE: f64 = 1e-10;

/// Steps after which the curvature that they met is compared with that of the preconditioner, and how far
/// apart the two may be.
const CHECK_EVERY: usize = 4;
const STRETCH: f64 = 3.0;

/// The least relative gain of a step that counts as one.
pub(super) const LEAST_GAIN: f64 = 1e-15;

pub(super) fn fit<T: Element>(
    mut state: State<'_, '_, T>,
    mut run: Run<'_>,
    sample: &Sample,
    typical: f64,
) -> Result<ExactFit, LinearError> {
    let mut smoothing = Smoothing::new(state.row_loss.loss);
    let mut memory = Memory::new(MEMORY);
    let mut c = typical;
    let ridge = 2.0 * state.penalties.l2;
    let mut metric = sample.metric(c, ridge);
    let mut until_check = CHECK_EVERY;
    state.minimise_bias(SEARCH_TOLERANCE);
    let mut here = state.measure();
    let mut verdict = run.record(&state, &here)?;
    let mut stuck = 0;
    loop {
        match verdict {
            Verdict::OutOfPasses => break,
            Verdict::Converged => {
                if run.confirm(&mut state)? {
                    break;
                }
                here = state.measure();
            }
            Verdict::GoOn => {}
        }
        match smoothing.next(stuck == 2, state.row_loss.mu, state.penalties, &here) {
            Move::Stop => break,
            Move::Stay => {}
            Move::Center(mu) => {
                if mu < state.row_loss.mu {
                    memory.clear();
                }
                stuck = 0;
                state.center(mu);
                state.minimise_bias(SEARCH_TOLERANCE * here.objective);
                here = state.measure();
                verdict = run.record(&state, &here)?;
                continue;
            }
        }
        let gradient = total_gradient(&state);
        let mut direction = memory.direction(&gradient, |q| metric.apply(q));
        direction.iter_mut().for_each(|x| *x = -*x);
        let slope = dot(&direction, &gradient);
        if slope >= 0.0 || slope.is_nan() {
            // Rounding has the better of the memory, or of the factors.
            memory.clear();
            stuck += 1;
            continue;
        }
        state.look_along(&direction);
        let before = here.smoothed;
        let t = state.search(&direction, SEARCH_TOLERANCE * before.abs());
        here = state.measure();
        let gain = before - here.smoothed;
        smoothing.stepped(gain, &here);
        if gain > LEAST_GAIN * before.abs() {
            stuck = 0;
        } else {
            memory.clear();
            stuck += 1;
        }
        let after = total_gradient(&state);
        let change: Vec<f64> = after.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        direction.iter_mut().for_each(|x| *x *= t);
        until_check -= 1;
        if until_check == 0 {
            until_check = CHECK_EVERY;
            if let Some(seen) = sample.curvature(&direction, &change, ridge)
                && (seen > STRETCH * c || seen < c / STRETCH)
            {
                c = seen;
                metric = sample.metric(c, ridge);
            }
        }
        memory.push(direction, change);
        verdict = run.record(&state, &here)?;
    }
    run.finish(state, verdict)
}

/// Data term and penalty.
fn total_gradient<T: Element>(state: &State<'_, '_, T>) -> Vec<f64> {
    let pairs = state.gradient.weight.iter().zip(&state.at.weight);
    pairs
        .map(|(g, w)| g + 2.0 * state.penalties.l2 * w)
        .collect()
}
