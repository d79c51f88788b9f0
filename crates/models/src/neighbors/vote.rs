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
/// assert_eq!(majority.winner(neighbors), Some(7)); // two each, 7 has the nearest
/// let lowest = Votes { tie: TieRule::Lowest, ..majority };
/// assert_eq!(lowest.winner(neighbors), Some(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct Votes {
    /// How much a vote counts.
    pub weights: Weights,
    /// What decides a tie.
    pub tie: TieRule,
}

impl Votes {
    /// The label that wins among `neighbors`, given as (distance, label) with the nearest first; `None`
    /// without neighbours.
    pub fn winner(self, neighbors: impl IntoIterator<Item = (f64, u32)>) -> Option<u32> {
        let mut ballot = Ballot::new(self);
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
    /// Labels with the weight of their votes, in the order of their nearest members.
    totals: Vec<(u32, f64)>,
    /// A neighbour at distance 0 voted by weight: only such count from then on.
    exact: bool,
}

impl Ballot {
    /// An empty ballot.
    #[must_use]
    pub fn new(votes: Votes) -> Self {
        Self {
            votes,
            totals: Vec::new(),
            exact: false,
        }
    }

    /// Empties the ballot for the next query.
    pub fn clear(&mut self) {
        self.totals.clear();
        self.exact = false;
    }

    /// Adds the vote of the next nearest neighbour.
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
        match self.totals.iter_mut().find(|(seen, _)| *seen == label) {
            Some((_, total)) => *total += weight,
            None => self.totals.push((label, weight)),
        }
    }

    /// The winner so far; `None` while the ballot is empty.
    #[must_use]
    pub fn winner(&self) -> Option<u32> {
        let most = self
            .totals
            .iter()
            .map(|&(_, total)| total)
            .reduce(f64::max)?;
        let mut tied = self
            .totals
            .iter()
            .filter(|&&(_, total)| total == most)
            .map(|&(label, _)| label);
        match self.votes.tie {
            TieRule::Nearest => tied.next(),
            TieRule::Lowest => tied.min(),
        }
    }

    /// The labels that have voters, with their share of the votes: their probabilities in the eyes of
    /// the neighbours. If no vote has any weight (all distances are infinite), all count alike.
    #[must_use]
    pub fn shares(&self) -> impl ExactSizeIterator<Item = (u32, f64)> + '_ {
        let sum: f64 = self.totals.iter().map(|&(_, total)| total).sum();
        let equal = 1.0 / self.totals.len().max(1) as f64;
        self.totals.iter().map(move |&(label, total)| {
            let share = if sum > 0.0 { total / sum } else { equal };
            (label, share)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(weights: Weights, tie: TieRule, neighbors: &[(f64, u32)]) -> Option<u32> {
        Votes { weights, tie }.winner(neighbors.iter().copied())
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
        let mut ballot = Ballot::new(Votes {
            weights: Weights::Distance,
            tie: TieRule::Nearest,
        });
        for (distance, label) in neighbors {
            ballot.add(distance, label);
        }
        assert_eq!(ballot.shares().collect::<Vec<_>>(), [(1, 1.0), (2, 0.0)]);
        ballot.clear();
        ballot.add(f64::INFINITY, u32::MAX);
        ballot.add(f64::INFINITY, 0);
        assert_eq!(ballot.winner(), Some(u32::MAX));
        assert_eq!(
            ballot.shares().collect::<Vec<_>>(),
            [(u32::MAX, 0.5), (0, 0.5)]
        );
    }

    #[test]
    fn one_ballot_answers_every_k() {
        let mut ballot = Ballot::new(Votes::default());
        let winners: Vec<_> = [(1.0, 2), (2.0, 1), (3.0, 1), (4.0, 2), (5.0, 2)]
            .into_iter()
            .map(|(distance, label)| {
                ballot.add(distance, label);
                ballot.winner()
            })
            .collect();
        assert_eq!(winners, [Some(2), Some(2), Some(1), Some(2), Some(2)]);
        assert_eq!(ballot.shares().next(), Some((2, 0.6)));
        ballot.clear();
        assert_eq!(ballot.winner(), None);
    }
}
