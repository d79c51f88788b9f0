//! Sections 4.1 and 4.4: what planes separate, and what they cannot.

use anyhow::Result;
use nearplane_models::linear::{
    Affine, ExactParams, ExactSolver, LinearData, LinearModel, Loss, Penalty,
};
use nearplane_models::metrics::accuracy;
use nearplane_report::{Axis, Color, Figure, Plot, Section, Table, fixed, number, percent, prose};

use crate::commands::lecture::story::{Dice, Story, matrix};

const GRID: usize = 110;

/// c0 + c . x of the example.
const C0: f64 = -2.0;
const C: (f64, f64) = (1.0, 2.0);

pub(super) fn geometry() -> Section {
    let value = |(x, y): (f64, f64)| C0 + C.0 * x + C.1 * y;
    let on_line = |x: f64| (x, (-C0 - C.0 * x) / C.1);
    let middle = |i: usize| -3.0 + 6.0 * (i as f64 + 0.5) / GRID as f64;
    let cells: Vec<Option<Color>> = (0..GRID * GRID)
        .map(|cell| {
            let sign = value((middle(cell % GRID), middle(cell / GRID)));
            Some(Color::Series(if sign > 0.0 { 0 } else { 1 }))
        })
        .collect();
    let (a, b) = ((1.5, 1.8), (-1.5, -0.7));
    let plane = Plot::new(
        "A line",
        "a line cuts the plane in two; an arrow stands on it and points to the positive side",
    )
    .size(330, 300)
    .x(Axis::new("x₁").range(-3.0, 3.0))
    .y(Axis::new("x₂").range(-3.0, 3.0))
    .regions(GRID, &cells)
    .line("", Color::Ink, &[on_line(-3.0), on_line(3.0)])
    .arrow(
        Color::Ink,
        on_line(0.0),
        (on_line(0.0).0 + 0.6 * C.0, on_line(0.0).1 + 0.6 * C.1),
    )
    .label(Color::Ink, 0.85, 2.35, "c")
    .points("", Color::Series(0), 5.0, &[a])
    .points("", Color::Series(1), 5.0, &[b])
    .label(Color::Series(0), a.0, a.1 - 0.45, "+")
    .label(Color::Series(1), b.0, b.1 - 0.45, "\u{2212}");
    let figure = Figure::new(prose(
        "In two dimensions −2 + x₁ + 2x₂ = 0 is a line, in three (right, −2 + x₁ + 2x₂ + x₃ = 0) a plane. c is \
         perpendicular to it, c₀ says how far it is from the origin.",
        &[],
    ))
    .plot("a line", &plane)
    .plot("a plane", &space());
    Section::new(4, 1, "Lines, planes, hyperplanes")
        .formula(prose("c₀ + c · x = 0", &[]))
        .paragraph(prose(
            "In two dimensions that is a line, in three a plane, in 3072 a *hyperplane*. Whatever the dimension, the \
             sign of c₀ + c · x tells on which side a point is: ({}, {}) gives {}, the positive side, and ({}, {}) \
             gives {}, the negative one. A linear classifier has such a plane for each class.",
            &[
                number(a.0, 1), number(a.1, 1), number(value(a), 1),
                number(b.0, 1), number(b.1, 1), number(value(b), 1),
            ],
        ))
        .figure(figure)
}

/// The plane through the points where -2 + x + 2y + z = 0 meets the axes, in a box seen from the side.
fn space() -> Plot {
    let flat = |(x, y, z): (f64, f64, f64)| (x - 0.35 * y, z - 0.2 * y);
    let corners = [(2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 2.0)].map(flat);
    let mut plot = Plot::new(
        "A plane",
        "three axes and the triangle in which a plane meets them",
    )
    .size(330, 300)
    .x(Axis::hidden().range(-1.6, 2.8))
    .y(Axis::hidden().range(-1.3, 2.8));
    for (end, name) in [
        ((2.6, 0.0, 0.0), "x₁"),
        ((0.0, 2.6, 0.0), "x₂"),
        ((0.0, 0.0, 2.6), "x₃"),
    ] {
        let (x, y) = flat(end);
        plot = plot.arrow(Color::Muted, (0.0, 0.0), (x, y)).label(
            Color::Muted,
            x + 0.14,
            y - 0.12,
            name,
        );
    }
    // The triangle as a band between its upper and its lower sides.
    let [right, left, top] = corners;
    let along = |from: (f64, f64), to: (f64, f64), x: f64| {
        from.1 + (to.1 - from.1) * (x - from.0) / (to.0 - from.0)
    };
    let mut band = vec![(left.0, left.1, left.1)];
    band.push((top.0, along(left, right, top.0), top.1));
    band.push((right.0, right.1, right.1));
    let foot = flat((0.5, 0.4, 0.7));
    let tip = flat((1.4, 2.2, 1.6));
    plot.band("", Color::Series(0), &band)
        .line("", Color::Series(0), &[right, left, top, right])
        .arrow(Color::Ink, foot, tip)
        .label(Color::Ink, tip.0 - 0.15, tip.1 + 0.1, "c")
}

/// Two classes of points that no line separates.
struct Puzzle {
    name: &'static str,
    why: &'static str,
    /// What x and y become, in words.
    polar: (&'static str, &'static str),
    turns: f64,
    belongs: fn(f64, f64, &mut Dice) -> Option<u32>,
}

const PUZZLES: [Puzzle; 3] = [
    Puzzle {
        name: "opposite quadrants",
        why: "Blue fills two opposite quadrants, orange the other two. In polar coordinates, with the angle counted \
              modulo 180 degrees, a line parts them.",
        polar: ("radius r", "angle modulo 180° (turns)"),
        turns: 2.0,
        belongs: |x, y, _| (x.abs() > 0.08 && y.abs() > 0.08).then_some(u32::from(x * y < 0.0)),
    },
    Puzzle {
        name: "a ring",
        why: "Blue is a disc, orange a ring around it. The radius alone tells them apart.",
        polar: ("radius r", "angle (turns)"),
        turns: 1.0,
        belongs: |x, y, _| match x.hypot(y) {
            r if r < 0.95 => Some(0),
            r if (1.2..1.95).contains(&r) => Some(1),
            _ => None,
        },
    },
    Puzzle {
        name: "several modes",
        why: "Orange has three modes around blue, as a class may have members of several looks. They lie at one \
              distance from the middle, and the radius finds all three.",
        polar: ("radius r", "angle (turns)"),
        turns: 1.0,
        belongs: |x, y, _| {
            let modes = [(0.0, 1.5), (-1.3, -0.75), (1.3, -0.75)];
            if x.hypot(y) < 0.55 {
                return Some(0);
            }
            modes
                .iter()
                .any(|(a, b)| (x - a).hypot(y - b) < 0.5)
                .then_some(1)
        },
    },
];

/// Points of a puzzle, one class a point.
fn draw(puzzle: &Puzzle, seed: u64) -> (Vec<f32>, Vec<u32>) {
    let mut dice = Dice::new(seed ^ puzzle.name.len() as u64);
    let (mut xy, mut labels) = (Vec::new(), Vec::new());
    while labels.len() < 160 {
        let (x, y) = (4.0 * dice.uniform() - 2.0, 4.0 * dice.uniform() - 2.0);
        let Some(label) = (puzzle.belongs)(x, y, &mut dice) else {
            continue;
        };
        // As many of one class as of the other.
        if labels.iter().filter(|&&other| other == label).count() < 80 {
            xy.extend([x as f32, y as f32]);
            labels.push(label);
        }
    }
    (xy, labels)
}

/// Cartesian to polar: radius, and the angle in turns of its period.
fn polar(x: f32, y: f32, turns: f64) -> [f32; 2] {
    let (x, y) = (f64::from(x), f64::from(y));
    let angle = y.atan2(x) / std::f64::consts::TAU;
    [x.hypot(y) as f32, (angle * turns).rem_euclid(1.0) as f32]
}

/// The softmax of least loss.
fn fit(points: &[f32], labels: &[u32], story: &Story<'_>) -> Result<(LinearModel, f64)> {
    let rows = matrix(points, 2)?;
    let affine = Affine::standardized(&rows)?;
    let data = LinearData::new(rows.clone(), labels, 2)?.with_affine(affine)?;
    let config = story.config(Loss::Softmax, Penalty::L2, 1e-4)?;
    let mut solver = ExactSolver::new(ExactParams::default().check()?, &data);
    let found = solver.fit(&config, None, &(), &mut |_| {})?;
    let model = data.affine().fold(&found.parameters, Loss::Softmax)?;
    let predicted = model.predict(story.settings.level, &rows)?;
    let right = accuracy(&predicted, labels).value();
    Ok((model, right))
}

/// The plane in the colours of what a model says there.
fn plot(
    title: &str,
    points: &[f32],
    labels: &[u32],
    model: &LinearModel,
    axes: [(&str, f64, f64); 2],
    story: &Story<'_>,
) -> Result<Plot> {
    let middle = |i: usize, (_, from, to): (&str, f64, f64)| {
        (from + (i as f64 + 0.5) / GRID as f64 * (to - from)) as f32
    };
    let cells: Vec<f32> = (0..GRID * GRID)
        .flat_map(|cell| [middle(cell % GRID, axes[0]), middle(cell / GRID, axes[1])])
        .collect();
    let predicted = model.predict(story.settings.level, &matrix(&cells, 2)?)?;
    let cells: Vec<Option<Color>> = predicted
        .iter()
        .map(|&label| Some(Color::Series(label as usize)))
        .collect();
    let mut plot = Plot::new(
        title,
        "points of two classes, and the two half planes that a linear classifier sees",
    )
    .size(330, 290)
    .x(Axis::new(axes[0].0).range(axes[0].1, axes[0].2))
    .y(Axis::new(axes[1].0).range(axes[1].1, axes[1].2))
    .regions(GRID, &cells);
    for class in 0..2 {
        let of_class = labels
            .iter()
            .zip(points.chunks_exact(2))
            .filter(|(label, _)| **label == class);
        let points: Vec<(f64, f64)> = of_class
            .map(|(_, xy)| (f64::from(xy[0]), f64::from(xy[1])))
            .collect();
        plot = plot.points("", Color::Series(class as usize), 2.8, &points);
    }
    Ok(plot)
}

pub(super) fn limits(story: &Story<'_>) -> Result<Section> {
    let mut section = Section::new(4, 4, "What a line cannot separate").paragraph(prose(
        "A linear classifier cuts space with planes, and some classes cannot be cut apart so. Often a transformation \
         of the input can: here Cartesian coordinates become polar ones. Left, the best line there is; right, the same \
         points after the transformation, and the line that works.",
        &[],
    ));
    for puzzle in &PUZZLES {
        let (points, labels) = draw(puzzle, story.settings.seed);
        let turned: Vec<f32> = points
            .chunks_exact(2)
            .flat_map(|xy| polar(xy[0], xy[1], puzzle.turns))
            .collect();
        let (before, right_before) = fit(&points, &labels, story)?;
        let (after, right_after) = fit(&turned, &labels, story)?;
        let most = turned
            .chunks_exact(2)
            .map(|p| f64::from(p[0]))
            .fold(0.0, f64::max)
            * 1.05;
        let mut data = Table::new(&["x", "y", "class"]);
        for (xy, label) in points.chunks_exact(2).zip(&labels) {
            data.row([
                fixed(f64::from(xy[0]), 4).into(),
                fixed(f64::from(xy[1]), 4).into(),
                (*label as usize).into(),
            ]);
        }
        let heading = |right: f64| format!("{:.0} % right", 100.0 * right);
        let cartesian = [("x", -2.1, 2.1), ("y", -2.1, 2.1)];
        let polar_axes = [(puzzle.polar.0, 0.0, most), (puzzle.polar.1, 0.0, 1.0)];
        let figure = Figure::new(prose(
            "{}: {} of the points right with a line, {} after the transformation. {}",
            &[
                capital(puzzle.name).into(),
                percent(right_before),
                percent(right_after),
                puzzle.why.into(),
            ],
        ))
        .plot(
            &format!("{}: {}", puzzle.name, heading(right_before)),
            &plot(puzzle.name, &points, &labels, &before, cartesian, story)?,
        )
        .plot(
            &format!("in polar coordinates: {}", heading(right_after)),
            &plot(
                &format!("{}, polar", puzzle.name),
                &turned,
                &labels,
                &after,
                polar_axes,
                story,
            )?,
        )
        .data(&puzzle.name.replace(' ', "-"), data);
        section = section.figure(figure);
    }
    Ok(section)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
