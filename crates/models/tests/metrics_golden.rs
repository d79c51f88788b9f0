//! Confusion matrices and what is read off them number by number beside scikit-learn: `golden/metrics.py` made
//! `golden/metrics.csv`.

use nearplane_models::metrics::ConfusionMatrix;

/// The tables of the script: rows, classes, bounds of the true and of the predicted labels, share of right ones.
const TABLES: [(usize, usize, u64, u64, u64); 5] = [
    (1000, 10, 10, 10, 100),
    (60, 7, 7, 3, 20),
    (60, 7, 3, 7, 20),
    (40, 9, 4, 5, 250),
    (5, 3, 1, 3, 0),
];

/// The script's labels.
fn matrix(number: usize) -> ConfusionMatrix {
    let (rows, classes, below_truth, below_guess, right) = TABLES[number];
    let mut state = number as u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 56
    };
    let (mut truth, mut predicted) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let (of_truth, luck, guess) = (next(), next(), next());
        let label = (of_truth % below_truth) as u32;
        truth.push(label);
        predicted.push(if luck < right {
            label
        } else {
            (guess % below_guess) as u32
        });
    }
    ConfusionMatrix::new(&predicted, &truth, classes)
}

#[test]
fn scikit_learn_reads_the_same_off() {
    let matrices: Vec<_> = (0..TABLES.len()).map(matrix).collect();
    let mut undefined = 0;
    let (mut rows, mut classes, mut macros) = (0, 0, 0);
    for line in include_str!("golden/metrics.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let matrix = &matrices[fields[0].parse::<usize>().unwrap()];
        let values: Vec<f64> = fields[3..].iter().map(|v| v.parse().unwrap()).collect();
        let close = |got: f64, want: f64| {
            assert!((got - want).abs() < 1e-15, "{line}: {got}, expected {want}");
        };
        if fields[1] == "macro" {
            let mean = matrix.macro_averages().unwrap();
            close(mean.precision, values[0]);
            close(mean.recall, values[1]);
            close(mean.f1, values[2]);
            macros += 1;
            continue;
        }
        let class: usize = fields[2].parse().unwrap();
        if fields[1] == "row" {
            let row: Vec<f64> = matrix.row(class).iter().map(|&n| n as f64).collect();
            assert_eq!(row, values, "{line}");
            rows += 1;
            continue;
        }
        // zero_division=0 has 0 where there is nothing to divide by.
        let fractions = [
            matrix.precision(class),
            matrix.recall(class),
            matrix.f1(class),
        ];
        for (got, want) in fractions.into_iter().zip(&values) {
            undefined += usize::from(got.is_none());
            close(got.unwrap_or(0.0), *want);
        }
        assert_eq!(matrix.support(class) as f64, values[3], "{line}");
        classes += 1;
    }
    let all: usize = TABLES.iter().map(|table| table.1).sum();
    assert_eq!((rows, classes, macros), (all, all, TABLES.len()));
    assert!(
        undefined > 10,
        "the tables hold {undefined} empty denominators"
    );
}
