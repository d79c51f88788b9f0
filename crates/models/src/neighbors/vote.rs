//! From neighbours to a label: votes, their weights, and what happens in a tie.

use std::fmt;

/// How much the vote of a neighbour counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Weights {
    /// One each: the majority wins.
    #[default]
    Uniform,
    /// 1 / distance. If neighbours lie at distance 0, they alone vote, one each.
    Distance,
}

/// Who wins when classes have equally many votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TieRule {
    /// The tied class whose nearest member is nearest.
    #[default]
    Nearest,
    /// The lowest of the tied labels, as NumPy's `argmax` and scikit-learn do.
    Lowest,
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Distance => "distance",
        })
    }
}

impl fmt::Display for TieRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Lowest => "lowest",
        })
    }
}

/// The rules of a vote.
///
/// ```
/// use nearplane_models::neighbors::{TieRule, Votes, Weights};
/// let neighbors = [(1.0, 7), (2.0, 3), (3.0, 3), (9.0, 7)]; // (distance, label), nearest first
/// let majority = Votes::default();
/// assert_eq!(majority.winner(10, neighbors), Some(7)); // two each, 7 has the nearest
/// let lowest = Votes { tie: TieRule::Lowest, ..majority };
/// assert_eq!(lowest.winner(10, neighbors), Some(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Votes {
    /// How much a vote counts.
    pub weights: Weights,
    /// What decides a tie.
    pub tie: TieRule,
}

impl Votes {
    /// The label that wins among `neighbors`, given as (distance, label) with the nearest first and
    /// labels below `n_classes`; `None` without neighbours.
    ///
    /// # Panics
    /// If a label is not below `n_classes`.
    pub fn winner(
        self,
        n_classes: usize,
        neighbors: impl IntoIterator<Item = (f64, u32)>,
    ) -> Option<u32> {
        let mut ballot = Ballot::new(self, n_classes);
        for (distance, label) in neighbors {
            ballot.add(distance, label);
        }
        ballot.winner()
    }
}

/// A vote in progress: neighbours are added nearest first, and the winner may be asked for after
/// each, so that one pass answers every k.
#[derive(Debug, Clone)]
pub struct Ballot {
    votes: Votes,
    totals: Vec<f64>,
    /// Classes in the order of their nearest members.
    seen: Vec<u32>,
    /// A neighbour at distance 0 voted by weight: only such count from then on.
    exact: bool,
}

impl Ballot {
    /// An empty ballot over `n_classes`.
    #[must_use]
    pub fn new(votes: Votes, n_classes: usize) -> Self {
        Self {
            votes,
            totals: vec![0.0; n_classes],
            seen: Vec::new(),
            exact: false,
        }
    }

    /// Empties the ballot for the next query.
    pub fn clear(&mut self) {
        self.totals.fill(0.0);
        self.seen.clear();
        self.exact = false;
    }

    /// Adds the vote of the next nearest neighbour.
    ///
    /// # Panics
    /// If `label` is not below the number of classes.
    pub fn add(&mut self, distance: f64, label: u32) {
        let weight = match self.votes.weights {
            Weights::Uniform => 1.0,
            Weights::Distance if distance == 0.0 => {
                self.exact = true;
                1.0
            }
            Weights::Distance if self.exact => 0.0,
            Weights::Distance => 1.0 / distance,
        };
        self.totals[label as usize] += weight;
        if !self.seen.contains(&label) {
            self.seen.push(label);
        }
    }

    /// The winner so far; `None` while the ballot is empty.
    #[must_use]
    pub fn winner(&self) -> Option<u32> {
        let total = |label: u32| self.totals[label as usize];
        let most = self
            .seen
            .iter()
            .map(|&label| total(label))
            .reduce(f64::max)?;
        let mut tied = self
            .seen
            .iter()
            .copied()
            .filter(|&label| total(label) == most);
        match self.votes.tie {
            TieRule::Nearest => tied.next(),
            TieRule::Lowest => tied.min(),
        }
    }

    /// The share of the votes that each class has: its probability in the eyes of the neighbours.
    /// All zero while the ballot is empty.
    pub fn shares(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        let sum: f64 = self.totals.iter().sum();
        let sum = if sum > 0.0 { sum } else { 1.0 };
        self.totals.iter().map(move |total| total / sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(weights: Weights, tie: TieRule, neighbors: &[(f64, u32)]) -> Option<u32> {
        Votes { weights, tie }.winner(4, neighbors.iter().copied())
    }

    #[test]
    fn the_majority_wins_whatever_the_tie_rule() {
        let neighbors = [(1.0, 3), (2.0, 0), (3.0, 0)];
        for tie in [TieRule::Nearest, TieRule::Lowest] {
            assert_eq!(winner(Weights::Uniform, tie, &neighbors), Some(0));
        }
        assert_eq!(winner(Weights::Uniform, TieRule::Nearest, &[]), None);
    }

    #[test]
    fn weights_can_overrule_the_majority() {
        let neighbors = [(1.0, 3), (4.0, 0), (4.0, 0)];
        assert_eq!(
            winner(Weights::Distance, TieRule::Lowest, &neighbors),
            Some(3)
        );
        // 1/2 against 1/4 + 1/4: an exact tie in binary.
        let tied = [(2.0, 3), (4.0, 0), (4.0, 0)];
        assert_eq!(winner(Weights::Distance, TieRule::Nearest, &tied), Some(3));
        assert_eq!(winner(Weights::Distance, TieRule::Lowest, &tied), Some(0));
    }

    #[test]
    fn only_exact_matches_vote_by_weight_where_there_are_any() {
        let neighbors = [(0.0, 1), (1e-300, 2), (1e-300, 2)];
        assert_eq!(
            winner(Weights::Distance, TieRule::Nearest, &neighbors),
            Some(1)
        );
        let mut ballot = Ballot::new(
            Votes {
                weights: Weights::Distance,
                tie: TieRule::Nearest,
            },
            3,
        );
        for (distance, label) in neighbors {
            ballot.add(distance, label);
        }
        assert_eq!(ballot.shares().collect::<Vec<_>>(), [0.0, 1.0, 0.0]);
    }

    #[test]
    fn one_ballot_answers_every_k() {
        let mut ballot = Ballot::new(Votes::default(), 4);
        let winners: Vec<_> = [(1.0, 2), (2.0, 1), (3.0, 1), (4.0, 2), (5.0, 2)]
            .into_iter()
            .map(|(distance, label)| {
                ballot.add(distance, label);
                ballot.winner()
            })
            .collect();
        assert_eq!(winners, [Some(2), Some(2), Some(1), Some(2), Some(2)]);
        assert_eq!(ballot.shares().nth(2), Some(0.6));
        ballot.clear();
        assert_eq!(ballot.winner(), None);
    }
}
