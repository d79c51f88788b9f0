//! The limited-memory BFGS update (Nocedal 1980; Liu and Nocedal 1989): an approximate inverse of the
//! second derivatives from the last few steps, on top of a given one.

use std::collections::VecDeque;

/// The last steps s and what they changed in the gradient, y.
#[derive(Debug)]
pub(super) struct Memory {
    pairs: VecDeque<Pair>,
    capacity: usize,
}

#[derive(Debug)]
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// `s . y`, positive.
    curvature: f64,
    /// `B_0 s`, for the direct form.
    image: Vec<f64>,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            pairs: VecDeque::new(),
            capacity,
        }
    }

    pub(super) fn clear(&mut self) {
        self.pairs.clear();
    }

    /// Takes a pair in, unless it shows no positive curvature.
    pub(super) fn push(&mut self, step: Vec<f64>, change: Vec<f64>) {
        self.push_with_image(step, change, Vec::new());
    }

    /// The same, with what the approximation to begin with makes of the step, for
    /// [`Memory::direct_terms`].
    pub(super) fn push_with_image(&mut self, step: Vec<f64>, change: Vec<f64>, image: Vec<f64>) {
        let curvature = dot(&step, &change);
        let size = (dot(&step, &step) * dot(&change, &change)).sqrt();
        // Also false for NaN.
        if curvature > 1e-10 * size {
            if self.pairs.len() == self.capacity {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair {
                step,
                change,
                curvature,
                image,
            });
        }
    }

    /// `H gradient` by the two-loop recursion, where `inverse` applies the approximation to begin with.
    pub(super) fn direction(
        &self,
        gradient: &[f64],
        inverse: impl FnOnce(Vec<f64>) -> Vec<f64>,
    ) -> Vec<f64> {
        let mut q = gradient.to_vec();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let factor = dot(&pair.step, &q) / pair.curvature;
            add_scaled(&mut q, -factor, &pair.change);
            factors.push(factor);
        }
        let mut r = inverse(q);
        for (pair, factor) in self.pairs.iter().zip(factors.iter().rev()) {
            let back = dot(&pair.change, &r) / pair.curvature;
            add_scaled(&mut r, factor - back, &pair.step);
        }
        r
    }

    /// The direct approximation as a sum of rank-one terms on top of the one to begin with, whose images of
    /// the steps came with them: `B = B_0 + sum_r sign_r v_r v_r^T`.
    pub(super) fn direct_terms(&self) -> Vec<(f64, Vec<f64>)> {
        let mut terms: Vec<(f64, Vec<f64>)> = Vec::with_capacity(2 * self.pairs.len());
        for pair in &self.pairs {
            let mut image = pair.image.clone();
            for (sign, v) in &terms {
                let factor = sign * dot(v, &pair.step);
                add_scaled(&mut image, factor, v);
            }
            let along = dot(&pair.step, &image);
            if along <= 0.0 || along.is_nan() {
                continue;
            }
            let scaled = |v: &[f64], by: f64| v.iter().map(|x| x / by.sqrt()).collect();
            terms.push((-1.0, scaled(&image, along)));
            terms.push((1.0, scaled(&pair.change, pair.curvature)));
        }
        terms
    }
}

/// `sum_j a_j b_j` in one fixed order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums side by side, which the compiler keeps in one register.
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = (a8.remainder().iter().zip(b8.remainder()))
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a8.zip(b8) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `to += factor * from`.
pub(super) fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Secant conditions, and that the direct and the inverse form are each other's inverses.
    #[test]
    fn both_forms_meet_the_last_pair_and_invert_each_other() {
        let a = [[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]];
        let apply = |s: &[f64]| -> Vec<f64> { a.iter().map(|row| dot(row, s)).collect() };
        let mut memory = Memory::new(2);
        for step in [[1.0, 0.0, 0.3], [0.2, 1.0, 0.0], [0.0, -0.4, 1.0]] {
            let image = step.iter().map(|x| 2.0 * x).collect();
            memory.push_with_image(step.to_vec(), apply(&step), image);
        }
        memory.push(vec![1.0, 0.0, 0.0], vec![-1.0, 0.0, 0.0]);
        assert_eq!(memory.pairs.len(), 2);
        let last = [0.0, -0.4, 1.0];
        let back = memory.direction(&apply(&last), |q| q.iter().map(|x| x / 2.0).collect());
        let terms = memory.direct_terms();
        let direct = |x: &[f64]| {
            let mut image: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
            for (sign, v) in &terms {
                add_scaled(&mut image, sign * dot(v, x), v);
            }
            image
        };
        for j in 0..3 {
            assert!((back[j] - last[j]).abs() < 1e-12);
            assert!((direct(&last)[j] - apply(&last)[j]).abs() < 1e-12);
        }
        let x = [0.7, -0.1, 0.4];
        let round = memory.direction(&direct(&x), |q| q.iter().map(|x| x / 2.0).collect());
        for (round, x) in round.iter().zip(x) {
            assert!((round - x).abs() < 1e-12);
        }
    }
}
