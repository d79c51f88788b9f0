//! Section 2.3: who decides where, in two dimensions.

use anyhow::Result;
use nearplane_models::neighbors::{Ballot, Index, Metric, Votes, Weights};
use nearplane_report::{Axis, Color, Figure, Plot, Section, Table, fixed, percent, prose};

use crate::commands::lecture::story::{Dice, Story, matrix};

/// Cells along each side of a plot.
const GRID: usize = 110;

/// Points in the plane.
struct Points {
    /// x and y of each.
    xy: Vec<f32>,
    labels: Vec<u32>,
    x: (f64, f64),
    y: (f64, f64),
}

/// Two shares of the votes differ by rounding alone below this.
const SAME: f64 = 1e-9;

impl Points {
    /// Five clusters that overlap a little, as on the slide.
    fn clusters(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x23);
        let middles = [(2.2, 7.4), (7.6, 7.2), (5.0, 4.9), (2.4, 2.3), (7.7, 2.5)];
        let (mut xy, mut labels) = (Vec::new(), Vec::new());
        for (label, (x, y)) in (0..).zip(middles) {
            for _ in 0..13 {
                let place = [x, y]
                    .map(|middle: f64| (middle + 1.25 * dice.normal()).clamp(0.3, 9.7) as f32);
                xy.extend(place);
                labels.push(label);
            }
        }
        Self {
            xy,
            labels,
            x: (0.0, 10.0),
            y: (0.0, 10.0),
        }
    }

    /// Two features of three kinds of flowers: one kind apart, two that overlap.
    fn flowers(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x1715);
        let kinds = [
            ((5.0, 3.4), (0.35, 0.38), 0.7),
            ((5.95, 2.77), (0.5, 0.31), 0.5),
            ((6.6, 2.97), (0.62, 0.32), 0.45),
        ];
        let (mut xy, mut labels) = (Vec::new(), Vec::new());
        for (label, (middle, deviation, slope)) in (0..).zip(kinds) {
            for _ in 0..50 {
                let (a, b): (f64, f64) = (dice.normal(), dice.normal());
                let length = middle.0 + deviation.0 * a;
                let width = middle.1 + deviation.1 * (slope * a + (1.0 - slope * slope).sqrt() * b);
                // Measured to a millimetre.
                xy.extend([length, width].map(|v: f64| ((v * 10.0).round() / 10.0) as f32));
                labels.push(label);
            }
        }
        Self {
            xy,
            labels,
            x: (3.8, 8.4),
            y: (1.6, 4.8),
        }
    }

    /// The class that wins in each cell of the grid, none where several do.
    fn decide(
        &self,
        metric: Metric,
        k: usize,
        weights: Weights,
        story: &Story<'_>,
    ) -> Result<Vec<Option<u32>>> {
        let index = Index::new(matrix(&self.xy, 2)?, metric, story.settings.level)?;
        let mut cells = Vec::with_capacity(2 * GRID * GRID);
        let middle = |i: usize, (from, to): (f64, f64)| {
            (from + (i as f64 + 0.5) / GRID as f64 * (to - from)) as f32
        };
        for y in 0..GRID {
            for x in 0..GRID {
                cells.extend([middle(x, self.x), middle(y, self.y)]);
            }
        }
        let found = index.kneighbors(&matrix(&cells, 2)?, k)?;
        let mut ballot = Ballot::new(Votes {
            weights,
            ..Votes::default()
        });
        let winners = (0..GRID * GRID).map(|cell| {
            ballot.clear();
            for (distance, row) in found.distances(cell).iter().zip(found.indices(cell)) {
                ballot.add(metric.distance(*distance), self.labels[*row as usize]);
            }
            let most = ballot.shares().map(|(_, share)| share).fold(0.0, f64::max);
            let mut first = ballot.shares().filter(|(_, share)| most - share < SAME);
            let winner = first.next().map(|(label, _)| label);
            if first.next().is_some() { None } else { winner }
        });
        Ok(winners.collect())
    }

    fn plot(&self, title: &str, winners: &[Option<u32>], axes: (&str, &str)) -> Plot {
        let cells: Vec<Option<Color>> = winners
            .iter()
            .map(|winner| Some(winner.map_or(Color::Tie, |label| Color::Series(label as usize))))
            .collect();
        let alt = "a plane cut into one region for each class, with the training points on it; places where classes \
                   have equally many votes are empty";
        let mut plot = Plot::new(title, alt)
            .size(330, 300)
            .x(Axis::new(axes.0).range(self.x.0, self.x.1))
            .y(Axis::new(axes.1).range(self.y.0, self.y.1))
            .regions(GRID, &cells);
        for label in 0..=self.labels.iter().copied().max().unwrap_or_default() {
            let of_class = self.labels.iter().zip(self.xy.chunks_exact(2));
            let points: Vec<(f64, f64)> = of_class
                .filter(|(other, _)| **other == label)
                .map(|(_, xy)| (f64::from(xy[0]), f64::from(xy[1])))
                .collect();
            plot = plot.points("", Color::Series(label as usize), 3.4, &points);
        }
        plot
    }

    fn table(&self, axes: (&str, &str)) -> Table {
        let mut table = Table::new(&[axes.0, axes.1, "class"]);
        for (label, xy) in self.labels.iter().zip(self.xy.chunks_exact(2)) {
            table.row([
                fixed(f64::from(xy[0]), 3).into(),
                fixed(f64::from(xy[1]), 3).into(),
                (*label as usize).into(),
            ]);
        }
        table
    }
}

pub(super) fn section(story: &Story<'_>) -> Result<Section> {
    let seed = story.settings.seed;
    let points = Points::clusters(seed);
    let axes = ("x₁", "x₂");
    let mut figure = Figure::new(prose(
        "Five classes of points. Every place of the plane has the colour of the class that wins there; where several \
         classes have equally many votes, it stays empty. With K = 1 every stray point has an island; more neighbours \
         smooth the borders and leave ties. L1 and L2 draw different borders: those of L1 run level, upright and at \
         45 degrees.",
        &[],
    ))
    .data("clusters", points.table(axes));
    let mut ties = Vec::new();
    for (metric, k) in [
        (Metric::L2, 1),
        (Metric::L2, 3),
        (Metric::L2, 5),
        (Metric::L1, 1),
    ] {
        let winners = points.decide(metric, k, Weights::Uniform, story)?;
        let share =
            winners.iter().filter(|winner| winner.is_none()).count() as f64 / winners.len() as f64;
        ties.push(share);
        let heading = format!("K = {k}, {}", metric.to_string().to_uppercase());
        figure = figure.plot(&heading, &points.plot(&heading, &winners, axes));
    }
    let flowers = Points::flowers(seed);
    let axes = ("sepal length in cm", "sepal width in cm");
    let mut iris = Figure::new(prose(
        "Three kinds of flowers by two features, in the style of Fisher's irises (drawn, not measured), K = 15 by L2. \
         On the left every neighbour has one vote; on the right its vote weighs 1 / distance, so that a near one \
         decides in its own neighbourhood, and ties hardly occur.",
        &[],
    ))
    .data("flowers", flowers.table(axes));
    for (weights, heading) in [
        (Weights::Uniform, "uniform votes"),
        (Weights::Distance, "votes weighted by distance"),
    ] {
        let winners = flowers.decide(Metric::L2, 15, weights, story)?;
        iris = iris.plot(heading, &flowers.plot(heading, &winners, axes));
    }
    Ok(Section::new(2, 3, "K neighbours vote")
        .paragraph(prose(
            "One neighbour is easily wrong. Let the K nearest vote, and the majority win. In two dimensions the whole \
             decision can be seen. Ties are real: they fill {} of the plane at K = 1, {} at K = 3 and {} at K = 5. \
             The program breaks them in favour of the class whose nearest member is nearest, or of the lowest label \
             (`--tie`).",
            &[percent(ties[0]), percent(ties[1]), percent(ties[2])],
        ))
        .figure(figure)
        .figure(iris)
        .code(&story.command("knn --k 1,3,5 --metric l2 --weights distance")))
}
