//! Chapter 2: nearest neighbours.

mod equal;
mod regions;

use std::time::Instant;

use anyhow::{Result, ensure};
use nearplane_models::neighbors::{Index, Metric};
use nearplane_report::{
    Axis, Color, Figure, Fill, Page, Plot, Section, Table, fixed, percent, prose,
};

use super::pictures::{PLAIN, RIGHT, WRONG, framed};
use super::story::{METRICS, Story, matrix, share};
use crate::output::seconds;

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("2. nearest neighbours")?;
    page.chapter(2, "Nearest neighbours");
    let (nearest, fast) = copying(story)?;
    page.section(nearest);
    page.section(by_hand(story)?);
    page.section(regions::section(story)?);
    page.section(fast);
    page.section(beside(story)?);
    page.section(equal::section(story)?);
    Ok(())
}

/// Queries that the lecture's loop is timed on.
const BY_LOOP: usize = 5;

/// Sections 2.1 and 2.4, which look at one search from two sides.
fn copying(story: &Story<'_>) -> Result<(Section, Section)> {
    let started = Instant::now();
    let classifier = story.classifier(&story.fit, Metric::L1, 1)?;
    let fit_s = started.elapsed().as_secs_f64();
    let started = Instant::now();
    let mut found = Vec::with_capacity(story.validation.len());
    classifier
        .index()
        .search(&story.validation.rows, 1, &(), |block| {
            found.extend(
                block
                    .indices
                    .iter()
                    .zip(block.distances)
                    .map(|(&i, &d)| (i, d)),
            );
        })?;
    let predict_s = started.elapsed().as_secs_f64();
    let right = found.iter().zip(&story.validation.labels);
    let right: Vec<bool> = right
        .map(|(&(i, _), truth)| story.fit.labels[i as usize] == *truth)
        .collect();
    let accuracy = share(&right);
    let chance = 1.0 / story.names.len() as f64;

    let n_loop = BY_LOOP.min(story.validation.len());
    let started = Instant::now();
    for (query, fast) in found.iter().enumerate().take(n_loop) {
        let slow = by_the_book(story, query);
        ensure!(
            slow == *fast,
            "the loop found {slow:?} for query {query}, the search {fast:?}"
        );
    }
    let loop_s = started.elapsed().as_secs_f64() / n_loop as f64 * story.validation.len() as f64;

    let nearest = Section::new(2, 1, "Copy the label of the nearest image")
        .paragraph(prose(
            "Training memorises all images and labels; prediction looks for the training image that is nearest and \
             copies its label. Training costs nothing, O(1); a prediction looks at everything, O(N): the wrong way \
             round, for *we want prediction fast*, and training may take its time.",
            &[],
        ))
        .paragraph(prose(
            "Here, with the distance L1 and one neighbour: {} fitting images memorised in {}, the labels of {} \
             validation images copied in {}. {} are right ({}); guessing would be right about {}.",
            &[
                story.fit.len().into(),
                Fill::Time(seconds(fit_s)),
                story.validation.len().into(),
                Fill::Time(seconds(predict_s)),
                (accuracy.correct as usize).into(),
                percent(accuracy.value()),
                percent(chance),
            ],
        ))
        .code(&story.command("knn --metric l1 --k 1"));

    let comparisons = (story.fit.len() * story.validation.len()) as f64;
    let mut table = Table::new(&["who", "seconds", "million distances a second"]);
    for (who, s) in [
        ("the loop of the lecture", loop_s),
        ("this program", predict_s),
    ] {
        table.row([
            who.into(),
            Fill::Time(seconds(s)).into(),
            Fill::Time(format!("{:.1}", comparisons / s / 1e6)).into(),
        ]);
    }
    let fast = Section::new(2, 4, "Fast nearest neighbours")
        .paragraph(prose(
            "The lecture's loop goes over the training images, one after the other, and over their pixels. Written \
             down in Rust exactly so, and timed on {} of the {} validation images (the rest is scaled), beside the \
             search of this program, on the same images:",
            &[n_loop.into(), story.validation.len().into()],
        ))
        .table(&table)
        .paragraph(prose(
            "That is {} times as fast, and not an approximation: both found the same image at the same distance for \
             each of the {} timed queries, or this page would not exist. The program searches with the engine {} \
             and counts in whole numbers, so that its answer is the same on every machine, for every number of \
             threads. The lecture names faiss as the good implementation; how this program does beside it, in one \
             run on one machine, is in the project's `benches/record`.",
            &[
                Fill::Time(format!("{:.0}", loop_s / predict_s)),
                n_loop.into(),
                Fill::Code(classifier.index().engine().to_string()),
            ],
        ))
        .code(&story.command("knn --metric l1 --k 1 --engine brute"));
    Ok((nearest, fast))
}

/// One query as on the slide: every training image, every pixel, and the least sum of all.
fn by_the_book(story: &Story<'_>, query: usize) -> (u32, u32) {
    let test = story.validation.rows.row(query);
    let mut best = (0, u32::MAX);
    for i in 0..story.fit.len() {
        let mut sum = 0;
        for (a, b) in test.iter().zip(story.fit.rows.row(i)) {
            sum += (i32::from(*a) - i32::from(*b)).unsigned_abs();
        }
        if sum < best.1 {
            best = (i as u32, sum);
        }
    }
    best
}

fn by_hand(story: &Story<'_>) -> Result<Section> {
    let test: [u8; 16] = [
        56, 32, 10, 18, 90, 23, 128, 133, 24, 26, 178, 200, 2, 0, 255, 220,
    ];
    let train: [u8; 16] = [
        10, 20, 24, 17, 8, 10, 89, 100, 12, 16, 178, 170, 4, 32, 233, 112,
    ];
    let level = story.settings.level;
    let distance = |metric: Metric| -> Result<f64> {
        let index = Index::new(matrix(&train, 16)?, metric, level)?;
        let found = index.kneighbors(&matrix(&test, 16)?, 1)?;
        Ok(metric.distance(found.distances(0)[0]))
    };
    let difference: Vec<u8> = test
        .iter()
        .zip(&train)
        .map(|(a, b)| a.abs_diff(*b))
        .collect();
    let mut figure = Figure::new(prose(
        "A test image of 4 x 4 pixels, a training image, and what is between them, pixel by pixel.",
        &[],
    ));
    for (name, values) in [
        ("test image", &test[..]),
        ("training image", &train),
        ("absolute differences", &difference),
    ] {
        let numbers: Vec<String> = values.iter().map(ToString::to_string).collect();
        let alt = format!("4 x 4 numbers, row by row: {}", numbers.join(" "));
        let mut plot = Plot::new(name, &alt)
            .size(200, 200)
            .x(Axis::hidden().range(0.0, 4.0))
            .y(Axis::hidden().range(0.0, 4.0));
        for (i, number) in numbers.iter().enumerate() {
            let (x, y) = ((i % 4) as f64, (3 - i / 4) as f64);
            plot = plot.cell(Color::Series(0), x, y, f64::from(values[i]) / 255.0, number);
        }
        figure = figure.small_plot(name, &plot);
    }
    Ok(Section::new(2, 2, "Distances: Manhattan and Euclidean")
        .formula(prose("L1: d₁(a, b) = Σ~p~ |a~p~ − b~p~|", &[]))
        .formula(prose("L2: d₂(a, b) = √( Σ~p~ (a~p~ − b~p~)² )", &[]))
        .figure(figure)
        .paragraph(prose(
            "The differences sum to d₁ = {}. The Euclidean distance of the same two is {}: it is the larger \
             differences that count there, since they are squared.",
            &[fixed(distance(Metric::L1)?, 0), fixed(distance(Metric::L2)?, 2)],
        )))
}

/// Validation images whose neighbours are shown: so many right, so many wrong.
const SHOWN: usize = 4;
const NEIGHBORS: usize = 8;

fn beside(story: &Story<'_>) -> Result<Section> {
    let (metric, k, accuracy) = story.best_neighbors()?;
    let found = story.neighbors(metric)?;
    let right = story.is_right(metric, &[k])?.remove(0);
    let classifier = story.classifier(&story.fit, METRICS[metric], k)?;
    let mut voter = classifier.voter(&[k]);
    let mut figure = Figure::new(prose(
        "Validation images (left, in grey) and their {} nearest training images by {}, the nearest first: framed green \
         where they are of the same class, red where they are not. Above each row, what the image is and what the \
         {} nearest make of it; half of those shown are recognised, half are not.",
        &[
            NEIGHBORS.min(found.k()).into(),
            METRICS[metric].to_string().to_uppercase().into(),
            k.into(),
        ],
    ))
    .command(&story.command(&format!(
        "knn --metric {} --k {k} --neighbors neighbors.png",
        METRICS[metric]
    )));
    for wanted in [true, false] {
        let queries = (0..right.len()).filter(|&query| right[query] == wanted);
        for query in queries.take(SHOWN) {
            let truth = story.validation.labels[query];
            let mut images = vec![(story.validation.rows.row(query), PLAIN)];
            for &index in found.indices(query).iter().take(NEIGHBORS) {
                let is_same = story.fit.labels[index as usize] == truth;
                images.push((
                    story.fit.rows.row(index as usize),
                    if is_same { RIGHT } else { WRONG },
                ));
            }
            let label = voter
                .labels(found.distances(query), found.indices(query))
                .next()
                .unwrap_or_default();
            let mark = if wanted { "✓" } else { "✗" };
            let heading = format!("{mark} {} → {}", story.name(truth), story.name(label));
            let alt = format!(
                "an image of class {} and its nearest neighbours; predicted {}",
                story.name(truth),
                story.name(label)
            );
            figure = figure.picture(&heading, &framed(&images, images.len()), 1.1, &alt);
        }
    }
    Ok(Section::new(2, 5, "Images beside their neighbours")
        .paragraph(prose(
            "The best of both metrics and {} values of k on the validation images is {} with k = {}: {} of {} right, \
             {}. What does it see? Often a similar background and a similar shape, not the thing itself.",
            &[
                story.ks().len().into(),
                METRICS[metric].to_string().to_uppercase().into(),
                k.into(),
                (accuracy.correct as usize).into(),
                (accuracy.total as usize).into(),
                percent(accuracy.value()),
            ],
        ))
        .figure(figure))
}
