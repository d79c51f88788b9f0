//! How many rows each class gives to a part: its share, rounded so that the total is right.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A class by what it is still owed; of equal ones the lower label is the greater.
struct Ranked {
    remainder: f64,
    class: usize,
}

impl Ord for Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        let by_remainder = self.remainder.total_cmp(&other.remainder);
        by_remainder.then(other.class.cmp(&self.class))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Ranked) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Ranked) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked {}

/// The rows that each class of `sizes` gives to a part: largest remainder, each in `1..=most`, where the
/// most that each class can give is at least 1.
pub(super) fn quotas(sizes: &[usize], part: f64, most: &[usize]) -> Vec<usize> {
    let total = share(sizes.iter().sum(), part).clamp(sizes.len(), most.iter().sum());

    let owed = |class: usize| sizes[class] as f64 * part;
    let mut quotas: Vec<usize> = (0..sizes.len())
        .map(|class| (owed(class) as usize).clamp(1, most[class]))
        .collect();
    let ranked = |class: usize, quota: usize| Ranked {
        remainder: owed(class) - quota as f64,
        class,
    };
    // Only the class that changed moves in the ranking, so that a heap saves looking at all of them.
    let given: usize = quotas.iter().sum();
    let mut may_give: BinaryHeap<Ranked> = (0..sizes.len())
        .filter(|&class| given < total && quotas[class] < most[class])
        .map(|class| ranked(class, quotas[class]))
        .collect();
    for _ in given..total {
        let Some(Ranked { class, .. }) = may_give.pop() else {
            break;
        };
        quotas[class] += 1;
        if quotas[class] < most[class] {
            may_give.push(ranked(class, quotas[class]));
        }
    }
    let mut may_take: BinaryHeap<Reverse<Ranked>> = (0..sizes.len())
        .filter(|&class| given > total && quotas[class] > 1)
        .map(|class| Reverse(ranked(class, quotas[class])))
        .collect();
    for _ in total..given {
        let Some(Reverse(Ranked { class, .. })) = may_take.pop() else {
            break;
        };
        quotas[class] -= 1;
        if quotas[class] > 1 {
            may_take.push(Reverse(ranked(class, quotas[class])));
        }
    }
    quotas
}

/// `part` of so many rows, halves up.
pub(super) fn share(n_rows: usize, part: f64) -> usize {
    (n_rows as f64 * part).round() as usize
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    /// What a class keeps is one row.
    fn quotas(sizes: &[usize], part: f64) -> Vec<usize> {
        let most: Vec<usize> = sizes.iter().map(|size| size - 1).collect();
        super::quotas(sizes, part, &most)
    }

    /// The rule as it reads: look at all classes for every single row.
    fn quotas_by_the_letter(sizes: &[usize], validation: f64) -> Vec<usize> {
        let n_rows: usize = sizes.iter().sum();
        let total = (n_rows as f64 * validation).round() as usize;
        let total = total.clamp(sizes.len(), n_rows - sizes.len());
        let owed = |class: usize| sizes[class] as f64 * validation;
        let mut quotas: Vec<usize> = (0..sizes.len())
            .map(|class| (owed(class) as usize).clamp(1, sizes[class] - 1))
            .collect();
        let order = |quotas: &[usize], a: usize, b: usize| -> Ordering {
            let remainder = |class: usize| owed(class) - quotas[class] as f64;
            remainder(a).total_cmp(&remainder(b)).then(b.cmp(&a))
        };
        loop {
            let given: usize = quotas.iter().sum();
            let classes = 0..sizes.len();
            match given.cmp(&total) {
                Ordering::Equal => return quotas,
                Ordering::Less => {
                    let open = classes.filter(|&class| quotas[class] < sizes[class] - 1);
                    let class = open.max_by(|&a, &b| order(&quotas, a, b)).unwrap();
                    quotas[class] += 1;
                }
                Ordering::Greater => {
                    let open = classes.filter(|&class| quotas[class] > 1);
                    let class = open.min_by(|&a, &b| order(&quotas, a, b)).unwrap();
                    quotas[class] -= 1;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_heap_follows_the_letter(
            sizes in prop::collection::vec(2_usize..40, 1..30),
            validation in 0.001_f64..0.999,
        ) {
            prop_assert_eq!(quotas(&sizes, validation), quotas_by_the_letter(&sizes, validation));
        }
    }

    /// Looking at all classes for every row would take hours here.
    #[test]
    fn many_classes_are_split() {
        let sizes = [vec![2; 500_000], vec![15; 500_000]].concat();
        let total: usize = quotas(&sizes, 0.2).iter().sum();
        assert_eq!(total, 1_700_000);
    }

    #[test]
    fn remainders_make_the_total_right() {
        assert_eq!(quotas(&[15, 15, 15], 0.1), [2, 2, 1]); // 1.5 each -> 4.5, halves up: 5
        assert_eq!(quotas(&[13, 18, 19], 0.1), [1, 2, 2]); // 1.3 1.8 1.9 -> 5
        assert_eq!(quotas(&[14, 13, 13], 0.1), [2, 1, 1]); // 1.4 1.3 1.3 -> 4
        assert_eq!(quotas(&[5000; 10], 0.1), [500; 10]);
    }

    #[test]
    fn no_class_is_emptied() {
        assert_eq!(quotas(&[2, 98], 0.1), [1, 9]); // 0.2 9.8 -> 10, the small class gives 1
        assert_eq!(quotas(&[2, 98], 0.9), [1, 89]); // 1.8 88.2 -> 90, the small class keeps 1
        assert_eq!(quotas(&[5; 4], 0.01), [1; 4]); // the total of 0 bends
        assert_eq!(quotas(&[5; 4], 0.99), [4; 4]);
    }

    /// Raising small classes to 1 row may overshoot the total: then the smallest remainder gives way.
    #[test]
    fn the_smallest_remainder_gives_way() {
        // Owed 0.2 0.2 0.2 2.9 3.5: whole parts 1 1 1 2 3 = 8, the total is round(7.0) = 7.
        assert_eq!(quotas(&[2, 2, 2, 29, 35], 0.1), [1, 1, 1, 2, 2]);
    }

    /// What a class has given elsewhere is gone: the total goes to those that have more.
    #[test]
    fn a_class_gives_what_it_has() {
        assert_eq!(super::quotas(&[10, 10, 10], 0.5, &[2, 9, 9]), [2, 7, 6]);
        assert_eq!(super::quotas(&[10, 10, 10], 0.5, &[1, 3, 2]), [1, 3, 2]);
    }
}
