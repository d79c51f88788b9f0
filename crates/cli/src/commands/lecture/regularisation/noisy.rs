//! Section 7.3: noisy points, few and many powers of the coordinates, and points that come later.

use anyhow::Result;
use nearplane_models::linear::{
    Affine, ExactParams, ExactSolver, LinearData, LinearModel, Loss, Penalty,
};
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_report::{Axis, Color, Figure, Plot, Section, Table, fixed, number, percent, prose};

use crate::commands::lecture::story::{Dice, Story, matrix};

const GRID: usize = 110;
/// The largest sum of powers of a term.
const DEGREE: i32 = 7;
const N_TRAIN: usize = 60;
const N_NEW: usize = 600;
const LOW: f64 = 1e-6;
const HIGH: f64 = 1e-2;

/// Points of two classes around a gentle curve, some on the wrong side of it.
fn points(n: usize, dice: &mut Dice) -> (Vec<[f64; 2]>, Vec<u32>) {
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..n {
        let (x, y) = (2.0 * dice.uniform() - 1.0, 2.0 * dice.uniform() - 1.0);
        let height = y - 0.45 * (2.6 * x).sin() + 0.28 * dice.normal();
        all.0.push([x, y]);
        all.1.push(u32::from(height > 0.0));
    }
    all
}

/// All x^i y^j of a degree of 1 to [`DEGREE`].
fn terms([x, y]: [f64; 2]) -> Vec<f32> {
    let mut terms = Vec::new();
    for degree in 1..=DEGREE {
        terms.extend((0..=degree).map(|i| (x.powi(degree - i) * y.powi(i)) as f32));
    }
    terms
}

fn rows(points: &[[f64; 2]]) -> (Vec<f32>, usize) {
    let rows: Vec<f32> = points.iter().flat_map(|&point| terms(point)).collect();
    let cols = rows.len() / points.len();
    (rows, cols)
}

fn fit(points: &[[f64; 2]], labels: &[u32], lambda: f64, story: &Story<'_>) -> Result<LinearModel> {
    let (values, cols) = rows(points);
    let rows = matrix(&values, cols)?;
    let affine = Affine::standardized(&rows)?;
    let data = LinearData::new(rows, labels, 2)?.with_affine(affine)?;
    let config = story.config(Loss::Softmax, Penalty::L2, lambda)?;
    let mut solver = ExactSolver::new(ExactParams::default().check()?, &data);
    let found = solver.fit(&config, None, &(), &mut |_| {})?;
    Ok(data.affine().fold(&found.parameters, Loss::Softmax)?)
}

fn predict(model: &LinearModel, points: &[[f64; 2]], story: &Story<'_>) -> Result<Vec<u32>> {
    let (values, cols) = rows(points);
    Ok(model.predict(story.settings.level, &matrix(&values, cols)?)?)
}

fn plot(
    title: &str,
    model: &LinearModel,
    points: &[[f64; 2]],
    labels: &[u32],
    story: &Story<'_>,
) -> Result<Plot> {
    let middle = |i: usize| -1.0 + 2.0 * (i as f64 + 0.5) / GRID as f64;
    let cells: Vec<[f64; 2]> = (0..GRID * GRID)
        .map(|cell| [middle(cell % GRID), middle(cell / GRID)])
        .collect();
    let sides = predict(model, &cells, story)?;
    let cells: Vec<Option<Color>> = sides
        .iter()
        .map(|&side| Some(Color::Series(side as usize)))
        .collect();
    let mut plot = Plot::new(
        title,
        "points of two classes and the border that a model draws between them",
    )
    .size(300, 290)
    .x(Axis::new("x").range(-1.0, 1.0))
    .y(Axis::new("y").range(-1.0, 1.0))
    .regions(GRID, &cells);
    let radius = if points.len() > 100 { 1.9 } else { 3.4 };
    for class in 0..2u32 {
        let of_class = labels
            .iter()
            .zip(points)
            .filter(|(label, _)| **label == class);
        let places: Vec<(f64, f64)> = of_class.map(|(_, [x, y])| (*x, *y)).collect();
        plot = plot.points("", Color::Series(class as usize), radius, &places);
    }
    Ok(plot)
}

pub(super) fn section(story: &Story<'_>) -> Result<Section> {
    let mut dice = Dice::new(story.settings.seed ^ 0x73);
    let (train, train_labels) = points(N_TRAIN, &mut dice);
    let (new, new_labels) = points(N_NEW, &mut dice);
    let judge = |model: &LinearModel, points: &[[f64; 2]], labels: &[u32]| -> Result<Accuracy> {
        Ok(accuracy(&predict(model, points, story)?, labels))
    };
    let low = fit(&train, &train_labels, LOW, story)?;
    let high = fit(&train, &train_labels, HIGH, story)?;
    let mut figure = Figure::new(prose(
        "A softmax on all {} powers up to degree {} of two coordinates. Above, lambda = {}: the border bends around \
         single points. Below, lambda = {}: it stays simple. Left, the {} noisy points that it was fitted to; right, \
         {} new points from the same source.",
        &[
            terms([0.5, 0.5]).len().into(),
            (DEGREE as usize).into(),
            number(LOW, 6),
            number(HIGH, 6),
            N_TRAIN.into(),
            N_NEW.into(),
        ],
    ));
    let mut shown = Vec::new();
    for (name, model) in [("low lambda", &low), ("high lambda", &high)] {
        for (which, points, labels) in [
            ("fitted points", &train, &train_labels),
            ("new points", &new, &new_labels),
        ] {
            let right = judge(model, points, labels)?;
            let heading = format!("{name}, {which}: {:.0} %", 100.0 * right.value());
            figure = figure.plot(&heading, &plot(&heading, model, points, labels, story)?);
            shown.push(right.value());
        }
    }
    let mut curve = (Vec::new(), Vec::new());
    let mut data = Table::new(&["lambda", "fitted points", "new points"]);
    for step in 0..=14 {
        let lambda = 10f64.powf(-7.0 + 0.5 * f64::from(step));
        let model = fit(&train, &train_labels, lambda, story)?;
        let (a, b) = (
            judge(&model, &train, &train_labels)?.value(),
            judge(&model, &new, &new_labels)?.value(),
        );
        curve.0.push((lambda, a));
        curve.1.push((lambda, b));
        data.row([fixed(lambda, 10).into(), a.into(), b.into()]);
    }
    let sweep = Plot::new(
        "Fitted and new points over lambda",
        "accuracy on fitted points and on new ones, for lambdas from 1e-7 to 1",
    )
    .x(Axis::new("lambda").log())
    .y(Axis::new("accuracy").percent())
    .line("fitted points", Color::Series(1), &curve.0)
    .points("", Color::Series(1), 3.2, &curve.0)
    .line("new points", Color::Series(0), &curve.1)
    .points("", Color::Series(0), 3.2, &curve.1);
    let sweep = Figure::new(prose("The same for lambdas in between.", &[]))
        .plot("", &sweep)
        .data("noisy-points", data);
    Ok(Section::new(7, 3, "Noisy points, and points to come")
        .paragraph(prose(
            "Why should a simpler W be better? With a low lambda the model gets {} of its noisy points right and {} \
             of new ones; with a high lambda {} of its own and {} of new ones. It is the new ones that count.",
            &[percent(shown[0]), percent(shown[1]), percent(shown[2]), percent(shown[3])],
        ))
        .figure(figure)
        .figure(sweep))
}
